"""How what lies around the face moves: the skull's outline follows the head, the shoulders follow the body.

A head that turns on its neck moves its face, not its outline, and small motions of the outline drown in the tracker's
noise; so skull and body are only followed as far as they clearly move. What is seen of a resting head then stays still.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.tracking.landmarks import CHIN, EYE_OUTER_CORNERS, FOREHEAD, LEFT_SHOULDER, RIGHT_SHOULDER, PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity

GRID = 33  # nodes along each side of the coarse flow: it is smooth


@dataclass(frozen=True)
class FlowSettings:
    """Lengths in eye distances. Pairs of a motion: below the first it is not followed, above the second fully."""

    skull_centre: tuple[float, float, float] = (0.0, 0.1, 0.9)  # in canonical units: where a head turns about
    skull_shift: tuple[float, float] = (0.0, 0.22)
    skull_roll: tuple[float, float] = (0.0, 0.08)  # radians
    skull_scale: tuple[float, float] = (0.05, 0.25)  # logarithm of the growth
    body_shift: tuple[float, float] = (0.05, 0.25)
    neck: tuple[float, float] = (1.15, 2.3)  # below the eyes: where the head ends, where the body begins
    seen: float = 0.5  # visibility from which a shoulder counts


@lru_cache(maxsize=8)
def _grid_points(size: int, resolution: int, nodes: int) -> np.ndarray:
    """(nodes^2, 2) float32 px, read-only."""
    at = (np.arange(nodes, dtype=np.float32) / (nodes - 1) * (resolution - 1) + 0.5) * np.float32(size / resolution)
    points = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    points.flags.writeable = False
    return points


@dataclass(frozen=True)
class OuterMotion:
    """The motion around the face for one target pose, in pixels of a picture; backward and forward.

    rotation: (2, 2) and offset: (2,) carry a target point to the portrait's, as the skull's outline moved; shift: (2,)
    of the body. eyes: (2,) between them in the portrait; down: (2,) the face's axis over the eye distance. around:
    (GRID, GRID, 2), see `PoseFrame`; size: px of the picture that it covers.
    """

    rotation: np.ndarray
    offset: np.ndarray
    shift: np.ndarray
    eyes: np.ndarray
    down: np.ndarray
    neck: tuple[float, float]
    around: np.ndarray | None
    size: int

    def backward(self, points_N2: np.ndarray) -> np.ndarray:
        """Where in the portrait points of the target come from."""
        points_N2 = points_N2 + self.missed(points_N2)
        by_head = points_N2 @ self.rotation.T + self.offset
        body = self._body(by_head)
        return by_head * (1 - body) + (points_N2 - self.shift) * body

    def forward(self, points_N2: np.ndarray) -> np.ndarray:
        """Where points of the portrait go; the inverse of `backward` but for bends."""
        guess = self.guess(points_N2)
        return guess - self.missed(guess)

    def guess(self, points_N2: np.ndarray) -> np.ndarray:
        """The same as far as face and body tell."""
        # a scaled rotation: its transpose over the square of its scale is its inverse
        by_head = (points_N2 - self.offset) @ (self.rotation / np.linalg.det(self.rotation))
        body = self._body(points_N2)
        return by_head * (1 - body) + (points_N2 + self.shift) * body

    def grid(self, size: int, resolution: int) -> np.ndarray:
        """(nodes^2, 2) places in the portrait of the nodes of a coarse grid over a size x size picture whose flow is
        wanted at `resolution`; see `enlarged`."""
        return self.backward(_grid_points(size, resolution, GRID))

    def missed(self, points_N2: np.ndarray) -> np.ndarray | float:
        """(N, 2) what `around` says at points of the target."""
        if self.around is None:
            return 0.0
        places = ((points_N2 - 0.5) * ((GRID - 1) / (self.size - 1))).astype(np.float32)[:, None]
        return cv2.remap(self.around, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]

    def _body(self, points_N2: np.ndarray) -> np.ndarray:
        """(N, 1) 0 head, 1 body, by the height below the portrait's eyes along its face."""
        return smoothstep((points_N2 - self.eyes) @ self.down, self.neck)[:, None]


def enlarged(values_N2: np.ndarray, nodes: int, resolution: int) -> np.ndarray:
    """(resolution, resolution, 2) float32 from the values at the nodes of a coarse grid."""
    # node k lies exactly on pixel k * (resolution - 1) / (nodes - 1): an affine enlargement, not cv2.resize
    step = (nodes - 1) / (resolution - 1)
    return cv2.warpAffine(
        values_N2.reshape(nodes, nodes, 2).astype(np.float32),
        np.array([[step, 0, 0], [0, step, 0]]),
        (resolution, resolution),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


class OuterFlow:
    """The motion around the face of one portrait. source: its pose."""

    def __init__(self, source: PoseFrame, settings: FlowSettings = FlowSettings()):
        self._source, self._settings = source, settings
        face = source.face
        canonical = face_mesh().canonical
        skull = fit_similarity(canonical[RIGID_LANDMARKS], face[RIGID_LANDMARKS])
        self._centre = skull(np.array([settings.skull_centre], np.float32))[0]  # 3D pixels
        self._unit = eye_distance(face)
        self._eyes = face[list(EYE_OUTER_CORNERS), :2].mean(0)
        down = face[CHIN, :2] - face[FOREHEAD, :2]
        self._down = down / max(np.hypot(*down), 1e-6) / self._unit

    def __call__(self, target: PoseFrame, head: Similarity3D) -> OuterMotion:
        """head: how the skull moved from the portrait to the target, in 3D pixels."""
        s, unit = self._settings, self._unit
        roll = np.arctan2(head.rotation[1, 0] - head.rotation[0, 1], head.rotation[0, 0] + head.rotation[1, 1])
        roll = roll * smoothstep(abs(roll), s.skull_roll)
        scale = np.exp(np.log(head.scale) * smoothstep(abs(np.log(head.scale)), s.skull_scale))
        shift = head(self._centre[None])[0, :2] - self._centre[:2]
        shift = shift * smoothstep(np.hypot(*shift) / unit, s.skull_shift)
        # about its centre the outline moves as a similarity of the picture
        backward = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]]) / scale
        offset = self._centre[:2] - backward @ (self._centre[:2] + shift)
        body = self._body_shift(target.body)
        body = body * smoothstep(np.hypot(*body) / unit, s.body_shift)
        return OuterMotion(
            backward.astype(np.float32), offset.astype(np.float32), body, self._eyes, self._down, s.neck,
            target.around, target.size[0],
        )  # fmt: skip

    def _body_shift(self, target: np.ndarray | None) -> np.ndarray:
        """(2,) how far the shoulders moved, in pixels; zero unless both bodies show them."""
        source, shoulders = self._source.body, [LEFT_SHOULDER, RIGHT_SHOULDER]
        if source is None or target is None:
            return np.zeros(2, np.float32)
        if min(source[shoulders, 3].min(), target[shoulders, 3].min()) < self._settings.seen:
            return np.zeros(2, np.float32)
        return target[shoulders, :2].mean(0) - source[shoulders, :2].mean(0)
