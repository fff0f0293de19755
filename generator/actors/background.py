"""Backgrounds: rooms out of focus, gradients, lights, walls and dead leaves. (S, S, 3) uint8, no person in them."""

from __future__ import annotations

import numpy as np


def sample_background(rng: np.random.Generator, size: int, natural: bool) -> np.ndarray:
    """A random background.

    Args:
        natural: muted and mostly out of focus, or garish shapes.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    kinds = (_wall, _room, _bokeh, _gradient, _clouds) if natural else (_leaves, _leaves, _clouds, _bokeh, _gradient)
    picture = kinds[rng.integers(len(kinds))](rng, size, natural)
    grain = rng.normal(0, rng.uniform(0, 2.5), (size, size, 1))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def blur(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian-like blur of (S, S, C) by three box passes per axis, borders repeated."""
    radius = round(sigma * 1.1)
    if radius < 1:
        return picture
    out = np.asarray(picture, np.float64)
    for axis in (0, 1):
        for _ in range(3):
            pad = [(0, 0)] * out.ndim
            pad[axis] = (radius + 1, radius)
            total = np.cumsum(np.pad(out, pad, mode="edge"), axis=axis)
            n = out.shape[axis]
            high = np.take(total, np.arange(2 * radius + 1, 2 * radius + 1 + n), axis)
            low = np.take(total, np.arange(0, n), axis)
            out = (high - low) / (2 * radius + 1)
    return out


def value_noise(rng: np.random.Generator, size: int, cells: int) -> np.ndarray:
    """(S, S) smooth noise in 0..1 with the given number of cells across."""
    grid = rng.random((cells + 2, cells + 2))
    at = np.linspace(0, cells, size, endpoint=False) + rng.random()
    i = at.astype(int)
    f = at - i
    f = f * f * (3 - 2 * f)
    rows = grid[i] * (1 - f)[:, None] + grid[i + 1] * f[:, None]
    return rows[:, i] * (1 - f) + rows[:, i + 1] * f


def _colour(rng: np.random.Generator, natural: bool) -> np.ndarray:
    if not natural:
        return rng.uniform(0, 255, 3)
    grey = rng.uniform(30, 225)
    return np.clip(grey + rng.normal(0, 14, 3) + rng.normal(0, 10) * np.array([1.0, 0.1, -1.0]), 0, 255)


def _wall(rng, size, natural):
    y, x = np.mgrid[0:size, 0:size] / size
    base = _colour(rng, natural)
    light = 1 + rng.uniform(-0.35, 0.35) * (x - 0.5) + rng.uniform(-0.3, 0.3) * (y - 0.5)
    spot = np.exp(-((x - rng.random()) ** 2 + (y - rng.random()) ** 2) / rng.uniform(0.1, 0.8))
    texture = 1 + rng.uniform(0, 0.06) * (value_noise(rng, size, 40) - 0.5)
    return base * ((light + rng.uniform(-0.2, 0.3) * spot) * texture)[..., None]


def _gradient(rng, size, natural):
    y, x = np.mgrid[0:size, 0:size] / size
    a = rng.uniform(0, 2 * np.pi)
    t = np.clip(0.5 + (x - 0.5) * np.cos(a) + (y - 0.5) * np.sin(a), 0, 1)[..., None]
    return _colour(rng, natural) * (1 - t) + _colour(rng, natural) * t


def _clouds(rng, size, natural):
    t = sum(value_noise(rng, size, c) / k for k, c in ((1, 3), (2, 7), (4, 16)))[..., None] / 1.75
    t = np.clip((t - 0.5) * rng.uniform(1, 3) + 0.5, 0, 1)
    return _colour(rng, natural) * (1 - t) + _colour(rng, natural) * t


def _room(rng, size, natural):
    """A wall with rectangles: shelves, pictures, windows, a door; out of focus."""
    picture = _wall(rng, size, natural)
    picture = np.broadcast_to(picture, (size, size, 3)).copy()
    for _ in range(rng.integers(3, 14)):
        w, h = rng.uniform(0.04, 0.45, 2) * size
        x, y = rng.uniform(-0.1, 1.0, 2) * size
        x0, x1, y0, y1 = (int(np.clip(v, 0, size)) for v in (x, x + w, y, y + h))
        colour = _colour(rng, natural)
        picture[y0:y1, x0:x1] = colour
        if rng.random() < 0.4:  # books or panes
            step = max(2, int(rng.uniform(0.015, 0.06) * size))
            for k in range(x0, x1, step):
                picture[y0:y1, k : k + step - 1] = np.clip(colour + rng.normal(0, 35), 0, 255)
    return blur(picture, rng.choice([0.5, 1.5, 3.0, 6.0]) * size / 192)


def _bokeh(rng, size, natural):
    y, x = np.mgrid[0:size, 0:size]
    picture = blur(_room(rng, size, natural), 8 * size / 192) * rng.uniform(0.4, 0.9)
    for _ in range(rng.integers(5, 28)):
        r = rng.uniform(0.02, 0.09) * size
        d = np.hypot(x - rng.uniform(0, size), y - rng.uniform(0, size))
        disc = np.clip((r - d) / 1.5 + 0.5, 0, 1)[..., None] * rng.uniform(0.15, 0.6)
        picture = picture * (1 - disc) + np.clip(_colour(rng, natural) * 1.3 + 30, 0, 255) * disc
    return picture


def _leaves(rng, size, natural):
    """Dead leaves: opaque ellipses and bars of many sizes over one another."""
    y, x = np.mgrid[0:size, 0:size]
    picture = np.broadcast_to(_colour(rng, natural), (size, size, 3)).copy()
    for _ in range(rng.integers(8, 60)):
        a, r = rng.uniform(0, np.pi), size * 0.35 * rng.random() ** 2 + 3
        dx, dy = x - rng.uniform(0, size), y - rng.uniform(0, size)
        u, v = dx * np.cos(a) + dy * np.sin(a), (dy * np.cos(a) - dx * np.sin(a)) * rng.uniform(0.5, 3)
        inside = (u * u + v * v < r * r) if rng.random() < 0.6 else (np.maximum(np.abs(u), np.abs(v)) < r)
        picture[inside] = _colour(rng, natural)
    return blur(picture, rng.choice([0, 0, 1, 3]) * size / 192)
