"""Upper bodies: MakeHuman's body under the face model's head, with one of its garments and the arms hanging."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from generator.actors.head import follow_weights
from generator.actors.ict import IctModel, rotations
from generator.actors.makehuman import MakeHuman
from generator.actors.scene import Surface, Values
from generator.actors.surfaces import Corners, push_out, vertex_normals

_CUT = -70.0  # cm; nothing below is ever in the picture
_SCALE = 9.7  # cm per decimetre of MakeHuman's body: its head then has the face model's size
_NECK_Z = -3.6
_NECK_ENDS = -25.0  # cm; the face model's neck ends above
_EYES_Y = 3.6
# Landmarks of the body in MediaPipe's numbering that the joints give.
BODY_JOINTS = {11: "l-shoulder", 12: "r-shoulder", 13: "l-elbow", 14: "r-elbow", 15: "l-hand", 16: "r-hand",
               23: "l-upper-leg", 24: "r-upper-leg"}  # fmt: skip


@dataclass(frozen=True)
class Body:
    """One dressed body in the face model's space, cm."""

    surfaces: tuple[Surface, ...]
    joints: dict[int, np.ndarray]  # MediaPipe pose index -> (3,)


class Tailor:
    """Makes bodies and fits garments; files are read once."""

    def __init__(self, model: IctModel, makehuman: MakeHuman) -> None:
        self.model, self.makehuman = model, makehuman
        neck = model.vertices_of("head", "skin") & (model.neutral[:, 1] < -7.0)
        self._neck = np.flatnonzero(neck & (model.neutral[:, 2] < 9.0))

    def body(
        self, rng: np.random.Generator, female: bool, garment: str, change: np.ndarray, skin: Values, cloth: Values
    ) -> Body:
        """A random body with a garment of ``makehuman.clothes_names()``; ``change`` (V, 3) is the head's identity."""
        shape = self._shape(rng, female)
        groups = self.makehuman.groups
        joints = {name: shape[rows].mean(0) for name, rows in groups.items() if name.startswith("joint-")}
        eyes = shape[groups["helper-l-eye"], 1].mean()
        width = rng.normal(1.0, 0.04)
        scale = np.array([_SCALE * width, _SCALE, _SCALE], np.float32)
        shift = np.array([0.0, _EYES_Y - eyes * _SCALE, _NECK_Z - joints["joint-neck"][2] * _SCALE], np.float32)
        points, joints = self._pose_arms(rng, shape, joints)
        person = self.model.neutral + change
        neck = person[self._neck]
        normals = vertex_normals(person, self.model.faces_of("skin", "head"))[self._neck]

        asset = self.makehuman.asset("clothes", garment)
        worn = (asset.fit(points) * scale + shift).astype(np.float32)
        high = worn[:, 1] > _NECK_ENDS
        worn[high] = push_out(worn[high], neck, normals, 0.4, reach=6.0)
        body = (points * scale + shift).astype(np.float32)
        folds = rng.uniform(0.4, 1.2)
        surfaces = (
            self._skin(body, asset.hides, skin),
            _folded(rng, _surface("cloth", worn, asset.corners, cloth, _CUT), folds),
        )
        places = {k: joints[f"joint-{name}"] * scale + shift for k, name in BODY_JOINTS.items()}
        return Body(surfaces, places)

    def _shape(self, rng: np.random.Generator, female: bool) -> np.ndarray:
        gender = "female" if female else "male"
        race = rng.choice(["african", "asian", "caucasian"])
        age = rng.choice(["young", "young", "old"])
        targets = {f"macrodetails/{race}-{gender}-{age}": 1.0}
        muscle = rng.choice(["minmuscle", "averagemuscle", "maxmuscle"], p=[0.25, 0.55, 0.2])
        weight = rng.choice(["minweight", "averageweight", "maxweight"], p=[0.2, 0.6, 0.2])
        targets[f"macrodetails/universal-{gender}-young-{muscle}-{weight}"] = rng.uniform(0.4, 1.0)
        return self.makehuman.shape(targets)

    def _pose_arms(self, rng: np.random.Generator, shape: np.ndarray, joints: dict[str, np.ndarray]):
        """Let the arms hang, with the forearms a little forward."""
        points = shape.copy()
        joints = dict(joints)
        for side, sign in (("L", -1.0), ("R", 1.0)):
            low = side.lower()
            down, forward = np.deg2rad(rng.uniform(20, 36)), np.deg2rad(rng.uniform(-5, 25))
            upper = rotations(np.array([[0.0, forward, sign * down]]))[0]
            bend = rotations(np.array([[0.0, np.deg2rad(rng.uniform(0, 40)), 0.0]]))[0]
            chain = ((f"joint-{low}-elbow", bend, "forearm", ("hand",)),
                     (f"joint-{low}-shoulder", upper, "arm", ("elbow", "hand")))  # fmt: skip
            for pivot_name, turn, part, carried in chain:
                pivot = joints[pivot_name]
                weight = self.makehuman.arm_weights[f"{part}_{side}"][:, None]
                points += weight * ((points - pivot) @ turn.T + pivot - points)
                for name in carried:
                    key = f"joint-{low}-{name}"
                    joints[key] = turn @ (joints[key] - pivot) + pivot
        return points.astype(np.float32), joints

    def _skin(self, body: np.ndarray, hidden: np.ndarray, values: Values) -> Surface:
        corners = self.makehuman.body
        normals = vertex_normals(body, corners.model_faces)
        # The body lies under its garment and, at the neck, under the face model's own skin.
        near = np.clip((body[:, 1] + 26.0) / 8.0, 0, 1)[:, None]
        inside = body - normals * (0.25 + 1.2 * near)
        return _surface("solid", inside, corners, values, _CUT, top=-13.0, hidden=hidden)


def _folded(rng: np.random.Generator, surface: Surface, strength: float) -> Surface:
    """Bend the normals and shade by folds: waves across random directions, longest along the hanging cloth."""
    points, slope, height = surface.positions, np.zeros_like(surface.positions), np.zeros(len(surface.positions))
    for _ in range(7):
        wave = rng.normal(size=3) * np.array([0.55, 0.3, 0.55]) / rng.uniform(0.6, 1.6)
        bent = points @ wave + 1.5 * np.sin(points @ rng.normal(0, 0.12, 3) + rng.uniform(0, 6))
        phase = rng.uniform(0, 2 * np.pi)
        height += np.sin(bent + phase)
        slope += np.cos(bent + phase)[:, None] * wave
    normals = surface.normals - 0.16 * strength * slope
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    extra = surface.extra.copy()
    extra[:, 2] = 0.05 * strength * height
    return replace(surface, normals=normals.astype(np.float32), extra=extra)


def _surface(
    material: str, points: np.ndarray, corners: Corners, values: Values, cut: float, top: float = 1e3,
    hidden: np.ndarray | None = None,
) -> Surface:  # fmt: skip
    """The part of a mesh between two heights, without the triangles that have only hidden vertices."""
    y = points[corners.model_faces, 1]
    keep = (y.min(1) > cut) & (y.max(1) < top)
    if hidden is not None:
        keep &= ~np.isin(corners.model_faces, hidden).all(1)
    normals = vertex_normals(points, corners.model_faces)
    source = corners.source
    extra = np.empty((len(source), 4), np.float32)
    extra[:, 0] = follow_weights(points[source])
    extra[:, 1] = np.clip(0.55 + 0.45 * normals[source, 1] + 0.35 * np.abs(normals[source, 2]), 0.35, 1.0)
    extra[:, 2:] = 0.0
    return Surface(material, points[source], normals[source], corners.faces[keep], corners.uv, extra, values)
