"""A small triangle rasteriser in numpy: for every pixel, which triangle is in front and where in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EDGE = 1e-4  # weight by which a pixel may lie outside: neighbours leave no gap between them


@dataclass(frozen=True)
class Coverage:
    """The covered pixels of a picture, sparse: N pixels, each inside one triangle.

    pixels: (N,) flat indices into the picture; triangles: (N,) index of the front triangle;
    weights: (3, N) float32 barycentric weights of its corners.
    """

    pixels: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray


def rasterise(corners_M32: np.ndarray, depth_M: np.ndarray, height: int, width: int) -> Coverage:
    """Cover a height x width picture with M triangles; where they overlap, the one with the smallest depth wins.

    corners_M32: corner positions in pixel indices (0.0 = centre of the first pixel). Triangles of either orientation
    are drawn; cull before. Triangles become spans of pixels, one a row, and all of them are handled as one array.
    """
    far_to_near = np.argsort(-depth_M, kind="stable")
    corners = corners_M32.astype(np.float32, copy=False)
    (ax, ay), (bx, by), (cx, cy) = (corners[far_to_near, i].T for i in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    top = np.ceil(np.maximum(np.minimum(np.minimum(ay, by), cy), 0)).astype(np.int32)
    bottom = np.floor(np.minimum(np.maximum(np.maximum(ay, by), cy), height - 1)).astype(np.int32)
    drawn = np.flatnonzero((np.abs(area) > 1e-6) & (bottom >= top))
    inverse = 1.0 / area[drawn]
    ax, ay, bx, by, cx, cy = (v[drawn] for v in (ax, ay, bx, by, cx, cy))
    # weight_k(x, y) = gx_k * x + gy_k * y + g0_k for the corners a, b and c
    gx = np.stack([by - cy, cy - ay, ay - by]) * inverse                                              # (3, T)
    gx[gx == 0] = np.float32(1e-20)  # a level edge: all of a row or nothing
    gy = np.stack([cx - bx, ax - cx, bx - ax]) * inverse
    g0 = np.stack([bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay]) * inverse

    rows, triangle = _runs(bottom[drawn] - top[drawn] + 1)
    y = (top[drawn][triangle] + rows).astype(np.float32)
    # where each weight is positive: right of its zero, or left of it
    with np.errstate(over="ignore"):
        zero = (gy.take(triangle, 1) * y + (g0 + EDGE).take(triangle, 1)) * (-1 / gx).take(triangle, 1)
    rising = (gx > 0).take(triangle, 1)
    left, right = np.where(rising, zero, -1), np.where(rising, width, zero)
    left = np.maximum(np.maximum(left[0], left[1]), left[2])
    right = np.minimum(np.minimum(right[0], right[1]), right[2])
    first = np.ceil(np.clip(left, 0, width)).astype(np.int32)
    last = np.floor(np.clip(right, -1, width - 1)).astype(np.int32)
    along, row = _runs(np.maximum(last - first + 1, 0))
    x, triangle = first.take(row) + along, triangle.take(row)
    pixel = (y * width).astype(np.int32).take(row) + x

    # painter's algorithm: written far to near, the last write stays
    front = np.full(height * width, -1, np.int32)
    front[pixel] = np.arange(len(x), dtype=np.int32)
    covered = np.flatnonzero(front >= 0)
    chosen = front[covered]
    x, y, triangle = x.take(chosen), y.take(row.take(chosen)), triangle.take(chosen)
    weights = np.empty((3, len(chosen)), np.float32)
    for k in range(2):
        weights[k] = gx[k].take(triangle) * x + gy[k].take(triangle) * y + g0[k].take(triangle)
    weights[2] = 1 - weights[0] - weights[1]
    return Coverage(covered, far_to_near[drawn[triangle]], weights)


def _runs(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """0..n-1 for every length n, one after another, and the index of the run that each belongs to."""
    owner = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    start = np.cumsum(lengths) - lengths
    return np.arange(len(owner), dtype=np.int32) - start.astype(np.int32).take(owner), owner
