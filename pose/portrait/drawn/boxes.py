"""Where a drawn face has its eyes and its mouth, roughly.

PyPI `animeface` (Apache-2.0, optional) finds them in anime faces; where it is not installed or sees nothing, the
landmarks say where to look. Either way the parts are then segmented: a box only says where to begin.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

import cv2
import numpy as np

from pose.tracking.landmarks import LEFT_EYE_RING, LIPS_OUTER, RIGHT_EYE_RING
from pose.tracking.mesh import eye_distance

# px of the picture's longer side at which it looks, one after the other: it sees faces of some sizes only
SIDES = (768, 512, 320)
LIKELY = 0.8  # likelihood from which animeface is believed
SAME_FACE = 0.5  # of the face's width by which its eyes may be off those of the landmarks
EYE_HALF = (0.20, 0.20)  # half of an eye's width and height that landmarks alone suggest, in eye distances
MOUTH_HALF = (0.22, 0.14)


@dataclass(frozen=True)
class FaceBoxes:
    """Boxes as (x, y, width, height) float, in the picture's pixels; left and right as the person has them.

    anime: whether a detector of drawn faces found them.
    """

    right_eye: tuple[float, float, float, float]
    left_eye: tuple[float, float, float, float]
    mouth: tuple[float, float, float, float]
    anime: bool


class _Imaging(ctypes.Structure):
    """Pillow's picture structure as it was up to 11.3, which animeface's extension reads.

    Pillow 12 keeps the mode as a number where its name was, and the extension then sees a picture of no known mode and
    finds nothing, without a word. The extension looks for the structure's address in the second field of the object
    that it is given; in a ctypes structure that is the structure's own memory. So this takes the place of Pillow's
    object.
    """

    _fields_ = (
        ("mode", ctypes.c_char * 7),
        ("type", ctypes.c_int),
        ("depth", ctypes.c_int),
        ("bands", ctypes.c_int),
        ("xsize", ctypes.c_int),
        ("ysize", ctypes.c_int),
        ("palette", ctypes.c_void_p),
        ("image8", ctypes.c_void_p),
        ("image32", ctypes.c_void_p),
        ("image", ctypes.c_void_p),
        ("block", ctypes.c_void_p),
        ("pixelsize", ctypes.c_int),
        ("linesize", ctypes.c_int),
        ("destroy", ctypes.c_void_p),
    )


def anime_faces(picture: np.ndarray) -> list[dict]:
    """What animeface finds in an RGB uint8 picture, most likely first; empty where it is not installed.

    Each has `likelihood` and, as (x, y, width, height), `face_box`, `left_eye_box`, `right_eye_box` (as the viewer sees
    them) and `mouth_box`.
    """
    try:
        from animeface import _nvxs
    except ImportError:
        return []
    height, width = picture.shape[:2]
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[..., :3] = picture
    rows = (pixels.ctypes.data + np.arange(height) * pixels.strides[0]).astype(np.uintp)
    image = _Imaging(
        mode=b"RGB", depth=8, bands=3, xsize=width, ysize=height, image32=rows.ctypes.data, image=rows.ctypes.data,
        pixelsize=4, linesize=4 * width,
    )  # fmt: skip
    return sorted(_nvxs.detect(image), key=lambda found: -found["likelihood"])


def likely_faces(picture: np.ndarray, likely: float) -> list[dict]:
    """As `anime_faces`, those at least so likely, at the first size of the picture that shows it any."""
    longer = max(picture.shape[:2])
    for side in SIDES:
        scale = side / longer
        if scale > 1 and side != SIDES[-1]:
            continue
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        size = tuple(max(round(n * scale), 1) for n in picture.shape[1::-1])
        found = [
            face for face in anime_faces(cv2.resize(picture, size, interpolation=flags)) if face["likelihood"] >= likely
        ]
        if found:
            places = [key for key in found[0] if key.endswith(("_box", "_point"))]
            return [face | {key: tuple(v / scale for v in face[key]) for key in places} for face in found]
    return []


def face_boxes(picture: np.ndarray, face: np.ndarray) -> FaceBoxes:
    """Boxes of the face that has the landmarks `face` (478, 3), in an RGB uint8 picture."""
    unit = eye_distance(face)
    middles = [face[list(ring), :2].mean(0) for ring in (RIGHT_EYE_RING, LEFT_EYE_RING)]
    for found in likely_faces(picture, LIKELY):
        boxes = [tuple(float(v) for v in found[f"{part}_box"]) for part in ("left_eye", "right_eye", "mouth")]
        boxes[:2] = sorted(boxes[:2])  # the person's right eye has the smaller x
        off = [np.hypot(b[0] + b[2] / 2 - m[0], b[1] + b[3] / 2 - m[1]) for b, m in zip(boxes, middles)]
        if max(off) < SAME_FACE * unit:
            return FaceBoxes(*boxes, anime=True)
    mouth = face[list(LIPS_OUTER), :2].mean(0)
    halves = (EYE_HALF, EYE_HALF, MOUTH_HALF)
    boxes = [
        (m[0] - h[0] * unit, m[1] - h[1] * unit, 2 * h[0] * unit, 2 * h[1] * unit)
        for m, h in zip((*middles, mouth), halves)
    ]
    return FaceBoxes(*boxes, anime=False)
