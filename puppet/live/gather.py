"""Which frames the generator is given while the stream runs."""

from __future__ import annotations

import time

from pose.tracking.landmarks import PoseFrame
from pose.warp.canvas import Canvas
from puppet.core.batcher import Batch, Batcher, condition
from puppet.core.character import Character
from puppet.core.pose_resampler import PoseResampler
from puppet.core.timings import Timings
from puppet.media.video_reader import FPS

LONGEST_PAUSE = 0.4  # s between two frames of one batch


class Gather:
    """Collects batches, and counts how long their frames waited for the last one."""

    def __init__(self, timings: Timings):
        self._timings = timings
        self._batcher = Batcher()
        self._last = float("-inf")  # s, time of the newest frame

    def add(self, character: Character, frame: Canvas, live: bool) -> Batch | None:
        """The batch that this frame completes. After a pause, or where the clock jumped, a new one begins."""
        before, self._last = self._last, frame.target.time
        if not 0 <= self._last - before <= LONGEST_PAUSE:
            self._batcher.clear()
        batch = self._batcher.add(character, frame, live)
        if batch is not None:
            now = time.perf_counter()
            for target in batch.targets:
                self._timings.add("collect", now - target.time)
        return batch


class PoseGather:
    """From poses at the camera's rate to batches at the generator's."""

    def __init__(self, timings: Timings):
        self._timings = timings
        self._gather = Gather(timings)
        self._resampler = PoseResampler(FPS)
        self._character: Character | None = None

    def add(self, character: Character, target: PoseFrame, live: bool, rate: float) -> list[Batch]:
        """The batches that this pose completes; rate: frames a second to make."""
        if character is not self._character:
            self._character, self._resampler = character, PoseResampler(rate)
        self._resampler.rate = rate
        ticks = self._resampler.add(target)
        made = (self._gather.add(character, condition(character, tick, self._timings), live) for tick in ticks)
        return [batch for batch in made if batch is not None]


class Beat:
    """Every how many ticks of a clock a frame is due, at a rate that need not divide the clock's."""

    def __init__(self) -> None:
        self._due = float("-inf")

    def __call__(self, now: float, rate: float, tick: float) -> bool:
        """Whether one is due at the tick of `now` (s). rate: a second; tick: s between two ticks."""
        if not abs(self._due - now) <= 2 / rate:  # a pause, or a clock that jumped
            self._due = now
        if now < self._due - tick / 2:
            return False
        self._due += 1 / rate
        return True
