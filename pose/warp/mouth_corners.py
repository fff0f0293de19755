"""Clean corners of a wide mouth.

Beside the corners of a closed mouth lie its shadow and its folds, thin and dark. A mouth that opens draws its corners in
and stretches both over the cheek, a dark wedge. It is filled from the skin around it, by a closing (Serra, "Image Analysis
and Mathematical Morphology", 1982): what is darker than its surroundings and thinner than the closing's disc goes.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import polygon_mask, ramp, smoothstep
from pose.tracking.features import MOUTH
from pose.tracking.mesh import eye_distance
from pose.tracking.signals import mouth_opening

from .canvas import Canvas


@dataclass(frozen=True)
class CornerSettings:
    """Lengths in eye distances."""

    opened: tuple[float, float] = (0.06, 0.18)  # by how much more than in the portrait, from nothing to all of it
    reach: float = 0.16  # around the corner, where the wedge lies
    disc: float = 0.07  # radius of the closing: half of the widest wedge
    lips: float = 0.02  # soft edge against the lips, which stay
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
        lips = polygon_mask(face[MOUTH.outer, :2], size)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * int(s.disc * unit) + 1,) * 2)
        for corner in (MOUTH.outer[0], MOUTH.outer[len(MOUTH.outer) // 2]):
            x, y = face[corner, :2]
            x0, y0 = (int(np.clip(at - reach, 0, size)) for at in (x, y))
            x1, y1 = (int(np.clip(at + reach + 1, 0, size)) for at in (x, y))
            if x1 - x0 < s.least or y1 - y0 < s.least:
                continue
            view = canvas.picture[y0:y1, x0:x1]
            # the lips' dark must not be closed over the skin, nor skin over them: only what is outside is looked at
            outside = 255 - cv2.GaussianBlur(lips[y0:y1, x0:x1], (0, 0), max(0.5, s.lips * unit))
            closed = cv2.morphologyEx(view, cv2.MORPH_CLOSE, disc)
            closed = cv2.GaussianBlur(closed, (0, 0), max(0.5, s.disc * unit / 2))
            dx, dy = np.arange(x0, x1) + 0.5 - x, np.arange(y0, y1)[:, None] + 0.5 - y
            near = 1 - ramp(np.hypot(dx, dy) / reach, (0.5, 1.0))
            weight = (strength * near * outside / 255)[..., None].astype(np.float32)
            brighter = np.maximum(closed.astype(np.float32) - view, 0)  # only what is darker than around it
            view[:] = np.rint(np.minimum(view + weight * brighter, 255))
