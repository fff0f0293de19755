"""Hair: MakeHuman's hair meshes fitted to the face model's skull, and short hair grown from the scalp as shells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.head import follow_weights
from generator.actors.ict import IctModel
from generator.actors.makehuman import FittedAsset, MakeHuman
from generator.actors.scene import Surface, Values
from generator.actors.surfaces import (
    Attachment,
    Corners,
    border_distance,
    push_out,
    tangents,
    uv_in_cm,
    vertex_normals,
)

# MakeHuman's head (decimetres) onto the face model's (centimetres): x, y about the eyes, z; measured on cross sections.
_HEAD_SCALE = np.array([10.5, 9.0, 10.15], np.float32)
_HEAD_SHIFT = np.array([0.0, 3.6 - 9.0 * 7.28, 1.1 - 10.15 * 0.57], np.float32)
_BELOW_EYES = 10.0  # y scale below the eyes, where the two heads have the same proportions


def to_head(points: np.ndarray) -> np.ndarray:
    """Points round MakeHuman's head (N, 3) -> the face model's space, cm."""
    out = points * _HEAD_SCALE + _HEAD_SHIFT
    low = out[:, 1] < 3.6
    out[low, 1] = 3.6 + (points[low, 1] - 7.28) * _BELOW_EYES
    return out.astype(np.float32)


@dataclass(frozen=True)
class Worn:
    """An asset on the neutral head, ready to follow identities."""

    positions: np.ndarray  # (N, 3) model vertices
    corners: Corners
    attachment: Attachment
    skin: np.ndarray  # rows of the head model that it is attached to
    border: np.ndarray  # (N,) 0 at free edges
    flow: np.ndarray  # (V, 2) texture coordinates in cm

    def shaped(self, change: np.ndarray) -> np.ndarray:
        """(N, 3) on a head whose vertices are displaced by ``change`` (model V, 3)."""
        return self.positions + self.attachment.displacement(change[self.skin])


class Wardrobe:
    """What can be worn on the head; fitting is done once per asset."""

    def __init__(self, model: IctModel, makehuman: MakeHuman) -> None:
        self.model, self.makehuman = model, makehuman
        skin = model.vertices_of("skin", "head")
        normals = vertex_normals(model.neutral, model.faces_of("skin", "head"))
        x, y = np.abs(model.neutral[:, 0]), model.neutral[:, 1]
        every_other = np.arange(len(skin)) % 2 == 0  # dense enough to stand for the surface
        self._skin = np.flatnonzero(skin & every_other & (y > -13.0) & (x < 8.6))  # without ears and shoulders
        self._normals = normals[self._skin]
        self._cache: dict[tuple[str, str], Worn] = {}

    def get(self, kind: str, name: str, margin: float) -> Worn:
        key = (kind, name)
        if key not in self._cache:
            self._cache[key] = self._fit(self.makehuman.asset(kind, name), margin)
        return self._cache[key]

    def _fit(self, asset: FittedAsset, margin: float) -> Worn:
        points = to_head(asset.fit(self.makehuman.base))
        surface = self.model.neutral[self._skin]
        points = push_out(points, surface, self._normals, margin).astype(np.float32)
        corners = asset.corners
        border = border_distance(points, corners.model_faces, reach=1.2)
        flow = uv_in_cm(points[corners.source], corners.uv, corners.faces)
        return Worn(points, corners, Attachment.to(points, surface), self._skin, border, flow)


def hair_surface(worn: Worn, change: np.ndarray, values: Values) -> Surface:
    """The drawable hair of one person; ``change`` is the identity's displacement of the head's vertices (V, 3)."""
    points = worn.shaped(change)
    corners = worn.corners
    normals = vertex_normals(points, corners.model_faces)
    top, low = points[:, 1].max(), points[:, 1].min()
    extra = np.empty((len(points), 4), np.float32)
    # Hair that lies on the shoulders stays with them for the most part.
    extra[:, 0] = 0.25 + 0.75 * follow_weights(points + np.array([0, 2.0, 0], np.float32))
    centre = np.array([0.0, 4.0, 0.0], np.float32)
    away = points - centre
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    facing = np.abs((away * normals).sum(1))
    height = (points[:, 1] - low) / max(top - low, 1e-3)
    extra[:, 1] = np.clip(0.35 + 0.45 * height + 0.25 * facing, 0.3, 1.0)
    extra[:, 2] = worn.border - 2.0 * _over_face(worn.positions)
    extra[:, 3] = 1.0 - height
    s = corners.source
    strands = tangents(points[s], worn.flow, corners.faces)
    return Surface("hair", points[s], normals[s], corners.faces, worn.flow, extra[s], values, strands, soft=True)


def hat_surface(worn: Worn, change: np.ndarray, values: Values) -> Surface:
    """A stiff hat that follows the head."""
    points = worn.shaped(change)
    s = worn.corners.source
    extra = np.ones((len(s), 4), np.float32)
    normals = vertex_normals(points, worn.corners.model_faces)
    return Surface("solid", points[s], normals[s], worn.corners.faces, worn.corners.uv, extra, values)


def grown_hair(model: IctModel, change: np.ndarray, length: float, layers: int, line: float, values: Values) -> Surface:
    """Short hair as shells over the scalp, thinner from shell to shell.

    Args:
        change: (V, 3) the identity's displacement.
        length: of the hair at the crown, cm.
        line: shift of the hair line, cm (positive = further back).
    """
    faces = model.faces_of("skin", "head")
    neutral = model.neutral
    mask = scalp_mask(neutral, line)
    faces = faces[(mask[faces] > 0.02).all(1)]
    rows, index = np.unique(faces, return_inverse=True)
    faces = index.reshape(-1, 3).astype(np.int32)
    skin_normals = vertex_normals(neutral + change, model.faces_of("skin", "head"))[rows]
    base = (neutral + change)[rows]
    top = np.clip((neutral[rows, 1] - 2.0) / 9.0, 0.25, 1.0)
    blocks, extras, flows, stacks = [], [], [], []
    azimuth = np.arctan2(neutral[rows, 0], neutral[rows, 2])
    for k in range(layers):
        level = (k + 1) / layers
        lift = 0.12 + length * level * top * np.minimum(mask[rows] * 1.6, 1.0)
        # Hair leans back and down the sides as it grows.
        lean = np.stack([0 * lift, -0.25 * lift * (1.1 - top), -0.30 * lift * top], 1)
        blocks.append(base + skin_normals * lift[:, None] + lean)
        extra = np.empty((len(rows), 4), np.float32)
        extra[:, 0] = follow_weights(neutral[rows])
        extra[:, 1] = np.clip(0.30 + 0.7 * level, 0, 1)
        extra[:, 2] = np.clip(mask[rows] * 1.1, 0, 1) * (1.15 - 0.75 * level)
        extra[:, 3] = 0.15 + 0.5 * level
        extras.append(extra)
        flows.append(np.stack([azimuth * 7.0 + 0.4 * neutral[rows, 1] * np.sign(neutral[rows, 0]),
                               neutral[rows, 1] - 0.6 * neutral[rows, 2]], 1))  # fmt: skip
        stacks.append(faces + k * len(rows))
    points = np.concatenate(blocks).astype(np.float32)
    strands = np.tile(tangents(base, flows[0], faces), (layers, 1))
    normals = np.tile(skin_normals, (layers, 1))
    return Surface(
        "hair", points, normals, np.concatenate(stacks), np.concatenate(flows).astype(np.float32),
        np.concatenate(extras), values, neutral=strands,
    )  # fmt: skip


def _over_face(neutral: np.ndarray) -> np.ndarray:
    """(N,) 1 for hair that would hang over brows, eyes and nose, 0 elsewhere: a fringe ends above the brows."""
    x, y, z = neutral.T
    inside = np.clip((6.6 - np.abs(x)) / 1.2, 0, 1) * np.clip((7.0 - y) / 1.0, 0, 1) * np.clip((z - 4.5) / 1.5, 0, 1)
    return inside * np.clip((y + 9.0) / 2.0, 0, 1)


def scalp_mask(neutral: np.ndarray, line: float = 0.0) -> np.ndarray:
    """(V,) 1 where hair grows, 0 on the face, ears and neck; the same plane as the painted scalp's."""
    x, y, z = neutral.T
    height = 0.625 * y - 0.781 * z + 0.0 - 0.012 * x * x - line
    height = height + 0.9 * np.cos(x * 0.9) * np.clip((z - 2) / 5, 0, 1)
    mask = np.clip((height + 0.3) / 1.2, 0, 1)
    mask *= np.clip((y + 7.5) / 2.0, 0, 1)
    ear = (np.abs(x) > 7.9) & (y < 6.5)
    return np.where(ear, 0.0, mask).astype(np.float32)
