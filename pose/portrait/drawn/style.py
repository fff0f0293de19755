"""Whether a portrait is a drawing: flat areas between hard outlines, which skin in a photograph or a painting never
is."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL
from pose.tracking.mesh import eye_distance

from .boxes import anime_faces

EYES_APART = 160.0  # px between the outer eye corners at which the face is looked at
RIM = 15  # px of the face's rim that do not count: hair, background
STILL, STEEP = 0.75, 12.0  # grey levels a pixel: below the first a place is flat, beyond the second an outline
# Shares of the face. Photographs and oil paintings tried: flat at most 0.32, outlines at most 0.13. Vector and flat
# cartoons: flat from 0.42. Painted anime faces: flat from 0.16, outlines from 0.2.
FLAT = 0.4
OUTLINED, HALF_FLAT = 0.17, 0.15
# Likelihood from which a detector of drawn faces settles it. Photographs and paintings had none from these px between
# the eyes on, but where they are smaller it takes them for drawings: those are enlarged, and so many eye distances
# around the face are enough.
LIKELY, LEAST_APART, AROUND = 0.9, 60.0, 3.0


def is_drawn(picture: np.ndarray, face: np.ndarray) -> bool:
    """Whether the face with the landmarks `face` (478, 3) in an RGB uint8 picture is drawn."""
    view, middle = _large_enough(picture, face)
    for found in anime_faces(view):
        x, y, width, height = found["face_box"]
        inside = (np.abs(middle - (x + width / 2, y + height / 2)) < (width / 2, height / 2)).all()
        if found["likelihood"] >= LIKELY and inside:
            return True
    scale = EYES_APART / max(eye_distance(face), 1e-3)
    low, high = face[:, :2].min(0), face[:, :2].max(0)
    width, height = np.maximum((high - low) * scale, 1).astype(int)
    view = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale) if scale < 1 else picture
    flags = cv2.INTER_LINEAR if scale < 1 else cv2.INTER_CUBIC
    matrix = np.array([[scale, 0, -low[0] * scale], [0, scale, -low[1] * scale]])
    grey = cv2.cvtColor(cv2.warpAffine(view, matrix, (int(width), int(height)), flags=flags), cv2.COLOR_RGB2GRAY)
    oval = np.rint((face[list(FACE_OVAL), :2] - low) * scale).astype(np.int32)
    inside = cv2.fillPoly(np.zeros(grey.shape, np.uint8), [oval], 1)
    inside = cv2.erode(inside, np.ones((RIM, RIM), np.uint8)) > 0
    if not inside.any():
        return False
    # an eighth of Sobel's sum is the slope in grey levels a pixel
    slope = np.hypot(*(cv2.Sobel(grey, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1))))[inside]
    # enlarging makes slopes gentle, and a small photograph is no drawing for that
    flat, outlined = float((slope * max(scale, 1.0) < STILL).mean()), float((slope > STEEP).mean())
    return flat >= FLAT or (outlined >= OUTLINED and flat >= HALF_FLAT)


def _large_enough(picture: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture for the detector, and where in it the middle (2,) of the face is."""
    unit, middle = max(eye_distance(face), 1.0), face[list(FACE_OVAL), :2].mean(0)
    if unit >= LEAST_APART:
        return picture, middle
    low = np.clip(middle - AROUND * unit, 0, picture.shape[1::-1]).astype(int)
    high = np.clip(middle + AROUND * unit, low + 1, picture.shape[1::-1]).astype(int)
    part, scale = picture[low[1] : high[1], low[0] : high[0]], LEAST_APART / unit
    return cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), (middle - low) * scale
