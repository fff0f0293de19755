"""Where one frame shows each point of the portrait, so that what belongs to a point is found in another frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.raster import Coverage, draw_places
from pose.tracking.features import EYES, MOUTH
from pose.tracking.mesh import face_mesh

from .flow import OuterMotion, cell_size, enlarge

EYE_TRIANGLES = 16  # of the fan over the opening of each eye
# A hole (mouth, eye) that is so many times as large as it was shows what was hidden: nothing is known of that. Between
# the two values knowledge fades.
OPENED = (2.0, 5.0)
LEAST_AREA = 1e-3  # px^2 that a triangle is taken to have


@dataclass(frozen=True, eq=False)
class Seen:
    """Where another frame shows what one frame does.

    places: (S/2, S/2, 2) float32, px of the other's picture; faded: (N,) pixels of it, flat, of which the other knows
    less than all, and known: (N,) how much, 0..1.
    """

    places: np.ndarray
    faded: np.ndarray
    known: np.ndarray


class Placement(Protocol):
    """One frame's. Only those of one portrait at one size can be compared."""

    def seen_in(self, other) -> Seen: ...


@dataclass(frozen=True, eq=False)
class MeshPlacement:
    """The mesh of face and head as one frame draws it, and the motion around it.

    points: (V, 2) px, where the vertices are, those of the face first; areas: (M,) twice the signed areas of the face's
    triangles, see `mesh_triangles`; facing: (F,) those that face the viewer; triangles: (T, 3) what is drawn, the
    facing ones first; covered: pixels of half the size, by the index in `triangles`; nodes: (N, 2) places in the
    portrait of the nodes of the flow around the head.
    """

    points: np.ndarray
    areas: np.ndarray
    facing: np.ndarray
    triangles: np.ndarray
    covered: Coverage
    outer: OuterMotion
    nodes: np.ndarray
    half: int

    def draw_places(self, places_V2: np.ndarray, map_hh2: np.ndarray) -> None:
        """Write places of the vertices, float32 px, into a map of half the size wherever the mesh is; in place."""
        draw_places(places_V2, self.triangles, self.covered, map_hh2)

    def draw_around(self, places_N2: np.ndarray, map_hh2: np.ndarray) -> None:
        """Write places of the nodes, float32 px, into all of a map of half the size, as if all lay around the head."""
        enlarge(places_N2, cell_size(self.half, self.outer.cells), map_hh2)

    def seen_in(self, other: MeshPlacement) -> Seen:
        places = np.empty((self.half, self.half, 2), np.float32)
        self.draw_around(other.outer.forward(self.nodes), places)
        self.draw_places(other.points, places)
        return Seen(places, *self._faded(other))

    def _faded(self, other: MeshPlacement) -> tuple[np.ndarray, np.ndarray]:
        first = len(face_mesh().triangles)
        opened = self.areas[first:] / np.minimum(other.areas[first:], -LEAST_AREA)
        known = 1 - smoothstep(opened, OPENED)
        if known.min() == 1:
            return np.empty(0, np.intp), np.empty(0, np.float32)
        of_drawn = np.ones(len(self.triangles), np.float32)
        of_drawn[: len(self.facing)] = np.concatenate([np.ones(first), known])[self.facing]
        at_pixels = of_drawn.take(self.covered.triangles)
        faded = np.flatnonzero(at_pixels < 1)
        return self.covered.pixels[faded], at_pixels[faded]


@lru_cache(maxsize=1)
def mesh_triangles() -> np.ndarray:
    """(M, 3) of the face: the skin's, then those over the holes of the mesh: each eye from the middle of its iris; the
    mouth as strips from lip to lip. Read-only."""
    triangles = []
    for eye in EYES:
        ring = eye.ring
        x, y = face_mesh().canonical[list(ring), :2].T
        if x @ np.roll(y, -1) > y @ np.roll(x, -1):  # the rings run in opposite directions, triangles face the viewer
            ring = ring[::-1]
        triangles += [(eye.pupil, ring[i], ring[(i + 1) % EYE_TRIANGLES]) for i in range(EYE_TRIANGLES)]
    lower, upper = MOUTH.inner[:11], (MOUTH.inner[0], *MOUTH.inner[:9:-1])
    for i in range(10):
        triangles += [(upper[i], lower[i], upper[i + 1]), (upper[i + 1], lower[i], lower[i + 1])]
    mesh = np.concatenate([face_mesh().triangles, np.array(triangles, np.intp)])
    mesh.flags.writeable = False
    return mesh


def interpolated(values_VC: np.ndarray, triangles_T3: np.ndarray, covered: Coverage) -> np.ndarray:
    """(N, C) float32 values of the vertices at every covered pixel."""
    result = np.zeros((values_VC.shape[1], len(covered.pixels)), np.float32)
    for corner, weight in zip(triangles_T3.T, covered.weights, strict=True):
        at_corner = np.ascontiguousarray(values_VC[corner].T)
        result += at_corner.take(covered.triangles, 1) * weight
    return result.T


@dataclass(frozen=True, eq=False)
class FlowPlacement:
    """A frame of one smooth flow. flow: (S/2, S/2, 2) places in the portrait, px; forward: (n, n, 2) where the nodes of
    a grid over the portrait go, px; first, step: px of its nodes' places, each way."""

    flow: np.ndarray
    forward: np.ndarray
    first: float
    step: float

    def seen_in(self, other: FlowPlacement) -> Seen:
        places = at_nodes(other.forward, self.flow, other.first, other.step)
        return Seen(places, np.empty(0, np.intp), np.empty(0, np.float32))


def at_nodes(values_nnC: np.ndarray, places: np.ndarray, first: float, step: float) -> np.ndarray:
    """Values (n, n, C) of a grid's nodes at places (h, w, 2), px; beyond the grid those of its edge."""
    index = ((places - first) / step).astype(np.float32)
    values = values_nnC.astype(np.float32)
    return cv2.remap(values, index, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
