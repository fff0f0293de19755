"""Pictures of the person carried from one pose to another: what belongs to a point of the face stays on that point.

Inside, each triangle of the mesh is mapped affinely from pose to pose. Outside, a point goes where the point of the
portrait that it shows went, and near the face it is pulled along with the face's outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.raster import rasterise
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, eye_distance, face_mesh, fit_similarity

from .flow import OuterFlow, OuterMotion
from .head_warp import hole_triangles, signed_areas


@dataclass(frozen=True)
class CarrySettings:
    """Lengths in eye distances."""

    nodes: int = 17  # along each side of the flow around the face: it is smooth
    pull: float = 0.5  # around the face, in which its outline's motion fades
    spread: float = 0.3  # of the outline that pulls at one point
    # A hole (mouth, eye) that is so many times as large as it was shows what was hidden: nothing is known of that.
    # Between the two values what is carried fades.
    opened: tuple[float, float] = (2.0, 5.0)


@dataclass(frozen=True, eq=False)
class Carried:
    """A picture that can be carried: (S, S, C), C at most 4, uint8 or int16, at `pose`."""

    picture: np.ndarray
    pose: PoseFrame
    outer: OuterMotion


class MeshCarry:
    """Carries pictures of one portrait, size x size. portrait: its own pose, with a face."""

    def __init__(self, portrait: PoseFrame, size: int, settings: CarrySettings = CarrySettings()):
        self._portrait, self._size, self._settings = portrait, size, settings
        skin = face_mesh().triangles
        self._triangles = np.concatenate([skin, hole_triangles()])
        self._corners = [np.ascontiguousarray(corner) for corner in self._triangles.T]
        self._hole = np.arange(len(self._triangles)) >= len(skin)
        self._outer = OuterFlow(portrait)
        self._unit = eye_distance(portrait.face)
        self._nodes, self._grid = _middles(settings.nodes, size), _middles(size // 2, size)

    def take(self, picture: np.ndarray, pose: PoseFrame) -> Carried:
        """Get a picture at `pose` ready."""
        return Carried(picture, pose, self._outer_motion(pose))

    def __call__(self, carried: Carried, target: PoseFrame) -> np.ndarray:
        """The picture at another pose, which has a face; 0 where nothing is known."""
        half = self._size // 2
        face, source = target.face, carried.pose.face
        areas = signed_areas(face, self._triangles)
        facing = np.flatnonzero(areas < 0)  # y points down
        corners = self._triangles[facing]
        covered = rasterise(face[corners, :2] * 0.5 - 0.5, face[corners, 2].mean(1), half, half)
        triangles = facing.take(covered.triangles)
        there = np.zeros((2, len(triangles)), np.float32)
        for corner, weight in zip(self._corners, covered.weights, strict=True):
            there += source[:, :2].T.take(corner.take(triangles), 1) * weight
        flow = self._around(carried, target, half)
        flow.reshape(-1, 2)[covered.pixels] = there.T
        flow -= 0.5
        flow = cv2.resize(flow, (self._size, self._size), interpolation=cv2.INTER_LINEAR)
        picture = cv2.remap(carried.picture, flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)

        known = self._known(areas, signed_areas(source, self._triangles)).take(triangles)
        fade = np.flatnonzero(known < 1)
        if len(fade):
            _fade(picture, *np.divmod(covered.pixels[fade], half), known[fade])
        return picture

    def _outer_motion(self, pose: PoseFrame) -> OuterMotion:
        head = fit_similarity(self._portrait.face[RIGID_LANDMARKS], pose.face[RIGID_LANDMARKS])
        return self._outer(pose, head)

    def _around(self, carried: Carried, target: PoseFrame, half: int) -> np.ndarray:
        """(half, half, 2) where the surroundings of the target's face are in the picture to carry, px."""
        s, now = self._settings, self._outer_motion(target)
        nodes = self._nodes.reshape(-1, 2)
        outline = target.face[FACE_OVAL, :2]
        moved = carried.outer.forward(now.backward(np.concatenate([nodes, outline])))
        there, excess = moved[: len(nodes)], carried.pose.face[FACE_OVAL, :2] - moved[len(nodes) :]
        distance2 = ((nodes[:, None] - outline) ** 2).sum(-1) / self._unit**2  # (N, 36)
        nearest2 = distance2.min(1, keepdims=True)
        weight = np.exp((nearest2 - distance2) * np.float32(0.5 / s.spread**2))
        pull = 1 - smoothstep(np.sqrt(nearest2), (0.0, s.pull))
        there = there + pull * (weight @ excess) / weight.sum(1, keepdims=True)
        moved_by = (there - nodes).reshape(s.nodes, s.nodes, 2).astype(np.float32)
        return self._grid + cv2.resize(moved_by, (half, half), interpolation=cv2.INTER_LINEAR)

    def _known(self, areas: np.ndarray, source_areas: np.ndarray) -> np.ndarray:
        """(T,) 0..1, for every triangle, whether the picture to carry shows it; less than 1 in holes alone."""
        known = np.ones(len(areas), np.float32)
        opened = areas[self._hole] / np.minimum(source_areas[self._hole], -1e-3)
        known[self._hole] = 1 - smoothstep(opened, self._settings.opened)
        return known


def _middles(resolution: int, size: int) -> np.ndarray:
    """(resolution, resolution, 2) float32: the pixels' middles in a picture of size x size, px."""
    middles = (np.arange(resolution, dtype=np.float32) + 0.5) * np.float32(size / resolution)
    return np.stack(np.meshgrid(middles, middles), -1)


def _fade(picture: np.ndarray, y: np.ndarray, x: np.ndarray, weight: np.ndarray) -> None:
    """Multiply a picture, in place, by weights at pixels of half its size."""
    top, left = y.min(), x.min()
    box = np.ones((y.max() - top + 1, x.max() - left + 1), np.float32)
    box[y - top, x - left] = weight
    box = cv2.resize(box, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    view = picture[2 * top : 2 * top + len(box), 2 * left : 2 * left + box.shape[1]]
    view[:] = np.rint(view * box[..., None])
