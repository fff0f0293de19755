"""A drawn eye at any opening and gaze."""

from __future__ import annotations

import cv2
import numpy as np

from pose.portrait.drawn.eye import DrawnEye

THINNER = 0.62  # of its thickness that a lash line keeps when it is down, where the skin of the lid covers it from above
WIDEST = 1.35  # openings over the portrait's
WIDER = 0.6  # of an eye's height beyond its own that widening by 1 raises the lash line
GAZE_DOT = 0.6  # of its gaze by which an eye without white moves as a whole


def paint_eye(view: np.ndarray, eye: DrawnEye, opening: float, gaze: np.ndarray) -> None:
    """Draw the eye into its box of the portrait, (h, w, 4) uint8 premultiplied RGBA, in place.

    opening: 1 as the portrait has it, 0 shut, more is wider. gaze: (2,) shift of the iris in px.
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
    shift = np.asarray(gaze, np.float32)
    whole = GAZE_DOT * shift if eye.dot else np.zeros(2, np.float32)
    shift = shift * 0 if eye.dot else shift
    thin = 1 - (1 - THINNER) * np.clip(1 - opening, 0, 1)
    lash = cv2.remap(eye.lash, np.broadcast_to(x, (h, w)), (eye.top[None] + (y - edge) / thin).astype(np.float32),
                     cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    cover = np.clip(y - (edge + 0.5 * thin * eye.thickness[None]) + 0.5, 0, 1) * eye.inside
    cover *= np.clip((opening - 0.02) / 0.1, 0, 1)
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    iris = cv2.warpAffine(eye.iris, matrix, (w, h), flags=cv2.INTER_LINEAR) if shift.any() else eye.iris
    ball = iris[..., :3] + (1 - iris[..., 3:]) * eye.white
    ball = eye.line[..., :3] + (1 - eye.line[..., 3:]) * ball
    painted = np.dstack([ball * cover[..., None], cover])
    painted = lash + (1 - lash[..., 3:]) * painted
    if whole.any():
        matrix = np.array([[1, 0, whole[0]], [0, 1, whole[1]]], np.float32)
        painted = cv2.warpAffine(painted, matrix, (w, h), flags=cv2.INTER_LINEAR)
    result = painted[..., :3] + (1 - painted[..., 3:]) * eye.skin
    own = view[..., :3].astype(np.float32)
    alpha = view[..., 3:].astype(np.float32) * (1 / 255)
    view[..., :3] = np.rint(np.clip(result * alpha + eye.front[..., None] * (own - result * alpha), 0, 255))
