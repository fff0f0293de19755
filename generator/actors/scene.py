"""What the renderer draws: camera, light, surfaces and materials as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Values = Mapping[str, object]  # shader values by name: numbers or arrays


@dataclass(frozen=True)
class Camera:
    """A long lens, in picture widths; the lens may be shifted so that the head need not be in the middle.

    A point (x, y, z) cm is seen at pixel ``size * (cx + focal * x / (distance - z), cy - focal * y / (distance - z))``.
    """

    focal: float
    distance: float
    cx: float
    cy: float

    @property
    def scale(self) -> float:
        """Picture widths per centimetre in the plane z = 0."""
        return self.focal / self.distance

    def matrix(self) -> np.ndarray:
        """(4, 4) to clip space with the picture's first row at y = -1, so that a read-back needs no flip."""
        near, far = self.distance * 0.35, self.distance + 120.0
        m = np.zeros((4, 4), np.float32)
        x0, y0 = 2 * self.cx - 1, 2 * self.cy - 1
        m[0] = [2 * self.focal, 0, -x0, x0 * self.distance]
        m[1] = [0, -2 * self.focal, -y0, y0 * self.distance]
        a, b = (far + near) / (far - near), -2 * far * near / (far - near)
        m[2] = [0, 0, -a, a * self.distance + b]
        m[3] = [0, 0, -1, self.distance]
        return m

    def project(self, points: np.ndarray, size: int) -> np.ndarray:
        """(..., 3) world points, cm -> (..., 3) pixels; z in pixels too, smaller = nearer, 0 in the plane z = 0."""
        depth = self.distance - points[..., 2]
        x = size * (self.cx + self.focal * points[..., 0] / depth)
        y = size * (self.cy - self.focal * points[..., 1] / depth)
        z = -points[..., 2] * size * self.scale
        return np.stack([x, y, z], -1).astype(np.float32)


@dataclass(frozen=True)
class Lighting:
    """Three lights from afar (the first one throws shadows) and a hemisphere of ambient light; linear colours."""

    directions: np.ndarray  # (3, 3) unit, towards the light
    colours: np.ndarray  # (3, 3)
    sky: np.ndarray
    ground: np.ndarray
    shadow: float = 0.8
    exposure: float = 1.0


@dataclass(frozen=True)
class Surface:
    """A mesh that moves with the head or the body but keeps its shape during a clip.

    extra: (V, 4) follow (1 head, 0 body), ambient occlusion, and two values of the material.
    """

    material: str  # name of a fragment shader: hair, cloth, solid
    positions: np.ndarray  # (V, 3)
    normals: np.ndarray  # (V, 3)
    faces: np.ndarray  # (F, 3)
    uv: np.ndarray  # (V, 2)
    extra: np.ndarray  # (V, 4)
    values: Values = field(default_factory=dict)
    neutral: np.ndarray | None = None  # (V, 3), texture space; positions when absent
    soft: bool = False  # hair: draw half transparent rims in a second pass


@dataclass(frozen=True)
class Appearance:
    """Shader values of the head's own materials, the lighting, and everything worn."""

    skin_bake: Values
    head: Mapping[str, Values]  # material -> values
    lighting: Lighting
    surfaces: tuple[Surface, ...]


def about(rotation: np.ndarray, pivot: np.ndarray, shift: np.ndarray | float = 0.0) -> np.ndarray:
    """(4, 4): rotate (3, 3) about a pivot, then shift."""
    matrix = np.eye(4, dtype=np.float32)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = pivot - rotation @ pivot + shift
    return matrix
