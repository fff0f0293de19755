"""A small triangle rasteriser in numpy: for every pixel, which triangle is in front and where in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Coverage:
    """The covered pixels of a picture, sparse: N pixels, each inside one triangle.

    pixels: (N,) flat indices into the picture; triangles: (N,) index of the front triangle;
    weights: (N, 3) float32 barycentric weights of its corners.
    """

    pixels: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray


def rasterise(corners_M32: np.ndarray, depth_M: np.ndarray, height: int, width: int) -> Coverage:
    """Cover a height x width picture with M triangles; where they overlap, the one with the smallest depth wins.

    corners_M32: corner positions in pixel indices (0.0 = centre of the first pixel). Triangles of either orientation are
    drawn; cull before. Work is done in groups of triangles of similar size, each group as one array operation.
    """
    corners = corners_M32.astype(np.float32, copy=False)
    low = np.ceil(np.maximum(corners.min(1), 0)).astype(np.int32)                                     # (M, 2)
    high = np.floor(np.minimum(corners.max(1), np.array([width - 1, height - 1]))).astype(np.int32)   # (M, 2)
    extent = (high - low + 1).max(1)
    (ax, ay), (bx, by), (cx, cy) = (corners[:, i].T for i in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(np.abs(area) > 1e-6, 1.0 / area, np.nan).astype(np.float32)
    # weight_k(x, y) = gx_k * x + gy_k * y + g0_k for the corners a and b; c has the rest
    gx = np.stack([by - cy, cy - ay], 1) * inverse[:, None]
    gy = np.stack([cx - bx, ax - cx], 1) * inverse[:, None]
    g0 = np.stack([bx * cy - cx * by, cx * ay - ax * cy], 1) * inverse[:, None]

    pixels, triangles, weights = [], [], []
    drawn = (high >= low).all(1) & np.isfinite(inverse)
    size = 2
    lower = 0
    while lower < extent.max(initial=0):
        group = np.flatnonzero(drawn & (extent > lower) & (extent <= size))
        if group.size:
            offset_y, offset_x = np.divmod(np.arange(size * size, dtype=np.int32), size)
            x = low[group, 0, None] + offset_x                                                      # (G, size^2)
            y = low[group, 1, None] + offset_y
            wa = gx[group, 0, None] * x + gy[group, 0, None] * y + g0[group, 0, None]
            wb = gx[group, 1, None] * x + gy[group, 1, None] * y + g0[group, 1, None]
            inside = (wa >= -1e-4) & (wb >= -1e-4) & (wa + wb <= 1.0001)
            inside &= (x <= high[group, 0, None]) & (y <= high[group, 1, None])
            rows, columns = np.nonzero(inside)
            pixels.append(y[rows, columns] * width + x[rows, columns])
            triangles.append(group[rows])
            weights.append(np.stack([wa[rows, columns], wb[rows, columns]], 1))
        lower, size = size, size * 2
    if not pixels:
        return Coverage(np.zeros(0, np.int32), np.zeros(0, np.intp), np.zeros((0, 3), np.float32))
    pixel, triangle, weight = np.concatenate(pixels), np.concatenate(triangles), np.concatenate(weights)

    # painter's algorithm: write far to near, the last write stays
    rank = np.empty(len(depth_M), np.int16 if len(depth_M) < 32768 else np.int64)
    rank[np.argsort(-depth_M, kind="stable")] = np.arange(len(depth_M))
    order = np.argsort(rank[triangle], kind="stable")
    front = np.full(height * width, -1, np.int32)
    front[pixel[order]] = order
    covered = np.flatnonzero(front >= 0)
    chosen = front[covered]
    weight = weight[chosen]
    return Coverage(covered, triangle[chosen], np.concatenate([weight, 1 - weight.sum(1, keepdims=True)], 1))
