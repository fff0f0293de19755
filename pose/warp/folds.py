"""Folds that an expression presses into the skin: beside nose and mouth in a smile, on the forehead over raised brows.

A mesh moves the portrait's skin, but skin that is pushed together also folds, and that is half of what tells a smile.
Each fold is a line on the face; how much the skin across it is shorter than in the portrait says how deep it is. It is
laid in as shade along the line and light on the bulge beside it, on the portrait's own colours; a portrait that shows
the fold already gets none. (Between the brows the tracker's landmarks do not tell a frown from a squint.)
"""

from __future__ import annotations

import math
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
    steps: int = 12  # pieces that a line is drawn of
    tapers: int = 4  # of them at each end, over which it comes to its full strength
    bulge: float = 1.2  # widths from the line to the middle of its bulge
    facing: tuple[float, float] = (0.25, 0.55)  # length across it as seen / in space: turned away, seen well
    redder: tuple[float, float, float] = (0.85, 1.0, 1.05)  # of the shade in R, G, B: skin shades skin


@dataclass(frozen=True, eq=False)
class _Side:
    """One fold on one side: the landmarks that its line runs between, the weights (points, landmarks) of them that give
    its points, and its pairs."""

    fold: Fold
    landmarks: np.ndarray
    curve: np.ndarray
    across: np.ndarray


class FoldPainter:
    """Lays folds into the skin of one portrait. face: (478, 3) its landmarks."""

    def __init__(self, face: np.ndarray, settings: FoldSettings = FoldSettings()):
        self._settings = settings
        other = mirrored_landmarks()
        self._sides = []
        for fold in FOLDS:
            landmarks = np.array([place[:2] for place in fold.line]).T.ravel()
            share = np.diag([place[2] for place in fold.line])
            curve = _curve(np.hstack([np.eye(len(share)) - share, share]), settings.steps)
            for side in (np.arange(len(other)), other):
                self._sides.append(_Side(fold, side[landmarks], curve, side[np.array(fold.across)]))
        self._across = np.concatenate([side.across for side in self._sides])
        self._first = np.cumsum([0, *(len(side.across) for side in self._sides[:-1])])  # of them on each side
        self._rest = _lengths(face, self._across)

    def paint(self, canvas: Canvas) -> None:
        s, face = self._settings, canvas.target.face
        shorter = 1 - _lengths(face, self._across) / self._rest
        total = np.add.reduceat(shorter, self._first).tolist()
        for side, pressed in zip(self._sides, total, strict=True):
            depth = smoothstep(pressed / len(side.across), side.fold.pressed)
            if depth < s.least:
                continue
            a, b = face[side.across[:, 0]], face[side.across[:, 1]]
            seen = np.linalg.norm((a - b)[:, :2], axis=1).sum() / max(float(np.linalg.norm(a - b, axis=1).sum()), 1e-6)
            depth *= float(ramp(float(seen), s.facing))
            if depth >= s.least:
                self._lay(canvas.picture, side, face, depth)

    def _lay(self, picture_SS4: np.ndarray, side: _Side, face: np.ndarray, depth: float) -> None:
        s, fold, unit = self._settings, side.fold, eye_distance(face)
        line = side.curve @ face.take(side.landmarks, 0)[:, :2]
        towards = (face[side.across[:, 0], :2] - face[side.across[:, 1], :2]).sum(0)
        towards = towards / max(math.hypot(*towards.tolist()), 1e-6)
        width = fold.width * unit
        to_bulge = s.bulge * width * towards
        reach = 3 * width + 1
        both = np.concatenate([line, line + to_bulge])
        size = len(picture_SS4)
        x0, y0 = (min(max(math.floor(low - reach), 0), size) for low in both.min(0).tolist())
        x1, y1 = (min(max(math.ceil(high + reach), 0), size) for high in both.max(0).tolist())
        if x1 - x0 < 3 or y1 - y0 < 3:
            return
        shape = (y1 - y0, x1 - x0)
        shade = _stroke(line - np.array([x0, y0]), s.tapers, width, shape)
        shine = cv2.warpAffine(shade, np.array([[1, 0, to_bulge[0]], [0, 1, to_bulge[1]]]), shape[::-1])
        bright, dark = (depth * share / 255 for share in (fold.light, fold.dark))
        gains = [cv2.addWeighted(shine, bright, shade, -dark * redder, 1, dtype=cv2.CV_32F) for redder in s.redder]
        view = picture_SS4[y0:y1, x0:x1]
        alpha = view[..., 3]
        lit = cv2.multiply(view, cv2.merge([*gains, np.ones(shape, np.float32)]), dtype=cv2.CV_8U)
        view[:] = cv2.min(lit, cv2.merge([alpha] * 4))


def _lengths(face: np.ndarray, pairs_N2: np.ndarray) -> np.ndarray:
    """(N,) between the landmarks of each pair, in eye distances."""
    apart = face.take(pairs_N2[:, 0], 0) - face.take(pairs_N2[:, 1], 0)
    return np.sqrt((apart * apart).sum(1)) / max(eye_distance(face), 1e-6)


def _curve(points_N2: np.ndarray, steps: int) -> np.ndarray:
    """(steps + 1, 2) a smooth line through points (Catmull and Rom, 1974)."""
    ends = np.concatenate([2 * points_N2[:1] - points_N2[1:2], points_N2, 2 * points_N2[-1:] - points_N2[-2:-1]])
    at = np.linspace(0, len(points_N2) - 1, steps + 1)
    k = np.minimum(at.astype(int), len(points_N2) - 2)
    t = (at - k)[:, None]
    a, b, c, d = (ends[k + i] for i in range(4))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _stroke(line_N2: np.ndarray, tapers: int, width: float, shape: tuple[int, int]) -> np.ndarray:
    """(h, w) uint8, about 255 on a soft line of this width, less at its ends."""
    ink = np.zeros(shape, np.uint8)
    points = np.rint((line_N2 - 0.5) * 16).astype(np.int32)
    thickness, blur = max(1, round(width)), max(0.6, 0.5 * width)
    for k in range(tapers):  # the strongest part last, over the weaker ones
        inner = points[k : len(points) - k]
        cv2.polylines(ink, [inner], False, 255 * (k + 1) // tapers, thickness, cv2.LINE_AA, 4)
    soft = cv2.GaussianBlur(ink, (0, 0), blur, borderType=cv2.BORDER_CONSTANT)
    # a blurred line of that thickness keeps so much of its height
    return cv2.convertScaleAbs(soft, alpha=math.hypot(thickness, 2.5 * blur) / thickness)
