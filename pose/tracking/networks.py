"""What MediaPipe's networks say, in the coordinates of this package."""

from __future__ import annotations

from typing import Any

import numpy as np

from .mesh import eye_distance

# In a still. A face's crop comes from the landmarks before: after three passes they still move by 0.5 % of the eye
# distance.
STILL_PASSES = 8
# MediaPipe counts pixels of the picture, whose centres are at a half here, but centres in the network's own crop, which
# is so many eye distances to a pixel's half (measured: faces enlarged twofold move by the first, mirrored ones by
# both).
PICTURE_HALF = 0.5  # px
CROP_HALF = 0.004  # eye distances


def face_array(landmarks: Any, size: tuple[int, int]) -> np.ndarray | None:
    """(478, 3) float32 px of MediaPipe's list of normalised points of a face, None for None."""
    face = landmark_array(landmarks, size)
    if face is not None:
        face[:, :2] += PICTURE_HALF - CROP_HALF * eye_distance(face)
    return face


def landmark_array(landmarks: Any, size: tuple[int, int]) -> np.ndarray | None:
    """MediaPipe's list of normalised points as pixels: (N, 3), and (33, 4) with visibility for a body."""
    if landmarks is None:
        return None
    points = landmarks.landmark
    width, height = size
    if len(points) == 33:
        values = [(p.x * width, p.y * height, p.z * width, p.visibility) for p in points]
    else:
        values = [(p.x * width, p.y * height, p.z * width) for p in points]
    return np.array(values, np.float32)
