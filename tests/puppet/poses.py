"""Made-up poses: the canonical face somewhere in a picture."""

from __future__ import annotations

import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import face_mesh


def pose_at(x: float, y: float = 110.0, size: int = 256, eyes: float = 60.0, time: float = 0.0) -> PoseFrame:
    """A neutral frontal face between whose eyes (x, y) lies; eyes: distance of the outer eye corners in pixels."""
    face = face_mesh().canonical * eyes + np.array([x, y, 0], np.float32)
    return PoseFrame(face.astype(np.float32), None, None, None, (size, size), time)
