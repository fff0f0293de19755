"""Where a drawn mouth is: the strongest mark near where it should be, that is no skin and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL

from .colours import SKIN, Canvas
from .eye import DrawnEye
from .lid_outline import convexity
from .moustache import without_moustache

# eye distances left and right; above, below of where a mouth should be: looked through
WINDOW = (0.75, (0.6, 0.5))
# ... and where no plain mouth is there, for one that is wider than the eyes are apart: the same; and how wide it is
WIDE_WINDOW, WIDEST_WIDE = (1.3, (0.6, 0.8)), 2.0
# thresholds on what is no skin, in SKIN, until the mouth stands alone; the last for mouths that are a shade of the skin
STRICTER = (1.0, 1.5, 2.2, 3.0, 0.5)
MOUTH_CONVEX = 0.85  # of its hull that it covers: less is a shadow that hangs on it
MORE_FAINT = 1.3  # times as wide a mouth is with its faint parts at most
FAINT = 0.5  # as above, of a mouth's parts that hang together with those that are plain
NEAR = (0.2, 0.13)  # eye distances across and down, over which a mark counts less the further from there it is
# eye distances: half as thick as what from beyond the window counts as around the face, a collar or the background, and
# how far its outline goes, which a mouth may touch; the same around an eye; and inside the person's own outline
AROUND, OUTLINE, SILHOUETTE = 0.08, 0.03, 0.045
INSIDE = 0.5  # of what comes in from beyond, that the face's outline encloses at most
SMALLEST = 0.04  # eye distances: a mark that is narrower is no mouth
WIDEST = 0.9
# area weighted by contrast and place, of the square of the eye distance, in Lab units: fainter is no mouth
LEAST = 0.004
CERTAIN, CLEARLY = 0.5, 10.0  # the same, of a plain mouth; times that by which a wide one is the likelier
STACKED = 0.3  # of its weight, that a mark close above or below a mouth has at least, to be of it
BREAK = 0.16  # eye distances between the halves of a line, ...
ALIKE, ARC = 1.6, 0.05  # ... or of two arcs, of which one is so many times higher at most, and so much of its weight
OPEN = 0.075  # eye distances of a mouth's height, from which it is no line ...
GAP = 0.02  # eye distances: breaks in a line that are closed
# eye distances: outlines thinner than twice that do not join an open mouth to what it touches; what a mouth counts that
# was cut free so, or at the face's outline, beside one that was not
CUT, CUT_WORTH = 0.05, 0.5


def _others(
    canvas: Canvas, view: tuple[slice, slice], eyes: tuple[DrawnEye | None, ...], face: np.ndarray
) -> np.ndarray:
    """(h, w) bool, what in a window of the picture is no mouth, whatever a mouth touches: hair, eyes, and what comes in
    from beyond the window. face: (h, w) uint8, inside of its outline."""
    reaches = (max(int(length * canvas.unit), 1) for length in (AROUND, OUTLINE, SILHOUETTE))
    solid, rim, outline = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * k + 1, 2 * k + 1)) for k in reaches)
    person = canvas.person[view]
    thick = cv2.morphologyEx((~canvas.skin[view] & person).astype(np.uint8), cv2.MORPH_OPEN, solid)
    _, labels = cv2.connectedComponents(thick)
    beyond = np.zeros(labels.max() + 1, bool)
    beyond[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    # a mouth that runs into what is behind the chin lies in the face for the most part
    sizes = np.bincount(labels.ravel())
    beyond &= np.bincount(labels[face > 0], minlength=len(sizes)) < INSIDE * sizes
    beyond[0] = False
    found = np.zeros(canvas.skin.shape, np.uint8)
    found[view] = beyond[labels]
    for eye in eyes:
        if eye is not None:
            h, w = eye.white.alpha.shape
            columns = slice(eye.left, eye.right + 1)
            y = np.arange(h)[:, None]
            found[eye.y : eye.y + h, eye.x : eye.x + w][:, columns] |= ((y >= eye.top) & (y < eye.bottom))[:, columns]
    behind = cv2.dilate((~person).astype(np.uint8), outline)
    return (cv2.dilate(found[view], rim) > 0) | (behind > 0) | canvas.hair[view]


@dataclass(frozen=True)
class MouthMarks:
    """In a window of the picture, its first pixel at x, y: the mouth's mask, and that of a moustache before it, (h, w)
    bool. weight: area weighted by contrast and place, in squares of the eye distance."""

    x: int
    y: int
    mouth: np.ndarray
    moustache: np.ndarray
    weight: float


def mouth_marks(
    canvas: Canvas, box: tuple[float, float, float, float], eyes: tuple[DrawnEye | None, ...]
) -> MouthMarks | None:
    """The mouth in or near a box (x, y, width, height); None where there is none."""
    found = _marks_in(canvas, box, eyes, WINDOW, WIDEST)
    if found is not None and found.weight > CERTAIN:
        return found
    wide = _marks_in(canvas, box, eyes, WIDE_WINDOW, WIDEST_WIDE)
    if found is None or wide is not None and wide.weight > CLEARLY * found.weight:
        return wide
    return found


def _marks_in(canvas: Canvas, box, eyes, window, widest: float) -> MouthMarks | None:
    unit = canvas.unit
    height, width = canvas.skin.shape
    mx, my = box[0] + box[2] / 2, box[1] + box[3] / 2
    beside, (above, below) = window
    x0, x1 = int(max(mx - beside * unit, 0)), int(min(mx + beside * unit, width))
    y0, y1 = int(max(my - above * unit, 0)), int(min(my + below * unit, height))
    if x1 - x0 < 4 or y1 - y0 < 4:
        return None
    view = (slice(y0, y1), slice(x0, x1))
    away, lab = canvas.away[view], canvas.lab[view]
    oval = np.rint(canvas.face[list(FACE_OVAL), :2] - (x0, y0)).astype(np.int32)
    face = cv2.fillPoly(np.zeros(away.shape, np.uint8), [oval], 1)
    others = _others(canvas, view, eyes, face)
    y, x = np.mgrid[y0:y1, x0:x1]
    near = np.exp(-(((x + 0.5 - mx) / (NEAR[0] * unit)) ** 2 + ((y + 0.5 - my) / (NEAR[1] * unit)) ** 2))
    region, weight = _region(away, others, near * np.minimum(away, 80) * face, face, unit, widest)
    if region is None:
        return None
    light = float(np.median(lab[canvas.skin[view], 0])) if canvas.skin[view].any() else 0.0
    parts = without_moustache(region, lab, light, unit)
    return MouthMarks(x0, y0, *(parts or (region, np.zeros_like(region))), weight / unit**2)


def _region(
    away: np.ndarray, others: np.ndarray, strength: np.ndarray, face: np.ndarray, unit: float, widest: float
) -> tuple[np.ndarray | None, float]:
    """(h, w) bool, what looks most like a mouth, without holes, and its weight."""
    gap = max(int(GAP * unit), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * gap + 1, 2 * gap + 1))
    cut = max(int(CUT * unit), 1)
    cutter = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * cut + 1, 2 * cut + 1))
    for strict in STRICTER:
        seen = ((away > strict * SKIN) & ~others).astype(np.uint8)
        cut_free = cv2.dilate(cv2.morphologyEx(seen, cv2.MORPH_OPEN, cutter), cutter) & seen
        tried = [
            _strongest(seen, cv2.morphologyEx(seen, cv2.MORPH_CLOSE, kernel), strength, unit, widest),
            _strongest(cut_free, cut_free, CUT_WORTH * strength, unit, widest),
            _strongest(seen & face, seen & face, CUT_WORTH * strength, unit, widest),
        ]
        weight, found = max(tried, key=lambda one: one[0])
        if weight > LEAST * unit**2:
            region = _whole(found, ((away > FAINT * SKIN) & ~others), kernel)
            contours, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
            return cv2.drawContours(np.zeros_like(region), contours, -1, 1, cv2.FILLED) > 0, weight
    return None, 0.0


def _strongest(
    seen: np.ndarray, closed: np.ndarray, strength: np.ndarray, unit: float, widest: float
) -> tuple[float, np.ndarray]:
    """What of a mask (h, w) uint8 looks most like a mouth, how much, and its mask, bool. closed: the mask whose parts
    hang together; strength: of each pixel; widest: eye distances."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    weight = np.bincount(labels.ravel(), (strength * seen).ravel(), count)
    height, width = closed.shape
    free = (stats[:, :2] > 0).all(1) & (stats[:, 0] + stats[:, 2] < width) & (stats[:, 1] + stats[:, 3] < height)
    # a mouth is wider than it is high, a nose or a shadow is not
    shape = stats[:, 2] / np.maximum(stats[:, 3], 1)
    weight *= free & (stats[:, 2] >= SMALLEST * unit) & (stats[:, 2] < widest * unit)
    weight *= np.clip(shape, 0.3, 1.5)
    weight[0] = 0
    part = int(weight.argmax())
    keep = [part]
    px, py, pw, ph = stats[part, :4]
    for other in np.flatnonzero(free):
        ox, oy, ow, oh = stats[other, :4]
        across = min(ox + ow, px + pw) - max(ox, px)
        apart = max(oy - (py + ph), py - (oy + oh))
        # what lies close above or below it, and the other half of a line that is broken in its middle, or of two arcs
        strong = weight[other] > STACKED * weight[part]
        stacked = across > 0.6 * ow and apart < 0.3 * ph and strong
        arcs = max(oh, ph) < ALIKE * min(oh, ph) < -2 * ALIKE * apart and weight[other] > ARC * weight[part]
        flat = max(oh, ph) < OPEN * unit or arcs
        level = apart < 0 and -across < BREAK * unit and flat and ow > 0.3 * pw
        if other not in (0, part) and (stacked or level):
            keep.append(other)
    return float(weight[part]), np.isin(labels, keep)


def _whole(region: np.ndarray, faint: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(h, w) uint8 a mouth with those of its parts that are hardly other than the skin, unless too much hangs on it."""
    closed = cv2.morphologyEx((faint | region).astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    part = int(np.bincount(labels[region]).argmax())
    x, y, w, h = stats[part, :4]
    free = x > 0 and y > 0 and x + w < region.shape[1] and y + h < region.shape[0]
    columns = np.flatnonzero(region.any(0))
    usual = w < MORE_FAINT * (columns[-1] - columns[0] + 1) and h < w
    whole = (labels == part) | region
    if not free or not usual or convexity(whole.astype(np.uint8)) < MOUTH_CONVEX:
        return region.astype(np.uint8)
    return whole.astype(np.uint8)
