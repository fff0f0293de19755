"""A drawn eye at any opening and gaze."""

from __future__ import annotations

import cv2
import numpy as np

from pose.portrait.drawn.colours import Layer
from pose.portrait.drawn.eye import DrawnEye

from .layers import over, sheet, shifted

# of its thickness that a lash line keeps when it is down, where the skin of the lid covers it from above
THINNER = 0.62
WIDEST = 1.25  # openings over the portrait's
WIDER = 0.4  # of an eye's height beyond its own that widening by 1 raises the lash line
GAZE_DOT = 0.6  # of its gaze by which an eye without white moves as a whole
REDRAWN = (1.2, 1.8)  # times the usual thickness of a line, between which it is drawn anew in a shut eye
SLIT = (0.02, 0.12)  # openings between which what is seen between the lids appears


def painted_eye(eye: DrawnEye, opening: float, gaze: np.ndarray) -> np.ndarray:
    """The eye's box of the portrait, (h, w, 4) uint8 straight RGBA, to be laid over it.

    opening: 1 as the portrait has it, 0 shut, more is wider. gaze: (2,) shift
    of the iris in px.
    """
    h, w = eye.inside.shape
    opening = float(np.clip(opening, 0, WIDEST))
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    if opening <= 1:
        down = (1 - opening) * (eye.shut - eye.top)
    else:
        middle = np.clip(1 - ((x[0] - (eye.left + eye.right) / 2) / max((eye.right - eye.left) / 2, 1)) ** 2, 0, 1)
        down = -WIDER * (opening - 1) * eye.height * middle
    edge = (eye.top + down)[None]
    whole = GAZE_DOT * gaze if eye.dot else np.zeros(2, np.float32)
    iris = eye.iris if eye.dot else shifted(eye.iris, gaze)
    ball = over(eye.line.alpha, eye.line.rgb, over(iris.alpha, iris.rgb, eye.white))
    shutting = max(1 - opening, 0)
    thick = eye.thickness + shutting * (THINNER * eye.shut_thickness - eye.thickness)
    thin = thick / eye.thickness
    cover = np.minimum(np.maximum(y - (edge + (0.5 * thick - 0.5)), 0), 1) * eye.inside
    cover *= min(max((opening - SLIT[0]) / (SLIT[1] - SLIT[0]), 0), 1)
    source = eye.top + (y - edge) / thin
    columns = np.ascontiguousarray(np.broadcast_to(x, (h, w)))
    lash = Layer(*(cv2.remap(part, columns, source, cv2.INTER_LINEAR, borderMode=border) for part, border in
                   ((eye.lash.rgb, cv2.BORDER_REPLICATE), (eye.lash.alpha, cv2.BORDER_CONSTANT))))
    if shutting > 0:
        # where the line ends in the rim of a round eye, there is more of it than a shut eye has: drawn anew
        stroke = np.minimum(np.maximum(np.minimum(y - edge, edge + thick - y) + 0.5, 0), 1)
        stroke *= np.minimum(np.maximum(np.minimum(x - eye.left, eye.right - x) + 0.5, 0), 1)
        anew = np.clip((eye.thickness / eye.shut_thickness - REDRAWN[0]) / (REDRAWN[1] - REDRAWN[0]), 0, 1)
        anew *= min(2 * shutting, 1)
        lash = Layer(lash.rgb, (lash.alpha + anew * (stroke - lash.alpha)).astype(np.float32))
    if whole.any():  # an eye that moves as a whole
        moved = shifted(Layer(ball, cover.astype(np.float32)), whole)
        ball, cover = moved.rgb, moved.alpha
        lash = shifted(lash, whole)
    result = over(lash.alpha, lash.rgb, over(cover, ball, eye.skin))
    result = over(eye.front.alpha, eye.front.rgb, result)
    return sheet(result, eye.removed, lash.alpha, cover)
