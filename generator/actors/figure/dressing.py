"""Chooses what a person looks like and wears, and builds the figure of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from generator.actors.appearance import linear, sample_hair_colour
from generator.actors.figure.accessories import add_accessories
from generator.actors.figure.body import Figure
from generator.actors.figure.closet import Closet, Outfit
from generator.actors.figure.features import UNDER, add_features, with_teeth_shown
from generator.actors.figure.garments import add_garment, add_hat, choose_garment, tucked
from generator.actors.figure.hair import add_hair
from generator.actors.figure.identity import ORIGINS, Person
from generator.actors.figure.mesh import Part, only, part_of
from generator.actors.figure.skin import SkinLook, sample_skin

IRIS_RADIUS = 0.575  # cm, of the photographed irises on MakeHuman's eyeballs
HAT = 0.07  # share of people who wear one
CUT = -88.0  # cm, height below which nothing is drawn: no picture shows it
_MOUTH_LINING = (0.75, 0.94, 0.0, 0.145)  # texture box (u0, u1, v0, v1) of the inside of the mouth
_EYE_SOCKETS = (0.0, 0.16, 0.53, 0.65)
_GREY = ((104, 101, 99), (172, 169, 166))  # sRGB of root and tip
_FEMALE_HAIR = {"bob01": 2, "bob02": 2, "long01": 3, "ponytail01": 3, "braid01": 2, "afro01": 0.7, "short04": 1,
                "short03": 1}  # fmt: skip
_MALE_HAIR = {"short01": 3, "short02": 3, "short03": 2, "short04": 3, "afro01": 0.7, "ponytail01": 0.5, "long01": 0.5}


@dataclass(frozen=True)
class Dressed:
    """A figure and the look of its skin."""

    figure: Figure
    skin: SkinLook


def sample_dressed(rng: np.random.Generator, closet: Closet, person: Person, natural: bool) -> Dressed:
    """A person with skin, face, hair, clothes and what else it wears; natural or garish colours."""
    makehuman = closet.makehuman
    female = person.male < 0.5
    root, tip = sample_hair_colour(rng, natural, 1.0 - float(person.origin[ORIGINS.index("caucasian")]))
    if natural and rng.random() < 1.2 * person.age - 0.45:
        root, tip = (linear(np.array(grey) * rng.uniform(0.8, 1.1)) for grey in _GREY)
    bald = bool(rng.random() < (0.02 if female else 0.12 + 0.2 * person.age))
    skin = sample_skin(rng, closet, person, natural, root, bald)
    person = replace(person, shape=with_teeth_shown(rng, makehuman, person.shape))
    garment = choose_garment(rng, makehuman, female)
    hides = makehuman.asset("clothes", garment).hides
    outfit = Outfit(closet, person, parts=body_parts(closet, hides, skin))
    eyes = add_features(rng, outfit, natural, skin.dark, root, tip)
    add_garment(rng, outfit, garment, natural)
    hat = rng.random() < HAT and makehuman.hat_names()
    brim = add_hat(rng, outfit, natural) if hat else np.inf
    table = {name: weight for name, weight in (_FEMALE_HAIR if female else _MALE_HAIR).items()
             if name in makehuman.names("hair")}  # fmt: skip
    if table and not bald:
        weights = np.array(list(table.values()), float)
        name = list(table)[rng.choice(len(table), p=weights / weights.sum())]
        add_hair(rng, outfit, name, root, tip, brim)
    add_accessories(rng, outfit, natural)
    person = replace(person, shape=tucked(makehuman, person.shape, hides))
    figure = Figure(person, makehuman, closet.rig, closet.expressions, eyes, outfit.layers, outfit.parts, IRIS_RADIUS)
    return Dressed(figure, skin)


def body_parts(closet: Closet, hides: np.ndarray, skin: SkinLook) -> list[Part]:
    """The visible skin, and the lining of the mouth."""
    body, neutral = closet.makehuman.body, closet.neutral
    faces = body.model_faces
    hidden = np.zeros(len(neutral), bool)
    hidden[hides] = True
    seen = ~hidden[faces].all(1) & (neutral[faces][..., 1].max(1) > CUT)
    head = neutral[faces][..., 1].min(1) > -12.0

    def inside(box: tuple[float, float, float, float]) -> np.ndarray:
        u, v = body.uv[body.faces].transpose(2, 0, 1)
        return ((u > box[0]) & (u < box[1]) & (v > box[2]) & (v < box[3])).all(1) & head

    lining, sockets = inside(_MOUTH_LINING), inside(_EYE_SOCKETS)
    bare = only(body, seen & ~lining & ~sockets)
    whole = part_of("skin", "skin", bare, 0, neutral, values=skin.material, closed=True)
    values = {"tint": np.ones(3), "plain": np.array([0.30, 0.07, 0.06]), "mouth_values": (1.6, 0.15, 0.8, 1.0)}
    cavity = part_of(
        "lining", "mouth", only(body, lining), 0, neutral, casts=False, closed=True, behind=UNDER, values=values
    )
    return [whole, cavity]
