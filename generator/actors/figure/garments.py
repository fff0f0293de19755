"""Clothes and hats: which, in which colours, and the skin below them."""

from __future__ import annotations

import numpy as np

from generator.actors.appearance import linear
from generator.actors.figure.body import Edges
from generator.actors.figure.closet import Outfit
from generator.actors.figure.hair import stands_off
from generator.actors.figure.identity import CM
from generator.actors.makehuman import MakeHuman
from generator.actors.surfaces import vertex_normals

COVERED = 0.45  # cm that skin lies deeper below a garment than it does bare, so that it does not show through
THICKNESS = 0.2  # cm that cloth stands off further than the asset says
_MUTED = ((28, 28, 30), (225, 223, 220), (110, 112, 115), (38, 46, 70), (180, 165, 140), (70, 72, 60))  # sRGB


def choose_garment(rng: np.random.Generator, makehuman: MakeHuman, female: bool) -> str:
    """Name of a suit of the person's sex."""
    names = makehuman.clothes_names()
    own = [name for name in names if name.startswith("female" if female else "male")] or names
    return own[rng.integers(len(own))]


def add_garment(rng: np.random.Generator, outfit: Outfit, name: str, natural: bool) -> None:
    asset = outfit.closet.makehuman.asset("clothes", name)
    points = outfit.fitted(asset)
    points = points + THICKNESS * vertex_normals(points, asset.corners.model_faces)
    picture = outfit.closet.picture(f"clothes/{name}")
    outfit.put_on("clothes", name, "cloth", points=points, picture=picture, values=_cloth(rng, natural))


def add_hat(rng: np.random.Generator, outfit: Outfit, natural: bool) -> float:
    """A hat; returns the height in cm of its brim, above which it hides the hair."""
    makehuman = outfit.closet.makehuman
    name = str(rng.choice(makehuman.hat_names()))
    points = stands_off(outfit.fitted(makehuman.asset("clothes", name)), 0.6)
    values = {**_cloth(rng, natural), "dye": (float(rng.random() < 0.8), 0.8, 0.0, 0.0)}
    outfit.put_on("clothes", name, "cloth", points=points, values=values,
                  picture=outfit.closet.picture("clothes/fedora01"))  # fmt: skip
    return float(np.quantile(points[:, 1], 0.3))


def tucked(makehuman: MakeHuman, shape: np.ndarray, hides: np.ndarray) -> np.ndarray:
    """The shape (B, 3), decimetres, with the skin that a garment hides moved inwards."""
    faces = makehuman.body.model_faces
    edges = Edges.of(faces, len(shape))
    covered = np.zeros(len(shape), bool)
    covered[hides] = True
    depth = np.where(covered, COVERED / CM, 0.0)
    for _ in range(2):  # a soft rim: the bare skin next to the garment must not show a step
        depth = np.where(covered, depth, edges.mean(0.5 * (depth[edges.a] + depth[edges.b])))
    return (shape - depth[:, None] * vertex_normals(shape, faces)).astype(np.float32)


def _cloth(rng: np.random.Generator, natural: bool) -> dict[str, object]:
    """Values of the cloth's shader."""
    first, second = _cloth_colour(rng, natural), _cloth_colour(rng, natural)
    pattern = float(rng.choice([0, 1, 2, 3], p=[0.7, 0.14, 0.1, 0.06] if natural else [0.35, 0.25, 0.2, 0.2]))
    dyed = float(rng.random() > 0.25) if natural else 1.0
    return {
        "base_colour": first,
        "second_colour": second if rng.random() < 0.5 else first * rng.uniform(0.4, 1.8),
        "dye": (dyed, rng.uniform(0.4, 1.0), 0.0, pattern),
        "surface": (rng.uniform(0.0, 0.08), rng.uniform(0.5, 0.8), rng.uniform(0.05, 0.3), rng.uniform(0.12, 0.6)),
    }


def _cloth_colour(rng: np.random.Generator, natural: bool) -> np.ndarray:
    """(3,) linear."""
    if not natural:
        return linear(rng.uniform(0, 255, 3))
    if rng.random() < 0.65:
        return linear(np.array(_MUTED[rng.integers(len(_MUTED))]) * rng.uniform(0.7, 1.1))
    hue = rng.uniform(30, 200, 3)
    return linear(hue.mean() + (hue - hue.mean()) * 0.8)
