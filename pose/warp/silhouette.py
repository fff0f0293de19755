"""The outline of what faces the viewer of a mesh: where it hides what lies behind."""

from __future__ import annotations

import numpy as np


class Silhouette:
    """Outlines of a closed surface with one rim. triangles_T3: int, consistently oriented."""

    def __init__(self, triangles_T3: np.ndarray):
        edges = np.concatenate([triangles_T3[:, [0, 1]], triangles_T3[:, [1, 2]], triangles_T3[:, [2, 0]]])
        self._edges = edges  # directed
        # the triangles at both sides of each edge, the number of triangles where there is none
        count = len(triangles_T3)
        self._owner = np.tile(np.arange(count), 3)
        owner = {(int(a), int(b)): k % count for k, (a, b) in enumerate(edges)}
        self._opposite = np.array([owner.get((int(b), int(a)), count) for a, b in edges])

    def __call__(self, facing_T: np.ndarray) -> np.ndarray | None:
        """Vertices of the longest closed outline of the triangles that face the viewer, None where there is none."""
        shown = np.append(facing_T, False)
        border = np.flatnonzero(facing_T.take(self._owner) > shown.take(self._opposite))
        following: dict[int, list[int]] = {}
        for a, b in self._edges[border].tolist():
            following.setdefault(a, []).append(b)
        longest: list[int] = []
        while following:
            start = next(iter(following))
            loop, at = [], start
            while at in following:
                onward = following[at]
                loop.append(at)
                nearest = onward.pop()
                if not onward:
                    del following[at]
                at = nearest
            if len(loop) > len(longest):
                longest = loop
        return np.array(longest) if len(longest) > 2 else None
