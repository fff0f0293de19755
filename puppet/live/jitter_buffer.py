"""When each picture is shown: as soon as possible, but evenly."""

from __future__ import annotations

import threading
from collections import deque

from puppet.outputs.base import Picture

GROUPS = 30  # of the recent past from which the delay is taken: five seconds at full speed
ON_TIME = 0.97  # share of them that the delay waits for; a rare straggler is shown late rather than delaying all
TOLERANCE = 1e-4  # s
MOST_WAITING = 8  # pictures: two groups
EARLY, LATE = 0.002, 0.006  # s between a picture being due and the tick that shows it: what the clock aims for
PHASE_STEP = 0.0005  # s by which one tick of the clock may be moved: nobody sees it


class JitterBuffer:
    """Pictures come four at once; each is due when it is as old as the first of a group usually is when it comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Picture, float]] = deque(maxlen=MOST_WAITING)  # with the moment each came
        self._ages: deque[float] = deque(maxlen=GROUPS)
        self.delay = 0.0  # s from a driver's moment to its picture

    def offer(self, pictures: list[Picture], now: float) -> None:
        """One group, in order."""
        with self._lock:
            self._ages.append(now - pictures[0].time)
            self.delay = sorted(self._ages)[int(ON_TIME * (len(self._ages) - 1))]
            self._waiting.extend((picture, now) for picture in pictures)

    def pick(self, now: float) -> tuple[Picture, float] | None:
        """The newest picture that is due and the seconds that it waited; None where no new one is."""
        due = None
        with self._lock:
            while self._waiting and self._waiting[0][0].time + self.delay <= now + TOLERANCE:
                due = self._waiting.popleft()
        return None if due is None else (due[0], now - due[1])

    def phase_correction(self, picture: Picture, now: float, period: float) -> float:
        """Seconds to move the sender's clock by, so that its ticks come just after pictures are due.

        Pictures and clock have the same rate, so without this every picture would wait for the same, up to a period.
        """
        slack = now - picture.time - self.delay
        if EARLY <= slack <= LATE:
            return 0.0
        # a picture that was missed by a hair is better reached by a later clock than by one a whole period earlier
        return PHASE_STEP if slack < EARLY or slack > period - LATE else -PHASE_STEP
