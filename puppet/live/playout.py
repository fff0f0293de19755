"""When each picture is shown: as soon as possible, but evenly."""

from __future__ import annotations

import threading
from collections import deque

from puppet.outputs.base import Picture

GROUPS = 30  # of the recent past from which the delay is taken: five seconds at full speed
ON_TIME = 0.9  # share of them that the delay waits for; a rare straggler is shown late rather than delaying all
TOLERANCE = 0.002  # s
MOST_WAITING = 8  # pictures: two groups


class Playout:
    """Pictures come four at once; each is due when it is as old as the first of a group usually is when it comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[Picture] = deque(maxlen=MOST_WAITING)
        self._ages: deque[float] = deque(maxlen=GROUPS)
        self.delay = 0.0  # s from a driver's moment to its picture
        self.skipped = 0  # pictures that were overtaken by newer ones

    def offer(self, pictures: list[Picture], now: float) -> None:
        """One group, in order."""
        with self._lock:
            self._ages.append(now - pictures[0].time)
            self.delay = sorted(self._ages)[int(ON_TIME * (len(self._ages) - 1))]
            self.skipped += max(0, len(self._waiting) + len(pictures) - MOST_WAITING)
            self._waiting.extend(pictures)

    def pick(self, now: float) -> Picture | None:
        """The newest picture that is due, None where no new one is."""
        picture = None
        with self._lock:
            while self._waiting and self._waiting[0].time + self.delay <= now + TOLERANCE:
                self.skipped += picture is not None
                picture = self._waiting.popleft()
        return picture

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
