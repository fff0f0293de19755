"""MediaPipe's 478 face landmarks as fixed points on the ICT-FaceKit mesh: exact landmarks without a tracker.

``data/landmark_map.npz`` holds for each landmark three vertices and their barycentric weights; it was fitted against
MediaPipe's own detections on rendered heads (``python -m generator.actors.fit_landmarks``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

LANDMARKS = 478
# The tracker's error on a real face, as a share of the face's width: constant within a clip, and from frame to frame.
NOISE_BIAS = 0.006
NOISE_JITTER = 0.003


@dataclass(frozen=True)
class LandmarkMap:
    """vertices (478, 3) int32 indices into the ICT mesh, weights (478, 3) float32, rows sum to 1."""

    vertices: np.ndarray
    weights: np.ndarray

    def __call__(self, mesh: np.ndarray) -> np.ndarray:
        """(T, V, 3) mesh vertices -> (T, 478, 3) landmarks in the same space."""
        return np.einsum("tlkd,lk->tld", mesh[:, self.vertices], self.weights)


@lru_cache(maxsize=1)
def landmark_map() -> LandmarkMap:
    """The map that ships with the package."""
    with files("generator.actors").joinpath("data/landmark_map.npz").open("rb") as stream, np.load(stream) as data:
        return LandmarkMap(data["vertices"].astype(np.int32), data["weights"].astype(np.float32))


def landmarks_of(vertices: np.ndarray) -> np.ndarray:
    """MediaPipe landmarks of ICT meshes: (T, V, 3) vertices -> (T, 478, 3), in the vertices' own space.

    Iris points follow the eyeballs, so turn those first (``IctModel.shape`` with gaze). Axes are not changed: a
    caller that wants pixels (y down, z away) projects the result as it projects the vertices.
    """
    return landmark_map()(vertices)


def tracker_noise(rng: np.random.Generator, landmarks_px: np.ndarray, face_width: float) -> np.ndarray:
    """Add what a tracker would get wrong: a bias per landmark that lasts the clip and a smooth jitter per frame.

    Args:
        landmarks_px: (T, N, D) landmarks of one clip, D = 2 or 3.
        face_width: width of the face in pixels.

    Returns:
        (T, N, D) of the same dtype. Neighbouring frames share jitter (a smoothed tracker); errors of different
        landmarks are half common to all, because a face box that is off moves them together.
    """
    frames, count, dims = landmarks_px.shape
    bias = rng.normal(size=(1, count, dims)) * 0.87 + rng.normal(size=(1, 1, dims)) * 0.5
    white = rng.normal(size=(frames + 2, count, dims)) * 0.87 + rng.normal(size=(frames + 2, 1, dims)) * 0.5
    smooth = (white[:-2] + 2.0 * white[1:-1] + white[2:]) / np.sqrt(6.0)
    noise = (NOISE_BIAS * bias + NOISE_JITTER * smooth) * face_width
    return (landmarks_px + noise).astype(landmarks_px.dtype)
