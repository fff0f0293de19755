"""From poses at the camera's own, uneven times to poses on a constant grid."""

from __future__ import annotations

import math

from pose.landmarks import PoseFrame, interpolate

LONGEST_PAUSE = 0.4  # s between two poses; after a longer one the grid starts anew instead of bridging it


class Ticks:
    """Interpolates landmarks at the ticks of a constant rate, whatever the rate of the camera is.

    A picture shows its driver at exactly the tick's time, so the delay that is measured against it is the true one.
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
        while (tick := max(self._last + 1 / self.rate, before.time)) <= pose.time:
            span = pose.time - before.time
            due.append(interpolate(before, pose, (tick - before.time) / span if span > 0 else 1.0))
            self._last = tick
        return due
