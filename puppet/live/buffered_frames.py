"""`--reprojection off`: the generated frames as they are, shown as soon as possible, but evenly."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence

import numpy as np

from pose.tracking.landmarks import PoseFrame
from puppet.core.batcher import Batch
from puppet.core.character import Character
from puppet.core.latest_value import LatestValue
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.frame_source import FrameSource, make_picture
from puppet.live.gather import PoseGather
from puppet.live.statistics import Statistics
from puppet.outputs.base import Picture

GROUPS = 30  # of the recent past from which the delay is taken: five seconds at full speed
ON_TIME = 0.97  # share of them that the delay waits for; a rare straggler is shown late rather than delaying all
TOLERANCE = 1e-4  # s
MOST_WAITING = 8  # pictures: two groups
EARLY, LATE = 0.002, 0.006  # s between a picture being due and the tick that shows it: what the clock aims for
PHASE_STEP = 0.0005  # s by which one tick of the clock may be moved: nobody sees it


class BufferedFrames(FrameSource):
    """Pictures come four at once; each is due when it is as old as the first of a group usually is when it comes."""

    def __init__(self, statistics: Statistics, quality: AdaptiveQuality):
        self.batches: LatestValue[tuple[Batch, bool]] = LatestValue()
        self._timings, self._quality = statistics.timings, quality
        self._gather = PoseGather(statistics.timings)
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Picture, float]] = deque(maxlen=MOST_WAITING)  # with the moment each came
        self._ages: deque[float] = deque(maxlen=GROUPS)
        self.delay = 0.0  # s from a driver's moment to its picture

    def show(self, character: Character, target: PoseFrame, live: bool, mirrored: bool) -> None:
        for batch in self._gather.add(character, target, live, self._quality.level.rate):
            self.batches.put((batch, mirrored))

    def offer(self, batch: Batch, frames: np.ndarray, mirrored: bool) -> None:
        pictures = [
            make_picture(person, batch.character, target.time, batch.live, target.time, mirrored, self._timings)
            for person, target in zip(frames, batch.targets, strict=True)
        ]
        self.queue(pictures, time.perf_counter())

    def queue(self, pictures: Sequence[Picture], now: float) -> None:
        """One group, in order."""
        with self._lock:
            self._ages.append(now - pictures[0].time)
            self.delay = sorted(self._ages)[int(ON_TIME * (len(self._ages) - 1))]
            self._waiting.extend((picture, now) for picture in pictures)

    def pick(self, now: float) -> Picture | None:
        """The newest picture that is due."""
        due, came = None, now
        with self._lock:
            while self._waiting and self._waiting[0][0].time + self.delay <= now + TOLERANCE:
                due, came = self._waiting.popleft()
        if due is not None:
            self._timings.add("wait", now - came)
        return due

    def phase_correction(self, picture: Picture, now: float, period: float) -> float:
        """Seconds to move the sender's clock by, so that its ticks come just after pictures are due.

        Pictures and clock have the same rate, so without this every picture would wait for the same, up to a period.
        """
        slack = now - picture.time - self.delay
        if EARLY <= slack <= LATE:
            return 0.0
        # a picture that was missed by a hair is better reached by a later clock than by one a whole period earlier
        return PHASE_STEP if slack < EARLY or slack > period - LATE else -PHASE_STEP
