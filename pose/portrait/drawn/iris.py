"""The iris of a drawn eye: where it is, with its lights, and how it goes on under the lid."""

from __future__ import annotations

import cv2
import numpy as np

from .masks import grown_by

PARTS = 1.3  # radii from the middle of an iris, within which most of each of its parts lies
THIN = 0.35  # radii: what is thinner than twice that is a rim and no part of the iris
ON_IRIS = 0.9  # of a highlight, that lies within as many radii


def iris_ellipse(mask, under, blob, tall) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre and radii of an iris, and (h, w) bool where it is seen: the hull of what in a mask (h, w) is no line, with
    its highlights. under: (w,) where the lid ends. blob: x, y and radius of the circle that it is near."""
    h, w = mask.shape
    bx, by, r = blob
    y, x = np.mgrid[:h, :w]
    thin = max(int(THIN * r), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thin + 1, 2 * thin + 1))
    solid = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels = cv2.connectedComponents(solid)
    close = np.hypot(x - bx, y - by) < PARTS * r
    # highlights part it
    near = np.bincount(labels[close], minlength=count) / np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    near[0] = 0
    seen = np.hypot(x - bx, y - by) < r
    if near.any():
        parts = (near > 0.5) | (near == near.max())
        parts[0] = False
        part = grown_by(parts[labels], 1) & mask
        seen = cv2.fillConvexPoly(np.zeros((h, w), np.uint8), cv2.convexHull(cv2.findNonZero(part.astype(np.uint8))), 1)
        seen = seen > 0
        seen |= grown_by(seen, max(int(0.1 * r), 2)) & mask
    wide = seen.sum(1)
    row = int(wide.argmax())
    left, right = np.flatnonzero(seen[row])[[0, -1]] if wide[row] else (bx - r, bx + r)
    cx, rx = (left + right + 1) / 2, max((right - left + 1) / 2, 1.5)
    rows = np.flatnonzero(seen.any(1))
    first, last = (rows[0], rows[-1] + 1) if len(rows) else (by - r, by + r)
    ry = max((last - first) / 2, 1.5)
    if first < under[int(np.clip(cx, 0, w - 1))] + 0.1 * tall:  # the lid hides its top
        ry = float(np.clip(1.1 * ry, min(rx, 1.3 * ry), max(1.45 * rx, ry)))
    return np.array([cx, last - ry], np.float32), np.array([rx, ry], np.float32), seen


def highlights(pale: np.ndarray, blob: tuple) -> np.ndarray:
    """What of the pale parts of an eye (h, w) bool are lights on its iris: they lie inside it."""
    h, w = pale.shape
    bx, by, r = blob
    y, x = np.mgrid[:h, :w]
    inner = cv2.erode(pale.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(inner)
    whole = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    inside = np.bincount(labels[np.hypot(x - bx, y - by) < PARTS * r], minlength=count) / whole
    chosen = inside > ON_IRIS
    chosen[0] = False
    return grown_by(chosen[labels], 1) & pale


def upwards(rgb: np.ndarray, known: np.ndarray, under: np.ndarray) -> np.ndarray:
    """rgb (h, w, 3), its pixels above `under` those below it mirrored, as far as they are known, else the nearest."""
    h, w = known.shape
    y = np.arange(h, dtype=np.float32)[:, None]
    edge = np.ceil(under)[None] + 1
    first = np.where(known.any(0), np.maximum(known.argmax(0), edge[0]), edge[0]) + 2  # not the lash line's shade
    source = np.where(y < first, np.minimum(first + 0.25 * (first - y), h - 1), y)
    columns = np.broadcast_to(np.arange(w), (h, w))
    return rgb[np.clip(source, 0, h - 1).astype(int), columns]
