"""From poses at the camera's own, uneven times to poses on a constant grid."""

from __future__ import annotations

import math

from pose.landmarks import PoseFrame, interpolate

SLACK = 0.006  # s between a pose and a tick that it serves as it is, rather than letting it wait for the next pose
LOCK = 0.25  # of that gap by which the grid moves: a camera of nearly the grid's rate soon sets its phase
LONGEST_PAUSE = 0.4  # s between two poses; after a longer one the grid starts anew instead of bridging it


class Ticks:
    """Interpolates landmarks at the ticks of a constant rate, whatever the rate of the camera is.

    A pose carries the moment that it shows, a tick's or its own a hair beside it, so the delay that is measured
    against it is the true one.
    """

    def __init__(self, rate: float):
        self.rate = rate  # may be changed at any time
        self._before: PoseFrame | None = None
        self._last = -math.inf  # time of the last tick

    def add(self, pose: PoseFrame) -> list[PoseFrame]:
        """The poses of all ticks up to this pose's time; mostly none or one."""
        before, self._before = self._before, pose
        if before is None or before.size != pose.size or not 0 <= pose.time - before.time <= LONGEST_PAUSE:
            self._last = pose.time
            return [pose]
        due = []
        while (tick := max(self._last + 1 / self.rate, before.time)) <= pose.time + SLACK:
            early = tick - pose.time
            if abs(early) <= SLACK:
                due.append(pose)
                self._last = tick - LOCK * early
                break
            due.append(interpolate(before, pose, (tick - before.time) / (pose.time - before.time)))
            self._last = tick
        return due
