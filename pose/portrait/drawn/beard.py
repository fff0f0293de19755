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
    """The canvas for a mouth in or near a box (x, y, width, height) that has a beard around it: the beard is what is
    left where the mouth is taken away. None where there seems to be no beard."""
    mx, my = box[0] + box[2] / 2, box[1] + box[3] / 2
    oval = np.rint(canvas.face[list(FACE_OVAL), :2]).astype(np.int32)
    # of the face, what is not far above the mouth
    beside, high = (reach * canvas.unit for reach in AROUND)
    height, width = canvas.skin.shape
    low, far = np.maximum(oval.min(0), (0, int(my - high))), np.minimum(oval.max(0) + 1, (width, height))
    if (far <= low).any():
        return None
    view = (slice(low[1], far[1]), slice(low[0], far[0]))
    face = cv2.fillPoly(np.zeros(canvas.skin[view].shape, np.uint8), [oval - low], 1)
    y, x = np.ogrid[view]
    around = (face > 0) & (np.abs(x + 0.5 - mx) < beside) & (y + 0.5 - my < high)
    skin = canvas.skin[view]
    if not around.any() or skin[around].mean() > SKIN_LEFT:
        return None
    reach = max(int(JAW * canvas.unit), 1)
    jaw = (face > 0) & (cv2.erode(face, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) == 0) & (y > my)
    if not jaw.any():
        return None
    tone = commonest(canvas.lab[view][jaw])
    away = np.linalg.norm(canvas.lab - tone, axis=2)
    beard = away < SKIN
    if beard[view][jaw].mean() < MOSTLY or skin[beard[view] & jaw].mean() > SKIN_LEFT:
        return None
    return replace(canvas, away=away, skin=beard, hair=canvas.hair & ~beard)
