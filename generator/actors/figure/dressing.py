"""Chooses what a person looks like and wears, and builds the figure of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from generator.actors.appearance import linear, sample_hair_colour, vivid
from generator.actors.figure.accessories import Wearer, sample_accessories
from generator.actors.figure.body import Edges, Figure, Layer
from generator.actors.figure.expression import Expressions
from generator.actors.figure.face_map import face_map
from generator.actors.figure.hair import hair_layers, stands_off
from generator.actors.figure.identity import CM, ORIGINS, Person, eye_shift
from generator.actors.figure.mesh import Part, only, part_of
from generator.actors.figure.pictures import filled, read_picture
from generator.actors.figure.rig import Rig
from generator.actors.figure.skin import SkinLook, sample_skin
from generator.actors.ict import ActorAssetError
from generator.actors.makehuman import WHERE, FittedAsset, MakeHuman
from generator.actors.surfaces import vertex_normals

IRIS_RADIUS = 0.575  # cm, of the photographed irises on MakeHuman's eyeballs
HAT = 0.07  # share of people who wear one
COVERED = 0.45  # cm that skin lies deeper below a garment than it does bare, so that it does not show through
UNDER = 0.8  # cm that teeth and gums may come out of the skin of a wide open jaw without being seen
CUT = -88.0  # cm, height below which nothing is drawn: no picture shows it
_MOUTH_LINING = (0.75, 0.94, 0.0, 0.145)  # texture box (u0, u1, v0, v1) of the inside of the mouth
_EYE_SOCKETS = (0.0, 0.16, 0.53, 0.65)
_FEMALE_HAIR = {"bob01": 2, "bob02": 2, "long01": 3, "ponytail01": 3, "braid01": 2, "afro01": 0.7, "short04": 1,
                "short03": 1}  # fmt: skip
_MALE_HAIR = {"short01": 3, "short02": 3, "short03": 2, "short04": 3, "afro01": 0.7, "ponytail01": 0.5, "long01": 0.5}


@dataclass(frozen=True)
class Dressed:
    """A figure and the look of its skin."""

    figure: Figure
    skin: SkinLook


class Closet:
    """MakeHuman's assets as figures use them, prepared once per process."""

    def __init__(self, makehuman: MakeHuman, rig: Rig, expressions: Expressions) -> None:
        self.makehuman, self.rig, self.expressions = makehuman, rig, expressions
        base = makehuman.base
        self.neutral = base * CM + eye_shift(base, makehuman)
        self.skins = makehuman.pictures("skins")
        if not self.skins:
            raise ActorAssetError(f"no photographic skins in {makehuman.folder}/skins. {WHERE}")
        self._weights: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._pictures: dict = {}

    @cached_property
    def face(self) -> np.ndarray:
        """(468, 3) landmarks of the neutral mesh, cm."""
        return face_map().points(self.neutral)

    def asset(self, kind: str, name: str) -> FittedAsset:
        return self.makehuman.asset(kind, name)

    def weights(self, asset: FittedAsset) -> tuple[np.ndarray, np.ndarray]:
        if asset.name not in self._weights:
            self._weights[asset.name] = self.rig.of_asset(asset.rows, asset.weights)
        return self._weights[asset.name]

    def picture(self, kind: str, name: str, cards: bool = False) -> np.ndarray:
        """The diffuse map in an asset's folder; `cards` fills what is transparent with the colours around."""
        found = self.makehuman.pictures(f"{kind}/{name}")
        found = [path for path in found if not path.stem.endswith(("_ao", "_normal", "_bump", "_spec"))] or found
        if not found:
            raise ActorAssetError(f"no picture in {self.makehuman.folder}/{kind}/{name}. {WHERE}")
        path = found[0]
        if (path, cards) not in self._pictures:
            picture = read_picture(path)
            self._pictures[path, cards] = filled(picture) if cards else picture
        return self._pictures[path, cards]


