"""The portrait's flow outside the face mesh: the surroundings of the face stretch with it, hair and ears follow the
skull, the shoulders follow the body.

Everything here is a backward map: for a point of the target picture, the point of the portrait that it shows.

A head that turns on its neck moves its face, not its outline, and small motions of the outline drown in the tracker's
noise; so skull and body are only followed as far as they clearly move. What is seen of a resting head then stays still.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity

SKULL_CENTRE = np.array([0.0, 0.1, 0.9], np.float32)  # in canonical units
GRID = 17                          # nodes along each side of the coarse flow
# All in eye distances (angles in radians, scales as logarithms): below the first value a motion is not followed, above
# the # second fully
SHIFT_OF_SKULL, ROLL_OF_SKULL, SCALE_OF_SKULL, SHIFT_OF_BODY = (0.03, 0.22), (0.0, 0.08), (0.05, 0.25), (0.05, 0.25)
NECK = (1.15, 2.3)                 # below the eyes: where the head ends and where the body begins
NEAR, SPREAD = 0.35, 0.6           # how far the face pulls at its surroundings, over what stretch of its outline


def body_shift(source: np.ndarray | None, target: np.ndarray | None) -> np.ndarray:
    """(2,) how far the shoulders moved, in pixels; zero unless both bodies show them."""
    if source is None or target is None or min(source[11:13, 3].min(), target[11:13, 3].min()) < 0.5:
        return np.zeros(2, np.float32)
    return target[11:13, :2].mean(0) - source[11:13, :2].mean(0)


@dataclass(frozen=True)
class OuterFlow:
    """The flow around the face of one portrait; call it with a target pose.

    source: the portrait's pose, in a size x size picture.
    """

    source: PoseFrame
    size: int

    @cached_property
    def _centre(self) -> np.ndarray:
        """Centre of the portrait's skull, in 3D pixels."""
        canonical = face_mesh().canonical
        return fit_similarity(canonical[RIGID_LANDMARKS], self.source.face[RIGID_LANDMARKS])(SKULL_CENTRE[None])[0]

    def _skull_backward(self, head: Similarity3D, unit: float) -> tuple[np.ndarray, np.ndarray]:
        """(2, 2) and (2,): the outline of the skull moves as a similarity in the picture, about its centre."""
        roll = np.arctan2(head.rotation[1, 0] - head.rotation[0, 1], head.rotation[0, 0] + head.rotation[1, 1])
        roll = roll * smoothstep(abs(roll), ROLL_OF_SKULL)
        scale = np.exp(np.log(head.scale) * smoothstep(abs(np.log(head.scale)), SCALE_OF_SKULL))
        shift = head(self._centre[None])[0, :2] - self._centre[:2]
        shift = shift * smoothstep(np.hypot(*shift) / unit, SHIFT_OF_SKULL)
        backward = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) / scale
        offset = self._centre[:2] - backward @ (self._centre[:2] + shift)
        return backward.astype(np.float32), offset.astype(np.float32)

    def __call__(self, target: PoseFrame, head: Similarity3D, resolution: int) -> np.ndarray:
        """-> (resolution, resolution, 2) float32: portrait pixel coordinates for a grid of target pixels. head: of the
        target's face."""
        source_face, target_face = self.source.face, target.face
        unit = eye_distance(source_face)
        matrix, offset = self._skull_backward(head, unit)
        nodes = (np.arange(GRID, dtype=np.float32) / (GRID - 1) * (resolution - 1) + 0.5) * (self.size / resolution)
        q = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)                                   # (N, 2) x, y
        by_head = q @ matrix.T + offset
        shift = body_shift(self.source.body, target.body)
        by_body = q - shift * smoothstep(np.hypot(*shift) / unit, SHIFT_OF_BODY)

        # height below the eyes along the portrait's own face axis
        eyes = source_face[[33, 263], :2].mean(0)
        down = source_face[152, :2] - source_face[10, :2]
        down = down / max(np.hypot(*down), 1e-6)
        body = smoothstep((by_head - eyes) @ down / unit, NECK)[:, None]                             # 0 head, 1 body
        flow = by_head * (1 - body) + by_body * body

        # what the face's outline does beyond that (a turn, a dropped jaw) pulls at its surroundings
        outline = target_face[FACE_OVAL, :2]
        excess = source_face[FACE_OVAL, :2] - (outline @ matrix.T + offset)                          # (36, 2)
        distance2 = (q**2).sum(1)[:, None] + (outline**2).sum(1) - 2 * q @ outline.T                 # (N, 36)
        nearest2 = np.maximum(distance2.min(1), 0)
        weight = np.exp((nearest2[:, None] - distance2) * np.float32(0.5 / (SPREAD * unit) ** 2))
        pull = 1 - smoothstep(np.sqrt(nearest2) / unit, (0.0, NEAR))
        flow = flow + pull[:, None] * (weight @ excess) / weight.sum(1, keepdims=True)
        # node k lies exactly on pixel k * (resolution - 1) / (GRID - 1), so it is an affine enlargement, not cv2.resize
        step = (GRID - 1) / (resolution - 1)
        return cv2.warpAffine(flow.reshape(GRID, GRID, 2).astype(np.float32), np.array([[step, 0, 0], [0, step, 0]]),
                              (resolution, resolution), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                              borderMode=cv2.BORDER_REPLICATE)
