"""The thread that always has the camera's newest frame, says what is wrong with it, and opens it again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from puppet.capture.sources import Source
from puppet.core.latest_value import LatestValue
from puppet.errors import PuppetError

BLACK = 6.0  # mean brightness 0..255 of a picture that shows nothing
BLACK_SECONDS = 1.0  # after which that is said
FAILED_READS = 5  # in a row, after which a camera counts as unplugged
RETRY_SECONDS = 1.0  # between two attempts to open it again
CLOSE_SECONDS = 3.0  # that a driver is given to come back from a read


@dataclass(frozen=True, eq=False)
class CameraFrame:
    image: np.ndarray  # (H, W, 3) uint8 RGB
    time: float  # s on time.perf_counter, when it came


class Camera:
    """Reads a source in a thread of its own. `frames` holds the newest frame that nobody took yet.

    report: takes lines for the user. `status` is "" while all is well, else what is wrong.
    """

    def __init__(self, source: Source, report: Callable[[str], None]):
        self.name = source.name
        self.frames: LatestValue[CameraFrame] = LatestValue()
        self.status = ""
        self.reconnected = 0
        self._source, self._report = source, report
        self._stop = threading.Event()
        self._opened = threading.Event()
        self._error: PuppetError | None = None
        self._black_since: float | None = None
        self._away = False  # gave no pictures any more, and none since
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Raises PuppetError where the camera cannot be opened at all; later failures are mended in the thread."""
        self._thread.start()
        self._opened.wait()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self._stop.set()
        self.frames.close()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        try:
            self._source.open()
        except Exception as error:
            self._error = self._told(error)
            return
        finally:
            self._opened.set()
        failed = 0
        while not self._stop.is_set():
            try:
                image = self._source.read()
            except Exception as error:
                self._say(str(self._told(error)))
                image, failed = None, FAILED_READS
            if image is None:
                failed += 1
                if failed >= FAILED_READS:
                    self._open_again()
                    failed = 0
                else:
                    self._stop.wait(0.01)
                continue
            failed = 0
            if self._away:
                self._away = False
                self.reconnected += 1
                self._black_since = None
                self._say("")
                self._report(f"camera '{self.name}' is back")
            now = time.perf_counter()
            self._watch_light(image, now)
            self.frames.put(CameraFrame(image, now))
        self._source.close()

    def _open_again(self) -> None:
        """Until it opens or the end; it is back when it gives a picture."""
        if not self._away:
            self._say(f"camera '{self.name}' gives no pictures any more: is it unplugged? Waiting for it")
        self._away = True
        self._source.close()
        while not self._stop.wait(RETRY_SECONDS):
            try:
                self._source.open()
                return
            except Exception:
                continue  # still away, or taken meanwhile; what is wrong was said

    def _told(self, error: Exception) -> PuppetError:
        """What a driver or OpenCV throws, as one line."""
        if isinstance(error, PuppetError):
            return error
        return PuppetError(f"camera '{self.name}' failed: {type(error).__name__}: {' '.join(str(error).split())}")

    def _watch_light(self, image: np.ndarray, now: float) -> None:
        if image[::16, ::16].mean() > BLACK:
            if self._black_since is not None and self.status:
                self._say("")
            self._black_since = None
        elif self._black_since is None:
            self._black_since = now
        elif now - self._black_since > BLACK_SECONDS and not self.status:
            self._say(
                f"camera '{self.name}' shows only black: is its cover closed, is it used by another program, or is it "
                "the wrong one (puppet cameras lists them)?"
            )

    def _say(self, status: str) -> None:
        if status and status != self.status:
            self._report(status)
        self.status = status
