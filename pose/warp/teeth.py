"""The rows of teeth that are painted into a portrait's opened mouth: its own where it shows them, else a generic
set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np

from pose.geometry import ramp
from pose.tracking.features import MOUTH
from pose.tracking.landmarks import BETWEEN_EYES, LOWER_LIP, SUBNASALE
from pose.tracking.mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity

from .light import PortraitLight
from .own_teeth import find_own_teeth


@dataclass(frozen=True)
class TeethSettings:
    """The generic rows, and how they are fitted to a portrait."""

    ivory: tuple[float, ...] = (0.76, 0.74, 0.70)  # gain per channel, in the shadow of the lips
    brightest: float = 225.0  # grey level of the generic teeth
    beside: float = 0.8  # light on the teeth beside those that the portrait shows, less towards the cheeks
    overlap: int = 4  # px of a cut-out by which the generic row begins under its soft edge
    drop: float = 0.03  # how much lower than at rest the rows show in speech, in eye distances
    # Lips that round themselves come forward and cover the teeth; a smile draws them back. Height over width of the
    # opening between which that happens, and how far the rows recede behind the lips, in eye distances.
    rounded: tuple[float, float] = (0.25, 0.60)
    recede: float = 0.08


SETTINGS = TeethSettings()


@dataclass(frozen=True)
class Sprites:
    """Frontal pictures of the rows of teeth, premultiplied RGBA, and where they lie, in canonical units: x0, y0, x1,
    y1, z."""

    upper: np.ndarray
    lower: np.ndarray
    upper_box: np.ndarray
    lower_box: np.ndarray


@lru_cache(maxsize=1)
def generic_teeth() -> Sprites:
    with resources.files("pose").joinpath("data/teeth.npz").open("rb") as file:
        data = np.load(file)
        return Sprites(*(data[name] for name in ("upper", "lower", "upper_box", "lower_box")))


@dataclass(frozen=True)
class Row:
    """A row of teeth of one portrait. sprite: uint8 premultiplied RGBA; rest: (5, 3) its anchor and its corners at the
    portrait's own pose, in pixels; anchor: the landmark that it is nailed to; own: cut from the portrait, light and
    all."""

    sprite: np.ndarray
    rest: np.ndarray
    anchor: int
    own: bool
    receded: float  # eye distances, in the portrait

    def placed(self, face: np.ndarray, head: Similarity3D, origin_2: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """The row on a target face, as a picture of that size (width, height) whose first pixel's centre is at
        origin_2."""
        moved = head(self.rest)
        down = face[SUBNASALE] - face[BETWEEN_EYES]
        behind = (_receded(face) - self.receded) * eye_distance(face) / max(float(np.linalg.norm(down)), 1e-6) * down
        if self.anchor == SUBNASALE:  # the upper row goes up behind its lip, the lower one down
            behind = -behind
        corners = (moved[1:] + face[self.anchor] - moved[0] + behind)[:, :2] - origin_2
        place = cv2.getPerspectiveTransform(_rectangle(self.sprite), corners.astype(np.float32))
        return cv2.warpPerspective(self.sprite, place, size, flags=cv2.INTER_LINEAR)


def rows_of_teeth(person_SS4: np.ndarray, face: np.ndarray, light: PortraitLight) -> list[Row]:
    """Lower and upper row, in the order of painting."""
    own = find_own_teeth(person_SS4, face, light.skin)
    tone = light.gain * np.array(SETTINGS.ivory, np.float32) if own is None else own.tone / SETTINGS.brightest
    sprites, canonical = generic_teeth(), face_mesh().canonical
    skull = fit_similarity(canonical[RIGID_LANDMARKS], face[RIGID_LANDMARKS])
    rows = []
    for name, anchor in (("lower", LOWER_LIP), ("upper", SUBNASALE)):
        sprite, box = getattr(sprites, name), getattr(sprites, f"{name}_box")
        corners = skull(_corners(box))
        sprite = _fitting(sprite, box, eye_distance(face)).astype(np.float32)
        sprite[..., :3] *= tone
        mine = None if own is None else getattr(own, name)
        if mine is None:
            rest, fixed = corners, skull(canonical[anchor][None])
        else:
            rest, fixed = _on_plane(own.corners_42, corners), face[anchor][None]
            sprite = _continued(mine, rest, sprite, corners, name)
        sprite = sprite.clip(0, 255).astype(np.uint8)
        receded = 0.0 if mine is None else _receded(face)
        rows.append(Row(sprite, np.concatenate([fixed, rest]), anchor, mine is not None, receded))
    return rows


def _receded(face: np.ndarray) -> float:
    """How far the teeth of a face are behind its lips, in eye distances."""
    high, wide = (np.linalg.norm(np.subtract(*face[list(ends), :2])) for ends in (MOUTH.middles, MOUTH.corners))
    return float(SETTINGS.recede * ramp(high / max(wide, 1e-6), SETTINGS.rounded))


def _continued(own: np.ndarray, rest_43: np.ndarray, generic: np.ndarray, corners_43: np.ndarray, name: str):
    """The portrait's own row with the generic one beside it, in line with it, where the cheeks hid it."""
    height, width = own.shape[:2]
    corners_43 = corners_43 + _edge(own, rest_43, name) - _edge(generic, corners_43, name)
    to_own = cv2.getPerspectiveTransform(np.ascontiguousarray(rest_43[:, :2]), _rectangle(own))
    corners = cv2.perspectiveTransform(corners_43[None, :, :2].astype(np.float32), to_own)[0]
    beside = cv2.warpPerspective(generic, cv2.getPerspectiveTransform(_rectangle(generic), corners), (width, height))
    shown = (own[..., 3] > 128).any(0)
    first, last = shown.argmax(), width - shown[::-1].argmax()
    # pixels beyond the portrait's own, under whose soft edge it begins
    away = np.abs(np.arange(width) - (first + last - 1) / 2) - (last - first) / 2
    beside *= (away > -SETTINGS.overlap)[None, :, None]
    beside[..., :3] *= np.clip(SETTINGS.beside - away / width, 0, SETTINGS.beside)[None, :, None]
    return own + beside * (1 - own[..., 3:] / np.float32(255))


