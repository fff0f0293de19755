"""A drawn portrait's eyes and mouth as layers, made once: what a rigger does by hand for a Live2D model."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .boxes import face_boxes
from .brow import DrawnBrow, find_brow
from .colours import canvas
from .eye import DrawnEye, find_eye
from .iris_search import find_iris
from .mouth import DrawnMouth, find_mouth
from .style import is_drawn

FINER = 2  # px of the layers a px of the portrait: the warp fetches from a picture as fine


@dataclass(frozen=True, eq=False)
class Drawing:
    """The layers of one drawn portrait, in pixels of its picture FINER times enlarged.

    finer: (FINER * S, FINER * S, 4) uint8 premultiplied RGBA. eyes: the person's right and left, None where there is
    none or it is shut; brows: above them. mouth: None where none was found.
    """

    finer: np.ndarray
    eyes: tuple[DrawnEye | None, DrawnEye | None]
    brows: tuple[DrawnBrow | None, DrawnBrow | None]
    mouth: DrawnMouth | None


def find_drawing(person_SS4: np.ndarray, picture: np.ndarray, face: np.ndarray) -> Drawing | None:
    """None where the portrait is no drawing, or nothing of it can be told apart.

    person_SS4: uint8 premultiplied RGBA; picture: (S, S, 3), with its background; face: (478, 3) landmarks in both.
    """
    if not is_drawn(picture, face):
        return None
    finer = cv2.resize(person_SS4, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_CUBIC)
    finer = np.minimum(finer, finer[..., 3:])  # no colour exceeds its alpha
    rgb = np.ascontiguousarray(finer[..., :3])
    face = face * np.float32(FINER)
    known = canvas(rgb, finer[..., 3], face)
    boxes = face_boxes(rgb, face)
    places = (boxes.right_eye, boxes.left_eye)
    irises = [find_iris(known, place) for place in places]
    eyes = tuple(find_eye(known, places[k], irises[k], irises[1 - k], boxes.anime) for k in (0, 1))
    brows = tuple(None if eye is None else find_brow(known, eye) for eye in eyes)
    mouth = find_mouth(known, boxes.mouth, eyes)
    return Drawing(finer, eyes, brows, mouth) if any((*eyes, mouth)) else None
