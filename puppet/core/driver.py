"""The driver: pictures of a person in, the person's smoothed pose out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.tracking.skin_motion import SkinMotion
from pose.tracking.smoothing import PoseSmoother
from pose.tracking.tracker import Tracker
from pose.warp.surroundings import Surroundings
from puppet.core.timings import Timings
from puppet.errors import PuppetError
from puppet.media.video_reader import FPS, centre_square

TRACKED_SIDE = 640  # px: more does not make the landmarks better


class Driver:
    """One person before one camera. Call it with every picture, in the order of their times.

    waits: for what takes longer than a frame; else another thread does it, by `prepare`.
    """

    def __init__(self, tracker: Tracker, timings: Timings, waits: bool = True):
        self._tracker, self._timings = tracker, timings
        self._follow_skin, self._smooth, self._look_around = SkinMotion(), PoseSmoother(), Surroundings(waits)

    def __call__(self, picture: np.ndarray, time: float, body: bool | None = None) -> PoseFrame:
        """The pose in the centred square of (H, W, 3) uint8 RGB at `time` (s); its face is None where none was found.

        body: whether to look for body and hands; None leaves it to the tracker.
        """
        with self._timings.measure("track"):
            picture = centre_square(picture, TRACKED_SIDE)
            pose = self._smooth(self._follow_skin(picture, self._tracker.track(picture, time, body)))
            return self._look_around(picture, pose)

    def prepare(self) -> None:
        """What the next pictures wait for, if anything: tens of milliseconds. May run beside a call."""
        self._look_around.prepare()


def track(frames: Iterable[np.ndarray], tracker: Tracker, timings: Timings, fps: int = FPS) -> Iterator[PoseFrame]:
    """The driver's pose in every frame of a video."""
    driver = Driver(tracker, timings)
    for index, frame in enumerate(frames):
        yield driver(frame, index / fps)


def check_face_seen(poses: Sequence[PoseFrame], driver: Path) -> None:
    """Raises PuppetError where no frame of the driver's file shows a face."""
    if all(pose.face is None for pose in poses):
        raise PuppetError(
            f"driver {driver}: no face was found in any of its {len(poses)} frames; it has to show one person's "
            "face, lit, and not much smaller than a fifth of the picture's height"
        )
