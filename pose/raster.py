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
    corners = corners_M32.astype(np.float32, copy=False).take(far_to_near, 0)
    (ax, ay), (bx, by), (cx, cy) = (corners[:, i].T for i in range(3))
    area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    top = np.ceil(np.maximum(np.minimum(np.minimum(ay, by), cy), 0)).astype(np.intp)
    bottom = np.floor(np.minimum(np.maximum(np.maximum(ay, by), cy), height - 1)).astype(np.intp)
    drawn = np.flatnonzero((np.abs(area) > 1e-6) & (bottom >= top))
    inverse = 1.0 / area[drawn]
    ax, ay, bx, by, cx, cy = (v[drawn] for v in (ax, ay, bx, by, cx, cy))
    # weight_k(x, y) = gx_k * x + gy_k * y + g0_k for the corners a, b and c
    gx = np.stack([by - cy, cy - ay, ay - by]) * inverse  # (3, T)
    gx[gx == 0] = np.float32(1e-20)  # a level edge: all of a row or nothing
    gy = np.stack([cx - bx, ax - cx, bx - ax]) * inverse
    g0 = np.stack([bx * cy - cx * by, cx * ay - ax * cy, ax * by - bx * ay]) * inverse

    left, right = _edges(gx, gy, g0)

    count = bottom[drawn] - top[drawn] + 1
    triangle = np.repeat(np.arange(len(count)), count)
    y = (_along(count) + top[drawn].take(triangle)).astype(np.float32)
    first, last = ((slope.take(triangle, 1) * y + offset.take(triangle, 1)) for slope, offset in (left, right))
    first = np.ceil(np.minimum(np.maximum(np.maximum(first[0], first[1]), 0), width)).astype(np.intp)
    last = np.floor(np.minimum(np.maximum(np.minimum(last[0], last[1]), -1), width - 1)).astype(np.intp)
    length = np.maximum(last - first + 1, 0)
    row = np.repeat(np.arange(len(length)), length)
    start_of_line = y.astype(np.intp) * width
    pixel = _along(length) + (start_of_line + first).take(row)

    # painter's algorithm: written far to near, the last write stays
    front = np.full(height * width, -1, np.intp)
    front[pixel] = row
    covered = np.flatnonzero(front >= 0)
    row = front.take(covered)
    x, y, triangle = (covered - start_of_line.take(row)).astype(np.float32), y.take(row), triangle.take(row)
    weights = np.empty((3, len(row)), np.float32)
    for k in range(2):
        weights[k] = gx[k].take(triangle) * x + gy[k].take(triangle) * y + g0[k].take(triangle)
    weights[2] = 1 - weights[0] - weights[1]
    return Coverage(covered, far_to_near.take(drawn.take(triangle)), weights)


def _edges(gx: np.ndarray, gy: np.ndarray, g0: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Left and right edges of T triangles, as slope and offset (2, T) of x = slope * y + offset; an only one twice.

    A weight that rises with x is 0 on the left edge, one that falls on the right one.
    """
    with np.errstate(over="ignore"):
        inverse = -1 / gx
        slope, offset = gy * inverse, (g0 + EDGE) * inverse
    falling, middle, rising = np.argsort(gx, 0)
    places = np.arange(gx.shape[1])
    on_left = gx[middle, places] > 0
    left = np.stack([rising, np.where(on_left, middle, rising)])
    right = np.stack([falling, np.where(on_left, falling, middle)])
    return tuple((slope[at, places], offset[at, places]) for at in (left, right))


def _along(lengths: np.ndarray) -> np.ndarray:
    """0..n-1 for every length n, one after another."""
    end = np.cumsum(lengths, dtype=np.intp)
    return np.arange(end[-1] if len(end) else 0, dtype=np.intp) - np.repeat(end - lengths, lengths)
