"""A drawn brow, cut out, with the skin behind it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .colours import Canvas, Layer, pixels, spread
from .eye import DrawnEye

HIGHEST, GAP = 0.62, 0.01  # eye distances above the eye, between which a brow is looked for
WIDTHS, THICKEST = (0.14, 0.75), 0.19  # eye distances that a brow is wide; that it is high at most, and ...
BESIDE, WIDE = 0.15, 0.42  # eye distances beside the eye, and from its middle at least, in which it lies
FLAT = 1.7  # ... how many times wider than high
CUT = 0.012  # eye distances: lines thinner than twice that do not join a brow to hair
REACH = 0.09  # eye distances that it may move, and around which the skin is known
FRINGE = 0.012  # eye distances in which its outline fades


@dataclass(frozen=True, eq=False)
class DrawnBrow:
    """In a box of the picture: skin, where the brow is taken away; the brow; free: (h, w) float32, where it may be
    seen: not behind hair. x, y: of the box."""

    x: int
    y: int
    skin: Layer
    brow: Layer
    free: np.ndarray


def find_brow(canvas: Canvas, eye: DrawnEye) -> DrawnBrow | None:
    """The brow above an eye; None where there is none on bare skin, as under hair."""
    unit = canvas.unit
    height, width = canvas.skin.shape
    left, right = eye.x + eye.left, eye.x + eye.right
    top = eye.y + float(eye.top[eye.left : eye.right + 1].min())
    middle, half = (left + right) / 2, max((right - left) / 2 + BESIDE * unit, WIDE * unit)
    x0, x1 = max(int(middle - half), 0), min(int(middle + half), width)
    y0, y1 = max(int(top - HIGHEST * unit), 0), int(eye.y + eye.centre[1])
    if x1 - x0 < 4 or y1 - y0 < 4:
        return None
    # down to the lashes
    lid = eye.y + eye.top[np.clip(np.arange(x0, x1) - eye.x, eye.left, eye.right)] - GAP * unit
    above = np.arange(y0, y1)[:, None] < lid[None]
    seen = (~canvas.skin[y0:y1, x0:x1] & above).astype(np.uint8)
    cut = max(int(CUT * unit), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * cut + 1, 2 * cut + 1))
    cut_free = cv2.dilate(cv2.morphologyEx(seen, cv2.MORPH_OPEN, kernel), kernel) & seen
    lashes = cv2.dilate((~above).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    found = _separate(seen, lashes, canvas.away[y0:y1, x0:x1], unit)
    if found is None:  # its end may touch the hair
        found = _separate(cut_free, lashes, canvas.away[y0:y1, x0:x1], unit)
    if found is None:
        return None
    part, (x, y, w, h) = found
    margin = int(REACH * unit) + 2
    bx0, by0 = max(x0 + x - margin, 0), max(y0 + y - margin, 0)
    bx1, by1 = min(x0 + x + w + margin, width), min(y0 + y + h + margin, height)
    whole = np.zeros(canvas.skin.shape, bool)
    whole[y0:y1, x0:x1] = part
    view = (slice(by0, by1), slice(bx0, bx1))
    rgb, mask = canvas.rgb[view].astype(np.float32), whole[view]
    fringe = 2 * max(int(FRINGE * unit), 1) + 1
    grown = cv2.dilate(mask.astype(np.uint8), np.ones((fringe, fringe), np.uint8)) > 0
    known = canvas.skin[view] & ~grown
    if known.sum() < 16:
        return None
    fill = spread(rgb, known, 0.03 * unit)
    colour = spread(rgb, mask, 1.0)
    way = colour - fill
    alpha = np.clip(1.15 * ((rgb - fill) * way).sum(2) / np.maximum((way * way).sum(2), 1), 0, 1) * grown
    removed = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 0.6)
    others = ~canvas.skin[view] & ~grown
    free = 1 - cv2.GaussianBlur(others.astype(np.float32), (0, 0), 0.6)
    brow = Layer(pixels(np.where((alpha > 0.9)[..., None], rgb, colour)), alpha.astype(np.float32))
    return DrawnBrow(bx0, by0, Layer(pixels(fill), removed), brow, free)


def _separate(seen: np.ndarray, lashes: np.ndarray, away: np.ndarray, unit: float):
    """What looks most like a brow of some parts (h, w) uint8 that are no skin: its mask and box, or None."""
    # a brow may have the hair's colour; hair goes on beyond the window
    count, labels, stats, _ = cv2.connectedComponentsWithStats(seen)
    low = np.zeros(count, bool)
    low[np.unique(labels[lashes])] = True
    best, found = 0.0, None
    for part in range(1, count):
        x, y, w, h, area = stats[part]
        free = x > 0 and y > 0 and x + w < seen.shape[1] and not low[part]
        if free and WIDTHS[0] * unit < w < WIDTHS[1] * unit and h < THICKEST * unit and w > FLAT * h:
            strength = float(away[labels == part].mean()) * area
            if strength > best:
                best, found = strength, (labels == part, (x, y, w, h))
    return found
