"""Hair on a figure: MakeHuman's cards, lifted off the head, swinging, with single hairs that leave the outline."""

from __future__ import annotations

import numpy as np

from generator.actors.figure.body import Layer
from generator.actors.figure.closet import Outfit
from generator.actors.figure.mesh import Part, only, part_of
from generator.actors.surfaces import Corners, tangents, vertex_normals

HEAD_MIDDLE = np.array([0.0, 4.5, 0.5], np.float32)  # cm, of the skull
LOOSE = 14.0  # cm from the skull's middle at which hair hangs freely
STEPS = 4  # pieces of a single hair


def stands_off(points: np.ndarray, by: float) -> np.ndarray:
    """(N, 3) moved away from the middle of the head by so many cm."""
    away = points - HEAD_MIDDLE
    return points + by * away / np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)


def add_hair(
    rng: np.random.Generator, outfit: Outfit, name: str, root: np.ndarray, tip: np.ndarray, below: float
) -> None:
    """The hair asset `name` in linear colours; below: height in cm over which a hat hides it."""
    closet = outfit.closet
    asset = closet.makehuman.asset("hair", name)
    points = stands_off(outfit.fitted(asset), rng.uniform(0.15, 0.7))
    volume = 1.0 + max(rng.normal(0.02, 0.05), -0.04)
    points = (points - HEAD_MIDDLE) * np.array([volume, 1.0 + 0.6 * (volume - 1), volume]) + HEAD_MIDDLE
    points = _wavy(rng, points)
    bones, weights = closet.weights(asset)
    far = np.linalg.norm(points - HEAD_MIDDLE, axis=1)
    lag = np.clip((far - 9.5) / (LOOSE - 9.5), 0, 1) * rng.uniform(0.25, 0.75)
    corners = only(asset.corners, points[asset.corners.model_faces][..., 1].max(1) < below)
    along = tangents(points[corners.source], corners.uv, corners.faces)
    values = {
        "root_colour": root, "tip_colour": tip,
        "strands": (rng.uniform(0.6, 1.0), rng.uniform(0.3, 1.1), 0.0, rng.uniform(1.0, 1.35)),
    }  # fmt: skip
    picture = _levelled(closet.picture(f"hair/{name}", cards=True))
    layer = Layer(points.astype(np.float32), bones, weights, lag.astype(np.float32))
    part = part_of(name, "hair", corners, outfit.count, closet.neutral_of(asset), values=values, picture=picture,
                   along=along, layer=1)  # fmt: skip
    outfit.add(layer, part)
    if not np.isfinite(below):
        outfit.add(*_flyaway(rng, layer, corners, along, values, outfit.count))


def _levelled(picture: np.ndarray) -> np.ndarray:
    """The photograph in grey: those of black and of blond hair carry the same strands at other levels."""
    grey = picture[..., :3].astype(np.float32) @ np.array([0.3, 0.5, 0.2], np.float32) / 255
    spread = grey[picture[..., 3] > 200]
    level = np.clip((grey - spread.mean()) / max(float(spread.std()), 0.02) * 0.2 + 0.45, 0.02, 1.0)
    return np.concatenate([np.repeat((level * 255).astype(np.uint8)[..., None], 3, -1), picture[..., 3:]], -1)


def _wavy(rng: np.random.Generator, points: np.ndarray) -> np.ndarray:
    """Locks that part and wave a little, more the further they hang."""
    far = np.clip((np.linalg.norm(points - HEAD_MIDDLE, axis=1) - 9.0) / 8.0, 0, 1)[:, None]
    out = points.copy()
    for _ in range(3):
        wave = rng.normal(size=3) * rng.uniform(0.2, 0.7)
        out += far * rng.uniform(0.0, 0.35) * np.sin(points @ wave + rng.uniform(0, 6))[:, None] * rng.normal(size=3)
    return out


def _flyaway(
    rng: np.random.Generator, hair: Layer, corners: Corners, along: np.ndarray, values: dict, first: int
) -> tuple[Layer, Part]:
    """Single hairs as thin ribbons that start on the hair's outside and go their own way."""
    count = int(rng.integers(150, 500))
    normals = vertex_normals(hair.points, corners.model_faces)
    away = hair.points - HEAD_MIDDLE
    distance = np.linalg.norm(away, axis=1, keepdims=True)
    away = away / np.maximum(distance, 1e-6)
    outside = np.flatnonzero((distance[:, 0] > np.quantile(distance, 0.35)) & (np.abs((normals * away).sum(1)) > 0.2))
    outside = outside if len(outside) else np.arange(len(away))
    roots = outside[rng.integers(len(outside), size=count)]
    way = np.zeros((len(hair.points), 3), np.float32)
    way[corners.source] = along
    way = way[roots] * rng.choice([-1.0, 1.0], (count, 1))
    way = np.where(way[:, 1:2] > 0.3, -way, way)  # hair falls
    length = rng.uniform(0.5, 2.6, (count, 1, 1))
    t = np.linspace(0, 1, STEPS + 1)[None, :, None]
    lift, stray = rng.uniform(0.05, 0.5, (count, 1, 1)), rng.normal(0, 0.35, (count, 1, 3))
    path = hair.points[roots][:, None] + length * (t * way[:, None] + lift * t * away[roots][:, None] + t * t * stray)
    path[..., 1] -= 0.15 * (length * t * t)[..., 0]
    side = np.cross(np.gradient(path, axis=1), [0.0, 0.0, 1.0])
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-6)
    width = rng.uniform(0.012, 0.03, (count, 1, 1)) * (1.0 - 0.8 * t)
    points = np.stack([path - side * width, path + side * width], 2).reshape(-1, 3).astype(np.float32)
    i = np.arange(count)[:, None] * 2 * (STEPS + 1) + 2 * np.arange(STEPS)
    faces = np.stack([np.stack([i, i + 1, i + 3], -1), np.stack([i, i + 3, i + 2], -1)], 2).reshape(-1, 3)
    each = 2 * (STEPS + 1)
    bones, weights = hair.bones[roots].repeat(each, 0), hair.weights[roots].repeat(each, 0)
    loose = np.clip(hair.lag[roots][:, None] + 0.3 * np.repeat(t[0, :, 0], 2)[None], 0, 1).reshape(-1)
    _, shine, as_is, _ = values["strands"]
    part = Part(
        "flyaway", "hair", first + np.arange(len(points)), faces.astype(np.int32), np.zeros((len(points), 2)), points,
        {**values, "strands": (0.0, shine, as_is, rng.uniform(0.35, 0.7))}, along=way.repeat(each, 0), layer=1,
        casts=False,
    )  # fmt: skip
    return Layer(points, bones, weights, loose.astype(np.float32)), part
