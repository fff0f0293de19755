"""What every output is, and the thread that keeps a slow one from holding up the others."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from puppet.core.background import Background
from puppet.errors import PuppetError

MOST_WAITING = 4  # pictures; an output that is further behind loses the oldest
CLOSE_SECONDS = 10.0  # that an output is given to end


@dataclass(frozen=True, eq=False)
class Picture:
    """One generated video frame."""

    person: np.ndarray  # (H, W, 4) uint8 premultiplied RGBA
    framed: np.ndarray  # (H, W, 4) uint8: the person over the chosen background; opaque unless that is "transparent"
    background: Background
    time: float  # s on the clock time.perf_counter: the moment of the driver that it shows
    live: bool = True  # whether a driver led to it, and not idle motion or a still picture
    appearance: float | None = None  # s on the same clock: the driver's moment of the newest generated frame in it


class Output:
    """One place where pictures go; this one is nowhere, for measuring.

    `open` and `close` are called once each, `send` at a constant rate from a thread of the output's own.
    """

    name = "none"
    close_seconds: float | None = CLOSE_SECONDS  # to write what it still has; None: whatever it takes

    def open(self, size: tuple[int, int], fps: int) -> None:
        """Get ready for pictures of `size` (width, height). Raises PuppetError where that is not possible."""

    def send(self, picture: Picture) -> None:
        """Show one picture. Raises PuppetError when the output broke."""

    def close(self) -> None:
        """Let go of everything."""


class OutputWorker:
    """An open output and its thread."""

    def __init__(self, output: Output, failed: Callable[[Output, Exception], None]):
        self.output = output
        self.dropped = 0
        self.error: Exception | None = None  # what broke it
        self._failed = failed
        self._changed = threading.Condition()
        self._waiting: deque[Picture] = deque()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"output {output.name}", daemon=True)
        self._thread.start()

    def put(self, picture: Picture) -> None:
        """Never blocks; the oldest of too many waiting pictures is dropped."""
        with self._changed:
            if len(self._waiting) == MOST_WAITING:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append(picture)
            self._changed.notify()

    def close(self) -> None:
        """Send what waits, then close the output."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(self.output.close_seconds)

    def _run(self) -> None:
        try:
            while (picture := self._next()) is not None:
                self.output.send(picture)
            self.output.close()
        except Exception as error:
            self.error = error
            with suppress(PuppetError):  # it is broken already, and that is being told
                self.output.close()
            self._failed(self.output, error)

    def _next(self) -> Picture | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            return self._waiting.popleft() if self._waiting else None
