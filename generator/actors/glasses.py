"""Spectacles and ear rings as real geometry on an identity's face."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from generator.actors.ict import IctModel
from generator.actors.scene import Surface, Values
from generator.actors.surfaces import vertex_normals

_EAR_TOP = np.array([8.3, 4.3, 0.2], np.float32)  # where a temple rests, neutral model, left side
_EAR_LOBE = np.array([8.35, -0.6, 1.0], np.float32)


@dataclass(frozen=True)
class HeadMarks:
    """Where things are worn, cm: middles of the left and the right eye, bridge of the nose, tops and lobes of the left
    and the right ear."""

    eyes: np.ndarray  # (2, 3)
    bridge: np.ndarray  # (3,)
    ears: np.ndarray  # (2, 3)
    lobes: np.ndarray  # (2, 3)


Mesh = tuple[np.ndarray, np.ndarray]  # vertices (N, 3), triangles (F, 3)


def glasses_mesh(rng: np.random.Generator, marks: HeadMarks) -> tuple[Mesh, Mesh]:
    """Frame (two rims, a bridge, temples) and lenses."""
    left, right = marks.eyes
    half = float(left[0] - right[0]) / 2
    width, height = half * rng.uniform(0.68, 0.86), half * rng.uniform(0.48, 0.78)
    power = rng.uniform(2.0, 4.5)  # superellipse: round to square
    thick = rng.uniform(0.14, 0.48)
    plane = max(float(marks.bridge[2]) + 0.35, float(left[2]) + 1.2)
    drop = rng.uniform(0.1, 0.6)
    parts: list[Mesh] = []
    lenses: list[Mesh] = []
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    for eye, ear, side in ((left, marks.ears[0], 1.0), (right, marks.ears[1], -1.0)):
        c, s = np.cos(angles), np.sin(angles)
        x = np.sign(c) * np.abs(c) ** (2 / power) * width
        y = np.sign(s) * np.abs(s) ** (2 / power) * height
        rim = np.stack([eye[0] + side * 0.12 + x, eye[1] - drop * 0.5 + y, np.full_like(x, plane)], 1)
        rim[:, 2] -= 0.10 * np.maximum(side * (rim[:, 0] - side * half * 0.6), 0) ** 2 / half  # wraps round the face
        parts.append(tube(rim, thick, closed=True))
        lenses.append(_lens(rim))
        outer = rim[int(np.argmax(side * rim[:, 0]))] + np.array([0.0, height * 0.3, 0.0])
        hinge = outer + np.array([side * 0.25, 0.0, -0.3])
        behind = ear + np.array([0.0, -1.2, -2.0])
        parts.append(tube(_bend([outer, hinge, ear, behind]), min(thick, 0.3) * 0.8, closed=False))
    inner = [parts[0][0].reshape(-1, 6, 3).mean(1), parts[2][0].reshape(-1, 6, 3).mean(1)]
    a, b = inner[0][int(np.argmin(inner[0][:, 0]))], inner[1][int(np.argmax(inner[1][:, 0]))]
    middle = (a + b) / 2 + np.array([0.0, 0.25, 0.25])
    parts.append(tube(_bend([a, middle, b]), min(thick, 0.3) * 0.8, closed=False))
    return joined(parts), joined(lenses)


def earrings_mesh(rng: np.random.Generator, marks: HeadMarks) -> Mesh:
    """A ring below each ear lobe."""
    radius, thick = rng.uniform(0.3, 1.3), rng.uniform(0.07, 0.16)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    parts = []
    for lobe in marks.lobes:
        turn = rng.uniform(0, 1.2)
        ring = np.stack([np.cos(angles) * np.cos(turn), np.sin(angles) - 1.0, np.cos(angles) * np.sin(turn)], 1)
        parts.append(tube(lobe + ring * radius, thick, closed=True))
    return joined(parts)


def ict_marks(model: IctModel, change: np.ndarray) -> HeadMarks:
    """Of the ICT head; ``change`` (V, 3) is the identity's displacement."""
    marks = (model.neutral + change)[model.landmarks68]
    sides = np.array([[1, 1, 1], [-1, 1, 1]])
    ears, lobes = (np.stack([point + _nearby(model, change, point) for point in place * sides])
                   for place in (_EAR_TOP, _EAR_LOBE))  # fmt: skip
    return HeadMarks(np.stack([marks[42:48].mean(0), marks[36:42].mean(0)]), marks[27], ears, lobes)


def worn_surface(mesh: Mesh, values: Values) -> Surface:
    """A mesh as a stiff surface that follows the head."""
    points, faces = mesh
    extra, uv = np.ones((len(points), 4), np.float32), np.zeros((len(points), 2), np.float32)
    return Surface("solid", points, vertex_normals(points, faces), faces, uv, extra, values)


def _lens(rim: np.ndarray) -> Mesh:
    """A bulging pane in a rim (N, 3): a ring half way, and the middle."""
    centre = rim.mean(0) + np.array([0.0, 0.0, 0.12])
    half = 0.5 * (rim + centre) + np.array([0.0, 0.0, 0.05])
    n = len(rim)
    i, j = np.arange(n), (np.arange(n) + 1) % n
    faces = [(i, j, n + j), (i, n + j, n + i), (n + i, n + j, np.full(n, 2 * n))]
    return (np.concatenate([rim, half, centre[None]]).astype(np.float32),
            np.concatenate([np.stack(face, 1) for face in faces]).astype(np.int32))  # fmt: skip


def _nearby(model: IctModel, change: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Mean displacement of the vertices round a neutral point."""
    weight = np.exp(-((model.neutral - point) ** 2).sum(1) / 1.5)
    return (weight[:, None] * change).sum(0) / max(weight.sum(), 1e-9)


def _bend(points: list[np.ndarray], steps: int = 6) -> np.ndarray:
    """Straight pieces between points, (N, 3)."""
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    rows = [a * (1 - t) + b * t for a, b in itertools.pairwise(points)]
    return np.concatenate([*rows, points[-1][None]])


def tube(path: np.ndarray, thick: float, closed: bool, sides: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N * sides, 3) and triangles of a tube along a path (N, 3); ``thick`` is its diameter."""
    ahead = np.roll(path, -1, 0) if closed else np.vstack([path[1:], 2 * path[-1:] - path[-2:-1]])
    behind = np.roll(path, 1, 0) if closed else np.vstack([2 * path[:1] - path[1:2], path[:-1]])
    way = ahead - behind
    way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    up = np.where(np.abs(way[:, 2:]) > 0.8, np.array([[0.0, 1.0, 0.0]]), np.array([[0.0, 0.0, 1.0]]))
    first = np.cross(way, up)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-9)
    second = np.cross(way, first)
    a = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.cos(a)[None, :, None] * first[:, None] + np.sin(a)[None, :, None] * second[:, None]
    points = (path[:, None] + ring * thick / 2).reshape(-1, 3)
    n = len(path)
    faces = []
    for i in range(n if closed else n - 1):
        j = (i + 1) % n
        for k in range(sides):
            m = (k + 1) % sides
            p, q, r, s = i * sides + k, j * sides + k, j * sides + m, i * sides + m
            faces += [(p, q, r), (p, r, s)]
    return points.astype(np.float32), np.array(faces, np.int32)


def joined(parts: list[Mesh]) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0] + [len(points) for points, _ in parts[:-1]])
    points = np.concatenate([points for points, _ in parts])
    return points, np.concatenate([faces + start for (_, faces), start in zip(parts, starts)])
