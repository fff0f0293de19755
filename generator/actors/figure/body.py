"""A dressed person: which meshes it wears, how they follow expression, rig and wind, and where its landmarks are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from generator.actors.figure.arms import HandPose, arm_rotations, hand_landmarks, move
from generator.actors.figure.expression import Expressions
from generator.actors.figure.face_map import face_map
from generator.actors.figure.identity import CM, Person, eye_shift
from generator.actors.figure.mesh import Part
from generator.actors.figure.rig import BONE_INDEX, BONES, NECK, Rig, apply, blend
from generator.actors.ict import VertexNormals, rotations
from generator.actors.makehuman import FittedAsset, MakeHuman
from generator.actors.motion import Performance

_NECK_SHARE = (0.15, 0.35, 0.6, 1.0)  # of the head's turn, from the lowest bone of the neck to the head
FOLD_DEPTH = 9.0  # darkness of a fold per cm that its neighbours lie above it
LAG = 5.0  # frames that loose hair is behind the head, at most
_BODY_JOINTS = {
    11: "upperarm01.L", 12: "upperarm01.R", 13: "lowerarm01.L", 14: "lowerarm01.R", 15: "wrist.L", 16: "wrist.R",
    17: "finger5-1.L", 18: "finger5-1.R", 19: "finger2-1.L", 20: "finger2-1.R", 21: "finger1-2.L", 22: "finger1-2.R",
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """One mesh on the body: its vertices are refitted to the expression in each frame (alive), or keep their shape.

    points (N, 3) cm at rest; bones, weights (N, 4); lag (N,) 0 stiff .. 1 loose.
    """

    points: np.ndarray
    bones: np.ndarray
    weights: np.ndarray
    lag: np.ndarray
    asset: FittedAsset | None = None  # alive


@dataclass(frozen=True)
class Frame:
    """One posed frame: vertices and normals (N, 3), folds (N, 2), the head's turn (3, 3), face (478, 3), body
    (33, 3) and its known points (33,), hands (2, 21, 3), all cm in the world; what the eye and mouth shaders want."""

    vertices: np.ndarray
    normals: np.ndarray
    folds: np.ndarray
    turn: np.ndarray
    face: np.ndarray
    body: np.ndarray
    known: np.ndarray
    hands: np.ndarray
    values: dict


class Figure:
    """Everything of one person that moves. The vertices of the base mesh come first, then those of the layers."""

    def __init__(
        self, person: Person, makehuman: MakeHuman, rig: Rig, expressions: Expressions, eyes: FittedAsset,
        layers: list[Layer], parts: list[Part], iris: float,
    ) -> None:  # fmt: skip
        self.person, self.makehuman, self.rig, self.expressions = person, makehuman, rig, expressions
        self.layers, self.parts = layers, parts
        self.shift = eye_shift(person.shape, makehuman)
        self.rest = person.shape * CM + self.shift
        self.heads, self.tails = rig.heads(self.rest), rig.tails(self.rest)
        self._bones = np.concatenate([rig.bones, *(layer.bones for layer in layers)])
        self._weights = np.concatenate([rig.weights, *(layer.weights for layer in layers)])
        self._lag = np.concatenate([np.zeros(len(self.rest), np.float32), *(layer.lag for layer in layers)])
        self._eyes, self._iris = eyes, iris
        starts = np.cumsum([len(self.rest), *(len(layer.points) for layer in layers)])
        self.starts = starts[:-1]
        faces = [part.source[part.faces] for part in parts if part.material in ("skin", "mouth")]
        self._skin_normals = VertexNormals(np.concatenate(faces), starts[-1])
        self._all_normals = VertexNormals(np.concatenate([part.source[part.faces] for part in parts]), starts[-1])
        self._live = np.zeros(starts[-1], bool)
        self._live[np.unique(np.concatenate(faces))] = True
        rest, _ = self._shaped(np.zeros(expressions.basis.shape[0]), np.zeros(2))
        self._rest_normals = self._all_normals(rest[None])[0]

    @cached_property
    def eye_centres(self) -> np.ndarray:
        """(2, 3) cm, left and right, at rest."""
        groups = self.makehuman.groups
        return np.stack([self.rest[groups[f"joint-{side}-eye"]].mean(0) for side in "lr"])

    @cached_property
    def eye_radius(self) -> float:
        points = self._eyes.fit(self.person.shape) * CM + self.shift
        left = points[points[:, 0] > 0]
        return float(np.median(np.linalg.norm(left - self.eye_centres[0], axis=1)))

    def resting(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and normals (N, 3) at rest, arms away from the body."""
        rest, _ = self._shaped(np.zeros(self.expressions.basis.shape[0]), np.zeros(2))
        return rest, self._rest_normals

    def play(self, act: Performance, hands: tuple[HandPose, HandPose]):
        """Yield a `Frame` for each frame of the performance."""
        heads, turns = self.heads, self._turns(act, hands)
        sway = np.stack([act.shoulders[:, 0], act.shoulders[:, 1], 0 * act.shoulders[:, 0]], 1) + act.translation
        matrices = self.rig.transforms(heads, turns, sway)
        # Loose hair follows a head that was there a little earlier.
        late = matrices.copy()
        for t in range(1, len(late)):
            late[t] = late[t - 1] + (matrices[t] - late[t - 1]) / (1 + LAG * 0.5)
        for t in range(len(act)):
            yield self._frame(act.expression[t], act.gaze[t], matrices[t], late[t])

    def _turns(self, act: Performance, hands: tuple[HandPose, HandPose]) -> np.ndarray:
        """(T, J, 3, 3) global rotations of all bones."""
        trunk_angles = np.stack([act.shoulders[:, 2], 0 * act.shoulders[:, 2], act.shoulders[:, 3]], 1)
        trunk = rotations(trunk_angles)
        turns = np.repeat(trunk[:, None], len(BONES), 1)
        for bone, share in zip(NECK, _NECK_SHARE):
            turns[:, BONE_INDEX[bone]] = rotations(trunk_angles + share * (act.rotation - trunk_angles))
        for side, hand in zip("LR", hands):
            for index, turn in arm_rotations(self.heads, self.tails, side, hand).items():
                turns[:, index] = trunk @ turn
        return turns.astype(np.float32)

    def _shaped(self, expression: np.ndarray, gaze: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (N, 3) cm in the rest pose with an expression, and the base mesh in decimetres."""
        base = self.expressions.shape(self.person.shape, expression)
        turn = rotations(np.array([[gaze[0], gaze[1], 0.0]]))[0]
        pieces = [base * CM + self.shift]
        for layer in self.layers:
            if layer.asset is None:
                pieces.append(layer.points)
                continue
            points = layer.asset.fit(base) * CM + self.shift
            if layer.asset is self._eyes:
                for centre, side in zip(self.eye_centres, (points[:, 0] > 0, points[:, 0] <= 0)):
                    points[side] = (points[side] - centre) @ turn.T + centre
            pieces.append(points)
        return np.concatenate(pieces).astype(np.float32), base

    def _frame(self, expression, gaze, matrices: np.ndarray, late: np.ndarray) -> Frame:
        shaped, base = self._shaped(expression, gaze)
        transforms = blend(matrices, self._bones, self._weights)
        loose = np.flatnonzero(self._lag > 0)
        behind = blend(late, self._bones[loose], self._weights[loose])
        transforms[loose] += self._lag[loose, None, None] * (behind - transforms[loose])
        vertices = apply(transforms, shaped)
        normals = np.einsum("nab,nb->na", transforms[..., :3], self._rest_normals)
        normals[self._live] = self._skin_normals(vertices[None])[0][self._live]
        head = matrices[BONE_INDEX["head"]]
        folds = np.zeros((len(vertices), 2), np.float32)
        folds[: len(base)] = self.folds(shaped[: len(base)])
        return Frame(vertices, normals, folds, head[:, :3], *self._landmarks(vertices, matrices, gaze, head))

    def folds(self, shaped: np.ndarray) -> np.ndarray:
        """(B, 2) of the base mesh in the rest pose: how much more hollow, and how much shorter than the neutral."""
        edges = self._edges
        hollow = edges.hollow(shaped, self._rest_normals[: len(shaped)]) - self._rest_hollow
        for _ in range(2):
            hollow = edges.mean(0.5 * (hollow[edges.a] + hollow[edges.b]))
        length = np.linalg.norm(shaped[edges.a] - shaped[edges.b], axis=1)
        shorter = np.clip(1.0 - length / self._rest_lengths, -0.5, 0.8)
        pushed = edges.mean(np.maximum(shorter - 0.03, 0.0))
        return np.stack([np.clip(FOLD_DEPTH * hollow, -0.5, 1), np.clip(5.0 * pushed, 0, 1)], 1).astype(np.float32)

    @cached_property
    def _edges(self) -> Edges:
        skin = next(part for part in self.parts if part.material == "skin")
        return Edges.of(skin.source[skin.faces], len(self.rest))

    @cached_property
    def _rest_hollow(self) -> np.ndarray:
        return self._edges.hollow(self.rest, self._rest_normals[: len(self.rest)])

    @cached_property
    def _rest_lengths(self) -> np.ndarray:
        return np.maximum(np.linalg.norm(self.rest[self._edges.a] - self.rest[self._edges.b], axis=1), 1e-3)

    def _landmarks(self, vertices, matrices, gaze, head):
        base = vertices[: len(self.rest)]
        face = np.empty((478, 3), np.float32)
        face[:468] = face_map().points(base)
        look = head[:, :3] @ rotations(np.array([[gaze[0], gaze[1], 0.0]]))[0]
        centres = self.eye_centres @ head[:, :3].T + head[:, 3]
        depth = np.sqrt(self.eye_radius**2 - self._iris**2)
        ring = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)]) * self._iris
        ring = np.concatenate([ring, np.full((5, 1), depth)], 1)
        for first, centre in ((468, centres[1]), (473, centres[0])):
            face[first : first + 5] = ring @ look.T + centre
        body, known = np.zeros((33, 3), np.float32), np.zeros(33, bool)
        for index, bone in _BODY_JOINTS.items():
            body[index] = move(matrices[None], BONE_INDEX[bone], self.heads[BONE_INDEX[bone]])[0]
        for hip, side in ((23, "l"), (24, "r")):
            body[hip] = base[self.makehuman.groups[f"joint-{side}-upper-leg"]].mean(0)
        known[11:25] = True
        hands = np.stack([hand_landmarks(self.heads, self.tails, matrices[None], side)[0] for side in "LR"])
        return face, body, known, hands, self._shader_values(face, centres, look, head)

    def _shader_values(self, face, centres, look, head) -> dict:
        up = head[:, 1]
        lids = []
        for upper in (386, 159):
            rim = face[upper]
            normal = -up
            lids.append([*normal, float(-(rim @ normal))])
        opening = float(np.linalg.norm(face[13] - face[14]))
        return {
            "eye": {
                "centre": np.concatenate([centres, np.full((2, 1), self.eye_radius)], 1),
                "gaze": np.stack([look[:, 2], look[:, 2]]), "lid": np.array(lids),
            },
            "mouth": {"lips": (*((face[13] + face[14]) / 2), max(opening - 0.05, 0.0)), "forward": head[:, 2]},
        }  # fmt: skip


@dataclass(frozen=True)
class Edges:
    """Edges a, b (E,) of a mesh with `count` vertices."""

    a: np.ndarray
    b: np.ndarray
    count: int

    @staticmethod
    def of(faces: np.ndarray, count: int) -> Edges:
        pairs = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        return Edges(pairs[:, 0], pairs[:, 1], count)

    @cached_property
    def degree(self) -> np.ndarray:
        return np.maximum(np.bincount(np.concatenate([self.a, self.b]), minlength=self.count), 1)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """(V,) mean over the edges of each vertex of values (E,)."""
        ends = np.concatenate([self.a, self.b])
        return np.bincount(ends, np.concatenate([values, values]), minlength=self.count)[: self.count] / self.degree

    def hollow(self, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(V,) cm that the neighbours' mean lies in front of each vertex: above 0 in a groove."""
        step = points[self.b] - points[self.a]
        ends = np.concatenate([self.a, self.b])
        ahead = np.concatenate([(step * normals[self.a]).sum(1), -(step * normals[self.b]).sum(1)])
        return np.bincount(ends, ahead, minlength=self.count)[: self.count] / self.degree
