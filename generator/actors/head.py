"""The head as the renderer wants it: one vertex per texture corner, with the static values each material reads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from generator.actors.ict import PARTS, IctModel

# Rotation of the head: about the top of the cervical spine, model space, cm.
NECK_PIVOT = np.array([0.0, -6.0, -2.0], np.float32)
# Between these heights the neck passes from the head's motion to the body's.
NECK_RANGE = (-18.5, -8.5)
SKIN_TILES = 2  # texture tiles of the skin: face, and back of the head with the neck

MATERIALS = {
    "skin": ("skin", "head", "mouth_socket", "eye_socket"),
    "mouth": ("gums_upper", "gums_lower", "tongue", "teeth_upper", "teeth_lower"),
    "eye": ("sclera_left", "sclera_right"),
    "lashes": ("lashes_upper",),
}


@dataclass(frozen=True)
class HeadMesh:
    """Static part of the head's vertices. V render vertices.

    Attributes:
        source: (V,) index of the model's vertex that each render vertex shows.
        neutral: (V, 3), uv: (V, 2); the skin's uv are already in its atlas of ``SKIN_TILES`` tiles.
        extra: (V, 4) follow, ambient occlusion (eyes: distance to the lids; teeth: 0 gum .. 1 edge), and two flags of
            the material: skin = inside of the mouth, inside of the eye socket; mouth = tooth, tongue.
        faces: material -> (F, 3) int32 into V.
    """

    source: np.ndarray
    neutral: np.ndarray
    uv: np.ndarray
    extra: np.ndarray
    faces: dict[str, np.ndarray]

    def with_occlusion(self, occlusion: np.ndarray) -> HeadMesh:
        """Fill the skin's ambient occlusion, (V,) in 0..1."""
        extra = self.extra.copy()
        skin = np.unique(self.faces["skin"])
        extra[skin, 1] = occlusion[skin]
        return replace(self, extra=extra)


def follow_weights(positions: np.ndarray) -> np.ndarray:
    """How far points (N, 3) of the neutral model follow the head: 1 on the head, 0 on the body."""
    t = np.clip((positions[..., 1] - NECK_RANGE[0]) / (NECK_RANGE[1] - NECK_RANGE[0]), 0.0, 1.0)
    return (t * t * (3.0 - 2.0 * t)).astype(np.float32)


def build_head(model: IctModel) -> HeadMesh:
    """Split the model's vertices at texture seams and label them."""
    parts = [part for group in MATERIALS.values() for part in group]
    numbers = {part: PARTS.index(part) for part in parts}
    wanted = np.isin(model.face_part, list(numbers.values()))
    corners = np.stack([model.faces[wanted], model.faces_uv[wanted]], -1).reshape(-1, 2)
    pairs, index = np.unique(corners, axis=0, return_inverse=True)
    faces = index.reshape(-1, 3).astype(np.int32)
    part = model.face_part[wanted]

    source = pairs[:, 0]
    neutral = model.neutral[source]
    uv = model.uv[pairs[:, 1]].copy()
    extra = np.zeros((len(source), 4), np.float32)
    extra[:, 0] = follow_weights(neutral)
    extra[:, 1] = 1.0

    def used(*names: str) -> np.ndarray:
        return np.unique(faces[np.isin(part, [numbers[n] for n in names])])

    by_material = {name: faces[np.isin(part, [numbers[p] for p in group])] for name, group in MATERIALS.items()}
    uv[np.unique(by_material["skin"]), 0] /= SKIN_TILES
    lashes = np.unique(by_material["lashes"])
    uv[lashes] -= np.floor(uv[lashes])
    # The rims shared with the face stay skin, so the flags are set on the pure socket vertices only.
    sockets_only = {"mouth_socket": 2, "eye_socket": 3}
    for name, channel in sockets_only.items():
        inner = np.setdiff1d(used(name), used("skin", "head"))
        extra[inner, channel] = 1.0
    extra[used("teeth_upper", "teeth_lower"), 2] = 1.0
    extra[used("tongue"), 3] = 1.0
    for name, sign in (("teeth_upper", -1.0), ("teeth_lower", 1.0)):
        rows = used(name)
        extra[rows, 1] = _towards_edge(neutral[rows] * np.array([1, sign, 1], np.float32))
    eyes = used("sclera_left", "sclera_right")
    lids = model.neutral[model.vertices_of("skin")]
    lids = lids[(np.abs(lids[:, 1] - 3.6) < 1.2) & (np.abs(np.abs(lids[:, 0]) - 3.1) < 2.0) & (lids[:, 2] > 7.0)]
    for chunk in np.array_split(eyes, 8):
        extra[chunk, 1] = np.sqrt(((neutral[chunk, None] - lids[None]) ** 2).sum(-1)).min(1) if len(lids) else 1.0
    return HeadMesh(source, neutral, uv.astype(np.float32), extra, by_material)


def mouth_opening(model: IctModel, vertices: np.ndarray) -> np.ndarray:
    """Gap of the inner lips in cm, (T,), from vertices (T, V, 3)."""
    upper, lower = model.landmarks68[62], model.landmarks68[66]
    return np.maximum(vertices[:, upper, 1] - vertices[:, lower, 1] - 0.08, 0.0)


def _towards_edge(points: np.ndarray) -> np.ndarray:
    """0 at the gum .. 1 at the biting edge for teeth whose edge is at high y, tooth columns taken in x and z."""
    angle = np.arctan2(points[:, 0], points[:, 2] - 4.0)
    out = np.zeros(len(points), np.float32)
    bins = np.digitize(angle, np.linspace(angle.min(), angle.max(), 15))
    for b in np.unique(bins):
        y = points[bins == b, 1]
        low, high = np.percentile(y, 10), y.max()
        out[bins == b] = np.clip((y - low) / max(high - low, 1e-3), 0, 1)
    return out
