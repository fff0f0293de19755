"""A small triangle rasteriser in numpy: for every pixel, which triangle is in front and where in it; what it needs of
triangles, and maps drawn with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

EDGE = 1e-4  # weight by which a pixel may lie outside: neighbours leave no gap between them
LEAST_AREA = 1e-6  # px^2, twice that of a triangle that is drawn
# The first and the last of a triangle's three edges in a set of them, whose bits are the index
ENDS = np.array([[0, 0, 1, 0, 2, 0, 1, 0], [0, 0, 1, 1, 2, 2, 2, 2]])


@dataclass(frozen=True)
class Coverage:
    """The covered pixels of a picture, sparse: N pixels, each inside one triangle.

    pixels: (N,) flat indices into the picture; triangles: (N,) index of the front triangle;
    weights: (3, N) float32 barycentric weights of its corners.
    """

    pixels: np.ndarray
    triangles: np.ndarray
    weights: np.ndarray

    def part(self, chosen: np.ndarray) -> Coverage:
        """Those of the pixels, by their index."""
        return Coverage(self.pixels.take(chosen), self.triangles.take(chosen), self.weights.take(chosen, 1))


def rasterise(corners_M32: np.ndarray, depth_M: np.ndarray, height: int, width: int) -> Coverage:
    """Cover a height x width picture with M triangles; where they overlap, the one with the smallest depth wins.

    corners_M32: corner positions in pixel indices (0.0 = centre of the first pixel). Triangles of either orientation
    are drawn; cull before. Triangles become spans of pixels, one a row, and all of them are handled as one array.
    """
    far_to_near = np.argsort(-depth_M, kind="stable")
    corners = corners_M32.astype(np.float32, copy=False).take(far_to_near, 0)
    x, y = np.ascontiguousarray(corners.transpose(2, 1, 0))  # (3, M) each: numpy is slow along short axes
    (x1, y1), (x2, y2) = ((x[turn], y[turn]) for turn in ([1, 2, 0], [2, 0, 1]))
    # weight_k(x, y) = gx_k * x + gy_k * y + g0_k for the three corners
    gx, gy, g0 = y1 - y2, x2 - x1, x1 * y2 - x2 * y1
    area = gy[2] * gx[1] - gy[1] * gx[2]
    top = np.ceil(np.minimum(np.maximum(y.min(0), 0), height)).astype(np.int32)
    bottom = np.floor(np.maximum(np.minimum(y.max(0), height - 1), -1)).astype(np.int32)
    count = np.maximum(bottom - top + 1, 0)
    drawn = np.abs(area) > LEAST_AREA
    count[~drawn] = 0
    inverse = 1 / np.where(drawn, area, 1)
    gx *= inverse
    gy *= inverse
    g0 *= inverse
    gx[gx == 0] = 1e-20  # a level edge: all of a row or nothing

    left, right = _edges(gx, gy, g0)

    triangle, y = _runs(count, top)
    x = y.astype(np.float32)
    first, last = ((slope.take(triangle, 1) * x + offset.take(triangle, 1)) for slope, offset in (left, right))
    first = np.ceil(np.minimum(np.maximum(np.maximum(first[0], first[1]), 0), width)).astype(np.int32)
    last = np.floor(np.minimum(np.maximum(np.minimum(last[0], last[1]), -1), width - 1)).astype(np.int32)
    start_of_line = y * width
    row, pixel = _runs(np.maximum(last - first + 1, 0), start_of_line + first)

    # painter's algorithm: written far to near, the last write stays
    front = np.full(height * width, -1, np.int32)
    front[pixel] = row
    covered = np.flatnonzero(front >= 0)
    row = front.take(covered)
    triangle = triangle.take(row)
    x, y = (covered - start_of_line.take(row)).astype(np.float32), y.take(row).astype(np.float32)
    weights = np.empty((3, len(row)), np.float32)
    for k in range(2):
        weights[k] = gx[k].take(triangle) * x + gy[k].take(triangle) * y + g0[k].take(triangle)
    weights[2] = 1 - weights[0] - weights[1]
    return Coverage(covered, far_to_near.take(triangle), weights)


def _edges(gx: np.ndarray, gy: np.ndarray, g0: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Left and right edges of T triangles, as slope and offset (2, T) of x = slope * y + offset; an only one twice.

    A weight that rises with x is 0 on the left edge, one that falls on the right one.
    """
    with np.errstate(over="ignore"):
        inverse = -1 / gx
        slope, offset = (gy * inverse).ravel(), ((g0 + np.float32(EDGE)) * inverse).ravel()
    places = np.arange(gx.shape[1])
    rising = (gx > 0).view(np.int8)
    left = rising[0] + 2 * rising[1] + 4 * rising[2]
    on_sides = (ENDS.take(side, 1) * len(places) + places for side in (left, 7 - left))
    return tuple((slope.take(at), offset.take(at)) for at in on_sides)


def _runs(lengths: np.ndarray, begins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """begin, begin + 1, .. for every length, one after another: whose each number is, and the numbers."""
    end = np.cumsum(lengths, dtype=np.intp)
    total = end[-1] if len(end) else 0
    return np.repeat(np.arange(len(end)), lengths), np.arange(total) + np.repeat(begins - end + lengths, lengths)


def signed_areas(points: np.ndarray, triangles_T3: np.ndarray) -> np.ndarray:
    """(T,) twice the signed area of every triangle in the picture, px^2; facing the viewer is negative, as y points
    down."""
    corners = triangles_T3.T
    (ax, bx, cx), (ay, by, cy) = points[:, 0].take(corners), points[:, 1].take(corners)
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


def as_complex(places: np.ndarray) -> np.ndarray:
    """(...,) complex64 view of places (..., 2) float32, x + i y: NumPy moves one number faster than a pair."""
    return places.view(np.complex64)[..., 0]


def draw_places(places_V2: np.ndarray, triangles_T3: np.ndarray, covered: Coverage, map_hw2: np.ndarray) -> None:
    """Write places of the vertices into a float32 map wherever the mesh is, in place."""
    places = as_complex(np.ascontiguousarray(places_V2, np.float32))
    at = np.zeros(len(covered.pixels), np.complex64)
    for corner, weight in zip(triangles_T3.T, covered.weights, strict=True):
        at += places.take(corner).take(covered.triangles) * weight
    as_complex(map_hw2).reshape(-1)[covered.pixels] = at
