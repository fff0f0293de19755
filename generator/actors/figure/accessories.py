"""What a figure wears besides clothes: spectacles, ear rings, a chain, headphones."""

from __future__ import annotations

import numpy as np

from generator.actors.appearance import linear
from generator.actors.figure.closet import Outfit
from generator.actors.figure.face_map import face_map
from generator.actors.glasses import HeadMarks, Mesh, earrings_mesh, glasses_mesh, joined, tube

GLASSES, EARRINGS, CHAIN, HEADPHONES = 0.28, 0.3, 0.2, 0.07  # share of the people who wear them


def head_marks(outfit: Outfit) -> HeadMarks:
    """Eyes, nose and ears of this person, cm."""
    rest, neutral = outfit.rest, outfit.closet.neutral
    face = face_map().points(rest)
    eyes = np.stack([face[[263, 362, 386, 374]].mean(0), face[[33, 133, 159, 145]].mean(0)])
    ears, lobes = [], []
    for side in (1.0, -1.0):
        height = neutral[: _body_end(outfit), 1]
        ear = (side * neutral[: _body_end(outfit), 0] > 7.2) & (height > -3) & (height < 7.5)
        points = rest[np.flatnonzero(ear)]
        lobes.append(points[points[:, 1].argmin()])
        top = points[points[:, 1] > np.quantile(points[:, 1], 0.8)]
        ears.append(top.mean(0) + np.array([-0.4 * side, -0.3, 0.0]))
    return HeadMarks(eyes, face[168], np.stack(ears), np.stack(lobes))


def _body_end(outfit: Outfit) -> int:
    """Rows of the base mesh before its helpers."""
    return int(outfit.closet.makehuman.groups["body"].max()) + 1


def add_accessories(rng: np.random.Generator, outfit: Outfit, natural: bool) -> None:
    female = outfit.person.male < 0.5
    if rng.random() < GLASSES:
        colours = [(18, 17, 17), (60, 36, 22), (130, 125, 118), (150, 116, 60), (90, 20, 24)]
        frame = linear(colours[rng.integers(len(colours))]) if natural else linear(rng.uniform(0, 255, 3))
        rims, lenses = glasses_mesh(rng, head_marks(outfit))
        outfit.put_on_bone("glasses", "cloth", rims, "head", solid(frame, rng.uniform(0.2, 1.0), 0.3))
        sun = rng.random() < 0.08
        values = {"base_colour": np.full(3, 0.02), "surface": (0.75 if sun else rng.uniform(0.0, 0.06),
                                                               rng.uniform(0.3, 1.2), 0, 0)}  # fmt: skip
        outfit.put_on_bone("lenses", "glass", lenses, "head", values, layer=2)
    metals = [(212, 175, 90), (200, 200, 205), (30, 30, 32)]
    if rng.random() < (EARRINGS if female else 0.05):
        metal = linear(metals[rng.integers(3)])
        outfit.put_on_bone("earrings", "cloth", earrings_mesh(rng, head_marks(outfit)), "head", solid(metal, 1.5, 0.25))
    if rng.random() < (CHAIN if female else 0.06):
        metal = linear(metals[rng.integers(2)])
        outfit.put_on_bone("chain", "cloth", _chain(rng, outfit), "spine01", solid(metal, 1.5, 0.25))
    if rng.random() < HEADPHONES:
        outfit.put_on_bone("headphones", "cloth", _headphones(rng, outfit), "head", solid(np.full(3, 0.02), 0.5, 0.4))


def solid(colour: np.ndarray, gloss: float, rough: float) -> dict:
    """Values of the cloth shader for a plain surface."""
    return {"base_colour": colour, "second_colour": colour, "dye": (1.0, 0.0, 1.0, 0.0),
            "surface": (gloss, rough, 0.02, 1.0)}  # fmt: skip


def _chain(rng: np.random.Generator, outfit: Outfit) -> Mesh:
    """A thin chain round the neck, hanging on the chest: for each angle the outermost skin at its height."""
    rest = outfit.rest[: _body_end(outfit)]
    neck = outfit.rest[outfit.closet.makehuman.groups["joint-neck"]].mean(0)
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    drop = rng.uniform(1.0, 5.0)
    places = []
    for a in angles:
        way = np.array([np.sin(a), 0.0, np.cos(a)])
        height = neck[1] - 0.5 - drop * (0.5 + 0.5 * np.cos(a)) ** 2
        near = rest[np.abs(rest[:, 1] - height) < 0.8] - neck * [1, 0, 1]
        near = near[(near[:, [0, 2]] @ way[[0, 2]] > 0) & (np.hypot(near[:, 0], near[:, 2]) < 14)]
        turn = np.abs(np.cross(near[:, [0, 2]], way[[0, 2]]))
        close = near[turn < 1.6]
        radius = np.quantile(close[:, [0, 2]] @ way[[0, 2]], 0.7) if len(close) else 6.0
        places.append(neck * [1, 0, 1] + way * (radius + 0.25) + np.array([0, height, 0]))
    path = np.array(places)
    path = 0.5 * path + 0.25 * (np.roll(path, 1, 0) + np.roll(path, -1, 0))
    return tube(path, rng.uniform(0.12, 0.3), closed=True)


def _headphones(rng: np.random.Generator, outfit: Outfit) -> Mesh:
    """A band over the crown and a cup on each ear."""
    marks, rest = head_marks(outfit), outfit.rest[: _body_end(outfit)]
    top = float(rest[:, 1].max()) + 1.6
    left, right = (marks.ears[k] + np.array([side * 0.9, -1.8, 0.0]) for k, side in ((0, 1.0), (1, -1.0)))
    a = np.linspace(0, np.pi, 25)
    middle, half = (left + right) / 2, float(left[0] - right[0]) / 2
    band = np.stack([middle[0] + half * np.cos(a), middle[1] + (top - middle[1]) * np.sin(a) ** 0.8,
                     np.full_like(a, middle[2])], 1)  # fmt: skip
    parts = [tube(band, rng.uniform(0.8, 1.6), closed=False)]
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for ear, side in ((left, 1.0), (right, -1.0)):
        for radius, out in ((2.6, 0.2), (2.0, 0.6), (1.2, 0.8), (0.4, 0.85)):
            ring = np.stack([np.full_like(turn, side * out), radius * 1.25 * np.sin(turn), radius * np.cos(turn)], 1)
            parts.append(tube(ear + ring, 1.5, closed=True))
    return joined(parts)
