"""The portrait's flow outside the face mesh: hair and ears follow the skull, the neck bends, the shoulders follow the body.

Everything here is a backward map: for a point of the target picture, the point of the portrait that it shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from .mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity
from .landmarks import FACE_OVAL, PoseFrame

SKULL_CENTRE = np.array([0.0, 0.1, 0.9], np.float32)  # in canonical units
GRID = 25                        # nodes along each side of the coarse flow
NECK_TOP, NECK_BOTTOM = 1.15, 2.3  # below the eyes, in eye distances: where the head ends and where the body begins
OUTLINE_REACH = 0.25              # how far a moved jaw pulls at its surroundings, in eye distances
# Where no shoulders are seen, the body leans after the head by this share (seated people in front of a camera)
LEAN = 0.3


def _backward(similarity_22: np.ndarray, translation_2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Inverse of the 2D similarity p -> similarity_22 @ p + translation_2."""
    inverse = similarity_22.T / (similarity_22[0] @ similarity_22[0])
    return inverse.astype(np.float32), (-inverse @ translation_2).astype(np.float32)


def shoulder_similarity(source: np.ndarray | None, target: np.ndarray | None) -> tuple[np.ndarray, np.ndarray] | None:
    """Forward similarity (2x2, 2) between two bodies' shoulders, None unless both are seen."""
    if source is None or target is None or min(source[11:13, 3].min(), target[11:13, 3].min()) < 0.5:
        return None
    before, after = source[12, :2] - source[11, :2], target[12, :2] - target[11, :2]
    length = np.hypot(*before)
    if length < 1e-3:
        return None
    # shoulders turn and come nearer by little; more is the tracker's noise
    scale = np.clip(np.hypot(*after) / length, 0.9, 1.1)
    turn = np.clip(np.arctan2(after[1], after[0]) - np.arctan2(before[1], before[0]), -0.35, 0.35)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return matrix, target[11:13, :2].mean(0) - matrix @ source[11:13, :2].mean(0)


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

    def head(self, target_face: np.ndarray) -> Similarity3D:
        """How the skull moved from the portrait to the target, in 3D pixels."""
        return fit_similarity(self.source.face[RIGID_LANDMARKS], target_face[RIGID_LANDMARKS])

    def __call__(self, target: PoseFrame, resolution: int) -> np.ndarray:
        """-> (resolution, resolution, 2) float32: portrait pixel coordinates for a grid of target pixels."""
        source_face, target_face = self.source.face, target.face
        head = self.head(target_face)
        # a skull is nearly a ball: when it turns, its outline stays where its centre is and does not turn along
        roll = np.arctan2(head.rotation[1, 0] - head.rotation[0, 1], head.rotation[0, 0] + head.rotation[1, 1])
        forward = head.scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        shift = head(self._centre[None])[0, :2] - forward @ self._centre[:2]
        head_matrix, head_offset = _backward(forward, shift)
        body = shoulder_similarity(self.source.body, target.body)
        if body is None:
            neck = source_face[152, :2] + (source_face[152, :2] - source_face[10, :2]) * 0.3
            body = np.eye(2), LEAN * (forward @ neck + shift - neck)
        body_matrix, body_offset = _backward(*body)

        nodes = (np.arange(GRID, dtype=np.float32) / (GRID - 1) * (resolution - 1) + 0.5) * (self.size / resolution)
        q = np.stack(np.meshgrid(nodes, nodes), -1).reshape(-1, 2)                                   # (N, 2) x, y
        by_head = q @ head_matrix.T + head_offset
        by_body = q @ body_matrix.T + body_offset

        # height below the eyes along the portrait's own face axis, in eye distances
        unit = eye_distance(source_face)
        eyes = source_face[[33, 263], :2].mean(0)
        down = source_face[152, :2] - source_face[10, :2]
        down = down / max(np.hypot(*down), 1e-6)
        height = (by_head - eyes) @ down / unit
        blend = np.clip((height - NECK_TOP) / (NECK_BOTTOM - NECK_TOP), 0, 1)
        blend = (blend * blend * (3 - 2 * blend))[:, None]                                           # 0 head, 1 body
        flow = by_head * (1 - blend) + by_body * blend

        # what the face's outline does beyond the skull's motion (a dropped jaw) pulls at its surroundings
        outline = target_face[FACE_OVAL, :2]
        excess = source_face[FACE_OVAL, :2] - (outline @ head_matrix.T + head_offset)                # (36, 2)
        reach = OUTLINE_REACH * eye_distance(target_face)
        distance2 = (q**2).sum(1)[:, None] + (outline**2).sum(1) - 2 * q @ outline.T                 # (N, 36)
        weight = np.exp(-distance2 / (2 * (0.35 * reach) ** 2)) + np.float32(1e-12)
        pull = np.exp(-distance2.min(1) / (2 * reach**2))[:, None]
        flow = flow + pull * (weight @ excess) / weight.sum(1, keepdims=True)
        # node k lies exactly on pixel k * (resolution - 1) / (GRID - 1), so it is an affine enlargement, not cv2.resize
        step = (GRID - 1) / (resolution - 1)
        return cv2.warpAffine(flow.reshape(GRID, GRID, 2).astype(np.float32), np.array([[step, 0, 0], [0, step, 0]]),
                              (resolution, resolution), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                              borderMode=cv2.BORDER_REPLICATE)
