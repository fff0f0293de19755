"""The output's own clock: one picture at every tick, the last one again where no new one is due."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from puppet.errors import PuppetError
from puppet.live.playout import Playout
from puppet.live.statistics import Statistics
from puppet.outputs.base import Channel, Output, Picture
from puppet.video_in import FPS

MOST_BEHIND = 2  # ticks that are made up for; after a longer pause (a sleeping laptop) the clock goes on from now


class Sender:
    """Sends at a constant rate whatever the generator does. Outputs may come and go while it runs.

    card: shown instead of everything else while it is set. failed(output, error) is called when an output broke; it
    is out by then.
    """

    def __init__(
        self,
        first: Picture,
        statistics: Statistics,
        failed: Callable[[Output, Exception], None],
        fps: int = FPS,
    ):
        self.card: Picture | None = None
        self.frozen = False
        self.playout = Playout()
        self.last = first
        self.dropped = 0  # pictures that outputs, closed by now, were too slow for
        self._statistics = statistics
        self._failed = failed
        self._fps = fps
        self._lock = threading.Lock()
        self._channels: list[Channel] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    @property
    def outputs(self) -> list[Output]:
        with self._lock:
            return [channel.output for channel in self._channels]

    def add(self, output: Output) -> None:
        """Open an output and send to it from now on."""
        output.open(self.last.person.shape[0], self._fps)
        with self._lock:
            self._channels.append(Channel(output, self._output_failed))

    def remove(self, output: Output) -> Exception | None:
        """Close an output; waits until it has written what it still had. What broke it meanwhile."""
        with self._lock:
            found = [channel for channel in self._channels if channel.output is output]
            self._channels = [channel for channel in self._channels if channel.output is not output]
        for channel in found:
            channel.close()
            self.dropped += channel.dropped
        return next((channel.error for channel in found if channel.error), None)

    def offer(self, pictures: list[Picture]) -> None:
        """The next group of pictures, in order."""
        self.playout.offer(pictures, time.perf_counter())

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Stop the clock and close all outputs."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for output in self.outputs:
            self.remove(output)

    def _run(self) -> None:
        start, tick = time.perf_counter(), 0
        while not self._stop.wait(max(0.0, start + tick / self._fps - time.perf_counter())):
            now = time.perf_counter()
            due = self.playout.pick(now)
            new = None
            if due is not None and not self.frozen:
                new, waited = due
                self.last = new
                self._statistics.waited("wait", waited)
                start += self.playout.nudge(new, now, 1 / self._fps)
            shown = self.card or self.last
            with self._lock:
                for channel in self._channels:
                    channel.put(shown)
            self._statistics.sent(now, None if self.card else new)
            behind = int((time.perf_counter() - start) * self._fps) - tick
            tick += 1 if behind <= MOST_BEHIND else behind

    def _output_failed(self, output: Output, error: Exception) -> None:
        with self._lock:
            self._channels = [channel for channel in self._channels if channel.output is not output]
        if not isinstance(error, PuppetError):
            error = PuppetError(f"output {output.name} failed: {type(error).__name__}: {error}")
        self._failed(output, error)
