"""Spectacles and ear rings as real geometry on an identity's face."""

from __future__ import annotations

import numpy as np

from generator.actors.ict import IctModel
from generator.actors.scene import Surface, Values
from generator.actors.surfaces import vertex_normals

_EAR_TOP = np.array([8.3, 4.3, 0.2], np.float32)  # where a temple rests, neutral model, left side
_EAR_LOBE = np.array([8.35, -0.6, 1.0], np.float32)


def sample_glasses(rng: np.random.Generator, model: IctModel, change: np.ndarray, values: Values) -> Surface:
    """Two rims, a bridge and temples; ``change`` (V, 3) is the identity's displacement of the head."""
    person = model.neutral + change
    marks = person[model.landmarks68]
    left, right = marks[42:48].mean(0), marks[36:42].mean(0)
    nose = marks[27]
    half = float(left[0] - right[0]) / 2
    width, height = half * rng.uniform(0.68, 0.86), half * rng.uniform(0.48, 0.78)
    power = rng.uniform(2.0, 4.5)  # superellipse: round to square
    thick = rng.uniform(0.14, 0.48)
    plane = max(float(nose[2]) + 0.35, float(left[2]) + 1.2)
    drop = rng.uniform(0.1, 0.6)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    for eye, side in ((left, 1.0), (right, -1.0)):
        c, s = np.cos(angles), np.sin(angles)
        x = np.sign(c) * np.abs(c) ** (2 / power) * width
        y = np.sign(s) * np.abs(s) ** (2 / power) * height
        rim = np.stack([eye[0] + side * 0.12 + x, eye[1] - drop * 0.5 + y, np.full_like(x, plane)], 1)
        rim[:, 2] -= 0.10 * np.maximum(side * (rim[:, 0] - side * half * 0.6), 0) ** 2 / half  # wraps round the face
        parts.append(_tube(rim, thick, closed=True))
        outer = rim[int(np.argmax(side * rim[:, 0]))] + np.array([0.0, height * 0.3, 0.0])
        ear = _EAR_TOP * np.array([side, 1, 1]) + _nearby(model, change, _EAR_TOP * np.array([side, 1, 1]))
        hinge = outer + np.array([side * 0.25, 0.0, -0.3])
        behind = ear + np.array([0.0, -1.2, -2.0])
        parts.append(_tube(_bend([outer, hinge, ear, behind]), min(thick, 0.3) * 0.8, closed=False))
    inner = [parts[0][0].reshape(-1, 6, 3).mean(1), parts[2][0].reshape(-1, 6, 3).mean(1)]
    a, b = inner[0][int(np.argmin(inner[0][:, 0]))], inner[1][int(np.argmax(inner[1][:, 0]))]
    middle = (a + b) / 2 + np.array([0.0, 0.25, 0.25])
    parts.append(_tube(_bend([a, middle, b]), min(thick, 0.3) * 0.8, closed=False))
    return _solid(parts, values)


def sample_earrings(rng: np.random.Generator, model: IctModel, change: np.ndarray, values: Values) -> Surface:
    """A ring or a drop below each ear lobe."""
    radius, thick = rng.uniform(0.3, 1.3), rng.uniform(0.07, 0.16)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    parts = []
    for side in (1.0, -1.0):
        lobe = _EAR_LOBE * np.array([side, 1, 1])
        lobe = lobe + _nearby(model, change, lobe)
        turn = rng.uniform(0, 1.2)
        ring = np.stack([np.cos(angles) * np.cos(turn), np.sin(angles) - 1.0, np.cos(angles) * np.sin(turn)], 1)
        parts.append(_tube(lobe + ring * radius, thick, closed=True))
    return _solid(parts, values)


def _nearby(model: IctModel, change: np.ndarray, point: np.ndarray) -> np.ndarray:
    """Mean displacement of the vertices round a neutral point."""
    weight = np.exp(-((model.neutral - point) ** 2).sum(1) / 1.5)
    return (weight[:, None] * change).sum(0) / max(weight.sum(), 1e-9)


def _bend(points: list[np.ndarray], steps: int = 6) -> np.ndarray:
    """Straight pieces between points, (N, 3)."""
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    rows = [a * (1 - t) + b * t for a, b in zip(points[:-1], points[1:])]
    return np.concatenate([*rows, points[-1][None]])


def _tube(path: np.ndarray, thick: float, closed: bool, sides: int = 6) -> tuple[np.ndarray, np.ndarray]:
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


def _solid(parts: list[tuple[np.ndarray, np.ndarray]], values: Values) -> Surface:
    starts = np.cumsum([0] + [len(points) for points, _ in parts[:-1]])
    points = np.concatenate([points for points, _ in parts])
    faces = np.concatenate([faces + start for (_, faces), start in zip(parts, starts)])
    extra = np.ones((len(points), 4), np.float32)
    uv = np.zeros((len(points), 2), np.float32)
    return Surface("solid", points, vertex_normals(points, faces), faces, uv, extra, values)
