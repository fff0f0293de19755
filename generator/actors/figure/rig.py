"""MakeHuman's default rig: joints, the weights of the skin, and linear blend skinning.

Rotations are global (of a bone against its rest pose, in world axes), so a child need not undo what its parent does.
Bones that no performance turns (face muscles, toes, the twist of the thigh) lend their weights to their nearest
turning ancestor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.makehuman import MakeHuman

SPINE = ("root", "spine05", "spine04", "spine03", "spine02", "spine01")
NECK = ("neck01", "neck02", "neck03", "head")
ARM = ("clavicle", "shoulder01", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist")
FINGERS = tuple(tuple(f"finger{finger}-{joint}" for joint in (1, 2, 3)) for finger in (1, 2, 3, 4, 5))
_HAND = tuple(f"metacarpal{k}" for k in (1, 2, 3, 4)) + tuple(bone for finger in FINGERS for bone in finger)
HAND = ("wrist", *_HAND)
BONES = SPINE + NECK + tuple(f"{bone}.{side}" for side in "LR" for bone in ARM + _HAND)
BONE_INDEX = {name: index for index, name in enumerate(BONES)}
INFLUENCES = 4  # bones that move one vertex


@dataclass(frozen=True)
class Rig:
    """J bones over the B vertices of the base mesh.

    parents: (J,) index of the parent, -1 for the root. joints: bone -> (rows of its head, rows of its tail), whose
    means are the joints. bones, weights: (B, 4) what moves each vertex.
    """

    parents: np.ndarray
    joints: tuple[tuple[np.ndarray, np.ndarray], ...]
    bones: np.ndarray
    weights: np.ndarray

    @staticmethod
    def load(makehuman: MakeHuman) -> Rig:
        skeleton = makehuman.rig
        table = skeleton["bones"]

        def active(name: str) -> int:
            while name not in BONE_INDEX:
                name = table[name]["parent"] or "root"
            return BONE_INDEX[name]

        parents = [-1 if not table[name]["parent"] else active(table[name]["parent"]) for name in BONES]
        points = {name: np.array(rows) for name, rows in skeleton["joints"].items()}
        joints = tuple((points[table[name]["head"]], points[table[name]["tail"]]) for name in BONES)
        dense = np.zeros((len(makehuman.base), len(BONES)), np.float32)
        for name, pairs in makehuman.rig_weights.items():
            if pairs:
                rows, values = np.array(pairs, np.float64).T
                np.add.at(dense[:, active(name)], rows.astype(int), values.astype(np.float32))
        bones, weights = strongest(dense)
        return Rig(np.array(parents), joints, bones, weights)

    def heads(self, base: np.ndarray) -> np.ndarray:
        """(J, 3) joints at the bones' beginnings for a shape (B, 3) of the base mesh."""
        return np.stack([base[head].mean(0) for head, _ in self.joints])

    def tails(self, base: np.ndarray) -> np.ndarray:
        """(J, 3) the bones' ends."""
        return np.stack([base[tail].mean(0) for _, tail in self.joints])

    def transforms(self, heads: np.ndarray, rotation: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """(T, J, 3, 4) from rest to pose.

        heads (J, 3), rotation (T, J, 3, 3) global, shift (T, 3) of the root's head.
        """
        place = np.empty((len(rotation), len(heads), 3), np.float32)
        for bone, parent in enumerate(self.parents):
            if parent < 0:
                place[:, bone] = heads[bone] + shift
            else:
                place[:, bone] = place[:, parent] + rotation[:, parent] @ (heads[bone] - heads[parent])
        offset = place - np.einsum("tjab,jb->tja", rotation, heads)
        return np.concatenate([rotation, offset[..., None]], -1).astype(np.float32)

    def of_asset(self, rows: np.ndarray, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bones and weights (N, 4) of vertices that sit on three rows (N, 3) of the base mesh with shares (N, 3)."""
        dense = np.zeros((len(rows), len(self.parents)), np.float32)
        index = np.arange(len(rows))
        shares = np.clip(shares, 0, None) + 1e-6
        shares = shares / shares.sum(1, keepdims=True)
        for k in range(3):
            for i in range(INFLUENCES):
                row = rows[:, k]
                np.add.at(dense, (index, self.bones[row, i]), shares[:, k] * self.weights[row, i])
        return strongest(dense)


def strongest(dense: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(N, J) weights -> the four largest of each row and their bones, summing to 1; rows without any go to the root."""
    bones = np.argsort(-dense, axis=1, kind="stable")[:, :INFLUENCES]
    weights = np.take_along_axis(dense, bones, 1)
    total = weights.sum(1, keepdims=True)
    weights = np.where(total > 1e-6, weights / np.maximum(total, 1e-6), np.eye(1, INFLUENCES))
    return bones.astype(np.int32), weights.astype(np.float32)


def blend(matrices: np.ndarray, bones: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(N, 3, 4) transform of each vertex from (J, 3, 4) of the bones."""
    flat = matrices.reshape(len(matrices), 12)
    out = weights[:, :1] * flat[bones[:, 0]]
    for k in range(1, INFLUENCES):
        used = np.flatnonzero(weights[:, k] > 0)
        out[used] += weights[used, k : k + 1] * flat[bones[used, k]]
    return out.reshape(-1, 3, 4)


def apply(transforms: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N, 3, 4) on (N, 3)."""
    return np.einsum("nab,nb->na", transforms[..., :3], points) + transforms[..., 3]
