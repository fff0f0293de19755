"""What the character does while the driver's face is not seen: policies of the puppeteer.

A policy is called with every pose of the driver in turn: (time in seconds, the character's target, or None without a
face). It answers with the pose to show, and tells whether the face is `lost`. Only landmarks and motion come in, so
nothing of the camera's picture can come out.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pose.geometry import smoothstep
from pose.motion.arm_rest import arms_towards_rest
from pose.tracking.landmarks import (
    LEFT_EYE_LOWER,
    LEFT_EYE_UPPER,
    RIGHT_EYE_LOWER,
    RIGHT_EYE_UPPER,
    PoseFrame,
    interpolate,
)
from pose.tracking.mesh import eye_distance

BREATH_SECONDS = 4.2
BREATH = 0.02  # eye distances that the shoulders rise
SWAY_SECONDS = 9.7
SWAY = 0.015  # eye distances to either side
BLINK_SECONDS = 0.28
BLINK_EVERY = (3.0, 6.5)  # s, between two blinks
CLOSED = 0.92  # of the way of the upper lid to the lower one
EASE_FRAMES = 6  # of a video, on the way back to the driver after its face was lost
HOLD_SECONDS = 0.5  # that the last pose is held after the face was lost
ARMS_SECONDS = 0.6  # in which arms then come to rest while the head is held
AWAY_SECONDS = 1.2  # in which it then eases to idle motion
BACK_SECONDS = 0.4  # at most, in which a face that is found again is taken up


class IdleMotion:
    """A function of time: the portrait's own pose, alive. The same seed gives the same blinks."""

    def __init__(self, portrait: PoseFrame, seed: int = 0):
        self._portrait = portrait
        self._unit = eye_distance(portrait.face)
        self._random = np.random.default_rng(seed)
        self._blink = -math.inf  # s, start of the blink that is next or running

    def __call__(self, time: float) -> PoseFrame:
        rise = BREATH * self._unit * math.sin(2 * math.pi * time / BREATH_SECONDS)
        sway = SWAY * self._unit * math.sin(2 * math.pi * time / SWAY_SECONDS)
        face = self._portrait.face.copy()
        closing = CLOSED * self._closing(time)
        for upper, lower in ((LEFT_EYE_UPPER, LEFT_EYE_LOWER), (RIGHT_EYE_UPPER, RIGHT_EYE_LOWER)):
            face[list(upper)] += closing * (face[list(lower)] - face[list(upper)])
        face[:, 0] += sway
        face[:, 1] -= rise / 2  # the head rises less than the shoulders
        body = self._portrait.body
        if body is not None:
            body = body.copy()
            body[:, 1] -= rise
        return replace(self._portrait, face=face, body=body, time=time)

    def _closing(self, time: float) -> float:
        """0 open, 1 closed."""
        if time > self._blink + BLINK_SECONDS:
            # a first blink comes after a pause, and so does one after a time in which nobody asked
            self._blink = time + self._random.uniform(*BLINK_EVERY)
        return math.sin(math.pi * (time - self._blink) / BLINK_SECONDS) ** 2 if time >= self._blink else 0.0


class HoldPose:
    """For videos: hold the last pose while the arms come to rest, and ease back within a fixed number of frames."""

    def __init__(self, portrait: PoseFrame):
        self.lost = False  # whether the face is not seen
        self._portrait = portrait
        self._shown = self._held = portrait
        self._lost_at = 0.0
        self._easing = 0  # frames until the driver is followed fully

    def __call__(self, time: float, target: PoseFrame | None) -> PoseFrame:
        if target is None:
            if not self.lost:
                self._held, self._lost_at, self.lost = self._shown, time, True
            self.resume(time)
            away = ease((time - self._lost_at - HOLD_SECONDS) / ARMS_SECONDS)
            self._shown = arms_towards_rest(self._held, self._portrait, away)
            return self._shown
        self.lost = False
        if self._easing:
            target = interpolate(self._shown, target, 1 / self._easing)
            self._easing -= 1
        self._shown = target
        return target

    def resume(self, time: float) -> None:
        """After a pause: ease from the pose that is shown into the driver's."""
        self._easing = EASE_FRAMES


class IdleWhenLost:
    """For live use: hold the pose, then idle, then take up the driver again smoothly. Begins idling."""

    def __init__(self, portrait: PoseFrame):
        self._idle = IdleMotion(portrait)
        self._shown = self._held = portrait
        self._lost_at: float | None = -math.inf  # None while a face is there
        self._found_at: float | None = None  # None once it is followed fully
        self._back = BACK_SECONDS
        self._time = -math.inf

    @property
    def lost(self) -> bool:
        return self._lost_at is not None

    def __call__(self, time: float, target: PoseFrame | None) -> PoseFrame:
        if time < self._time:
            self._set_back(self._time - time)
        self._time = time
        self._shown = self._away(time) if target is None else self._return(time, target)
        return self._shown

    def resume(self, time: float) -> None:
        self._take_up(time, BACK_SECONDS)

    def _away(self, now: float) -> PoseFrame:
        if self._lost_at is None:
            self._lost_at, self._held = now, self._shown
        away = now - self._lost_at - HOLD_SECONDS
        return self._held if away <= 0 else interpolate(self._held, self._idle(now), ease(away / AWAY_SECONDS))

    def _return(self, now: float, target: PoseFrame) -> PoseFrame:
        if self._lost_at is not None:
            # after one frame without a face the motion must not lag for ten
            self._take_up(now, min(BACK_SECONDS, 0.05 + 2 * (now - self._lost_at)))
        if self._found_at is None:
            return target
        weight = ease((now - self._found_at) / self._back)
        if weight >= 1:
            self._found_at = None
        return interpolate(self._held, target, weight)

    def _set_back(self, seconds: float) -> None:
        """The clock was set back: what began a while ago still did."""
        self._lost_at = None if self._lost_at is None else self._lost_at - seconds
        self._found_at = None if self._found_at is None else self._found_at - seconds

    def _take_up(self, now: float, seconds: float) -> None:
        self._held, self._found_at, self._back, self._lost_at = self._shown, now, seconds, None


LossPolicy = HoldPose | IdleWhenLost


def ease(fraction: float) -> float:
    """0 to 1 without a jerk at the ends."""
    return float(smoothstep(fraction, (0.0, 1.0)))
