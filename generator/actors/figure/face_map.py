"""MediaPipe's 478 face landmarks as fixed points on MakeHuman's base mesh.

``data/makehuman_map.npz`` was fitted against MediaPipe's detections on drawn heads
(``python -m generator.actors.figure.fit_face_map``). Irises are no points of the mesh: they follow the eyeballs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

FACE = 468  # landmarks on the skin


@dataclass(frozen=True)
class FaceMap:
    """vertices (468, 3) of the base mesh and their barycentric weights (468, 3)."""

    vertices: np.ndarray
    weights: np.ndarray

    def points(self, base: np.ndarray) -> np.ndarray:
        """(..., B, 3) shapes of the base mesh -> (..., 468, 3)."""
        return np.einsum("...lkd,lk->...ld", base[..., self.vertices, :], self.weights)


@lru_cache(maxsize=1)
def face_map() -> FaceMap:
    """The map that ships with the package."""
    name = "data/makehuman_map.npz"
    with files("generator.actors").joinpath(name).open("rb") as stream, np.load(stream) as data:
        return FaceMap(data["vertices"].astype(np.int32), data["weights"].astype(np.float32))
