"""The portrait's pose for every pose of the driver, also while the driver's face is not seen."""

from __future__ import annotations

import math
from dataclasses import replace

from pose.tracking.landmarks import PoseFrame, interpolate
from pose.motion.retargeting import Retargeter
from puppet.live.idle import IdleMotion

HOLD_SECONDS = 0.5  # that the last pose is held after the face was lost
AWAY_SECONDS = 1.2  # in which it then eases to idle motion
BACK_SECONDS = 0.4  # at most, in which a face that is found again is taken up


class LiveFollower:
    """Follows while a face is there; without one it holds the pose, then idles, then takes up again smoothly.

    Begins idling. Only landmarks come in, so nothing of the camera's picture can come out.
    """

    def __init__(self, retargeter: Retargeter, seed: int = 0):
        self.retargeter = retargeter
        self._idle = IdleMotion(retargeter.portrait, seed)
        self._shown = self._held = retargeter.portrait
        self._lost_at: float | None = -math.inf  # None while a face is there
        self._found_at: float | None = None  # None once it is followed fully
        self._back = BACK_SECONDS

    @property
    def lost(self) -> bool:
        return self._lost_at is not None

    def __call__(self, driver: PoseFrame) -> PoseFrame:
        """The portrait's pose at driver.time; times must not decrease."""
        now = driver.time
        if driver.face is None:
            target = self._away(now)
        else:
            target = self._back_at(now, self.retargeter.retarget(driver))
        self._shown = replace(target, time=now)
        return self._shown

    def resume(self, now: float) -> None:
        """After a freeze: ease from the pose that is shown into the driver's."""
        self._take_up(now, BACK_SECONDS)

    def _away(self, now: float) -> PoseFrame:
        if self._lost_at is None:
            self._lost_at, self._held = now, self._shown
        away = now - self._lost_at - HOLD_SECONDS
        return self._held if away <= 0 else interpolate(self._held, self._idle(now), smoothstep(away / AWAY_SECONDS))

    def _back_at(self, now: float, target: PoseFrame) -> PoseFrame:
        if self._lost_at is not None:
            # after one frame without a face the motion must not lag for ten
            self._take_up(now, min(BACK_SECONDS, 0.05 + 2 * (now - self._lost_at)))
        if self._found_at is None:
            return target
        share = smoothstep((now - self._found_at) / self._back)
        if share >= 1:
            self._found_at = None
        return interpolate(self._held, target, share)

    def _take_up(self, now: float, seconds: float) -> None:
        self._held, self._found_at, self._back, self._lost_at = self._shown, now, seconds, None


def smoothstep(share: float) -> float:
    """0 to 1 without a jerk at the ends."""
    share = min(max(share, 0.0), 1.0)
    return share * share * (3 - 2 * share)
