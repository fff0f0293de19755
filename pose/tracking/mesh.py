"""The face mesh: MediaPipe's 478 landmarks, the triangles between them and their canonical positions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np

from .landmarks import RIGID

# Landmarks that speech, blinks and brows leave where the skull is
RIGID_LANDMARKS = np.array(RIGID, np.intp)


@dataclass(frozen=True)
class FaceMesh:
    """Topology and rest shape of the landmark mesh.

    triangles: (854, 3) int, eyes and mouth are holes. canonical: (478, 3) float32, x right, y down, z smaller = nearer,
    unit = distance of the outer eye corners, origin midway between them.
    """

    triangles: np.ndarray
    canonical: np.ndarray


@lru_cache(maxsize=1)
def face_mesh() -> FaceMesh:
    with resources.files("pose").joinpath("data/face_mesh.npz").open("rb") as file:
        data = np.load(file)
        return FaceMesh(data["triangles"].astype(np.intp), data["canonical"].astype(np.float32))


@lru_cache(maxsize=1)
def mirrored_landmarks() -> np.ndarray:
    """(478,) int, the landmark on the other side of the face for each; those in the middle are their own."""
    canonical = face_mesh().canonical
    distance = np.linalg.norm((canonical * (-1, 1, 1))[:, None] - canonical[None], axis=2)
    return distance.argmin(1)


@dataclass(frozen=True)
class Similarity3D:
    """target = scale * rotation @ source + translation, on (N, 3) points."""

    scale: float
    rotation: np.ndarray  # (3, 3)
    translation: np.ndarray  # (3,)

    @property
    def roll(self) -> float:
        """Radians about the line of sight."""
        (a, b, _), (c, d, _), _ = self.rotation.tolist()
        return math.atan2(c - b, a + d)

    def __call__(self, points_N3: np.ndarray) -> np.ndarray:
        return (self.scale * points_N3 @ self.rotation.T + self.translation).astype(np.float32)

    def inverse(self, points_N3: np.ndarray) -> np.ndarray:
        return ((points_N3 - self.translation) @ self.rotation / self.scale).astype(np.float32)


def fit_similarity(source_N3: np.ndarray, target_N3: np.ndarray) -> Similarity3D:
    """Least-squares similarity between corresponding points (Umeyama, PAMI 1991)."""
    count = len(source_N3)
    source_mean, target_mean = source_N3.sum(0) / count, target_N3.sum(0) / count
    source, target = source_N3 - source_mean, target_N3 - target_mean
    # OpenCV's takes a third of LAPACK's time for so small a matrix
    singular, u, vt = cv2.SVDecomp((target.T @ source).astype(np.float64))
    rotation = u @ vt
    (a, b, c), (d, e, f), (g, h, i) = rotation.tolist()
    if a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0:  # a reflection
        singular[2] = -singular[2]
        u[:, 2] = -u[:, 2]
        rotation = u @ vt
    scale = float(singular.sum() / max(float((source * source).sum()), 1e-9))
    return Similarity3D(scale, rotation, target_mean - scale * rotation @ source_mean)


def eye_distance(face_478x3: np.ndarray) -> float:
    """Distance of the outer eye corners, measured in 3D so that a turned head keeps its size."""
    return float(np.linalg.norm(face_478x3[263] - face_478x3[33]))
