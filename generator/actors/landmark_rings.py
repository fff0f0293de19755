"""Landmarks on edges the head model knows exactly: the borders of the lips and of the lids.

On real faces MediaPipe puts its lip and lid rings on the visible edge, within a hundredth of the eyes' distance, but on
rendered heads it is off by several times that. So these rings are laid along the mesh's own edges, and detections only
decide how far along the edge each landmark sits.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

import numpy as np

from generator.actors.ict import IctModel

# Landmarks of an edge in order, and the Multi-PIE points that the edge runs through.
EDGES = (
    ((78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308), (60, 61, 62, 63, 64)),  # upper lip, inner
    ((78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308), (60, 67, 66, 65, 64)),  # lower lip, inner
    ((61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291), (48, 49, 50, 51, 52, 53, 54)),  # upper lip, outer
    ((61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291), (48, 59, 58, 57, 56, 55, 54)),  # lower lip, outer
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (36, 37, 38, 39)),  # the person's right eye, upper lid
    ((33, 7, 163, 144, 145, 153, 154, 155, 133), (36, 41, 40, 39)),
    ((263, 466, 388, 387, 386, 385, 384, 398, 362), (45, 44, 43, 42)),  # left eye
    ((263, 249, 390, 373, 374, 380, 381, 382, 362), (45, 46, 47, 42)),
)
# The lips' two middle rings lie between outer and inner edge: landmarks from corner to corner, share of the way in.
BETWEEN = (
    ((76, 184, 74, 73, 72, 11, 302, 303, 304, 408, 306), 2, 0, 0.36),
    ((62, 183, 42, 41, 38, 12, 268, 271, 272, 407, 292), 2, 0, 0.74),
    ((76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306), 3, 1, 0.36),
    ((62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292), 3, 1, 0.74),
)
_SAMPLES = 12  # places tried on each edge of the path


class SurfacePaths:
    """Shortest ways along the edges of the skin."""

    def __init__(self, model: IctModel) -> None:
        self._points = model.neutral
        self._near: dict[int, set[int]] = {}
        for triangle in model.faces_of("skin").tolist():
            for vertex in triangle:
                self._near.setdefault(vertex, set()).update(triangle)

    def between(self, start: int, end: int) -> list[int]:
        """Vertices of the way from ``start`` to ``end``, both included (Dijkstra)."""
        queue = [(0.0, start, start)]
        came: dict[int, int] = {}
        while queue:
            length, vertex, previous = heapq.heappop(queue)
            if vertex in came:
                continue
            came[vertex] = previous
            if vertex == end:
                break
            for near in self._near[vertex] - came.keys():
                step = float(np.linalg.norm(self._points[near] - self._points[vertex]))
                heapq.heappush(queue, (length + step, near, vertex))
        way = [end]
        while way[-1] != start:
            way.append(came[way[-1]])
        return way[::-1]

    def through(self, stops: list[int]) -> list[int]:
        way = stops[:1]
        for start, end in itertools.pairwise(stops):
            way += self.between(start, end)[1:]
        return way


def lay_rings(
    model: IctModel,
    vertices: np.ndarray,
    weights: np.ndarray,
    mirrored: np.ndarray,
    error: Callable[[int, np.ndarray, np.ndarray], np.ndarray],
) -> None:
    """Write the rings into the map ``vertices``, ``weights`` (478, 3).

    Args:
        mirrored: (V,) the vertex on the other side.
        error: of a landmark at n candidate places given as vertices (n, 2) and weights (n, 2) -> (n,).
    """
    paths = SurfacePaths(model)
    for landmarks, stops in EDGES:
        way = paths.through([int(model.landmarks68[k]) for k in stops])
        segments = np.repeat(np.stack([way[:-1], way[1:]], 1), _SAMPLES, 0)
        share = np.tile(np.arange(_SAMPLES) / _SAMPLES, len(way) - 1)
        shares = np.stack([1 - share, share], 1)
        for k, landmark in enumerate(landmarks):
            if k in (0, len(landmarks) - 1):
                end = way[0] if k == 0 else way[-1]
                _set(vertices, weights, landmark, (end, end), (1.0, 0.0))
            else:
                best = error(landmark, segments, shares).argmin()
                _set(vertices, weights, landmark, segments[best], shares[best])
    for landmarks, outer, inner, share in BETWEEN:
        for k, landmark in enumerate(landmarks):
            start, end = (_nearest(vertices, weights, EDGES[edge][0][k]) for edge in (outer, inner))
            if k > len(landmarks) // 2:  # one way for both sides keeps them alike
                start, end = int(mirrored[start]), int(mirrored[end])
            way = paths.between(start, end)
            pair, pair_weights = _along(model.neutral, way, share)
            if k > len(landmarks) // 2:
                pair = mirrored[list(pair)]
            _set(vertices, weights, landmark, pair, pair_weights)


def _set(vertices: np.ndarray, weights: np.ndarray, landmark: int, pair, pair_weights) -> None:
    vertices[landmark] = (pair[0], pair[1], pair[1])
    weights[landmark] = (pair_weights[0], pair_weights[1], 0.0)


def _nearest(vertices: np.ndarray, weights: np.ndarray, landmark: int) -> int:
    return int(vertices[landmark, weights[landmark].argmax()])


def _along(points: np.ndarray, way: list[int], share: float) -> tuple[tuple[int, int], tuple[float, float]]:
    """The edge and its weights at a share of the way's length."""
    if len(way) < 2:
        return (way[0], way[0]), (1.0, 0.0)
    steps = np.linalg.norm(np.diff(points[way], axis=0), axis=1)
    passed = np.concatenate([[0.0], np.cumsum(steps)])
    at = share * passed[-1]
    k = min(int(np.searchsorted(passed, at, side="right")) - 1, len(steps) - 1)
    t = float((at - passed[k]) / max(steps[k], 1e-9))
    return (way[k], way[k + 1]), (1.0 - t, t)