def _rectangle(sprite: np.ndarray) -> np.ndarray:
    """(4, 2) its corners as pixel indices."""
    high, wide = sprite.shape[:2]
    return np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32) - 0.5


def _edge(sprite: np.ndarray, corners_43: np.ndarray, name: str) -> np.ndarray:
    """(3,) where a row ends in its middle: the upper one below, the lower one above."""
    height, width = sprite.shape[:2]
    middle = sprite[:, 3 * width // 8 : 5 * width // 8, 3].mean(1) > 96
    down = (middle.argmax() if name == "lower" else height - middle[::-1].argmax()) / height
    top, bottom = corners_43[:2].mean(0), corners_43[2:].mean(0)
    return top + down * (bottom - top)


def _corners(box: np.ndarray) -> np.ndarray:
    """(4, 3) corners of a row of teeth as speech shows it, in canonical units."""
    x0, y0, x1, y1, z = box + np.array([0, SETTINGS.drop, 0, SETTINGS.drop, 0], np.float32)
    return np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float32)


def _on_plane(points_N2: np.ndarray, corners_43: np.ndarray) -> np.ndarray:
    """(N, 3): the points of the picture that lie on the plane of a row."""
    ones = np.ones((len(corners_43), 1))
    plane, *_ = np.linalg.lstsq(np.concatenate([corners_43[:, :2], ones], 1), corners_43[:, 2], rcond=None)
    return np.concatenate([points_N2, points_N2 @ plane[:2, None] + plane[2]], 1).astype(np.float32)


def _fitting(sprite: np.ndarray, box: np.ndarray, unit: float) -> np.ndarray:
    """The sprite shrunk to about the size that it will have: a warp does not average what it skips."""
    width, height = (max(4, round(1.5 * unit * float(extent))) for extent in (box[2] - box[0], box[3] - box[1]))
    return sprite if width >= sprite.shape[1] else cv2.resize(sprite, (width, height), interpolation=cv2.INTER_AREA)
