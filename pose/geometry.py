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

    def halved(self) -> tuple[slice, slice]:
        """Rows and columns of the rectangle in a picture half as large."""
        rows, columns = (slice(at.start // 2, -(-at.stop // 2)) for at in (self.rows, self.columns))
        return rows, columns


def polygon_patch(points_N2: np.ndarray, size: int) -> Patch | None:
    """The part of a size x size picture that a polygon covers, None if that is nothing. points_N2: in its pixels."""
    across, down = points_N2.T.tolist()  # of few numbers, Python finds the ends in a fraction of NumPy's time
    x0, y0 = (min(max(math.floor(min(axis)), 0), size) for axis in (across, down))
    x1, y1 = (min(max(math.ceil(max(axis)), 0), size) for axis in (across, down))
    if x1 <= x0 or y1 <= y0:
        return None
    rows, columns = slice(y0, y1), slice(x0, x1)
    centres = _pixel_centres(size)
    return Patch(rows, columns, polygon_in(points_N2, rows, columns), centres[None, columns], centres[rows, None])


def polygon_in(points_N2: np.ndarray, rows: slice, columns: slice, scale: float = 1.0) -> np.ndarray:
    """(h, w) uint8 the anti-aliased inside of a polygon in these rows and columns of a picture.

    points_N2: in pixels of a picture 1 / scale times as large. Filled finer than the picture and averaged: OpenCV's own
    anti-aliasing also draws the outline, which would leave a line where lids or lips are closed.
    """
    fine = np.zeros(
        ((rows.stop - rows.start) * SUPERSAMPLING, (columns.stop - columns.start) * SUPERSAMPLING), np.uint8
    )
    unit = SUPERSAMPLING << SUBPIXEL_BITS  # of the fixed-point coordinates in a pixel
    middle = (1 << SUBPIXEL_BITS) / 2  # of the filler's first pixel
    corners = points_N2 * np.float32(unit * scale)
    corners -= np.array([columns.start * unit + middle, rows.start * unit + middle], np.float32)
    corners = np.rint(corners, out=corners).astype(np.int32)
    cv2.fillPoly(fine, [corners], 255, cv2.LINE_8, SUBPIXEL_BITS)
    for _ in range(HALVINGS):
        fine = cv2.resize(fine, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return fine


def polygon_mask(points_N2: np.ndarray, size: int) -> np.ndarray:
    """`polygon_patch` as a whole picture (size, size) uint8."""
    mask = np.zeros((size, size), np.uint8)
    patch = polygon_patch(points_N2, size)
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
def _pixel_centres(size: int) -> np.ndarray:
    """(size,) float32, read-only."""
    centres = np.arange(size, dtype=np.float32) + np.float32(0.5)
    centres.flags.writeable = False
    return centres
