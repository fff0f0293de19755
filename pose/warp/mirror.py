"""What a turned portrait hides of its face, taken from the other side of the face.

Cheek, temple and the side of the nose of the far side are hidden or squeezed in a turned portrait. When the head turns
back they would be stretched out of a few pixels, or show what hid them; a face is about symmetric, so the near side's
skin is laid there instead, in the light of the far side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.geometry import ramp
from pose.tracking.features import EYES, MOUTH
from pose.tracking.landmarks import FACE_POINTS
from pose.tracking.mesh import face_mesh, mirrored_landmarks


@dataclass(frozen=True)
class MirrorSettings:
    """Cosines are between the skin's normal and the way to the viewer."""

    hidden: tuple[float, float] = (0.45, 0.15)  # cosine in the portrait: seen well enough, hardly seen
    better: tuple[float, float] = (0.15, 0.35)  # how much more the other side faces the viewer
    turned: tuple[float, float] = (0.10, 0.35)  # how much more the target shows of it than the portrait
    least: float = 0.02  # weight below which nothing is seen of it
    light_reach: float = 0.35  # eye distances over which the light is carried from seen skin to hidden skin
    middle: tuple[float, float] = (0.05, 0.15)  # eye distances from the face's middle, where both sides are one
    light_limits: tuple[float, float] = (0.6, 1.5)  # gain by which the two sides' light may differ
    sample: int = 2  # px around a landmark from which its colour is taken


class MirrorFill:
    """The hidden side of one portrait. person_SS4: uint8 premultiplied RGBA; face: (478, 3) its landmarks.

    source: (478, 2) where the other side of each landmark lies in the portrait, px; light: (478, 3) gain of its colour.
    """

    def __init__(self, person_SS4: np.ndarray, face: np.ndarray, settings: MirrorSettings = MirrorSettings()):
        self._settings = s = settings
        triangles, other = face_mesh().triangles, mirrored_landmarks()
        around = (triangles == np.arange(FACE_POINTS)[:, None, None]).any(2).astype(np.float32)
        self._own = _cosines(face, triangles, around)
        self._hidden = ramp(self._own, s.hidden) * ramp(self._own[other] - self._own, s.better)
        self._hidden[[*MOUTH.inner, *(at for eye in EYES for at in eye.ring)]] = 0  # they have their own painters
        self.source = np.ascontiguousarray(face[other, :2])
        self.light = self._light(person_SS4, face, other)
        # from here on only the hidden ones matter
        self._landmarks = np.flatnonzero(self._hidden >= s.least)
        self._hidden, self._own = self._hidden[self._landmarks], self._own[self._landmarks]
        self._around = around[self._landmarks]
        touching = self._around.any(0)
        self._around, self._triangles = self._around[:, touching], triangles[touching]

    def weights(self, face: np.ndarray) -> np.ndarray | None:
        """(478,) float32 0..1, how much of each landmark of a face is the other side's; None where nothing is."""
        s = self._settings
        if not len(self._landmarks):
            return None
        weights = self._hidden * ramp(_cosines(face, self._triangles, self._around) - self._own, s.turned)
        if weights.max() < s.least:
            return None
        of_all = np.zeros(FACE_POINTS, np.float32)
        of_all[self._landmarks] = weights
        return of_all

    def _light(self, person_SS4: np.ndarray, face: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Where both sides are seen, their colours' ratio; carried on to where one is hidden."""
        s, size = self._settings, len(person_SS4)
        x, y = np.clip(face[:, :2].astype(int), s.sample, size - 1 - s.sample).T
        around = range(-s.sample, s.sample + 1)
        colours = np.median([person_SS4[y + dy, x + dx, :3] for dy in around for dx in around], axis=0) + 8.0
        ratio = np.log(colours / colours[other])
        seen = 1 - self._hidden
        seen[self._own < s.hidden[0]] = 0
        canonical = face_mesh().canonical
        seen *= ramp(np.abs(canonical[:, 0]), s.middle)
        distance = np.linalg.norm(canonical[:, None] - canonical[None], axis=2)
        same_side = canonical[:, None, 0] * canonical[None, :, 0] >= 0
        near = np.exp(-((distance / s.light_reach) ** 2)) * same_side * seen
        gain = np.exp(near @ ratio / np.maximum(near.sum(1, keepdims=True), 1e-6))
        return np.clip(gain, *s.light_limits).astype(np.float32)


def _cosines(face: np.ndarray, triangles_T3: np.ndarray, around_NT: np.ndarray) -> np.ndarray:
    """(N,) of the normal to the viewer, mean of the triangles around each landmark by their area. around: 0 or 1."""
    (ax, bx, cx), (ay, by, cy), (az, bz, cz) = face.T.take(triangles_T3.T, 1)
    bx, by, bz, cx, cy, cz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
    normals = np.stack([by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx], 1)
    total = around_NT @ normals
    lengths = np.sqrt((total * total).sum(1))
    # triangles that face the viewer have a negative area with y down; without triangles (irises), facing
    return np.where(lengths > 0, -total[:, 2] / np.maximum(lengths, 1e-6), 1.0)
