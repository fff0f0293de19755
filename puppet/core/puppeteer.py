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
            self.retargeter = Retargeter(portrait, neutral, motion, strength, hands, drawn)
        self.policy = policy(portrait)
        self.frames_lost = 0  # in which the driver's face was not found

    def __call__(self, driver: PoseFrame) -> PoseFrame:
        """The character's pose at driver.time; it always has a face."""
        if driver.face is None:
            self.frames_lost += 1
        target = None if driver.face is None else self.retargeter.retarget(driver)
        return replace(self.policy(driver.time, target), time=driver.time)

    def fit_neutral(self, size: tuple[int, int]) -> None:
        """Scale the neutral pose to pictures of `size` (width, height): the same camera at another resolution."""
        neutral = self.retargeter.neutral
        if self.retargeter.mode == "relative" and neutral is not None and neutral.size != size:
            scale = size[0] / neutral.size[0]
            self.retargeter.set_neutral(neutral.transformed(np.array([[scale, 0, 0], [0, scale, 0]]), size))
