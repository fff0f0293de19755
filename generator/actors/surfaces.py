"""Mesh arithmetic shared by hair, clothes and hats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.ict import VertexNormals
from generator.actors.obj import connected_components


@dataclass(frozen=True)
class Corners:
    """A mesh split at its texture seams: render vertex -> model vertex."""

    source: np.ndarray  # (V,)
    uv: np.ndarray  # (V, 2)
    faces: np.ndarray  # (F, 3) into V
    model_faces: np.ndarray  # (F, 3) into the model's vertices

    @staticmethod
    def split(uv: np.ndarray, faces: np.ndarray, faces_uv: np.ndarray) -> Corners:
        pairs, index = np.unique(np.stack([faces, faces_uv], -1).reshape(-1, 2), axis=0, return_inverse=True)
        return Corners(pairs[:, 0], uv[pairs[:, 1]], index.reshape(-1, 3).astype(np.int32), faces)


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, one per vertex."""
    return VertexNormals(faces, len(vertices))(vertices[None])[0]


def nearest(points: np.ndarray, targets: np.ndarray, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Indices and distances (N, count) of the targets (M, 3) nearest to points (N, 3)."""
    squares = (targets**2).sum(1)
    rows, gaps = [], []
    for block in np.array_split(points, max(1, len(points) // 1000)):
        d2 = squares - 2.0 * block @ targets.T + (block**2).sum(1, keepdims=True)
        found = np.argpartition(d2, count - 1, axis=1)[:, :count] if count > 1 else d2.argmin(1)[:, None]
        rows.append(found)
        gaps.append(np.sqrt(np.maximum(np.take_along_axis(d2, found, 1), 0.0)))
    return np.concatenate(rows), np.concatenate(gaps)


@dataclass(frozen=True)
class Attachment:
    """Points that go along when the surface under them changes its shape."""

    rows: np.ndarray  # (N, K)
    weights: np.ndarray  # (N, K)

    @staticmethod
    def to(points: np.ndarray, surface: np.ndarray, count: int = 6) -> Attachment:
        rows, gaps = nearest(points, surface, count)
        weights = 1.0 / (gaps + 0.3 + 0.2 * gaps.min(1, keepdims=True))
        return Attachment(rows, (weights / weights.sum(1, keepdims=True)).astype(np.float32))

    def displacement(self, change: np.ndarray) -> np.ndarray:
        """Change of the surface's vertices (M, 3) -> of the points (N, 3)."""
        return np.einsum("nk,nkd->nd", self.weights, change[self.rows])


def push_out(
    points: np.ndarray, surface: np.ndarray, normals: np.ndarray, margin: float, reach: float = 4.0
) -> np.ndarray:
    """Move points that lie inside a closed surface (or nearer to it than the margin) out of it, keeping layers apart.

    Points further inside than ``reach`` are taken for points of another part and stay.
    """
    rows, _ = nearest(points, surface, 4)
    weight = 1.0 / (np.linalg.norm(points[:, None] - surface[rows], axis=2) + 1e-3) ** 2
    weight /= weight.sum(1, keepdims=True)
    base = np.einsum("nk,nkd->nd", weight, surface[rows])
    normal = np.einsum("nk,nkd->nd", weight, normals[rows])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-6)
    depth = ((points - base) * normal).sum(1)
    # Depths from -reach to 3 margins are squeezed into 1 to 3 margins.
    wanted = margin * (1.0 + 2.0 * np.clip((depth + reach) / (reach + 3 * margin), 0, 1) ** 4)
    move = np.where((depth < 3 * margin) & (depth > -reach), np.maximum(wanted - depth, 0.0), 0.0)
    return points + move[:, None] * normal


def border_distance(vertices: np.ndarray, faces: np.ndarray, reach: float) -> np.ndarray:
    """(V,) 0 at the free edges of a mesh, 1 from ``reach`` cm inwards (or at the middle of narrower pieces)."""
    # Coinciding vertices are one vertex here.
    _, merged = np.unique(np.round(vertices, 3), axis=0, return_inverse=True)
    merged = merged.reshape(-1)
    edges = np.sort(merged[faces][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    rim = np.isin(merged, unique[count == 1])
    piece = connected_components(merged[faces], len(vertices))[merged]
    out = np.full(len(vertices), reach)
    for label in np.unique(piece[faces]):
        rows = np.flatnonzero(piece == label)
        edge = rows[rim[rows]]
        if len(edge) == 0:
            continue
        gap = nearest(vertices[rows], vertices[edge])[1][:, 0]
        out[rows] = gap / max(min(reach, gap.max()), 1e-3) * reach
    return np.clip(out / reach, 0, 1).astype(np.float32)


def uv_in_cm(positions: np.ndarray, uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Texture coordinates scaled piece by piece to centimetres of the surface, (V, 2)."""
    piece = connected_components(faces, len(uv))
    a, b, c = (positions[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    u, v, w = (uv[faces[:, k]] for k in range(3))
    flat = np.abs((v - u)[:, 0] * (w - u)[:, 1] - (v - u)[:, 1] * (w - u)[:, 0])
    sums = np.bincount(piece[faces[:, 0]], area, len(uv)), np.bincount(piece[faces[:, 0]], flat, len(uv))
    scale = np.sqrt(np.maximum(sums[0], 1e-9) / np.maximum(sums[1], 1e-9))[piece]
    return (uv * scale[:, None]).astype(np.float32)


def tangents(positions: np.ndarray, uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(V, 3) unit direction in which v grows: the flow of strands."""
    a, b, c = (positions[faces[:, k]] for k in range(3))
    u, v, w = (uv[faces[:, k]] for k in range(3))
    d1, d2 = v - u, w - u
    det = d1[:, 0] * d2[:, 1] - d1[:, 1] * d2[:, 0]
    way = ((c - a) * d1[:, :1] - (b - a) * d2[:, :1]) * np.sign(det)[:, None]
    out = np.zeros_like(positions)
    for k in range(3):
        np.add.at(out, faces[:, k], way)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
