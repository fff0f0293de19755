"""The output's own clock: one picture at every tick, the last one again where no new one is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from puppet.errors import PuppetError
from puppet.live.frame_source import FrameSource
from puppet.live.statistics import Statistics
from puppet.media.video_reader import FPS
from puppet.outputs.base import Output, OutputWorker, Picture

MOST_BEHIND = 2  # ticks that are made up for; after a longer pause (a sleeping laptop) the clock goes on from now


class Sender:
    """Sends at a constant rate whatever the generator does. Outputs may come and go while it runs.

    source: asked for a picture at every tick. card: shown instead of everything else while it is set. failed(output,
    error) is called when an output broke; it is out by then.
    """

    def __init__(
        self,
        first: Picture,
        source: FrameSource,
        statistics: Statistics,
        failed: Callable[[Output, Exception], None],
        fps: int = FPS,
    ):
        self.card: Picture | None = None
        self.frozen = False
        self.last = first
        self.dropped = 0  # pictures that outputs, closed by now, were too slow for
        self.error: BaseException | None = None  # what ended the clock
        self.fps = fps
        self._source, self._statistics, self._failed = source, statistics, failed
        self._lock = threading.Lock()
        self._workers: list[OutputWorker] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    @property
    def outputs(self) -> list[Output]:
        with self._lock:
            return [worker.output for worker in self._workers]

    def add(self, output: Output) -> None:
        height, width = self.last.person.shape[:2]
        output.open((width, height), self.fps)
        with self._lock:
            self._workers.append(OutputWorker(output, self._output_failed))

    def remove(self, output: Output) -> Exception | None:
        """Close an output; waits until it has written what it still had. What broke it meanwhile."""
        with self._lock:
            found = [worker for worker in self._workers if worker.output is output]
            self._workers = [worker for worker in self._workers if worker.output is not output]
        for worker in found:
            worker.close()
            self.dropped += worker.dropped
        return next((worker.error for worker in found if worker.error), None)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for output in self.outputs:
            self.remove(output)

    def _run(self) -> None:
        try:
            self._send()
        except BaseException as error:
            self.error = error

    def _send(self) -> None:
        start, tick = time.perf_counter(), 0
        while not self._stop.wait(max(0.0, start + tick / self.fps - time.perf_counter())):
            now = time.perf_counter()
            new = None if self.card or self.frozen else self._source.pick(now)
            if new is not None:
                self.last = new
                start += self._source.phase_correction(new, now, 1 / self.fps)
            shown = self.card or self.last
            with self._lock:
                for worker in self._workers:
                    worker.put(shown)
            self._statistics.sent(time.perf_counter(), new)
            behind = int((time.perf_counter() - start) * self.fps) - tick
            tick += 1 if behind <= MOST_BEHIND else behind

    def _output_failed(self, output: Output, error: Exception) -> None:
        with self._lock:
            self._workers = [worker for worker in self._workers if worker.output is not output]
        if not isinstance(error, PuppetError):
            error = PuppetError(f"output {output.name} failed: {type(error).__name__}: {error}")
        self._failed(output, error)