def sample_dressed(rng: np.random.Generator, closet: Closet, person: Person, natural: bool) -> Dressed:
    """A person with skin, face, hair, clothes and what else it wears; natural or garish colours."""
    makehuman = closet.makehuman
    female = person.male < 0.5
    root, tip = sample_hair_colour(rng, natural, 1.0 - float(person.origin[ORIGINS.index("caucasian")]))
    if natural and rng.random() < 1.2 * person.age - 0.45:
        root, tip = (linear(np.array(grey) * rng.uniform(0.8, 1.1)) for grey in ((104, 101, 99), (172, 169, 166)))
    bald = rng.random() < (0.02 if female else 0.12 + 0.2 * person.age)
    skin = sample_skin(rng, closet, person, natural, root, bald)
    layers: list[Layer] = []
    parts: list[Part] = []
    count = len(makehuman.base)
    shift = eye_shift(person.shape, makehuman)

    def add(asset: FittedAsset, alive: bool, **rest) -> int:
        nonlocal count
        bones, weights = closet.weights(asset)
        points = asset.fit(person.shape) * CM + shift
        layers.append(Layer(points, bones, weights, np.zeros(len(points), np.float32), asset if alive else None))
        first, count = count, count + len(points)
        neutral = asset.fit(makehuman.base) * CM + eye_shift(makehuman.base, makehuman)
        parts.append(part_of(asset.name, corners=asset.corners, first=first, neutral=neutral, **rest))
        return first

    person = replace(person, shape=_teeth_shown(rng, makehuman, person.shape))
    garment = _garment(rng, makehuman, female)
    suit = closet.asset("clothes", garment)
    hides = suit.hides
    parts += body_parts(closet, hides, skin)
    eyes = closet.asset("eyes", "high-poly")
    irises = makehuman.pictures("eyes/textures") or makehuman.pictures("eyes/materials")
    dark = skin.dark
    names = [path for path in irises if ("brown" in path.stem) or rng.random() < max(0.75 - 1.2 * dark, 0.02)]
    iris = names[rng.integers(len(names))] if names else irises[0]
    tint = rng.uniform(0.7, 1.25, 3) if not natural else np.full(3, rng.uniform(0.7, 1.2))
    add(eyes, True, material="eye", picture=filled(read_picture(iris)), closed=True, casts=False, values={
        "iris_tint": tint, "eye_values": (rng.uniform(1.15, 1.6), rng.uniform(0.1, 0.6), rng.uniform(0.5, 1.2), 0.0),
    })  # fmt: skip
    darkness = rng.uniform(0.7, 1.5)
    teeth = rng.choice([name for name in makehuman.names("teeth")])
    white = np.array([1.0, rng.uniform(0.93, 1.0), rng.uniform(0.78, 0.98)])
    add(closet.asset("teeth", teeth), True, material="mouth", behind=UNDER, picture=read_picture(makehuman.folder / "teeth/teeth.png"),
        casts=False, values={"tint": white, "plain": np.zeros(3),
                             "mouth_values": (darkness, rng.uniform(0.2, 0.6), rng.uniform(0.95, 1.4), 0.0)})  # fmt: skip
    add(closet.asset("tongue", "tongue01"), True, material="mouth", behind=UNDER, picture=closet.picture("tongue", "tongue01"),
        casts=False, values={"tint": np.array([0.95, 0.6, 0.6]), "plain": np.zeros(3),
                             "mouth_values": (0.6 * darkness, 0.3, 1.0, 0.0)})  # fmt: skip
    brow_colour = (0.55 * root + 0.2 * tip) * rng.uniform(0.5, 1.0) if natural or rng.random() < 0.5 else linear(vivid(rng, 10, 200))
    brows = rng.choice(makehuman.names("eyebrows"))
    add(closet.asset("eyebrows", brows), True, material="hair", picture=closet.picture("eyebrows", brows, True), layer=1,
        casts=False, values={"root_colour": brow_colour, "tip_colour": brow_colour * 1.2,
                             "strands": (0.0, 0.05, 0.0, rng.uniform(0.9, 1.6))})  # fmt: skip
    lashes = rng.choice(makehuman.names("eyelashes"))
    dark_lash = np.array([0.012, 0.009, 0.008])
    opacity = rng.uniform(0.5, 1.1) if female else rng.uniform(0.25, 0.6)
    add(closet.asset("eyelashes", lashes), True, material="hair", picture=closet.picture("eyelashes", lashes, True),
        layer=1, casts=False, values={"root_colour": dark_lash, "tip_colour": dark_lash,
                                      "strands": (0.0, 0.0, 0.0, opacity)})  # fmt: skip
    add(suit, False, material="cloth", picture=closet.picture("clothes", garment), values=_cloth(rng, natural))

    brim = np.inf
    if rng.random() < HAT and makehuman.hat_names():
        name = rng.choice(makehuman.hat_names())
        add(closet.asset("clothes", name), False, material="cloth", picture=closet.picture("clothes", "fedora01"),
            values={**_cloth(rng, natural), "dye": (float(rng.random() < 0.8), 0.8, 0.0, 0.0)})  # fmt: skip
        layers[-1] = replace(layers[-1], points=stands_off(layers[-1].points, 0.6))
        brim = float(np.quantile(layers[-1].points[:, 1], 0.3))
    table = {name: weight for name, weight in (_FEMALE_HAIR if female else _MALE_HAIR).items()
             if name in makehuman.names("hair")}  # fmt: skip
    if table and not bald:
        weights = np.array(list(table.values()), float)
        name = list(table)[rng.choice(len(table), p=weights / weights.sum())]
        new_layers, new_parts = hair_layers(rng, closet, person, name, root, tip, count, brim)
        layers += new_layers
        parts += new_parts
        count += sum(len(layer.points) for layer in new_layers)
    wearer = Wearer(closet, person, count, female, natural, bald)
    for layer, part in sample_accessories(rng, wearer, root):
        layers.append(layer)
        parts.append(part)
    person = replace(person, shape=_under(makehuman, person.shape, hides))
    figure = Figure(person, makehuman, closet.rig, closet.expressions, eyes, layers, parts, IRIS_RADIUS)
    return Dressed(figure, skin)


