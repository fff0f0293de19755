"""From poses at the camera's own, uneven times to poses on a constant grid."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pose.tracking.landmarks import PoseFrame, interpolate

SLACK = 0.006  # s between a pose and a tick that it serves as it is, rather than letting it wait for the next pose
AHEAD = 0.017  # s by which a moving face is carried on rather than letting a tick wait for the next pose
LOCK = 0.25  # of that gap by which the grid moves: a camera of nearly the grid's rate soon sets its phase
LONGEST_PAUSE = 0.4  # s between two poses; after a longer one the grid starts anew instead of bridging it


class PoseResampler:
    """Landmarks at the ticks of a constant rate, whatever the rate of the camera is: interpolated between two poses,
    or, a little after the last one, carried on as they moved.

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
        reach = max(SLACK, min(AHEAD, pose.time - before.time))
        while (tick := max(self._last + 1 / self.rate, before.time)) <= pose.time + reach:
            early = tick - pose.time
            if abs(early) <= SLACK:
                due.append(pose)
                self._last = tick - LOCK * early
                break
            due.append(_at(tick, before, pose))
            self._last = tick
        return due


def _at(time: float, before: PoseFrame, pose: PoseFrame) -> PoseFrame:
    """The pose at a time between two poses or a little after them."""
    fraction = (time - before.time) / (pose.time - before.time)
    if fraction <= 1:
        return interpolate(before, pose, fraction)
    if before.face is None or pose.face is None:
        return replace(pose, time=time)
    return replace(pose, face=pose.face + (pose.face - before.face) * np.float32(fraction - 1), time=time)
