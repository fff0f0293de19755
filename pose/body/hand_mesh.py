"""The hand as a skinned mesh (MakeHuman's, CC0), posed by MediaPipe's 21 hand points.

Each bone of the rig lies between two of the points, so the posed mesh puts its joints exactly where they were tracked.
A bone turns with its parent and then by the smallest turn onto its new direction, is stretched along itself to its new
length and keeps the hand's size across; vertices blend the affine maps of their bones (linear blend skinning).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from importlib import resources

import numpy as np

from pose.tracking.mesh import fit_similarity

WRIST = 0
PALM = np.array([0, 1, 5, 9, 13, 17])  # points that bending fingers leave in place
ELBOW = 21  # the point after the 21 of the hand
FOREARM = 0  # rows of the bones
FROM_PALM = np.array([0, 1, 2, 3, 4, 5, 8, 11, 14, 17])  # those that turn with the palm, the fingers' first ones last
STUB_FADE = (0.12, 0.3)  # behind the wrist: where the hand ends in the sleeve or goes over into the forearm
CONTRAST = 0.45  # of the texture: its palm is paler than people's, beside a face
STRETCH = (0.35, 1.6)  # a bone's length / the hand's size across: what is beyond is the tracker's doubt


@dataclass(frozen=True, eq=False)
class HandMesh:
    """A hand at rest. Unit: wrist to middle knuckle; x right, y down, z smaller = nearer; the wrist is the origin.

    vertices: (V, 3); triangles: (T, 3), of negative area in the picture where they face the viewer; points: (22, 3) the
    hand points and the elbow; bones: (B, 2) points that each bone joins; weights: (V, B) of the bones; detail: (V, 3)
    factor on the mean skin colour; left: whether it is a left hand.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    points: np.ndarray
    bones: np.ndarray
    weights: np.ndarray
    detail: np.ndarray
    left: bool

    @cached_property
    def _normals(self) -> np.ndarray:
        """(V, 3) at rest."""
        return vertex_normals(self.vertices, self.triangles)

    @cached_property
    def _bones_at_rest(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(B, 3) directions, (B,) lengths, and (B, 3, 3) the maps that keep what lies along each bone."""
        begin, end = self.bones.T
        bones = (self.points[end] - self.points[begin]).astype(np.float64)
        length = np.linalg.norm(bones, axis=1)
        way = bones / length[:, None]
        return way, length, way[:, :, None] * way[:, None]

    @cached_property
    def fade(self) -> np.ndarray:
        """(V,) float32 opacity: the forearm's stub vanishes in the sleeve."""
        axis = self.points[ELBOW] / np.linalg.norm(self.points[ELBOW])
        behind = self.vertices @ axis
        k = np.clip((behind - STUB_FADE[0]) / (STUB_FADE[1] - STUB_FADE[0]), 0, 1)
        return (1 - k * k * (3 - 2 * k)).astype(np.float32)

    def mirrored(self) -> HandMesh:
        """The other hand."""
        flip = np.array([-1, 1, 1], np.float32)
        return replace(
            self,
            vertices=self.vertices * flip,
            points=self.points * flip,
            triangles=np.ascontiguousarray(self.triangles[:, ::-1]),
            left=not self.left,
        )

    def posed(self, hand_213: np.ndarray, elbow_3: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Vertices and normals (V, 3) float32 with the joints on given points; elbow_3: where the forearm begins."""
        target = np.concatenate([hand_213, elbow_3[None]]).astype(np.float64)
        palm = fit_similarity(self.points[PALM], target[PALM])
        begin, end = self.bones.T
        rest_way, rest_length, along = self._bones_at_rest
        now = target[end] - target[begin]
        now_length = np.maximum(np.sqrt((now * now).sum(1)), 1e-6)
        now_way = now / now_length[:, None]
        stretch = now_length / rest_length
        # of the unit, in pixels: the median over the palm's and the fingers' bones, which depth hardly deceives
        size = float(np.sort(stretch[1:])[(len(stretch) - 1) // 2])
        stretch[1:] = np.clip(stretch[1:] / size, *STRETCH) * size
        stretch[FOREARM] = size  # the stub is as long as the hand wants it, not as the arm
        turns = np.empty((len(self.bones), 3, 3))
        parents = np.broadcast_to(palm.rotation, (len(FROM_PALM), 3, 3))
        for level in (FROM_PALM, FROM_PALM[-5:] + 1, FROM_PALM[-5:] + 2):
            bent = turns_between((parents @ rest_way[level, :, None])[:, :, 0], now_way[level])
            turns[level] = bent @ parents
            parents = turns[level[-5:]]
        maps = turns @ (size * (np.eye(3) - along) + stretch[:, None, None] * along)
        # the forearm hangs on its end, the wrist; all others on their beginning
        anchor = begin.copy()
        anchor[FOREARM] = WRIST
        offsets = target[anchor] - np.einsum("bij,bj->bi", maps, self.points[anchor])
        affine = np.concatenate([maps, offsets[:, :, None]], 2).astype(np.float32).reshape(-1, 12)
        blended = (self.weights @ affine).reshape(-1, 3, 4)
        # written out: numpy multiplies many small matrices one by one
        x, y, z, shift = (blended[:, :, k] for k in range(4))
        vertices, normals = (x * at[:, 0:1] + y * at[:, 1:2] + z * at[:, 2:3] for at in (self.vertices, self._normals))
        square = normals * normals
        length = np.sqrt(square[:, 0] + square[:, 1] + square[:, 2])
        return vertices + shift, normals / np.maximum(length, 1e-9)[:, None]


def turns_between(a_N3: np.ndarray, b_N3: np.ndarray) -> np.ndarray:
    """(N, 3, 3) the smallest rotations of unit vectors a onto unit vectors b (Rodrigues' formula)."""
    cosine = np.maximum((a_N3 * b_N3).sum(1), -0.999)[:, None, None]  # a half turn has no smallest: nearly one
    outer = b_N3[:, :, None] * a_N3[:, None]
    k = outer - outer.transpose(0, 2, 1)
    return np.eye(3) + k + k @ k / (1 + cosine)


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) float32 unit normals, pointing out of the mesh."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.stack(
        [np.bincount(triangles.ravel(), faces[:, k].repeat(3), len(vertices)) for k in range(3)], 1
    ).astype(np.float32)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


@lru_cache(maxsize=2)
def hand_mesh(left: bool) -> HandMesh:
    """The left or right hand that comes with the package."""
    if not left:
        return hand_mesh(True).mirrored()
    with resources.files("pose").joinpath("data/hand_mesh.npz").open("rb") as file:
        data = np.load(file)
        weights = np.zeros((len(data["vertices"]), len(data["bones"])), np.float32)
        np.put_along_axis(weights, data["vertex_bones"].astype(np.intp), data["vertex_weights"].astype(np.float32), 1)
        weights /= weights.sum(1, keepdims=True)  # stored in half precision
        return HandMesh(
            vertices=data["vertices"],
            triangles=data["triangles"].astype(np.intp),
            points=data["points"],
            bones=data["bones"].astype(np.intp),
            weights=weights,
            detail=data["detail"].astype(np.float32) ** CONTRAST,
            left=True,
        )
