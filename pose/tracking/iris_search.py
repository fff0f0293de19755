"""Where the irises are, seen from their dark: their landmarks lag behind a glance and stop short of an eye's corners.

An iris is a disc that is darker than what is beside it. The disc whose inside is darkest and whose surroundings are
brightest, as far as the lids let them be seen, is searched along the line between the corners of the eye (after
Daugman's operator for whole irises, PAMI 1993).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry import smoothstep
from .features import EYES, Eye
from .signals import lid_gap

IRIS_POINTS = [point for eye in EYES for point in eye.iris]


@dataclass(frozen=True)
class IrisSearchSettings:
    width: int = 48  # px of an eye in which it is searched
    height: int = 24
    beside: float = 1.6  # iris radii: how far out the surroundings are looked at
    extremes: tuple[float, float] = (0.05, 0.95)  # shares of what is between the lids that are darker: dark and bright
    contrast: tuple[float, float] = (8.0, 24.0)  # grey levels between the two, from nothing to be told to all
    opened: tuple[float, float] = (0.15, 0.3)  # gap of the lids over the eye's width, from nothing to be told to all
    seen: tuple[float, float] = (15.0, 30.0)  # px of an eye's width in the picture, likewise
    largest: float = 0.1  # eye widths that an iris is moved


@dataclass(frozen=True)
class Irises:
    """How far both irises are from their landmarks, in eye widths towards the picture's right, and how far that can be
    told, 0..1. (2,) each, the person's right eye first."""

    off: np.ndarray
    trust: np.ndarray


def find_irises(picture: np.ndarray, face: np.ndarray, settings: IrisSearchSettings = IrisSearchSettings()) -> Irises:
    """picture: (H, W, 3) uint8 RGB; face: (478, 3) landmarks in it."""
    found = np.array([_search(picture, face, eye, settings) for eye in EYES])
    return Irises(found[:, 0], found[:, 1])


def iris_motion(
    face: np.ndarray, now: Irises, reference: Irises, settings: IrisSearchSettings = IrisSearchSettings()
) -> np.ndarray:
    """(10, 2) px by which the landmarks of the irises, `IRIS_POINTS`, are off by more than in a reference frame. Both
    eyes turn alike."""
    trust = now.trust * (reference.trust > 0)
    off = float((trust * (now.off - reference.off)).sum() / max(float(trust.sum()), 1.0))
    off = settings.largest * np.tanh(off / settings.largest)
    across = np.stack([right - left for left, right in (_ends(face, eye) for eye in EYES)])
    return off * across.repeat(len(IRIS_POINTS) // len(EYES), 0)


def _ends(face: np.ndarray, eye: Eye) -> np.ndarray:
    """(2, 2) px, the corners of an eye from left to right in the picture."""
    ends = face[list(eye.corners), :2].astype(np.float64)
    return ends if ends[0, 0] <= ends[1, 0] else ends[::-1]


def _search(picture: np.ndarray, face: np.ndarray, eye: Eye, s: IrisSearchSettings) -> tuple[float, float]:
    left, right = _ends(face, eye)
    across = right - left
    wide = max(float(np.hypot(*across)), 1e-6)
    trust = float(smoothstep(lid_gap(face, eye.upper, eye.lower) / wide, s.opened)) * float(smoothstep(wide, s.seen))
    if trust == 0:
        return 0.0, 0.0
    # the eye upright, its corners in the middle of both sides
    axes = np.stack([across, (-across[1], across[0])]) / s.width  # (2, 2) px of the picture along a px of the patch
    corner = left - axes[1] * s.height / 2
    patch = cv2.warpAffine(
        picture,
        np.concatenate([axes.T, (corner + axes.sum(0) / 2 - 0.5)[:, None]], 1),
        (s.width, s.height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
    )
    inverse = axes / (axes[0] @ axes[0])
    ring, iris = ((face[list(row), :2] - corner) @ inverse.T for row in (eye.ring, eye.iris))
    opening = np.zeros((s.height, s.width), np.uint8)
    cv2.fillPoly(opening, [np.rint(16 * ring - 8).astype(np.int32)], 1, cv2.LINE_8, 4)
    grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY)
    inside = np.sort(grey[opening > 0])
    if not inside.size:
        return 0.0, 0.0
    dark, bright = (float(inside[int(share * (inside.size - 1))]) for share in s.extremes)
    level = np.clip((bright - grey) / max(bright - dark, s.contrast[0]), 0, 1).astype(np.float32)
    # +1 in the disc, -1 beside it, at the height of the landmark's
    radius = max(float(np.linalg.norm(iris[1:] - iris[0], axis=1).mean()), 1.0)
    reach = int(np.ceil(s.beside * radius))
    x, y = np.arange(-reach, reach + 1, dtype=np.float32), np.arange(s.height, dtype=np.float32)[:, None] + 0.5
    away = np.hypot(x, y - np.float32(iris[0, 1])) / np.float32(radius)
    disc = np.where(away < 1, np.float32(1), np.where(away < s.beside, np.float32(-1), np.float32(0)))
    seen = cv2.copyMakeBorder((level - 0.5) * opening, 0, 0, reach, reach, cv2.BORDER_CONSTANT)
    score = cv2.matchTemplate(seen, disc, cv2.TM_CCORR)[0]  # (width,)
    best = int(score.argmax())
    place = best + 0.5
    if 0 < best < len(score) - 1:  # the top of a parabola through three
        before, top, after = (float(value) for value in score[best - 1 : best + 2])
        place += 0.5 * (before - after) / min(before - 2 * top + after, -1e-6)
    return (place - float(iris[0, 0])) / s.width, trust * float(smoothstep(bright - dark, s.contrast))
