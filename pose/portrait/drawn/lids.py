"""Where a drawn eye is and where its lids run, before it is taken apart.

Its iris is the most pronounced blob near the place where it should be. Where what is no skin around it is one separate
shape, as in flat drawings, its outline is the eye's. Where hair, brows or glasses join it, the upper lid is followed
along its dark line from the iris to both corners instead (dynamic programming), and the lower lid is a curve between
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .colours import Canvas
from .curves import OUTLIER, SMALLEST, arch
from .lid_line import followed_lids
from .lid_outline import outlined_lids

STRAND_NEAR = 0.12  # iris radii beyond a lid, where hair tells that the lid is hidden


@dataclass(frozen=True)
class Lids:
    """Columns left..right (in the picture's pixels) of an eye; per column the upper edge of the upper lid and the lower
    edge of the lower one; thickness: of the dark line of the upper lid, (n,), nan where it is not known. centre,
    radius: of the blob that is the iris."""

    left: int
    right: int
    top: np.ndarray
    bottom: np.ndarray
    thickness: np.ndarray
    centre: tuple[float, float]
    radius: float


def find_lids(
    canvas: Canvas,
    box: tuple[float, float, float, float],
    iris: tuple[float, float, float],
    other: tuple[float, float, float] | None,
    detected: bool,
) -> Lids | None:
    """The lids of the eye in or near a box (x, y, width, height); None where there is none that is open. iris: x, y and
    radius; other: of that of the other eye; detected: the box is an eye's own, of a detector of drawn ones."""
    cx, cy, radius = iris
    luma = canvas.rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    outline = outlined_lids(canvas, iris, other)
    if outline is None:
        outline = followed_lids(canvas, luma, cx, cy, radius, box if detected else None)
    if outline is None:
        return None
    left, right, top, bottom = outline
    top, bottom = _behind_hair(canvas.hair, left, right, top, bottom, radius)
    if right - left < SMALLEST or (bottom - top).max() < SMALLEST:
        return None
    return Lids(left, right, top, bottom, _thickness(luma, left, right, top, bottom), (cx, cy), radius)


def _behind_hair(hair: np.ndarray, left: int, right: int, top: np.ndarray, bottom: np.ndarray, radius: float):
    """Lids that end at a strand of hair go on behind it, as their curves do beside it."""
    x = np.arange(left, right + 1)
    near = max(int(STRAND_NEAR * radius), 2)
    lids = []
    for curve, way, limit in ((top, -1, np.minimum), (bottom, 1, np.maximum)):
        rows = np.clip(np.rint(curve + way * near).astype(int), 0, len(hair) - 1)
        hidden = hair[rows, x]
        if hidden.any() and (~hidden).sum() >= SMALLEST:
            seen = curve[~hidden]
            behind = arch(x[~hidden], seen, OUTLIER * radius, at=x[hidden])
            # a curve that is seen in part tells little of how far it goes
            most = OUTLIER * radius
            behind = np.maximum(behind, seen.min() - most) if way < 0 else np.minimum(behind, seen.max() + most)
            curve = curve.copy()
            curve[hidden] = limit(curve[hidden], behind)
        lids.append(curve)
    return lids[0], np.maximum(lids[1], lids[0] + 1)


def _thickness(luma: np.ndarray, left: int, right: int, top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """(n,) px of the dark line below `top`; nan where no lighter white ends it."""
    tall = float(np.percentile(bottom - top, 80))
    measured = np.full(right - left + 1, np.nan)
    for k, column in enumerate(range(left, right + 1)):
        values = luma[int(round(top[k])) : int(round(top[k] + 0.45 * tall)) + 1, column]
        values = values[: max(int(bottom[k] - top[k]), 2)]
        if len(values) < 2:
            continue
        at = int(values[: max(len(values) // 2, 1)].argmin())
        lit = float(values[at:].max())
        if lit - values[at] < 25:
            continue
        measured[k] = at + np.flatnonzero(values[at:] > (values[at] + lit) / 2)[0]
    return measured
