"""Ramps between two edges, and polygons as anti-aliased masks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

HALVINGS = 2  # twice by two: OpenCV averages that in a sixth of the time that once by four takes
SUPERSAMPLING = 2**HALVINGS  # pixels of the filler per pixel and side
SUBPIXEL_BITS = 4  # of the filler's fixed-point coordinates


def ramp(value: np.ndarray | float, edges: tuple[float, float]) -> np.ndarray:
    """0 at the first edge, 1 at the second, linear between them. The edges may be in either order."""
    along = (value - edges[0]) / (edges[1] - edges[0])
    if isinstance(along, float):  # np.clip takes ten times as long for one number
        return min(max(along, 0.0), 1.0)
    return np.minimum(np.maximum(along, 0), 1)


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
    x0, y0 = (min(max(math.floor(v), 0), size) for v in points.min(0).tolist())
    x1, y1 = (min(max(math.ceil(v), 0), size) for v in points.max(0).tolist())
    if x1 <= x0 or y1 <= y0:
        return None
    fine = np.zeros(((y1 - y0) * SUPERSAMPLING, (x1 - x0) * SUPERSAMPLING), np.uint8)
    corners = np.rint(((points - (x0, y0)) * SUPERSAMPLING - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
    cv2.fillPoly(fine, [corners], 255, cv2.LINE_8, SUBPIXEL_BITS)
    for _ in range(HALVINGS):
        fine = cv2.resize(fine, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    centres = _pixel_centres(size, scale)
    return Patch(slice(y0, y1), slice(x0, x1), fine, centres[None, x0:x1], centres[y0:y1, None])


def polygon_mask(points_N2: np.ndarray, size: int, scale: float = 1.0) -> np.ndarray:
    """`polygon_patch` as a whole picture (size, size) uint8."""
    mask = np.zeros((size, size), np.uint8)
    patch = polygon_patch(points_N2, size, scale)
    if patch is not None:
        mask[patch.rows, patch.columns] = patch.mask
    return mask


CORNER_CUTS = 3  # averages over three points that take the corners off a ring of about twenty


def rounded(ring_N2: np.ndarray, roundness: float) -> np.ndarray:
    """(4 N, 2) a smooth outline along a ring of points: close to all of them at 0, without corners at 1."""
    close, without_corners = _outlines(len(ring_N2))
    return (close + np.float32(roundness) * (without_corners - close)) @ ring_N2


@lru_cache(maxsize=4)
def _outlines(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(4 count, count) float32 each: weights of the points of a ring along its cubic B-spline (Schoenberg, 1946), and
    along that of its averaged points."""
    t = np.arange(4) / 4
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
    spline, at = np.zeros((count, 4, count)), np.arange(count)
    for k in range(4):
        spline[at, :, (at + k - 1) % count] = weights[k]
    spline = spline.reshape(4 * count, count)
    ring = np.eye(count)
    average = ring / 2 + (np.roll(ring, 1, 0) + np.roll(ring, -1, 0)) / 4
    cut = spline @ np.linalg.matrix_power(average, CORNER_CUTS)
    return spline.astype(np.float32), cut.astype(np.float32)


@lru_cache(maxsize=16)
def _pixel_centres(size: int, scale: float) -> np.ndarray:
    """(size,) float32, read-only."""
    centres = (np.arange(size, dtype=np.float32) + 0.5) / np.float32(scale)
    centres.flags.writeable = False
    return centres
