"""Ramps between two edges, and polygons as anti-aliased masks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

SUPERSAMPLING = 4  # pixels of the filler per pixel and side
SUBPIXEL_BITS = 4  # of the filler's fixed-point coordinates


def ramp(value: np.ndarray | float, edges: tuple[float, float]) -> np.ndarray:
    """0 at the first edge, 1 at the second, linear between them. The edges may be in either order."""
    k = (value - edges[0]) / (edges[1] - edges[0])
    if isinstance(k, np.ndarray):
        return np.minimum(np.maximum(k, 0), 1)
    return min(max(k, 0.0), 1.0)  # np.clip takes twenty times as long for one number


def smoothstep(value: np.ndarray | float, edges: tuple[float, float]) -> np.ndarray:
    """`ramp` that leaves both of its ends with slope 0 (cubic Hermite)."""
    k = ramp(value, edges)
    return k * k * (3 - 2 * k)


@dataclass(frozen=True)
class Patch:
    """A rectangle of a picture and the anti-aliased inside of a polygon in it.

    x, y: (1, w) and (h, 1) float32 positions of its pixels' centres, in the units that the polygon was given in.
    """

    rows: slice
    columns: slice
    mask: np.ndarray  # (h, w) uint8
    x: np.ndarray
    y: np.ndarray


def polygon_patch(points_N2: np.ndarray, size: int, scale: float = 1.0) -> Patch | None:
    """The part of a size x size picture that a polygon covers, None if that is nothing.

    points_N2: in pixels of a picture that is size / scale wide. Filled finer than the picture and averaged: OpenCV's
    own anti-aliasing also draws the outline, which would leave a line where lids or lips are closed.
    """
    points = points_N2 * scale
    low, high = points.min(0), points.max(0)
    x0, y0 = (min(max(int(np.floor(v)), 0), size) for v in low)
    x1, y1 = (min(max(int(np.ceil(v)), 0), size) for v in high)
    if x1 <= x0 or y1 <= y0:
        return None
    fine = np.zeros(((y1 - y0) * SUPERSAMPLING, (x1 - x0) * SUPERSAMPLING), np.uint8)
    corners = np.rint(((points - (x0, y0)) * SUPERSAMPLING - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(fine, [corners], 255, cv2.LINE_8, SUBPIXEL_BITS)
    mask = cv2.resize(fine, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    centres = _pixel_centres(size, scale)
    return Patch(slice(y0, y1), slice(x0, x1), mask, centres[None, x0:x1], centres[y0:y1, None])


def polygon_mask(points_N2: np.ndarray, size: int, scale: float = 1.0) -> np.ndarray:
    """`polygon_patch` as a whole picture (size, size) uint8."""
    mask = np.zeros((size, size), np.uint8)
    patch = polygon_patch(points_N2, size, scale)
    if patch is not None:
        mask[patch.rows, patch.columns] = patch.mask
    return mask


@lru_cache(maxsize=16)
def _pixel_centres(size: int, scale: float) -> np.ndarray:
    """(size,) float32, read-only."""
    centres = (np.arange(size, dtype=np.float32) + 0.5) / np.float32(scale)
    centres.flags.writeable = False
    return centres
