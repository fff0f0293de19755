"""Folds that an expression presses into the skin: beside nose and mouth in a smile, on the forehead over raised brows.

A mesh moves the portrait's skin, but skin that is pushed together also folds, and that is half of what tells a smile.
Each fold is a line on the face; how much the skin across it is shorter than in the portrait says how deep it is. It is
laid in as shade along the line and light on the bulge beside it, on the portrait's own colours; a portrait that shows
the fold already gets none. (Between the brows the tracker's landmarks do not tell a frown from a squint.)
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import ramp, smoothstep
from pose.tracking.mesh import eye_distance, mirrored_landmarks

from .canvas import Canvas

Place = tuple[int, int, float]  # between two landmarks: the share of the second one


@dataclass(frozen=True)
class Fold:
    """A fold on the right side of the face or across its middle; the left one is its mirror image.

    line: where it runs; across: pairs of landmarks at either side of it, on the side of the bulge first; pressed: by
    how much the skin between them is shorter, as a fraction, for no fold and for the deepest; dark, light: of the
    skin's brightness that its shade takes and its bulge gains then; width: of the shade, in eye distances.
    """

    line: tuple[Place, ...]
    across: tuple[tuple[int, int], ...]
    pressed: tuple[float, float]
    dark: float
    light: float
    width: float


FOLDS = (
    Fold(  # from the wing of the nose around the corner of the mouth
        line=(
            (131, 142, 0.45), (129, 36, 0.25), (203, 206, 0.20), (206, 207, 0.25), (216, 207, 0.25), (212, 214, 0.30),
        ),
        across=((36, 165), (205, 92), (207, 186)),
        pressed=(0.05, 0.17), dark=0.09, light=0.04, width=0.05,
    ),
    Fold(  # across the forehead, over the brows
        line=((105, 104, 0.55), (66, 69, 0.60), (107, 108, 0.60), (9, 151, 0.55)),
        across=((104, 105), (69, 66), (108, 107)),
        pressed=(0.12, 0.40), dark=0.10, light=0.03, width=0.04,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class FoldSettings:
    """How folds are drawn. Lengths in eye distances."""

    least: float = 0.03  # depth (0..1) below which none is seen
    ends: float = 0.30  # of a line, over which it rises from its ends
    steps: int = 12  # pieces that a line is drawn of
    bulge: float = 1.2  # widths from the line to the middle of its bulge
    facing: tuple[float, float] = (0.25, 0.55)  # length across it as seen / in space: turned away, seen well
    redder: tuple[float, float, float] = (0.85, 1.0, 1.05)  # of the shade in R, G, B: skin shades skin


@dataclass(frozen=True, eq=False)
class _Side:
    """One fold on one side: indices and shares of its line, its pairs, their lengths in the portrait."""

    fold: Fold
    first: np.ndarray
    second: np.ndarray
    share: np.ndarray
    across: np.ndarray
    rest: np.ndarray


class FoldPainter:
    """Lays folds into the skin of one portrait. face: (478, 3) its landmarks."""

    def __init__(self, face: np.ndarray, settings: FoldSettings = FoldSettings()):
        self._settings = settings
        other = mirrored_landmarks()
        self._sides = []
        for fold in FOLDS:
            first, second = (np.array([place[k] for place in fold.line]) for k in range(2))
            share = np.array([place[2] for place in fold.line], np.float32)[:, None]
            across = np.array(fold.across)
            for side in (np.arange(len(other)), other):
                pairs = side[across]
                self._sides.append(_Side(fold, side[first], side[second], share, pairs, _lengths(face, pairs)))

    def paint(self, canvas: Canvas) -> None:
        s, face = self._settings, canvas.target.face
        for side in self._sides:
            now = _lengths(face, side.across)
            depth = float(smoothstep(float((1 - now / side.rest).mean()), side.fold.pressed))
            if depth < s.least:
                continue
            a, b = face[side.across[:, 0]], face[side.across[:, 1]]
            seen = np.linalg.norm((a - b)[:, :2], axis=1).sum() / max(float(np.linalg.norm(a - b, axis=1).sum()), 1e-6)
            depth *= float(ramp(float(seen), s.facing))
            if depth >= s.least:
                self._lay(canvas.picture, side, face, depth)

    def _lay(self, picture_SS4: np.ndarray, side: _Side, face: np.ndarray, depth: float) -> None:
        s, fold, unit = self._settings, side.fold, eye_distance(face)
        line = face[side.first, :2] + side.share * (face[side.second, :2] - face[side.first, :2])
        line = _curve(line, s.steps)
        towards = (face[side.across[:, 0], :2] - face[side.across[:, 1], :2]).mean(0)
        towards = towards / max(float(np.hypot(*towards)), 1e-6)
        width = fold.width * unit
        bulge = line + s.bulge * width * towards
        reach = 3 * width + 1
        both = np.concatenate([line, bulge])
        size = len(picture_SS4)
        x0, y0 = np.clip(np.floor(both.min(0) - reach).astype(int), 0, size)
        x1, y1 = np.clip(np.ceil(both.max(0) + reach).astype(int), 0, size)
        if x1 - x0 < 3 or y1 - y0 < 3:
            return
        along = (np.arange(s.steps) + 0.5) / s.steps
        strength = smoothstep(np.minimum(along, 1 - along), (0, s.ends))
        shape, corner = (y1 - y0, x1 - x0), np.array([x0, y0])
        shade = fold.dark * _stroke(line - corner, strength, width, shape)
        shine = fold.light * _stroke(bulge - corner, strength, 1.5 * width, shape)
        view = picture_SS4[y0:y1, x0:x1]
        gain = 1 + depth * (shine[..., None] - shade[..., None] * np.array(s.redder, np.float32))
        colour = view[..., :3] * gain.astype(np.float32)
        view[..., :3] = np.rint(np.minimum(colour, view[..., 3:]))


def _lengths(face: np.ndarray, pairs_N2: np.ndarray) -> np.ndarray:
    """(N,) between the landmarks of each pair, in eye distances."""
    return np.linalg.norm(face[pairs_N2[:, 0]] - face[pairs_N2[:, 1]], axis=1) / max(eye_distance(face), 1e-6)


def _curve(points_N2: np.ndarray, steps: int) -> np.ndarray:
    """(steps + 1, 2) a smooth line through points (Catmull and Rom, 1974)."""
    ends = np.concatenate([2 * points_N2[:1] - points_N2[1:2], points_N2, 2 * points_N2[-1:] - points_N2[-2:-1]])
    at = np.linspace(0, len(points_N2) - 1, steps + 1)
    k = np.minimum(at.astype(int), len(points_N2) - 2)
    t = (at - k)[:, None]
    a, b, c, d = (ends[k + i] for i in range(4))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _stroke(line_N2: np.ndarray, strength: np.ndarray, width: float, shape: tuple[int, int]) -> np.ndarray:
    """(h, w) float32, about 1 on a soft line of this width where its strength is 1."""
    ink = np.zeros(shape, np.uint8)
    points = np.rint((line_N2 - 0.5) * 16).astype(int).tolist()
    thickness = max(1, round(width))
    for start, end, weight in zip(points, points[1:], strength.tolist()):
        cv2.line(ink, start, end, int(255 * weight), thickness, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(ink, (0, 0), max(0.6, 0.5 * width), borderType=cv2.BORDER_CONSTANT)
    # a blurred line of that thickness keeps so much of its height
    kept = thickness / np.hypot(thickness, 2.5 * max(0.6, 0.5 * width))
    return soft * np.float32(1 / (255 * kept))
