"""The matte of a character drawn before a ground of one colour, which tells it to the pixel where a network that knows
photographs guesses at it."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL

from .colours import spread
from .style import is_drawn

ALIKE = 10  # levels of each channel that a ground's pixels differ from its colour: what JPEG adds
BORDER = 0.5  # of the picture's upper three borders, that a ground takes at least
LEAST, MOST = 0.05, 0.2  # of the picture that a ground takes at least; of the face, that it takes at most: more
# is a ground that comes in through open lines
EDGE = 2  # px from the ground in which a pixel may be a mixture with it


def plain_matte(picture: np.ndarray, face: np.ndarray) -> np.ndarray | None:
    """Alpha (H, W) float32 0..1 of the character with the landmarks `face` (478, 3) in an RGB uint8 picture; None where
    that is no drawing, or its ground is not of one colour."""
    height, width = picture.shape[:2]
    rim = np.concatenate([picture[0], picture[: height // 2, 0], picture[: height // 2, -1]]).astype(np.int16)
    ground = np.median(rim, 0)
    if (np.abs(rim - ground).max(1) <= ALIKE).mean() < BORDER or not is_drawn(picture, face):
        return None
    like = (np.abs(picture.astype(np.int16) - ground).max(2) <= ALIKE).astype(np.uint8)
    _, labels = cv2.connectedComponents(like, connectivity=4)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    behind = np.isin(labels, border[border > 0])
    oval = cv2.fillPoly(np.zeros((height, width), np.uint8), [np.rint(face[list(FACE_OVAL), :2]).astype(np.int32)], 1)
    # the lines of the face may be open, and the ground of its colour
    if behind.mean() < LEAST or behind[oval > 0].mean() > MOST:
        return None
    # stars and letters around it are of the ground
    _, labels = cv2.connectedComponents((~behind).astype(np.uint8))
    behind = labels != np.bincount(labels[(oval > 0) & ~behind]).argmax()
    near = cv2.dilate(behind.astype(np.uint8), np.ones((2 * EDGE + 1, 2 * EDGE + 1), np.uint8)) > 0
    colours = picture.astype(np.float32)
    way = spread(colours, ~near, EDGE) - ground.astype(np.float32)
    share = ((colours - ground) * way).sum(2) / np.maximum((way * way).sum(2), 1)
    return np.where(behind, 0, np.where(near, np.clip(share, 0, 1), 1)).astype(np.float32)
