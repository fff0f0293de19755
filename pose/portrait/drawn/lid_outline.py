"""The lids of a drawn eye that is one separate shape, as in flat drawings."""

from __future__ import annotations

import cv2
import numpy as np

from .colours import SKIN, Canvas
from .curves import ROUGHNESS, smoothed

ALONE_WIDTH = 2.2  # radii; what is less wide once the white is left out is the iris alone
STRICTER = (1.0, 1.6, 2.3)  # thresholds on what is no skin, in SKIN, until the eye stands alone
GAP = 0.03  # eye distances: breaks in outlines that are closed
LARGEST = 4.6  # iris radii that an eye is wide, and ...
TALLEST = 4.4  # ... high at most; a shape beyond that is more than an eye
# iris radii, and eye distances where a pupil is small: what is thinner than twice that is a lash or a line, and no part
# of an eye's shape
CUT, LEAST_CUT = 0.3, 0.035
APART = 2.0  # iris radii between two irises, from which they are those of two eyes
CONVEX = 0.76  # of its hull, that an eye alone covers
# Ways to part an eye from what touches it: as it is, with breaks in its outline closed, without thin lines that join
# it to something else; and by how much of convexity one is preferred to another.
ALONE, JOINED, CUT_FREE = "alone", "joined", "cut free"
PREFERRED = {ALONE: 0.08, JOINED: 0.05, CUT_FREE: 0.0}
STRICTNESS = 0.04  # of convexity, that a stricter threshold costs


def outlined_lids(canvas: Canvas, iris: tuple[float, float, float], other: tuple[float, float, float] | None):
    """The eye as one shape of its own, None where other things are joined to it. iris: x, y and radius; other: of that
    of the other eye, which may touch it in the middle between the two."""
    cx, cy, radius = iris
    h, w = canvas.skin.shape
    widest, highest = max(LARGEST * radius, 0.75 * canvas.unit), max(TALLEST * radius, 0.75 * canvas.unit)
    reach = 1.1 * max(widest, highest)  # an iris may look to its eye's corner
    x0, x1 = int(max(cx - reach, 0)), int(min(cx + reach + 1, w))
    y0, y1 = int(max(cy - reach, 0)), int(min(cy + reach + 1, h))
    away = canvas.away[y0:y1, x0:x1]
    gap = max(int(GAP * canvas.unit), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * gap + 1, 2 * gap + 1))
    disc = np.hypot(np.arange(x0, x1)[None] + 0.5 - cx, np.arange(y0, y1)[:, None] + 0.5 - cy) < 0.7 * radius
    cut = max(int(CUT * radius), int(LEAST_CUT * canvas.unit), 1)
    cutter = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * cut + 1, 2 * cut + 1))
    seen_as_eye = ~(canvas.hair | canvas.blush)[y0:y1, x0:x1]
    if other is not None and np.hypot(other[0] - cx, other[1] - cy) > APART * radius:
        way = np.array([other[0] - cx, other[1] - cy])
        along = (np.arange(x0, x1)[None] + 0.5 - cx) * way[0] + (np.arange(y0, y1)[:, None] + 0.5 - cy) * way[1]
        seen_as_eye &= along < 0.5 * float(way @ way)
    best, found = 0.0, None
    for rank, strict in enumerate(STRICTER):
        seen = ((away > strict * SKIN) & seen_as_eye).astype(np.uint8)
        forms = {
            ALONE: seen,
            JOINED: cv2.morphologyEx(seen, cv2.MORPH_CLOSE, kernel),
            # nor a brow or a fold of the lid that hang on by a line
            CUT_FREE: cv2.dilate(cv2.morphologyEx(filled(seen), cv2.MORPH_OPEN, cutter), cutter) & seen,
        }
        for form, mask in forms.items():
            count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
            inside = labels[disc & (mask > 0)]
            if not len(inside):
                continue
            part = int(np.bincount(inside).argmax())
            x, y, width, height = stats[part, :4]
            free = x > 0 and y > 0 and x + width < mask.shape[1] and y + height < mask.shape[0]
            if (strict > STRICTER[0] or form != JOINED) and width < ALONE_WIDTH * radius:
                continue
            if not free or width > widest or height > highest or height > 1.5 * width + 2:
                continue
            shape = filled((labels == part).astype(np.uint8))
            convex = convexity(shape)
            score = convex + PREFERRED[form] - STRICTNESS * rank
            if convex > CONVEX and score > best:
                best, found = score, (x, width, shape)
    if found is None:
        return None
    x, width, shape = found
    columns = shape[:, x : x + width]
    top = y0 + columns.argmax(0)
    bottom = y0 + len(shape) - columns[::-1].argmax(0)
    return smoothed(x0 + x, x0 + x + width - 1, top, bottom, ROUGHNESS[0] * radius)


def filled(shape: np.ndarray) -> np.ndarray:
    """A mask (h, w) uint8 without its holes."""
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(shape), contours, -1, 1, cv2.FILLED)


def convexity(shape: np.ndarray) -> float:
    """How much of its hull a shape covers: lashes that stick out and a lid's fold leave it well below 1."""
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    return cv2.contourArea(contour) / max(cv2.contourArea(cv2.convexHull(contour)), 1)
