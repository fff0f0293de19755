"""A beard around a mouth: there it is what the skin is elsewhere."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL

from .colours import SKIN, Canvas, commonest

AROUND = (0.4, 0.3)  # eye distances beside, above and below the middle of a mouth, in which there is little skin ...
SKIN_LEFT = 0.5  # ... as a share
JAW = 0.15  # eye distances inside the face's outline, below the mouth, where a beard is and no mouth ...
MOSTLY = 0.5  # ... of which it takes as much at least


def on_beard(canvas: Canvas, box: tuple[float, float, float, float]) -> Canvas | None:
    """The canvas for a mouth in or near a box (x, y, width, height) that has a beard around it: the beard is what is left
    where the mouth is taken away. None where there seems to be no beard."""
    mx, my = box[0] + box[2] / 2, box[1] + box[3] / 2
    oval = np.rint(canvas.face[list(FACE_OVAL), :2]).astype(np.int32)
    face = cv2.fillPoly(np.zeros(canvas.skin.shape, np.uint8), [oval], 1)
    y, x = np.ogrid[: face.shape[0], : face.shape[1]]
    beside, high = (reach * canvas.unit for reach in AROUND)
    around = (face > 0) & (np.abs(x + 0.5 - mx) < beside) & (np.abs(y + 0.5 - my) < high)
    if not around.any() or canvas.skin[around].mean() > SKIN_LEFT:
        return None
    reach = max(int(JAW * canvas.unit), 1)
    jaw = (face > 0) & (cv2.erode(face, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) == 0) & (y > my)
    if not jaw.any():
        return None
    tone = commonest(canvas.lab[jaw])
    away = np.linalg.norm(canvas.lab - tone, axis=2)
    beard = away < SKIN
    if beard[jaw].mean() < MOSTLY or canvas.skin[beard & jaw].mean() > SKIN_LEFT:
        return None
    return replace(canvas, away=away, skin=beard, hair=canvas.hair & ~beard)
