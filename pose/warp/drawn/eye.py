"""A drawn eye at any opening and gaze."""

from __future__ import annotations

import cv2
import numpy as np

from pose.portrait.drawn.colours import Layer
from pose.portrait.drawn.eye import DrawnEye

from .layers import over, shifted

# of its thickness that a lash line keeps when it is down, where the skin of the lid covers it from above
THINNER = 0.62
WIDEST = 1.25  # openings over the portrait's
WIDER = 0.4  # of an eye's height beyond its own that widening by 1 raises the lash line
GAZE_DOT = 0.6  # of its gaze by which an eye without white moves as a whole
SLIT = (0.02, 0.12)  # openings between which what is seen between the lids appears


def painted_eye(eye: DrawnEye, own: np.ndarray, opening: float, gaze: np.ndarray) -> np.ndarray:
    """The eye's box of the portrait, (h, w, 3) uint8.

    own: the same box as the portrait has it. opening: 1 as the portrait has it, 0 shut, more is wider. gaze: (2,) shift
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
    thin = 1 - (1 - THINNER) * max(1 - opening, 0)
    cover = np.minimum(np.maximum(y - (edge + (0.5 * thin * eye.thickness - 0.5)), 0), 1) * eye.inside
    cover *= min(max((opening - SLIT[0]) / (SLIT[1] - SLIT[0]), 0), 1)
    source = eye.top + (y - edge) * np.float32(1 / thin)
    columns = np.ascontiguousarray(np.broadcast_to(x, (h, w)))
    lash = Layer(*(cv2.remap(part, columns, source, cv2.INTER_LINEAR, borderMode=border) for part, border in
                   ((eye.lash.rgb, cv2.BORDER_REPLICATE), (eye.lash.alpha, cv2.BORDER_CONSTANT))))
    if whole.any():  # an eye that moves as a whole
        moved = shifted(Layer(ball, cover.astype(np.float32)), whole)
        ball, cover = moved.rgb, moved.alpha
        lash = shifted(lash, whole)
    result = over(lash.alpha, lash.rgb, over(cover, ball, eye.skin))
    return over(eye.front, own, result)
