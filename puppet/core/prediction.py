"""Where the head will be: the newest pose carried on by its last motion, for one tracker interval at most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, eye_distance, fit_similarity

LONGEST_INTERVAL = 0.1  # s between two poses, beyond which the motion between them says nothing of the next moment
FARTHEST = 0.12  # eye distances that a prediction moves the head: a jump is no velocity


def horizon(before: PoseFrame | None, latest: PoseFrame, now: float) -> float:
    """How far to predict at `now`, in intervals between the two latest poses of one character: 0 to 1."""
    interval = latest.time - before.time if before is not None else 0.0
    return min(max((now - latest.time) / interval, 0.0), 1.0) if 0 < interval <= LONGEST_INTERVAL else 0.0


def predict(before: PoseFrame | None, latest: PoseFrame, intervals: float) -> PoseFrame:
    """The pose so many intervals after the latest one; its time stays the latest's.

    Only the head moves on, as a rigid body: a lid that closes in one interval must not be carried on into the cheek.
    """
    if before is None or intervals == 0:
        return latest
    rigid = latest.face[RIGID_LANDMARKS]
    motion = fit_similarity(before.face[RIGID_LANDMARKS], rigid)
    moved = motion(latest.face) - latest.face
    farthest = float(np.hypot(*moved[RIGID_LANDMARKS, :2].T).max()) / eye_distance(latest.face)
    weight = min(intervals, FARTHEST / max(farthest, 1e-6))
    return replace(latest, face=latest.face + np.float32(weight) * moved)
