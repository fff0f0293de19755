"""A dressed person as one list of vertices that the rig moves, and the parts that draw triangles over it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from generator.actors.scene import Values
from generator.actors.surfaces import Corners


@dataclass(frozen=True)
class Part:
    """Triangles of one material.

    material: name of a fragment shader ``figure_<material>``. source: (C,) vertices of the figure. faces: (F, 3) into
    the C corners. uv (C, 2), neutral (C, 3): a place that sticks to the surface. along (C, 3): direction of strands at
    rest. picture: (H, W, 4) uint8 or None. layer: 0 solid, 1 cards with a soft rim, 2 glass.
    """

    name: str
    material: str
    source: np.ndarray
    faces: np.ndarray
    uv: np.ndarray
    neutral: np.ndarray
    values: Values = field(default_factory=dict)
    picture: np.ndarray | None = None
    along: np.ndarray | None = None
    layer: int = 0
    closed: bool = False  # seen from outside only
    casts: bool = True
    behind: float = 0.0  # cm that it counts as further away than it is


def part_of(name: str, material: str, corners: Corners, first: int, neutral: np.ndarray, **rest) -> Part:
    """A part over vertices first.. of the figure; neutral (N, 3) of the mesh's own vertices."""
    source = corners.source
    return Part(name, material, first + source, corners.faces, corners.uv, neutral[source], **rest)


def only(corners: Corners, keep: np.ndarray) -> Corners:
    """The mesh with the triangles of a mask (F,) and the corners that they use."""
    used, index = np.unique(corners.faces[keep], return_inverse=True)
    faces = index.reshape(-1, 3).astype(np.int32)
    return Corners(corners.source[used], corners.uv[used], faces, corners.model_faces[keep])
