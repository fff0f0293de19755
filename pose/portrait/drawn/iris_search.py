"""Where a drawn iris is: the most pronounced blob near the place where it should be."""

from __future__ import annotations

import cv2
import numpy as np

from .colours import Canvas
from .curves import SMALLEST, run

RADII = (0.06, 0.08, 0.105, 0.135, 0.17)  # eye distances: irises that are looked for
SIZE = 0.55  # power of its radius by which a larger blob is the stronger one
WIDER = 1.3  # radii of the blob that an iris is wide at most, on either side


def find_iris(canvas: Canvas, box: tuple[float, float, float, float]) -> tuple[float, float, float] | None:
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
