"""MakeHuman's base mesh, body shapes and fitted assets, read in their published formats (CC0).

Sources: repositories makehumancommunity/makehuman (base mesh, rig, targets) and makehumancommunity/makehuman-assets
(hair, clothes). A ``.mhclo`` file gives each vertex of an asset as three vertices of the base mesh, their weights and
an offset scaled by the body's size.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from generator.actors.ict import ActorAssetError
from generator.actors.obj import read_obj
from generator.actors.surfaces import Corners

WHERE = (
    "It belongs to MakeHuman's CC0 data: copy the folder `data` of makehumancommunity/makehuman "
    "(folder makehuman/data) and of makehumancommunity/makehuman-assets (folder base) into one."
)
_ARM = ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
_FOREARM = ("lowerarm", "wrist", "finger", "metacarpal")


@dataclass(frozen=True)
class FittedAsset:
    """Hair or a garment: N vertices, each on three vertices of the base mesh."""

    name: str
    rows: np.ndarray  # (N, 3) into the base mesh
    weights: np.ndarray  # (N, 3)
    offsets: np.ndarray  # (N, 3)
    scales: np.ndarray  # (3, 3): two base vertices and the distance between them that an offset of 1 means, per axis
    corners: Corners
    hides: np.ndarray  # vertices of the base mesh that it covers

    def fit(self, base: np.ndarray) -> np.ndarray:
        """Vertices (N, 3) on a shape of the base mesh (B, 3), in its units."""
        a, b = self.scales[:, 0].astype(int), self.scales[:, 1].astype(int)
        size = np.abs(np.diagonal(base[a] - base[b])) / self.scales[:, 2]
        return np.einsum("nk,nkd->nd", self.weights, base[self.rows]) + self.offsets * size


class MakeHuman:
    """The data folder; files are read when they are first asked for."""

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        self.folder = folder / "data" if (folder / "data").is_dir() else folder
        if not (self.folder / "3dobjs" / "base.obj").is_file():
            raise ActorAssetError(f"no MakeHuman base mesh at {self.folder}/3dobjs/base.obj. {WHERE}")
        self._assets: dict[Path, FittedAsset] = {}
        self._targets: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def hair_names(self) -> list[str]:
        return self._names("hair")

    def clothes_names(self) -> list[str]:
        return [name for name in self._names("clothes") if not name.startswith("fedora")]

    def hat_names(self) -> list[str]:
        return [name for name in self._names("clothes") if name.startswith("fedora")]

    def asset(self, kind: str, name: str) -> FittedAsset:
        """Asset ``name`` of ``hair`` or ``clothes``, as listed by the names above."""
        for path in sorted((self.folder / kind).glob("*/*.mhclo")):
            if path.stem == name:
                if path not in self._assets:
                    self._assets[path] = _read_asset(path)
                return self._assets[path]
        raise ActorAssetError(f"no {kind} named {name} under {self.folder}. {WHERE}")

    @cached_property
    def base(self) -> np.ndarray:
        """(B, 3) vertices, decimetres, y up."""
        return self._mesh.vertices

    @cached_property
    def groups(self) -> dict[str, np.ndarray]:
        """Vertices of each group of the base mesh."""
        groups: dict[str, set[int]] = {}
        current: set[int] = set()
        for line in (self.folder / "3dobjs" / "base.obj").read_text().splitlines():
            if line.startswith("g "):
                current = groups.setdefault(line.split()[1], set())
            elif line.startswith("f "):
                current.update(int(word.split("/")[0]) - 1 for word in line.split()[1:])
        return {name: np.array(sorted(rows)) for name, rows in groups.items()}

    @cached_property
    def body(self) -> Corners:
        """The visible body's triangles."""
        inside = np.zeros(len(self.base), bool)
        inside[self.groups["body"]] = True
        keep = inside[self._mesh.faces].all(1)
        return Corners.split(self._mesh.uv, self._mesh.faces[keep], self._mesh.faces_uv[keep])

    @cached_property
    def rig(self) -> dict:
        """The default rig: its bones, and the vertices whose mean is each joint."""
        return _read(self.folder / "rigs" / "default.mhskel", json.loads)

    @cached_property
    def rig_weights(self) -> dict[str, list]:
        """Bone -> pairs of a vertex of the base mesh and its weight."""
        return _read(self.folder / "rigs" / "default_weights.mhw", json.loads)["weights"]

    @cached_property
    def arm_weights(self) -> dict[str, np.ndarray]:
        """(B,) weights of whole arm and forearm, per side: keys arm_L, arm_R, forearm_L, forearm_R."""
        table = self.rig_weights
        out = {}
        for label, bones in (("arm", _ARM), ("forearm", _FOREARM)):
            for side in "LR":
                weights = np.zeros(len(self.base), np.float32)
                for bone, pairs in table.items():
                    if bone.startswith(bones) and bone.endswith(f".{side}") and pairs:
                        rows, values = np.array(pairs, np.float64).T
                        weights[rows.astype(int)] += values.astype(np.float32)
                out[f"{label}_{side}"] = np.clip(weights, 0, 1)
        return out

    def target(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Vertex rows and their displacements of ``targets/<name>.target``."""
        if name not in self._targets:
            text = _read(self.folder / "targets" / f"{name}.target", str)
            lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
            table = np.array(lines, np.float64).reshape(-1, 4)
            self._targets[name] = table[:, 0].astype(int), table[:, 1:].astype(np.float32)
        return self._targets[name]

    def target_names(self, folder: str) -> list[str]:
        """Names of the targets of a folder, as `target` takes them, left before right."""
        return [f"{folder}/{path.stem}" for path in sorted((self.folder / "targets" / folder).glob("*.target"))]

    def names(self, kind: str) -> list[str]:
        """Names of the fitted assets of `hair`, `clothes`, `eyebrows`, `eyelashes`, `eyes`, `teeth` or `tongue`."""
        return self._names(kind)

    def skins(self) -> list[tuple[str, Path]]:
        """Photographic skins: what they are called (``young_asian_male``) and their picture.

        In the repository each skin is a folder with a material file that names its picture; copies without material
        files have ``<skin>__<picture>.png``.
        """
        folder = self.folder / "skins"
        found = []
        for material in sorted(folder.glob("*/*.mhmat")):
            lines = [line.split() for line in _read(material, str.splitlines)]
            names = [words[1] for words in lines if len(words) > 1 and words[0] == "diffuseTexture"]
            if names and "_diffuse" in names[0]:
                found.append((material.stem, (material.parent / names[0]).resolve()))
        return found or [(path.stem.split("__")[0], path) for path in sorted(folder.glob("*__*.png"))]

    def pictures(self, folder: str) -> list[Path]:
        """The PNG files below a folder: eyes/textures, hair/<name>."""
        return sorted((self.folder / folder).rglob("*.png"))

    def shape(self, targets: dict[str, float]) -> np.ndarray:
        """The base mesh (B, 3) with weighted targets."""
        vertices = self.base.copy()
        for name, weight in targets.items():
            rows, change = self.target(name)
            vertices[rows] += weight * change
        return vertices

    @cached_property
    def _mesh(self):
        return _read_mesh(self.folder / "3dobjs" / "base.obj")

    def _names(self, kind: str) -> list[str]:
        return [path.stem for path in sorted((self.folder / kind).glob("*/*.mhclo"))]


def _read(path: Path, parse):
    try:
        return parse(path.read_text())
    except OSError as error:
        raise ActorAssetError(f"cannot read {path} ({error.strerror}). {WHERE}") from error
    except ValueError as error:
        raise ActorAssetError(f"{path} is not in MakeHuman's format ({error}). {WHERE}") from error


def _read_mesh(path: Path):
    try:
        return read_obj(path)
    except (OSError, ValueError) as error:
        raise ActorAssetError(f"cannot read the mesh {path} ({error}). {WHERE}") from error


def _read_asset(path: Path) -> FittedAsset:
    scales = np.array([[0, 0, 1.0]] * 3)
    rows: list[list[int]] = []
    weights: list[list[float]] = []
    offsets: list[list[float]] = []
    hidden: list[str] = []
    mesh_name, reading, hiding = f"{path.stem}.obj", False, False
    for line in _read(path, str.splitlines):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "verts":
            reading = True
        elif words[0] in ("x_scale", "y_scale", "z_scale"):
            scales["xyz".index(words[0][0])] = [float(word) for word in words[1:4]]
        elif words[0] == "obj_file":
            mesh_name = words[1]
        elif reading and len(words) == 1 and words[0].isdigit():
            rows.append([int(words[0])] * 3)
            weights.append([1.0, 0.0, 0.0])
            offsets.append([0.0, 0.0, 0.0])
        elif reading and len(words) >= 9:
            rows.append([int(word) for word in words[:3]])
            weights.append([float(word) for word in words[3:6]])
            offsets.append([float(word) for word in words[6:9]])
        elif words[0] == "delete_verts":
            reading, hiding = False, True
        elif hiding and words[0].isdigit():
            hidden += words
    mesh = _read_mesh(path.parent / mesh_name)
    if len(rows) != len(mesh.vertices):
        raise ActorAssetError(f"{path} fits {len(rows)} vertices but {mesh_name} has {len(mesh.vertices)}. {WHERE}")
    return FittedAsset(
        path.stem,
        np.array(rows),
        np.array(weights, np.float32),
        np.array(offsets, np.float32),
        scales,
        Corners.split(mesh.uv, mesh.faces, mesh.faces_uv),
        _ranges(hidden),
    )


def _ranges(words: list[str]) -> np.ndarray:
    """Numbers of a list such as ``7 10 - 12``: 7, 10, 11, 12."""
    out: list[int] = []
    for k, word in enumerate(words):
        if word == "-":
            out.extend(range(out[-1] + 1, int(words[k + 1])))
        else:
            out.append(int(word))
    return np.array(out, int)
