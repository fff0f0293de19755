"""MakeHuman's assets prepared for figures, and the outfit of one person as it grows."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from generator.actors.figure.body import Layer
from generator.actors.figure.expression import Expressions
from generator.actors.figure.face_map import face_map
from generator.actors.figure.identity import CM, Person, eye_shift
from generator.actors.figure.mesh import Part, part_of
from generator.actors.figure.pictures import filled, read_picture
from generator.actors.figure.rig import BONE_INDEX, INFLUENCES, Rig
from generator.actors.glasses import Mesh
from generator.actors.ict import ActorAssetError
from generator.actors.makehuman import WHERE, FittedAsset, MakeHuman

_NOT_DIFFUSE = ("_ao", "_normal", "_bump", "_spec", "_displacement")


class Closet:
    """What people are dressed from, prepared once per process."""

    def __init__(self, makehuman: MakeHuman, rig: Rig, expressions: Expressions) -> None:
        self.makehuman, self.rig, self.expressions = makehuman, rig, expressions
        self.neutral = makehuman.base * CM + eye_shift(makehuman.base, makehuman)
        self.skins = makehuman.skins()
        if not self.skins:
            raise ActorAssetError(f"no photographic skins in {makehuman.folder}/skins. {WHERE}")
        for kind in ("eyes", "eyebrows", "eyelashes", "teeth", "tongue", "clothes"):
            if not makehuman.names(kind):
                raise ActorAssetError(f"no {kind} in {makehuman.folder}/{kind}. {WHERE}")
        self._weights: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._pictures: dict[tuple[Path, bool], np.ndarray] = {}

    @cached_property
    def face(self) -> np.ndarray:
        """(468, 3) landmarks of the neutral mesh, cm."""
        return face_map().points(self.neutral)

    def weights(self, asset: FittedAsset) -> tuple[np.ndarray, np.ndarray]:
        """Bones and weights (N, 4) of an asset's vertices."""
        if asset.name not in self._weights:
            self._weights[asset.name] = self.rig.of_asset(asset.rows, asset.weights)
        return self._weights[asset.name]

    def neutral_of(self, asset: FittedAsset) -> np.ndarray:
        """(N, 3) cm of an asset on the neutral mesh."""
        return asset.fit(self.makehuman.base) * CM + eye_shift(self.makehuman.base, self.makehuman)

    def picture(self, folder: str, cards: bool = False) -> np.ndarray:
        """(H, W, 4) the diffuse map in a folder; `cards` fills what is transparent with the colours around."""
        found = self.makehuman.pictures(folder)
        found = [path for path in found if not path.stem.endswith(_NOT_DIFFUSE)] or found
        if not found:
            raise ActorAssetError(f"no picture in {self.makehuman.folder}/{folder}. {WHERE}")
        return self.read(found[0], cards)

    def read(self, path: Path, cards: bool = False) -> np.ndarray:
        if (path, cards) not in self._pictures:
            picture = read_picture(path)
            self._pictures[path, cards] = filled(picture) if cards else picture
        return self._pictures[path, cards]


@dataclass
class Outfit:
    """Layers and parts that a person wears so far; the vertices of the base mesh come before theirs."""

    closet: Closet
    person: Person
    layers: list[Layer] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Vertices of the figure so far."""
        return len(self.closet.makehuman.base) + sum(len(layer.points) for layer in self.layers)

    @property
    def rest(self) -> np.ndarray:
        """(B, 3) cm of the base mesh."""
        return self.person.placed(self.person.shape, self.closet.makehuman)

    def fitted(self, asset: FittedAsset) -> np.ndarray:
        """(N, 3) cm of an asset on this person."""
        return self.person.placed(asset.fit(self.person.shape), self.closet.makehuman)

    def put_on(
        self, kind: str, name: str, material: str, alive: bool = False, points: np.ndarray | None = None, **rest: Any
    ) -> FittedAsset:
        """An asset of MakeHuman; `alive` follows the expression, `points` (N, 3) are where it lies if not as fitted."""
        asset = self.closet.makehuman.asset(kind, name)
        bones, weights = self.closet.weights(asset)
        points = self.fitted(asset) if points is None else points
        part = part_of(name, material, asset.corners, self.count, self.closet.neutral_of(asset), **rest)
        still = np.zeros(len(points), np.float32)
        self.add(Layer(points.astype(np.float32), bones, weights, still, asset if alive else None), part)
        return asset

    def put_on_bone(self, name: str, material: str, mesh: Mesh, bone: str, values: dict, layer: int = 0) -> None:
        """A mesh that moves with one bone."""
        points, faces = mesh
        n = len(points)
        bones = np.zeros((n, INFLUENCES), np.int32)
        bones[:, 0] = BONE_INDEX[bone]
        weights = np.eye(1, INFLUENCES, dtype=np.float32).repeat(n, 0)
        part = Part(
            name, material, self.count + np.arange(n), faces.astype(np.int32), np.zeros((n, 2)), points, values,
            layer=layer, casts=layer == 0,
        )  # fmt: skip
        self.add(Layer(points.astype(np.float32), bones, weights, np.zeros(n, np.float32)), part)

    def add(self, layer: Layer, part: Part) -> None:
        """A mesh whose first vertex in the figure is `count`."""
        self.layers.append(layer)
        self.parts.append(part)
