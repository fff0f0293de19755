"""How what lies around the face moves: the skull's outline follows the head, the shoulders follow the body.

A head that turns on its neck moves its face, not its outline, and small motions of the outline drown in the tracker's
noise; so skull and body are only followed as far as they clearly move. What is seen of a resting head then stays still.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.tracking.landmarks import CHIN, EYE_OUTER_CORNERS, FOREHEAD, LEFT_SHOULDER, RIGHT_SHOULDER, PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity

GRID = 33  # nodes along each side of what a pose's `around` says


@dataclass(frozen=True)
class FlowSettings:
    """Lengths in eye distances. Pairs of a motion: below the first it is not followed, above the second fully."""

    skull_centre: tuple[float, float, float] = (0.0, 0.1, 0.9)  # in canonical units: where a head turns about
    skull_shift: tuple[float, float] = (0.0, 0.22)
    skull_roll: tuple[float, float] = (0.0, 0.08)  # radians
    skull_scale: tuple[float, float] = (0.05, 0.25)  # logarithm of the growth
    body_shift: tuple[float, float] = (0.05, 0.25)
    neck: tuple[float, float] = (1.15, 2.3)  # below the eyes: where the head ends, where the body begins
    cells: int = 32  # along each side of the coarse flow at least, unless they would be smaller: it is smooth
    seen: float = 0.5  # visibility from which a shoulder counts


SMALLEST_CELL = 4  # px at half size, into which every half size can be divided


def cell_size(half: int, cells: int) -> int:
    """px of half the picture in a cell of the coarse flow."""
    size = SMALLEST_CELL
    while half % (2 * size) == 0 and half // (2 * size) >= cells:
        size *= 2
    return size


@lru_cache(maxsize=8)
def _grid_points(half: int, cell: int) -> np.ndarray:
    """(nodes^2, 2) float32 px of the picture, read-only: the middles of the cells of half the picture, and of one more
    beyond each of its edges."""
    at = 2 * cell * (np.arange(half // cell + 2, dtype=np.float32) - 0.5)
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
    cells: int  # of the coarse flow, see `FlowSettings`
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
        (a, b), _ = self.rotation.tolist()
        by_head = (points_N2 - self.offset) @ (self.rotation / np.float32(a * a + b * b))
        body = self._body(points_N2)
        return by_head * (1 - body) + (points_N2 + self.shift) * body

    def grid(self, half: int) -> np.ndarray:
        """(nodes^2, 2) places in the portrait of the nodes of a coarse grid over a picture of twice `half` pixels."""
        return self.backward(_grid_points(half, cell_size(half, self.cells)))

    def missed(self, points_N2: np.ndarray) -> np.ndarray | float:
        """(N, 2) what `around` says at points of the target."""
        if self.around is None:
            return 0.0
        places = ((points_N2 - 0.5) * ((GRID - 1) / (self.size - 1))).astype(np.float32)[:, None]
        return cv2.remap(self.around, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[:, 0]

    def _body(self, points_N2: np.ndarray) -> np.ndarray:
        """(N, 1) 0 head, 1 body, by the height below the portrait's eyes along its face."""
        return smoothstep(points_N2 @ self.down - self.eyes @ self.down, self.neck)[:, None]


def enlarge(values_N2: np.ndarray, cell: int, map_hh2: np.ndarray) -> None:
    """Fill a float32 map from the values at the nodes of a coarse grid, see `cell_size`.

    Whole cells, because cv2.resize then interpolates exactly, where cv2.warpAffine knows only 32 places in a cell.
    """
    nodes = len(map_hh2) // cell + 2
    values = values_N2.reshape(nodes, nodes, 2).astype(np.float32, copy=False)
    map_hh2[:] = cv2.resize(values, None, fx=cell, fy=cell, interpolation=cv2.INTER_LINEAR)[cell:-cell, cell:-cell]


class OuterFlow:
    """The motion around the face of one portrait. source: its pose, whose own `around` is where it is at rest."""

    def __init__(self, source: PoseFrame, settings: FlowSettings = FlowSettings()):
        self._settings = settings
        face = source.face
        canonical = face_mesh().canonical
        skull = fit_similarity(canonical[RIGID_LANDMARKS], face[RIGID_LANDMARKS])
        self._centre = skull(np.array([settings.skull_centre], np.float32))[0]  # 3D pixels
        self._unit = eye_distance(face)
        self._shoulders = _shoulders(source.body, settings.seen)
        self._own_around = source.around
        self._eyes = face[list(EYE_OUTER_CORNERS), :2].mean(0)
        down = face[CHIN, :2] - face[FOREHEAD, :2]
        self._down = down / max(np.hypot(*down), 1e-6) / self._unit

    def __call__(self, target: PoseFrame, head: Similarity3D) -> OuterMotion:
        """head: how the skull moved from the portrait to the target, in 3D pixels."""
        s, unit = self._settings, self._unit
        roll = head.roll * smoothstep(abs(head.roll), s.skull_roll)
        growth = math.log(max(head.scale, 1e-6))
        scale = math.exp(growth * smoothstep(abs(growth), s.skull_scale))
        shift = head(self._centre[None])[0, :2] - self._centre[:2]
        shift = shift * smoothstep(math.hypot(*shift.tolist()) / unit, s.skull_shift)
        # about its centre the outline moves as a similarity of the picture
        cosine, sine = math.cos(roll) / scale, math.sin(roll) / scale
        backward = np.array([[cosine, sine], [-sine, cosine]])
        offset = self._centre[:2] - backward @ (self._centre[:2] + shift)
        body = self._body_shift(target.body)
        body = body * smoothstep(math.hypot(*body.tolist()) / unit, s.body_shift)
        return OuterMotion(
            backward.astype(np.float32), offset.astype(np.float32), body, self._eyes, self._down, s.neck, s.cells,
            self._around(target.around), target.size[0],
        )  # fmt: skip

    def _around(self, target: np.ndarray | None) -> np.ndarray | None:
        """What a target's `around` says of this portrait, which shows its own."""
        own = self._own_around
        if own is None:
            return target
        return -own if target is None else target - own

    def _body_shift(self, target: np.ndarray | None) -> np.ndarray:
        """(2,) how far the shoulders moved, in pixels; zero unless both bodies show them."""
        there = None if self._shoulders is None else _shoulders(target, self._settings.seen)
        return np.zeros(2, np.float32) if there is None else there - self._shoulders


def _shoulders(body: np.ndarray | None, seen: float) -> np.ndarray | None:
    """(2,) the middle between them; None where they are not seen."""
    if body is None or min(body[LEFT_SHOULDER, 3], body[RIGHT_SHOULDER, 3]) < seen:
        return None
    return (body[LEFT_SHOULDER, :2] + body[RIGHT_SHOULDER, :2]) / 2
