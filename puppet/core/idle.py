"""What a portrait does while nobody drives it: it breathes, sways a little and blinks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from pose.tracking.landmarks import LEFT_EYE_LOWER, LEFT_EYE_UPPER, RIGHT_EYE_LOWER, RIGHT_EYE_UPPER, PoseFrame
from pose.tracking.mesh import eye_distance

BREATH_SECONDS = 4.2
BREATH = 0.02  # eye distances that the shoulders rise
SWAY_SECONDS = 9.7
SWAY = 0.015  # eye distances to either side
BLINK_SECONDS = 0.28
BLINK_EVERY = (3.0, 6.5)  # s, between two blinks
CLOSED = 0.92  # of the way of the upper lid to the lower one


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
