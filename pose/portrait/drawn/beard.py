"""A beard around a mouth: there it is what the skin is elsewhere."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL

from .colours import SKIN, Canvas, commonest

AROUND = (0.4, 0.3)  # eye distances beside, above and below the middle of a mouth, in which its ground is looked for
MOSTLY = 0.5  # of that, that a beard takes at least


def on_beard(canvas: Canvas, box: tuple[float, float, float, float]) -> Canvas:
    """The canvas for the mouth in or near a box (x, y, width, height): where a beard is around it, the beard is what
    is left where the mouth is taken away."""
    mx, my = box[0] + box[2] / 2, box[1] + box[3] / 2
    h, w = canvas.skin.shape
    (x0, x1), (y0, y1) = (
        (int(max(m - r * canvas.unit, 0)), int(min(m + r * canvas.unit, n)))
        for m, r, n in zip((mx, my), AROUND, (w, h))
    )
    oval = np.rint(canvas.face[list(FACE_OVAL), :2] - (x0, y0)).astype(np.int32)
    face = cv2.fillPoly(np.zeros((max(y1 - y0, 1), max(x1 - x0, 1)), np.uint8), [oval], 1) > 0
    view = (slice(y0, y0 + face.shape[0]), slice(x0, x0 + face.shape[1]))
    if not face.any() or canvas.skin[view][face].mean() > 1 - MOSTLY:
        return canvas
    colours = canvas.lab[view][face]
    tone = commonest(colours)
    if (np.linalg.norm(colours - tone, axis=1) < SKIN).mean() < MOSTLY:
        return canvas
    away = np.linalg.norm(canvas.lab - tone, axis=2)
    beard = away < SKIN
    return replace(canvas, away=away, skin=beard, hair=canvas.hair & ~beard)
