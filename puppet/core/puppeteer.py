"""The puppeteer: the driver's pose in, the character's pose out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pose.motion.retargeting import Retargeter
from pose.tracking.landmarks import PoseFrame
from puppet.core.tracking_loss import HoldPose, LossPolicy
from puppet.errors import reported_as_puppet_error


class Puppeteer:
    """Moves one character as one driver moves. Call it with every pose of the driver, in the order of their times.

    Args:
        portrait: the character's own pose.
        neutral: the driver at rest; None: found by itself in the first second.
        motion: "relative" or "absolute".
        strength: factor on the motion, 0 to 3.
        policy: makes what decides while the driver's face is not seen, from the portrait's pose.
        hands: whether arms and hands follow.
        drawn: whether the character is a drawing.
    Raises PuppetError for values that are not possible.
    """

    def __init__(
        self,
        portrait: PoseFrame,
        neutral: PoseFrame | None = None,
        motion: str = "relative",
        strength: float = 1.0,
        policy: Callable[[PoseFrame], LossPolicy] = HoldPose,
        hands: bool = True,
        drawn: bool = False,
    ):
        with reported_as_puppet_error(ValueError):
            self._retargeter = Retargeter(portrait, neutral, motion, strength, hands, drawn)
        self._policy = policy(portrait)
        self.frames_lost = 0  # in which the driver's face was not found

    def __call__(self, driver: PoseFrame) -> PoseFrame:
        """The character's pose at driver.time; it always has a face."""
        if driver.face is None:
            self.frames_lost += 1
        target = None if driver.face is None else self._retargeter.retarget(driver)
        return replace(self._policy(driver.time, target), time=driver.time)

    @property
    def lost(self) -> bool:
        """Whether the driver's face is not seen."""
        return self._policy.lost

    def resume(self, time: float) -> None:
        """After a pause: ease from the pose that was shown into the driver's."""
        self._policy.resume(time)

    @property
    def neutral(self) -> PoseFrame | None:
        """The driver's neutral pose in use; None before the first face, and where motion is absolute."""
        return self._retargeter.neutral

    @property
    def settled_neutral(self) -> PoseFrame | None:
        """The neutral pose, once it no longer changes by itself."""
        return self._retargeter.settled_neutral

    def set_neutral(self, neutral: PoseFrame) -> None:
        self._retargeter.set_neutral(neutral)

    def set_strength(self, strength: float) -> None:
        self._retargeter.strength = strength

    def set_hands(self, hands: bool) -> None:
        """Whether arms and hands follow; they ease to the portrait's own, or back to the driver's."""
        self._retargeter.hands = hands

    def fit_neutral(self, size: tuple[int, int]) -> None:
        """Scale the neutral pose to pictures of `size` (width, height): the same camera at another resolution."""
        neutral = self.neutral
        if self._retargeter.mode == "relative" and neutral is not None and neutral.size != size:
            scale = size[0] / neutral.size[0]
            self.set_neutral(neutral.transformed(np.array([[scale, 0, 0], [0, scale, 0]]), size))