def _teeth_shown(rng: np.random.Generator, makehuman: MakeHuman, shape: np.ndarray) -> np.ndarray:
    """The shape (B, 3), decimetres, with upper teeth that reach lower than the base mesh's: people's can be seen."""
    shape = shape.copy()
    shape[makehuman.groups["helper-upper-teeth"], 1] -= rng.uniform(0.005, 0.032)
    shape[makehuman.groups["helper-lower-teeth"], 1] -= rng.uniform(0.0, 0.03)
    return shape


def _under(makehuman: MakeHuman, shape: np.ndarray, hides: np.ndarray) -> np.ndarray:
    """The shape (B, 3), decimetres, with the skin under a garment, and its rim, moved inwards."""
    faces = makehuman.body.model_faces
    covered = np.zeros(len(shape), bool)
    covered[hides] = True
    edges = Edges.of(faces, len(shape))
    depth = np.where(covered, COVERED / CM, 0.0)
    for _ in range(2):  # a soft rim: the bare skin next to the garment must not show a step
        depth = np.where(covered, depth, edges.mean(0.5 * (depth[edges.a] + depth[edges.b])))
    return (shape - depth[:, None] * vertex_normals(shape, faces)).astype(np.float32)


def _garment(rng: np.random.Generator, makehuman: MakeHuman, female: bool) -> str:
    names = makehuman.clothes_names()
    if not names:
        raise ActorAssetError(f"no clothes in {makehuman.folder}/clothes. {WHERE}")
    own = [name for name in names if name.startswith("female" if female else "male")] or names
    return own[rng.integers(len(own))]


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
    whole = part_of("skin", "skin", only(body, seen & ~lining & ~sockets), 0, neutral, values=skin.material, closed=True)
    cavity = part_of("lining", "mouth", only(body, lining), 0, neutral, casts=False, closed=True, behind=UNDER, values={
        "tint": np.ones(3), "plain": np.array([0.30, 0.07, 0.06]), "mouth_values": (1.6, 0.15, 0.8, 1.0),
    })  # fmt: skip
    return [whole, cavity]


def _cloth(rng: np.random.Generator, natural: bool) -> dict:
    first, second = cloth_colour(rng, natural), cloth_colour(rng, natural)
    pattern = float(rng.choice([0, 1, 2, 3], p=[0.7, 0.14, 0.1, 0.06] if natural else [0.35, 0.25, 0.2, 0.2]))
    dyed = float(rng.random() > 0.25) if natural else 1.0
    return {
        "base_colour": first, "second_colour": second if rng.random() < 0.5 else first * rng.uniform(0.4, 1.8),
        "dye": (dyed, rng.uniform(0.4, 1.0), 0.0, pattern),
        "surface": (rng.uniform(0.0, 0.08), rng.uniform(0.5, 0.8), rng.uniform(0.05, 0.3), rng.uniform(0.12, 0.6)),
    }  # fmt: skip


def cloth_colour(rng: np.random.Generator, natural: bool) -> np.ndarray:
    """(3,) linear."""
    if not natural:
        return linear(rng.uniform(0, 255, 3))
    if rng.random() < 0.65:  # black, white, grey, navy, beige, olive
        muted = [(28, 28, 30), (225, 223, 220), (110, 112, 115), (38, 46, 70), (180, 165, 140), (70, 72, 60)]
        return linear(np.array(muted[rng.integers(len(muted))]) * rng.uniform(0.7, 1.1))
    hue = rng.uniform(30, 200, 3)
    return linear(hue.mean() + (hue - hue.mean()) * 0.8)
