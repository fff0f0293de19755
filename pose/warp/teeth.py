"""The rows of teeth that are painted into a portrait's opened mouth: its own where it shows them, else a generic
set.

A row lies on an arch, which goes back towards the cheeks. The upper arch is part of the skull and the lower one of the
jaw: neither follows the lips, so what is seen of the teeth is what the lips uncover. How far teeth reach below the edge
of the lip at rest is alike in people, so the portrait's own lips say where its rows end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np

from pose.geometry import ramp
from pose.tracking.features import MOUTH
from pose.tracking.landmarks import CHIN, SUBNASALE
from pose.tracking.mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity
from pose.tracking.signals import mouth_opening

from .dental_arch import DentalArch
from .light import LUMA, PortraitLight
from .own_teeth import OwnTeeth, find_own_teeth


@dataclass(frozen=True)
class TeethSettings:
    """The generic rows, and how they are fitted to a portrait. Lengths in eye distances, which are about 92 mm."""

    ivory: tuple[float, ...] = (0.98, 0.92, 0.87)  # gain per channel, in the shadow of the lips
    brightest: float = 225.0  # grey level of the generic teeth
    beside: float = 0.8  # light on the teeth beside those that the portrait shows, less towards the cheeks
    enamel: float = 0.55  # of the brightest luma in a row, above which it is a tooth
    pale_gums: float = 0.4  # share of the teeth's colour in the gums
    overlap: int = 4  # px of a cut-out by which the generic row begins under its soft edge
    # How far the edges of the incisors are below the rims of relaxed lips: the upper ones show 2 to 3 mm, the lower
    # ones end 1 mm above theirs, behind the upper ones.
    upper_end: float = 0.027
    lower_end: float = -0.01
    # How much of the lower row shows over its lip at most, in speech and in a mouth that is wide open, whose jaw turns
    # the row away and whose tongue comes before it; and the openings between which that happens.
    lower_seen: tuple[float, float] = (0.05, 0.01)
    dropping: tuple[float, float] = (0.12, 0.30)
    finer: float = 1.5  # pixels of a row over those that it will cover


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
        upper, lower, *boxes = (data[name] for name in ("upper", "lower", "upper_box", "lower_box"))
    upper, lower = _with_pale_gums(upper), _with_pale_gums(lower)
    lower = np.where((_enamel(lower).cumsum(0) > 0)[..., None], lower, 0)  # the tongue behind them is painted by itself
    return Sprites(upper, lower, *boxes)


@dataclass(frozen=True)
class Row:
    """A row of teeth of one portrait.

    sprite: uint8 premultiplied RGBA; box: x0, y0, x1, y1 of it on the arch; jaw: (3,) where the chin is in the
    portrait, with which the lower row goes, None for the upper one; lowest: y on the arch of the lower lip beyond which
    the lower row goes with it, before and after the jaw drops; dropping: the openings of the mouth between which it
    does; own: cut from the portrait, light and all.
    """

    sprite: np.ndarray
    box: np.ndarray
    arch: DentalArch
    jaw: np.ndarray | None
    lowest: tuple[float, float]
    dropping: tuple[float, float]
    own: bool

    def placed(
        self, face: np.ndarray, head: Similarity3D, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The row on a target face: (h, w, 4) uint8, and (h, w) how far each pixel is to the side on the arch. x, y:
        (1, w) and (h, 1) pixels' centres."""
        moved = _after(head, self.arch.skull)
        if self.jaw is not None:
            moved = replace(moved, translation=moved.translation + face[CHIN] - head(self.jaw[None])[0])
        moved = DentalArch(moved, self.arch.middle)
        across, down = moved.places(x, y)
        if self.jaw is not None:
            _, lip = moved.places(*face[MOUTH.middles[1], :2])
            most, least = self.lowest
            lowest = most + (least - most) * ramp(mouth_opening(face), self.dropping)
            down = down - np.float32(max(lip - lowest, 0))
        return _sampled(self.sprite, self.box, across, down), across


def rows_of_teeth(person_SS4: np.ndarray, face: np.ndarray, light: PortraitLight) -> list[Row]:
    """Lower and upper row, in the order of painting."""
    own = find_own_teeth(person_SS4, face, light.skin)
    tone = light.gain * np.array(SETTINGS.ivory, np.float32) if own is None else own.tone / SETTINGS.brightest
    sprites, canonical = generic_teeth(), face_mesh().canonical
    skull = fit_similarity(canonical[RIGID_LANDMARKS], face[RIGID_LANDMARKS])
    lips = skull.inverse(face[list(MOUTH.middles)])
    # parted lips would meet between the upper one's place now and that in an average face
    average = skull.inverse(face[SUBNASALE][None])[0, 1] + canonical[MOUTH.middles[0], 1] - canonical[SUBNASALE, 1]
    closed = float(lips[0, 1] + np.clip(average, *sorted(lips[:, 1]))) / 2
    ends = (float(lips[1, 1]) + SETTINGS.lower_end, closed + SETTINGS.upper_end)
    later = max(mouth_opening(face) - SETTINGS.dropping[0], 0.0)
    dropping = (SETTINGS.dropping[0] + later, SETTINGS.dropping[1] + later)
    rows = []
    for name, jaw, end in zip(("lower", "upper"), (face[CHIN], None), ends, strict=True):
        sprite, box = getattr(sprites, name), getattr(sprites, f"{name}_box")
        arch = DentalArch(skull, np.array([lips[0, 0], box[4]], np.float32))
        sprite = _fitting(sprite, box, eye_distance(face)).astype(np.float32)
        sprite[..., :3] *= tone
        mine = None if own is None else getattr(own, name)
        box = box[:4] + np.array([0, end - _edge(sprite, box, name)] * 2, np.float32)
        if mine is not None:
            sprite, box = _continued(mine, own, arch, sprite, box, name)
            end = _edge(sprite, box, name)
        sprite = sprite.clip(0, 255).astype(np.uint8)
        lowest = (end + SETTINGS.lower_seen[0], end + SETTINGS.lower_seen[1])
        rows.append(Row(sprite, box, arch, jaw, lowest, dropping, mine is not None))
    return rows


