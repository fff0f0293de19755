"""The baseline that every such tool begins with: the picture warped by its face mesh."""

from __future__ import annotations

import cv2
import numpy as np

from pose.raster import rasterise
from pose.tracking.landmarks import FACE_OVAL, LEFT_EYE_RING, LIPS_INNER, RIGHT_EYE_RING
from pose.tracking.mesh import face_mesh

GRID = 33  # nodes along each side of the flow outside the face
PINS = 9  # points along each side of the picture that do not move


def ring_strips(ring: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """Triangles that close a ring of landmarks, from its one corner to the opposite one."""
    half = len(ring) // 2
    lower, upper = ring[: half + 1], (ring[0], *ring[: half - 1 : -1])
    strips = [(upper[i], upper[i + 1], lower[i]) for i in range(half)]
    return strips + [(upper[i + 1], lower[i + 1], lower[i]) for i in range(half)]


class PlainWarp:
    """A conventional mesh warp: the whole picture is pulled along by the face.

    Inside, each triangle of the face mesh is mapped affinely, lips and lids included; outside, the displacement of the
    face's outline is continued by a thin-plate spline (Bookstein, PAMI 1989) that is nailed to the picture's border.

    picture: (S, S, 3) uint8; face: (478, 3) its landmarks.
    """

    def __init__(self, picture: np.ndarray, face: np.ndarray):
        self._picture = picture
        self._face = face
        holes = [strip for ring in (LIPS_INNER, RIGHT_EYE_RING, LEFT_EYE_RING) for strip in ring_strips(ring)]
        self._triangles = np.concatenate([face_mesh().triangles, np.array(holes, np.intp)])

    def __call__(self, face: np.ndarray) -> np.ndarray:
        """(S, S, 3): the picture with its face where the target's is."""
        size = self._picture.shape[0]
        corners = face[self._triangles]
        covered = rasterise(corners[..., :2] - 0.5, corners[..., 2].mean(1), size, size)
        flow = self._outside(face[FACE_OVAL, :2], size)
        source = self._face[self._triangles[covered.triangles], :2]  # (N, 3, 2)
        flow.reshape(-1, 2)[covered.pixels] = np.einsum("nkc,kn->nc", source, covered.weights)
        flow -= 0.5
        return cv2.remap(self._picture, flow[..., 0], flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def _outside(self, outline: np.ndarray, size: int) -> np.ndarray:
        """(S, S, 2) float32: for every target pixel its point in the picture."""
        ends = np.linspace(0, size, PINS)
        pins = np.array([(x, y) for x in ends for y in ends if x in (0, size) or y in (0, size)])
        # a face that leaves the picture would tear the spline at the pins
        inside = ((outline > 2) & (outline < size - 2)).all(1)
        nodes = np.concatenate([outline[inside], pins]).astype(np.float64)
        moved = np.zeros_like(nodes)
        moved[: inside.sum()] = (self._face[FACE_OVAL, :2] - outline)[inside]
        affine = np.concatenate([np.ones((len(nodes), 1)), nodes], 1)
        system = np.block([[_thin_plate(nodes, nodes), affine], [affine.T, np.zeros((3, 3))]])
        weights = np.linalg.solve(system, np.concatenate([moved, np.zeros((3, 2))]))
        at = np.linspace(0.5, size - 0.5, GRID)
        grid = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
        shift = (
            _thin_plate(grid, nodes) @ weights[:-3] + np.concatenate([np.ones((len(grid), 1)), grid], 1) @ weights[-3:]
        )
        step = (GRID - 1) / (size - 1)
        return cv2.warpAffine(
            (grid + shift).reshape(GRID, GRID, 2).astype(np.float32),
            np.array([[step, 0, 0], [0, step, 0]]),
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _thin_plate(a_N2: np.ndarray, b_M2: np.ndarray) -> np.ndarray:
    """(N, M) kernel r^2 log r^2."""
    squared = ((a_N2[:, None] - b_M2) ** 2).sum(-1)
    return squared * np.log(np.maximum(squared, 1e-12))
