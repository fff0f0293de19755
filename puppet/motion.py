"""From the driver's frames to a pose for every frame, also where no face was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pose.tracking.landmarks import PoseFrame, interpolate
from pose.motion.retargeting import Retargeter
from pose.tracking.smoothing import PoseSmoother
from pose.tracking.tracker import Tracker
from puppet.errors import PuppetError
from puppet.timings import Timings
from puppet.video_in import FPS, centre_square

TRACKED_SIDE = 640  # px: more does not make the landmarks better
EASE_FRAMES = 6  # of the way back to the driver after its face was lost


def track(frames: Iterable[np.ndarray], tracker: Tracker, timings: Timings, fps: int = FPS) -> Iterator[PoseFrame]:
    """The smoothed pose in the centred square of every (H, W, 3) uint8 RGB frame."""
    smooth = PoseSmoother()
    for index, frame in enumerate(frames):
        with timings.measure("track"):
            pose = smooth(tracker.track(centre_square(frame, TRACKED_SIDE), index / fps))
        yield pose


def check_face_seen(poses: Sequence[PoseFrame], driver: Path) -> None:
    """Raises PuppetError where no frame of the driver's file shows a face."""
    if all(pose.face is None for pose in poses):
        raise PuppetError(
            f"driver {driver}: no face was found in any of its {len(poses)} frames; it has to show one person's "
            "face, lit, and not much smaller than a fifth of the picture's height"
        )


class Follower:
    """Poses of the portrait for the poses of a driver.

    Without a face the last one is held; into a returning face it eases.
    `lost` counts the frames without a face.
    """

    def __init__(self, retargeter: Retargeter):
        self._retargeter = retargeter
        self._shown = retargeter.portrait
        self._easing = 0  # frames until the driver is followed fully
        self.lost = 0

    def __call__(self, driver: PoseFrame) -> PoseFrame:
        if driver.face is None:
            self.lost += 1
            self._easing = EASE_FRAMES
            return self._shown
        target = self._retargeter.retarget(driver)
        if self._easing:
            target = interpolate(self._shown, target, 1 / self._easing)
            self._easing -= 1
        self._shown = target
        return target
