"""Where a drawn eye is and where its lids run, before it is taken apart.

Its iris is the most pronounced blob near the place where it should be. Where what is no skin around it is one separate
shape, as in flat drawings, its outline is the eye's. Where hair, brows or glasses join it, the upper lid is followed
along its dark line from the iris to both corners instead (dynamic programming), and the lower lid is a curve between
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .colours import SKIN, Canvas

RADII = (0.06, 0.08, 0.105, 0.135, 0.17)  # eye distances: irises that are looked for
SIZE = 0.55  # power of its radius by which a larger blob is the stronger one
WIDER = 1.3  # radii of the blob that an iris is wide at most, on either side
ALONE_WIDTH = 2.2  # radii; what is less wide once the white is left out is the iris alone
STRICTER = (1.0, 1.6, 2.3)  # thresholds on what is no skin, in SKIN, until the eye stands alone
GAP = 0.03  # eye distances: breaks in outlines that are closed
SMALLEST = 4  # px of an eye's width and height, below which there is nothing to take apart
LARGEST = 4.6  # iris radii that an eye is wide, and ...
TALLEST = 4.4  # ... high at most; a shape beyond that is more than an eye
ROUGHNESS = (0.03, 0.16)  # iris radii over which lids are smoothed: of an outline, of a line that was followed
FARTHEST = 2.1  # iris radii from its middle to where a lid's line is followed
THICKEST = 0.55  # iris radii that a lash line is thick at most, above its darkest
OTHER_HUE = 36.0  # difference from the lash line's hue, in Lab's weighted a and b, from which a line is another one
CUT = 0.3  # iris radii: what is thinner than twice that is a lash or a line, and no part of an eye's shape
CONVEX = 0.76  # of its hull, that an eye alone covers
# Ways to part an eye from what touches it: as it is, with breaks in its outline closed, without thin lines that join
# it to something else; and by how much of convexity one is preferred to another.
ALONE, JOINED, CUT_FREE = "alone", "joined", "cut free"
PREFERRED = {ALONE: 0.08, JOINED: 0.05, CUT_FREE: 0.0}
STRICTNESS = 0.04  # of convexity, that a stricter threshold costs
STRAND_NEAR = 0.12  # iris radii beyond a lid, where hair tells that the lid is hidden
OUTLIER = 0.25  # iris radii that a lid may leave its smoothed curve


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


def find_lids(canvas: Canvas, box: tuple[float, float, float, float]) -> Lids | None:
    """The lids of the eye in or near a box (x, y, width, height); None where there is none that is open."""
    blob = _find_iris(canvas, box)
    if blob is None:
        return None
    cx, cy, radius = blob
    luma = canvas.rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    outline = _outline(canvas, cx, cy, radius)
    if outline is None:
        outline = _followed(canvas, luma, cx, cy, radius)
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
            curve = curve.copy()
            curve[hidden] = limit(curve[hidden], arch(x[~hidden], curve[~hidden], OUTLIER * radius, at=x[hidden]))
        lids.append(curve)
    return lids[0], np.maximum(lids[1], lids[0] + 1)


def _find_iris(canvas: Canvas, box: tuple[float, float, float, float]) -> tuple[float, float, float] | None:
    """x, y and radius of the strongest blob that differs from what is left and right of it and from the skin."""
    unit = canvas.unit
    height, width = canvas.skin.shape
    middle = (box[0] + box[2] / 2, box[1] + box[3] / 2)
    reach = (0.45 * box[2], 0.45 * box[3])
    margin = 1.7 * RADII[-1] * unit
    x0, y0 = (int(max(m - 1.4 * r - margin, 0)) for m, r in zip(middle, reach))
    x1, y1 = (int(min(m + 1.4 * r + margin + 1, n)) for m, r, n in zip(middle, reach, (width, height)))
    if x1 - x0 < SMALLEST or y1 - y0 < SMALLEST:
        return None
    view = (slice(y0, y1), slice(x0, x1))
    luma = cv2.cvtColor(canvas.rgb[view], cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    # an iris is no skin and darker than the white; a white alone is no iris
    strength = (np.clip(canvas.away[view] / 60, 0, 1) * ~canvas.hair[view] * (1.15 - luma)).astype(np.float32)
    y, x = np.mgrid[y0:y1, x0:x1]
    prior = np.exp(-(((x + 0.5 - middle[0]) / reach[0]) ** 2 + ((y + 0.5 - middle[1]) / reach[1]) ** 2))
    best, found = 0.02, None
    for radius in RADII:
        r = radius * unit
        response = cv2.filter2D(strength, -1, _disc(r)) - 0.8 * cv2.filter2D(strength, -1, _beside(r))
        score = response * prior * radius**SIZE
        at = np.unravel_index(score.argmax(), score.shape)
        if score[at] > best:
            best, found = float(score[at]), (float(x[at]) + 0.5, float(y[at]) + 0.5, r)
    if found is None:
        return None
    cx, cy, r = found
    # as wide as it is: up to the white or the skin on both sides
    inside = strength > 0.5 * strength[np.hypot(x + 0.5 - cx, y + 0.5 - cy) < 0.7 * r].mean()
    rows = range(max(int(cy - 0.4 * r) - y0, 0), min(int(cy + 0.6 * r) - y0 + 1, y1 - y0))
    runs = [np.array(run(inside[row], int(cx) - x0, WIDER * r)) for row in rows]
    if not runs:
        return found
    left, right = np.median(runs, 0)
    return (left + right) / 2 + x0, cy, max((right - left) / 2, 0.8 * r)


def _disc(radius: float) -> np.ndarray:
    size = int(np.ceil(radius))
    y, x = np.mgrid[-size : size + 1, -size : size + 1]
    kernel = (x * x + y * y <= radius * radius).astype(np.float32)
    return kernel / kernel.sum()


def _beside(radius: float) -> np.ndarray:
    """To the left and the right of a disc, and below it, where the white or the skin is."""
    size = int(np.ceil(1.7 * radius))
    y, x = np.mgrid[-size : size + 1, -size : size + 1]
    distance = np.hypot(x, y)
    kernel = ((distance > 1.15 * radius) & (distance <= 1.7 * radius) & (y > -0.5 * np.abs(x))).astype(np.float32)
    return kernel / max(kernel.sum(), 1)


def _outline(canvas: Canvas, cx: float, cy: float, radius: float):
    """The eye as one shape of its own, None where other things are joined to it."""
    h, w = canvas.skin.shape
    widest, highest = max(LARGEST * radius, 0.75 * canvas.unit), max(TALLEST * radius, 0.75 * canvas.unit)
    reach = 1.1 * max(widest, highest)  # an iris may look to its eye's corner
    x0, x1 = int(max(cx - reach, 0)), int(min(cx + reach + 1, w))
    y0, y1 = int(max(cy - reach, 0)), int(min(cy + reach + 1, h))
    away = canvas.away[y0:y1, x0:x1]
    gap = max(int(GAP * canvas.unit), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * gap + 1, 2 * gap + 1))
    disc = np.hypot(np.arange(x0, x1)[None] + 0.5 - cx, np.arange(y0, y1)[:, None] + 0.5 - cy) < 0.7 * radius
    cut = max(int(CUT * radius), 1)
    cutter = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * cut + 1, 2 * cut + 1))
    seen_as_eye = ~(canvas.hair | canvas.blush)[y0:y1, x0:x1]
    best, found = 0.0, None
    for rank, strict in enumerate(STRICTER):
        seen = ((away > strict * SKIN) & seen_as_eye).astype(np.uint8)
        forms = {
            ALONE: seen,
            JOINED: cv2.morphologyEx(seen, cv2.MORPH_CLOSE, kernel),
            # nor a brow or a fold of the lid that hang on by a line
            CUT_FREE: cv2.dilate(cv2.morphologyEx(_filled(seen), cv2.MORPH_OPEN, cutter), cutter) & seen,
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
            shape = _filled((labels == part).astype(np.uint8))
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
    return _smoothed(x0 + x, x0 + x + width - 1, top, bottom, ROUGHNESS[0] * radius)


def _filled(shape: np.ndarray) -> np.ndarray:
    """A mask (h, w) uint8 without its holes."""
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(shape), contours, -1, 1, cv2.FILLED)


def convexity(shape: np.ndarray) -> float:
    """How much of its hull a shape covers: lashes that stick out and a lid's fold leave it well below 1."""
    contours, _ = cv2.findContours(shape, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(contours, key=cv2.contourArea)
    return cv2.contourArea(contour) / max(cv2.contourArea(cv2.convexHull(contour)), 1)


def _followed(canvas: Canvas, luma: np.ndarray, cx: float, cy: float, radius: float):
    """The upper lid along its dark line, the lower one as far down as the iris or the white goes."""
    h, w = luma.shape
    x0, x1 = int(max(cx - FARTHEST * radius, 1)), int(min(cx + FARTHEST * radius, w - 2))
    y0, y1 = int(max(cy - 2.0 * radius, 2)), int(min(cy + 1.2 * radius, h - 2))
    if x1 - x0 < SMALLEST or y1 - y0 < SMALLEST:
        return None
    window = cv2.GaussianBlur(luma, (0, 0), max(0.06 * radius, 0.5))[y0:y1, x0:x1]
    y, x = np.arange(y0, y1)[:, None] + 0.5, np.arange(x0, x1)[None] + 0.5
    dark = np.percentile(window, 3)
    cost = np.clip((window - dark) / 120, 0, 1)
    # skin and hair are no lash line, however dark
    cost = cost + 0.5 * canvas.hair[y0:y1, x0:x1] + 0.3 * canvas.skin[y0:y1, x0:x1]
    t = (x - cx) / radius
    arch = cy + radius * (-1.1 + 0.28 * t * t)
    cost = cost + 0.22 * (np.abs(y - arch) / radius) ** 1.5
    cost = np.where((np.abs(t) < 0.8) & (y > cy - 0.5 * radius), 4, cost)
    start = int(np.clip(cx - x0, 0, x1 - x0 - 1))
    path = np.concatenate([_trace(cost[:, start::-1])[::-1], _trace(cost[:, start:])[1:]])
    # the line ends where it is no darker than the skin any more
    n = len(path)
    on = window[path, np.arange(n)]
    away = canvas.away[y0:y1, x0:x1][path, np.arange(n)]
    hues = canvas.lab[y0:y1, x0:x1][path, np.arange(n), 1:]
    own = np.median(hues[np.abs(t[0]) < 1], 0)
    # ... or is another line: that of hair or cheek
    good = (on < dark + 95) & (away > 1.6 * SKIN) & (np.linalg.norm(hues - own, axis=1) < OTHER_HUE)
    left, right = _extent(good, start, max(int(0.3 * radius), 1))
    # ... but not before the eye does, which a strand may cut off
    level = slice(max(int(cy - 0.4 * radius), 0), int(cy + 0.4 * radius) + 1)
    eye = (~canvas.skin[level, x0:x1] & ~canvas.hair[level, x0:x1]).mean(0) > 0.6
    near = np.abs(np.arange(n) + x0 + 0.5 - cx) < 1.15 * radius
    eye &= near
    while left > 0 and eye[left - 1]:
        left -= 1
    while right < n - 1 and eye[right + 1]:
        right += 1
    if right - left < SMALLEST:
        return None
    path = path[left : right + 1] + y0
    columns = np.arange(x0 + left, x0 + right + 1)
    # the upper edge of that line
    top = np.empty(len(path))
    most = max(THICKEST * radius, 2)
    for k, (column, row) in enumerate(zip(columns, path)):
        above = luma[int(max(row - most, 0)) : row + 1, column][::-1]
        light = above.max()
        hair = canvas.hair[int(max(row - most, 0)) : row + 1, column][::-1]
        ends = np.flatnonzero((above > 0.6 * above[0] + 0.4 * light) | hair)
        top[k] = row - (ends[0] if len(ends) else len(above)) + 1
    bottom = np.empty(len(path))
    lowest = int(min(cy + 2.0 * radius, h - 1))
    for k, (column, row) in enumerate(zip(columns, path)):
        below = (canvas.away[row : lowest + 1, column] > SKIN) & ~canvas.blush[row : lowest + 1, column]
        gaps = np.flatnonzero(~below)
        # the last of a run that starts at the lid; a break as wide as a white that looks like skin is none
        end = len(below) - 1 - below[::-1].argmax() if below.any() else 0
        if len(gaps):
            runs = np.split(gaps, np.flatnonzero(np.diff(gaps) > 1) + 1)
            wide = [run for run in runs if len(run) > 0.35 * radius]
            end = wide[0][0] if wide else end
        bottom[k] = row + max(end, 1)
    # beside the iris, shadows and strands hang on: there the lid is no lower than an arc from its depth to the corners
    beside = (columns + 0.5 - cx) / np.where(columns + 0.5 < cx, cx - columns[0], columns[-1] + 1 - cx)
    central = np.abs(columns + 0.5 - cx) < 0.6 * radius
    depth = float(np.median(bottom[central])) if central.any() else float(np.median(bottom))
    ends = np.where(columns + 0.5 < cx, top[0], top[-1]) + 0.2 * radius
    arc = ends + (depth - ends) * np.sqrt(np.clip(1 - np.abs(beside) ** 2.5, 0, 1))
    bottom = np.maximum(np.minimum(bottom, arc), np.minimum(arc, bottom + 0.35 * radius))
    return _smoothed(x0 + left, x0 + right, *_without_outliers(columns, top, bottom, radius), ROUGHNESS[1] * radius)


def _trace(cost: np.ndarray) -> np.ndarray:
    """(n,) rows of the cheapest path through the columns of a cost (rows, n), at most two rows up or down a column."""
    rows, n = cost.shape
    total, steps = cost[:, 0].astype(np.float64), np.zeros((n, rows), np.int8)
    for k in range(1, n):
        options = []
        for step in (-2, -1, 0, 1, 2):
            moved = np.full(rows, 1e6)
            if step >= 0:
                moved[step:] = total[: rows - step]
            else:
                moved[:step] = total[-step:]
            options.append(moved + 0.06 * step * step)
        options = np.array(options)
        choice = options.argmin(0)
        total = options[choice, np.arange(rows)] + cost[:, k]
        steps[k] = choice - 2
    path = np.empty(n, int)
    path[-1] = total.argmin()
    for k in range(n - 1, 0, -1):
        path[k - 1] = path[k] - steps[k][path[k]]
    return path


def _extent(good: np.ndarray, start: int, gap: int) -> tuple[int, int]:
    """First and last of the good columns around `start`, across breaks of up to `gap`."""
    ends = []
    for step in (-1, 1):
        at, end, missed = start, start, 0
        while 0 <= at < len(good) and missed <= gap:
            if good[at]:
                end, missed = at, 0
            else:
                missed += 1
            at += step
        ends.append(end)
    return ends[0], ends[1]


def _smoothed(left: int, right: int, top: np.ndarray, bottom: np.ndarray, sigma: float):
    sigma = max(sigma, 0.7)
    top, bottom = (cv2.GaussianBlur(v[None].astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
                   for v in (top, bottom))
    return left, right, top, np.maximum(bottom, top + 1)


def _without_outliers(
    x: np.ndarray, top: np.ndarray, bottom: np.ndarray, radius: float
) -> tuple[np.ndarray, np.ndarray]:
    """Lids without the strands, lashes and shadows that reach beyond them."""
    tolerance = OUTLIER * radius
    top, bottom = np.asarray(top, np.float64), np.asarray(bottom, np.float64)
    for _ in range(2):
        fits = arch(x, top, tolerance), arch(x, bottom, tolerance)
        top, bottom = np.maximum(top, fits[0] - tolerance), np.minimum(bottom, fits[1] + tolerance)
    return top, bottom


def arch(x: np.ndarray, y: np.ndarray, tolerance: float, at: np.ndarray | None = None) -> np.ndarray:
    """A parabola through most of the points of a lid (iteratively reweighted), at other places than theirs where such
    are given."""
    at = x if at is None else at
    if len(x) < 6:
        return np.interp(at, x, y) if len(x) else np.zeros(len(at))
    middle, half = x.mean(), max(np.ptp(x) / 2, 1)
    basis, wanted = (np.vander((v - middle) / half, 3, increasing=True) for v in (x, at))
    weight = np.ones(len(x))
    for _ in range(12):
        root = np.sqrt(weight)
        curve = np.linalg.lstsq(basis * root[:, None], y * root, rcond=None)[0]
        weight = 1 / (1 + ((y - basis @ curve) / tolerance) ** 2)
    return wanted @ curve


def run(line: np.ndarray, start: int, most: float) -> tuple[float, float]:
    """Both ends of the run of True around `start`, no further than `most` from it; breaks of a fifth of that are
    bridged, as a highlight makes them."""
    ends = []
    gap = max(int(0.2 * most), 1)
    for step in (-1, 1):
        at, end, missed = start, start, 0
        while 0 <= at < len(line) and missed <= gap and abs(at - start) <= most:
            end, missed = (at, 0) if line[at] else (end, missed + 1)
            at += step
        ends.append(end)
    return float(ends[0]), float(ends[1] + 1)


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
