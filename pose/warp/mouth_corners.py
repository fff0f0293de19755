"""Clean corners of a wide mouth.

In and beside the corners of a closed mouth lie its shadow and its folds, thin and dark. A mouth that opens stretches
them over lips and cheek, a dark wedge. It is filled from lips and skin around it, by a closing (Serra, "Image
Analysis and Mathematical Morphology", 1982): what is darker than its surroundings and thinner than the closing's disc
goes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pose.geometry import ramp, smoothstep
from pose.tracking.features import MOUTH
from pose.tracking.mesh import eye_distance
from pose.tracking.signals import mouth_opening

from .canvas import Canvas


@dataclass(frozen=True)
class CornerSettings:
    """Lengths in eye distances."""

    opened: tuple[float, float] = (0.06, 0.18)  # by how much more than in the portrait, from nothing to all of it
    reach: float = 0.16  # around the corner, where the wedge lies
    disc: float = 0.07  # half a side of the closing: half of the widest wedge
    least: int = 3  # px of reach, below which nothing is seen


class CornerPainter:
    """Cleans both corners of the mouth of one portrait. face: (478, 3) its landmarks."""

    def __init__(self, face: np.ndarray, settings: CornerSettings = CornerSettings()):
        self._settings = settings
        self._opening = mouth_opening(face)

    def paint(self, canvas: Canvas) -> None:
        s, face, size = self._settings, canvas.target.face, canvas.size
        strength = float(smoothstep(mouth_opening(face) - self._opening, s.opened))
        unit = eye_distance(face)
        reach = int(np.ceil(s.reach * unit))
        if strength == 0 or reach < s.least:
            return
        disc = np.ones((2 * int(s.disc * unit) + 1,) * 2, np.uint8)
        near = _disc(reach)
        for corner in (MOUTH.outer[0], MOUTH.outer[len(MOUTH.outer) // 2]):
            x, y = (int(at) for at in face[corner, :2])
            x0, y0, x1, y1 = max(x - reach, 0), max(y - reach, 0), min(x + reach + 1, size), min(y + reach + 1, size)
            if x1 - x0 < s.least or y1 - y0 < s.least:
                continue
            view = canvas.picture[y0:y1, x0:x1]
            closed = cv2.erode(cv2.dilate(view, disc), disc)
            closed = cv2.blur(closed, disc.shape)
            weight = strength * near[y0 - y + reach : y1 - y + reach, x0 - x + reach : x1 - x + reach]
            brighter = cv2.subtract(closed, view) * weight[..., None]  # only what is darker than around it
            view += np.rint(brighter).astype(np.uint8)


@lru_cache(maxsize=8)
def _disc(reach: int) -> np.ndarray:
    """(2 reach + 1, 2 reach + 1) float32: 1 up to half of the reach, 0 from the reach on."""
    away = np.arange(-reach, reach + 1, dtype=np.float32)
    return 1 - ramp(np.hypot(away, away[:, None]) / reach, (0.5, 1.0))
