"""The ICT-FaceKit head: a linear model of identity and expression with teeth, tongue and eyes.

Axes of the model: x to the viewer's right (so the person's left eye has positive x), y up, z towards the viewer, in
centimetres. Source: "Learning Formation of Physically-Based Face Attributes", Li et al. 2020, arXiv 2004.03458;
data of the repository ICT-VGL/ICT-FaceKit (MIT).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from generator.actors.obj import connected_components, read_obj, read_obj_vertices

WHERE = (
    "It is the light face model of the repository ICT-VGL/ICT-FaceKit (MIT): "
    "`git clone https://github.com/ICT-VGL/ICT-FaceKit` and give its folder FaceXModel."
)
IDENTITIES = 100
_PAIRED = (
    "browDown browInnerUp browOuterUp cheekPuff cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp "
    "eyeSquint eyeWide | jawForward jawLeft jawOpen jawRight mouthClose | mouthDimple mouthFrown | mouthFunnel "
    "mouthLeft | mouthLowerDown mouthPress | mouthPucker mouthRight mouthRollLower mouthRollUpper mouthShrugLower "
    "mouthShrugUpper | mouthSmile mouthStretch mouthUpperUp noseSneer"
)
# Groups between bars are in turn two-sided (_L and _R) and single; the order is that of all weights (T, 53).
EXPRESSIONS: tuple[str, ...] = tuple(
    shape
    for i, group in enumerate(_PAIRED.split("|"))
    for name in group.split()
    for shape in ((name,) if i % 2 else (f"{name}_L", f"{name}_R"))
)
EXPRESSION_INDEX = {name: i for i, name in enumerate(EXPRESSIONS)}

# Multi-PIE 68 points as vertex indices, from the model's own documentation.
LANDMARKS_68 = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443, 268, 493,
    1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360, 1507, 1542,
    1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732, 5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461,
    5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)  # fmt: skip

# What a triangle belongs to. "left" and "right" are the person's.
PARTS = (
    "skin", "head", "mouth_socket", "eye_socket", "gums_upper", "gums_lower", "tongue", "teeth_upper", "teeth_lower",
    "sclera_left", "sclera_right", "iris_left", "iris_right", "lacrimal", "eye_blend", "eye_occlusion",
    "lashes_upper", "lashes_lower",
)  # fmt: skip
# First vertices of the pieces that share a material, in the model's fixed topology.
_MOUTH_SOCKET, _EYE_SOCKET, _TEETH_LOWER = 11248, 13294, 19247
_LOWER_LASHES = ((25693, 26035), (26377, 26719))
_TONGUE = 16726  # a vertex inside the tongue's texture island

# Half the diameter of the visible iris, as painted on the sclera; the model's own iris meshes lie behind the sclera.
IRIS_RADIUS = 0.62
# Centre of the sphere that fits the neutral left eyeball behind the cornea (the right one is mirrored in x). Looking
# straight ahead, the iris is centred in front of it.
EYE_PIVOT = (3.1012, 3.6039, 7.8734)


class ActorAssetError(ValueError):
    """A face model file that is missing or not readable; the message says where to get it."""


@dataclass(frozen=True)
class IctModel:
    """The loaded model. V vertices, F triangles, U texture vertices.

    Attributes:
        neutral: (V, 3) float32, centimetres.
        uv, faces, faces_uv: (U, 2) float32, (F, 3) int32 into V, (F, 3) int32 into U.
        face_material: (F,) uint8 into ``materials``.
        expression_names: the 53 names of ``EXPRESSIONS`` in that order.
        landmarks68: (68,) int32 vertices of the Multi-PIE points.
        identity_basis: (100, V * 3) float32; coefficients are standard normal.
        expression_basis: (53, V * 3) float32; weights are 0..1.
    """

    neutral: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    faces_uv: np.ndarray
    face_material: np.ndarray
    materials: tuple[str, ...]
    landmarks68: np.ndarray
    identity_basis: np.ndarray = field(repr=False)
    expression_basis: np.ndarray = field(repr=False)
    expression_names: tuple[str, ...] = EXPRESSIONS

    @staticmethod
    def load(path: str | Path) -> IctModel:
        """Read the packed ``.npz`` or the folder ``FaceXModel`` of a clone.

        Raises:
            ActorAssetError: nothing is there, or what is there is not this model.
        """
        path = Path(path)
        if not path.exists():
            raise ActorAssetError(f"no face model at {path}. {WHERE}")
        try:
            return _load_folder(path) if path.is_dir() else _load_npz(path)
        except (OSError, KeyError, IndexError, ValueError, zipfile.BadZipFile) as error:
            if isinstance(error, ActorAssetError):
                raise
            raise ActorAssetError(f"{path} is not a readable face model ({error}). {WHERE}") from error

    def shape(self, identity: np.ndarray, expression: np.ndarray, gaze: np.ndarray | None = None) -> np.ndarray:
        """Vertices of one person in T expressions.

        Args:
            identity: (100,) or fewer coefficients, standard normal.
            expression: (T, 53) weights.
            gaze: (T, 2) yaw and pitch of both eyes in the head, radians; yaw > 0 to the viewer's right, pitch > 0 up.
                The model's eyeLook shapes move the lids only, so the eyeballs are turned here.

        Returns:
            (T, V, 3) float32.
        """
        identity = np.asarray(identity, np.float32)
        expression = np.atleast_2d(np.asarray(expression, np.float32))
        if identity.ndim != 1 or len(identity) > len(self.identity_basis):
            raise ValueError(f"identity must be (<= {len(self.identity_basis)},), not {identity.shape}")
        if expression.shape[1] != len(self.expression_basis):
            raise ValueError(f"expression must be (T, {len(self.expression_basis)}), not {expression.shape}")
        person = self._person(identity)
        used = np.flatnonzero(np.abs(expression).max(0, initial=0.0) > 0)
        vertices = expression[:, used] @ self.expression_basis[used]
        vertices += person
        vertices = vertices.reshape(len(expression), -1, 3)
        if gaze is not None:
            self._turn_eyes(vertices, person.reshape(-1, 3), np.asarray(gaze, np.float32))
        return vertices

    def eye_centres(self, identity: np.ndarray) -> np.ndarray:
        """(2, 3) centres of rotation of the left and the right eyeball for these coefficients."""
        return self._centres(self._person(np.asarray(identity, np.float32)).reshape(-1, 3))

    def faces_of(self, *parts: str) -> np.ndarray:
        """(F', 3) triangles of the named parts (see ``PARTS``)."""
        return self.faces[np.isin(self.face_part, [PARTS.index(part) for part in parts])]

    def vertices_of(self, *parts: str) -> np.ndarray:
        """(V,) bool: vertices that a triangle of the named parts uses."""
        mask = np.zeros(len(self.neutral), bool)
        mask[self.faces_of(*parts).reshape(-1)] = True
        return mask

    @cached_property
    def face_part(self) -> np.ndarray:
        """(F,) uint8 index into ``PARTS``."""
        return _face_parts(self)

    @cached_property
    def _eyeballs(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertex indices of the left and of the right eyeball (sclera and iris)."""
        sides = (("sclera_left", "iris_left"), ("sclera_right", "iris_right"))
        left, right = (np.flatnonzero(self.vertices_of(*side)) for side in sides)
        return left, right

    def _person(self, identity: np.ndarray) -> np.ndarray:
        """(V * 3,) the neutral face of these coefficients, with the lips closed.

        The scans behind the modes did not all have closed mouths, so identity parts or crosses the lips.
        """
        person = self.neutral.reshape(-1) + identity @ self.identity_basis[: len(identity)]
        upper, lower = 3 * self.landmarks68[[62, 66]] + 1  # middle of the inner lips, y
        close = self.expression_basis[EXPRESSION_INDEX["mouthClose"]]
        parted = person[upper] - person[lower]
        closing = close[lower] - close[upper]
        return person + close * (parted / closing) if closing > 0 else person

    def _centres(self, person: np.ndarray) -> np.ndarray:
        # Identity moves eyeballs almost rigidly, so the pivot keeps its offset from the eyeball's mean vertex.
        pivots = np.array([EYE_PIVOT, EYE_PIVOT], np.float32) * [[1, 1, 1], [-1, 1, 1]]
        means = (person[ball].mean(0) - self.neutral[ball].mean(0) for ball in self._eyeballs)
        return (pivots + np.stack(list(means))).astype(np.float32)

    def _turn_eyes(self, vertices: np.ndarray, person: np.ndarray, gaze: np.ndarray) -> None:
        if gaze.shape != (len(vertices), 2):
            raise ValueError(f"gaze must be ({len(vertices)}, 2), not {gaze.shape}")
        turn = rotations(np.concatenate([gaze, np.zeros_like(gaze[:, :1])], 1))
        for ball, centre in zip(self._eyeballs, self._centres(person)):
            vertices[:, ball] = (vertices[:, ball] - centre) @ turn.transpose(0, 2, 1) + centre


class VertexNormals:
    """Area-weighted vertex normals of a fixed topology; sorting the corners once makes each call a plain sum."""

    def __init__(self, faces: np.ndarray, vertex_count: int) -> None:
        corners = faces.reshape(-1)
        order = np.argsort(corners, kind="stable")
        self._faces = faces
        self._face_of_corner = order // 3
        self._vertices, self._starts = np.unique(corners[order], return_index=True)
        self._count = vertex_count

    def __call__(self, vertices: np.ndarray) -> np.ndarray:
        """(T, V, 3) -> (T, V, 3) unit normals; vertices without a triangle get (0, 0, 1)."""
        normals = np.zeros((len(vertices), self._count, 3), np.float32)
        normals[..., 2] = 1.0
        for frame, out in zip(vertices, normals):
            a, b, c = (frame[self._faces[:, k]] for k in range(3))
            flat = np.cross(b - a, c - a)
            total = np.add.reduceat(flat[self._face_of_corner], self._starts, axis=0)
            length = np.linalg.norm(total, axis=1, keepdims=True)
            out[self._vertices] = total / np.maximum(length, 1e-12)
        return normals


def rotations(angles: np.ndarray) -> np.ndarray:
    """(T, 3) yaw, pitch, roll in radians -> (T, 3, 3) matrices Ry(yaw) Rx(-pitch) Rz(roll).

    In the model's axes: yaw > 0 turns the face to the viewer's right, pitch > 0 lifts it, roll > 0 tilts the top of
    the head to the viewer's left.
    """
    yaw, pitch, roll = np.asarray(angles, np.float32).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*rows: np.ndarray) -> np.ndarray:
        return np.stack(rows, -1).reshape(-1, 3, 3)

    cy, sy, cp, sp, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    about_y = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    about_x = matrix(one, zero, zero, zero, cp, sp, zero, -sp, cp)
    about_z = matrix(cr, -sr, zero, sr, cr, zero, zero, zero, one)
    return about_y @ about_x @ about_z


def _face_parts(model: IctModel) -> np.ndarray:
    number = {name: i for i, name in enumerate(PARTS)}
    by_material = {
        "M_Face": "skin", "M_BackHead": "head", "M_GumsTongue": "gums_lower", "M_Teeth": "teeth_upper",
        "M_ScleraLeft": "sclera_left", "M_IrisLeft": "iris_left", "M_ScleraRight": "sclera_right",
        "M_IrisRight": "iris_right", "M_LacrimalFluid": "lacrimal", "M_EyeBlend": "eye_blend",
        "M_EyeOcclusion": "eye_occlusion", "M_EyeLashes": "lashes_upper",
    }  # fmt: skip
    table = np.array([number[by_material.get(name, "skin")] for name in model.materials], np.uint8)
    part = table[model.face_material]
    highest = model.faces.max(1)  # rims share vertices with the face, whose numbers are lower
    part[(part == number["head"]) & (highest >= _MOUTH_SOCKET)] = number["mouth_socket"]
    part[(part == number["mouth_socket"]) & (highest >= _EYE_SOCKET)] = number["eye_socket"]
    part[(part == number["teeth_upper"]) & (highest >= _TEETH_LOWER)] = number["teeth_lower"]
    for first, end in _LOWER_LASHES:
        part[(part == number["lashes_upper"]) & (highest >= first) & (highest < end)] = number["lashes_lower"]

    # Gums and tongue are one surface: its texture islands tell them apart, and the upper jaw's do not follow jawOpen.
    mouth = np.flatnonzero(part == number["gums_lower"])
    island = connected_components(model.faces_uv[mouth], len(model.uv))[model.faces_uv[mouth, 0]]
    drop = np.abs(model.expression_basis[EXPRESSION_INDEX["jawOpen"]].reshape(-1, 3)[:, 1])
    for label in np.unique(island):
        faces = mouth[island == label]
        corners = model.faces[faces]
        if (corners == _TONGUE).any():
            part[faces] = number["tongue"]
        elif drop[corners].mean() < 0.5:
            part[faces] = number["gums_upper"]
    return part


def _load_npz(path: Path) -> IctModel:
    with np.load(path, allow_pickle=False) as data:
        names = [str(name) for name in data["expression_names"]]
        missing = [name for name in EXPRESSIONS if name not in names]
        if missing:
            raise ActorAssetError(f"{path} lacks the expressions {', '.join(missing[:4])}. {WHERE}")
        order = [names.index(name) for name in EXPRESSIONS]

        def basis(kind: str, rows: list[int] | slice) -> np.ndarray:
            quantised, scale = data[f"{kind}_i16"][rows], data[f"{kind}_scale"][rows]
            return (quantised * scale[:, None, None].astype(np.float32)).reshape(len(scale), -1)

        return IctModel(
            neutral=data["neutral"].astype(np.float32),
            uv=data["uv"].astype(np.float32),
            faces=data["faces"].astype(np.int32),
            faces_uv=data["faces_uv"].astype(np.int32),
            face_material=data["face_material"].astype(np.uint8),
            materials=tuple(str(name) for name in data["materials"]),
            landmarks68=data["landmarks68"].astype(np.int32),
            identity_basis=basis("identity", slice(None)),
            expression_basis=basis("expression", order),
        )


def _load_folder(path: Path) -> IctModel:
    if (path / "FaceXModel").is_dir():
        path = path / "FaceXModel"
    shapes = [f"identity{i:03d}" for i in range(IDENTITIES)] + list(EXPRESSIONS)
    for name in ("generic_neutral_mesh", *shapes):
        if not (path / f"{name}.obj").is_file():
            raise ActorAssetError(f"{path} lacks {name}.obj. {WHERE}")
    mesh = read_obj(path / "generic_neutral_mesh.obj")
    basis = np.empty((len(shapes), mesh.vertices.size), np.float32)
    for row, name in zip(basis, shapes):
        vertices = read_obj_vertices(path / f"{name}.obj")
        if vertices.shape != mesh.vertices.shape:
            raise ActorAssetError(f"{name}.obj has {len(vertices)} vertices, the neutral mesh {len(mesh.vertices)}.")
        row[:] = (vertices - mesh.vertices).reshape(-1)
    return IctModel(
        neutral=mesh.vertices,
        uv=mesh.uv,
        faces=mesh.faces,
        faces_uv=mesh.faces_uv,
        face_material=mesh.face_material,
        materials=mesh.materials,
        landmarks68=np.array(LANDMARKS_68, np.int32),
        identity_basis=basis[:IDENTITIES],
        expression_basis=basis[IDENTITIES:],
    )
