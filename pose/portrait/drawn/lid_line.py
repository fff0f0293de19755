"""The lids of a drawn eye to which hair, brows or glasses are joined: the upper one is followed along its dark line."""

from __future__ import annotations

import cv2
import numpy as np

from .colours import SKIN, Canvas
from .curves import OUTLIER, ROUGHNESS, SMALLEST, arch, smoothed

FARTHEST = 2.1  # iris radii from its middle to where a lid's line is followed
BEYOND = 0.1  # of a detected eye's width, that it may go on beyond its box
THICKEST = 0.55  # iris radii that a lash line is thick at most, above its darkest
OTHER_HUE = 36.0  # difference from the lash line's hue, in Lab's weighted a and b, from which a line is another one


def followed_lids(
    canvas: Canvas,
    luma: np.ndarray,
    cx: float,
    cy: float,
    radius: float,
    box: tuple[float, float, float, float] | None = None,
):
    """The upper lid along its dark line, the lower one as far down as the iris or the white goes. box: x, y, width and
    height where a detector of drawn eyes has the eye, which strands and brows lead no further than."""
    h, w = luma.shape
    x0, x1 = int(max(cx - FARTHEST * radius, 1)), int(min(cx + FARTHEST * radius, w - 2))
    y0, y1 = int(max(cy - 2.0 * radius, 2)), int(min(cy + 1.2 * radius, h - 2))
    if box is not None:
        beyond = BEYOND * box[2]
        x0, x1 = max(x0, int(box[0] - beyond)), min(x1, int(box[0] + box[2] + beyond))
        y0 = max(y0, int(box[1] - beyond))
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
    return smoothed(x0 + left, x0 + right, *_without_outliers(columns, top, bottom, radius), ROUGHNESS[1] * radius)


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