def _after(second: Similarity3D, first: Similarity3D) -> Similarity3D:
    return Similarity3D(
        second.scale * first.scale,
        second.rotation @ first.rotation,
        second.scale * second.rotation @ first.translation + second.translation,
    )


def _sampled(sprite: np.ndarray, box: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
    """A sprite at places of the arch, nothing outside its box."""
    (x0, y0, x1, y1), (high, wide) = box, sprite.shape[:2]
    u = (across - x0) * np.float32(wide / (x1 - x0)) - np.float32(0.5)
    v = (down - y0) * np.float32(high / (y1 - y0)) - np.float32(0.5)
    return cv2.remap(sprite, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _continued(
    mine: np.ndarray, own: OwnTeeth, arch: DentalArch, generic: np.ndarray, box: np.ndarray, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """The portrait's own row laid on the arch, with the generic one beside it, in line with it, where the cheeks hid
    it: sprite float32, box."""
    corners = own.corners_42
    edges = np.concatenate([np.linspace(a, b, 9) for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)])
    across, down = arch.places(*edges.T.astype(np.float32))
    low = np.minimum([max(across.min(), -0.5), down.min()], box[:2])
    high = np.maximum([min(across.max(), 0.5), down.max()], box[2:])
    # as fine as the cut-out
    fine = len(mine) / max(float(np.linalg.norm(corners[3] - corners[0])), 1e-6) * arch.skull.scale
    width, height = (int(np.ceil(extent * fine)) for extent in high - low)
    x = low[0] + (np.arange(width) + 0.5) / fine
    y = low[1] + (np.arange(height) + 0.5) / fine
    whole = np.array([*low, low[0] + width / fine, low[1] + height / fine], np.float32)
    grid = np.meshgrid(x, y)
    seen = arch.points(*(axis.ravel() for axis in grid))[:, :2]
    to_own = cv2.getAffineTransform(corners[:3].astype(np.float32), _rectangle(mine)[:3])
    at = (seen @ to_own[:, :2].T + to_own[:, 2]).reshape(height, width, 2).astype(np.float32)
    mine = cv2.remap(mine, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).astype(np.float32)
    across, down = (axis.astype(np.float32) for axis in grid)
    box = box + np.array([0, _edge(mine, whole, name) - _edge(generic, box, name)] * 2)
    beside = _sampled(generic, box, across, down)
    shown = (mine[..., 3] > 128).any(0)
    first, last = shown.argmax(), width - shown[::-1].argmax()
    # pixels beyond the portrait's own, under whose soft edge it begins
    away = np.abs(np.arange(width) - (first + last - 1) / 2) - (last - first) / 2
    beside *= (away > -SETTINGS.overlap)[None, :, None]
    beside[..., :3] *= np.clip(SETTINGS.beside - away / width, 0, SETTINGS.beside)[None, :, None]
    return mine + beside * (1 - mine[..., 3:] / np.float32(255)), whole


def _rectangle(sprite: np.ndarray) -> np.ndarray:
    """(4, 2) its corners as pixel indices."""
    high, wide = sprite.shape[:2]
    return np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32) - 0.5


def _edge(sprite: np.ndarray, box: np.ndarray, name: str) -> float:
    """How far down a row ends in its middle: the upper one below, the lower one above."""
    height, width = sprite.shape[:2]
    middle = _enamel(sprite)[:, 3 * width // 8 : 5 * width // 8].mean(1) > 0.4
    down = (middle.argmax() if name == "lower" else height - middle[::-1].argmax()) / height
    return float(box[1] + down * (box[3] - box[1]))


def _with_pale_gums(sprite: np.ndarray) -> np.ndarray:
    """The same sprite, its gums closer to the colour of its teeth, as lips that are drawn back let light onto them."""
    teeth = _enamel(sprite)
    alpha = sprite[..., 3:] / np.float32(255)
    pale = sprite[..., :3] + SETTINGS.pale_gums * (alpha * np.median(sprite[teeth, :3], 0) - sprite[..., :3])
    return np.where(teeth[..., None], sprite, np.concatenate([pale, sprite[..., 3:]], 2)).astype(np.uint8)


def _enamel(sprite: np.ndarray) -> np.ndarray:
    """(h, w) bool: where a row shows teeth and no gums."""
    luma = sprite[..., :3] @ LUMA
    return luma > SETTINGS.enamel * luma.max()


def _fitting(sprite: np.ndarray, box: np.ndarray, unit: float) -> np.ndarray:
    """The sprite shrunk to about the size that it will have: a warp does not average what it skips."""
    width, height = (max(4, round(SETTINGS.finer * unit * float(extent))) for extent in (box[2:4] - box[:2]))
    return sprite if width >= sprite.shape[1] else cv2.resize(sprite, (width, height), interpolation=cv2.INTER_AREA)
