"""The driver's neutral moment: looking ahead, mouth closed, eyes open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pose.tracking.landmarks import CHIN, UPPER_LIP, PoseFrame
from pose.tracking.signals import expression, head_pose, head_transform, to_head_frame

CALIBRATION_SECONDS = 1.0
JAW_SHUT = 20  # percentile of the chin's height below the eyes, at which the jaw is shut


def find_neutral(frames: Sequence[PoseFrame]) -> PoseFrame:
    """The most neutral of a driver's frames: close to its usual head pose, frontal, mouth closed, eyes open, at rest.

    Frames without a face are passed over; ValueError where none has one.
    """
    seen = [frame for frame in frames if frame.face is not None]
    if not seen:
        raise ValueError("no frame of the driver shows a face; check the light, the distance and the camera")
    poses = np.array([head_pose(frame) for frame in seen])  # (N, 3) degrees
    traits = [expression(frame) for frame in seen]
    mouth = np.array([trait.mouth_open for trait in traits])
    width = np.array([trait.mouth_width for trait in traits])
    lids = np.array([min(trait.lid_left, trait.lid_right) for trait in traits])
    brows = np.array([(trait.brow_left + trait.brow_right) / 2 for trait in traits])
    gaze = np.array([np.hypot(trait.gaze_x, trait.gaze_y) for trait in traits])
    shapes = np.array([to_head_frame(frame.face, head_transform(frame.face))[[UPPER_LIP, CHIN], 1] for frame in seen])
    # lips pressed over a dropped jaw are closed and not at rest
    lip, jaw = np.abs(shapes - [np.median(shapes[:, 0]), np.percentile(shapes[:, 1], JAW_SHUT)]).T
    places = np.array([frame.face[:, :2].mean(axis=0) for frame in seen])
    usual_lids = np.percentile(lids, 70)
    cost = (
        np.abs(poses[:, :2]).sum(axis=1) / 15
        + np.abs(poses[:, 2]) / 20
        + np.abs(poses - np.median(poses, axis=0)).sum(axis=1) / 30
        + np.abs(places - np.median(places, axis=0)).sum(axis=1) / (0.1 * max(seen[0].size))
        + np.maximum(mouth - 0.015, 0) / 0.03
        + np.abs(width - np.median(width)) / 0.1
        + np.abs(lids - usual_lids) / (0.3 * max(usual_lids, 1e-3))
        + np.abs(brows - np.median(brows)) / 0.06
        + gaze / 0.3
        + lip / 0.04
        + jaw / 0.08
    )
    return seen[int(np.argmin(cost))]


class NeutralSearch:
    """Collects the first second of a driver that cannot be known beforehand."""

    def __init__(self) -> None:
        self._frames: list[PoseFrame] = []

    def add(self, frame: PoseFrame) -> None:
        """One more frame; those of another size than the last are forgotten."""
        if self._frames and self._frames[-1].size != frame.size:
            self._frames.clear()
        self._frames.append(frame)

    @property
    def complete(self) -> bool:
        return self._frames[-1].time - self._frames[0].time >= CALIBRATION_SECONDS

    def best(self) -> PoseFrame:
        return find_neutral(self._frames)
