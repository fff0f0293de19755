"""Fit `data/makehuman_map.npz`: which points of MakeHuman's base mesh MediaPipe's face landmarks are.

Heads of random people, expressions and poses are drawn with their photographic skins and tracked; each landmark becomes
the point of the mesh that stays nearest to its detections. The rings of lips and lids are laid on the mesh's own edges,
as for the ICT model (``generator.actors.fit_landmarks``).

Run: ``python -m generator.actors.figure.fit_face_map MAKEHUMAN [--views 300]``. Needs mediapipe and EGL.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from generator.actors.figure.closet import Closet
from generator.actors.figure.dressing import body_parts
from generator.actors.figure.expression import Expressions
from generator.actors.figure.identity import sample_person
from generator.actors.figure.lighting import sample_light
from generator.actors.figure.mesh import part_of
from generator.actors.figure.pictures import filled, read_picture
from generator.actors.figure.renderer import FigureRenderer
from generator.actors.figure.rig import Rig
from generator.actors.figure.skin import SkinLook
from generator.actors.fit_landmarks import Views, fit_skin, measure, random_expression
from generator.actors.ict import EXPRESSION_INDEX, VertexNormals, rotations
from generator.actors.makehuman import MakeHuman
from generator.actors.scene import Camera, Values
from pose.tracking.mesh import face_mesh

OUT = Path(__file__).parents[1] / "data" / "makehuman_map.npz"
SIZE = 384  # px
# Vertices of the base mesh (hm08) at the Multi-PIE points of lids and lips; the person's right side is the mirror.
_LEFT_EYE = {42: 6850, 43: 6785, 44: 6784, 45: 6808, 46: 6825, 47: 6828}
_MIRRORED = {42: 39, 43: 38, 44: 37, 45: 36, 46: 41, 47: 40, 54: 48, 53: 49, 52: 50, 55: 59, 56: 58, 64: 60, 63: 61,
             65: 67}  # fmt: skip
_LEFT_LIPS = {51: 466, 52: 7222, 53: 7211, 54: 7182, 55: 7166, 56: 7239, 57: 496, 62: 474, 63: 7179, 64: 7191,
              65: 7198, 66: 493}  # fmt: skip


class BaseFace:
    """The base mesh in the form that the fit reads (`fit_landmarks.FaceMesh`)."""

    def __init__(self, closet: Closet) -> None:
        self.neutral = closet.neutral
        skin = body_parts(closet, np.zeros(0, int), _plain_skin(closet, 0))[0]
        faces = skin.source[skin.faces]
        face = (self.neutral[faces][..., 2] > 0).all(1) & (self.neutral[faces][..., 1] > -14).all(1)
        self._faces = faces[face]
        marks = np.zeros(68, int)
        for number, vertex in {**_LEFT_EYE, **_LEFT_LIPS}.items():
            marks[number] = vertex
            if number in _MIRRORED:
                gap = np.linalg.norm(self.neutral - self.neutral[vertex] * [-1, 1, 1], axis=1)
                gap[np.setdiff1d(np.arange(len(gap)), self._faces)] = np.inf
                marks[_MIRRORED[number]] = gap.argmin()
        self.landmarks68 = marks

    def faces_of(self, *parts: str) -> np.ndarray:
        return self._faces

    def vertices_of(self, *parts: str) -> np.ndarray:
        mask = np.zeros(len(self.neutral), bool)
        mask[self._faces] = True
        return mask


def _plain_skin(closet: Closet, which: int) -> SkinLook:
    """A photograph as it is."""
    picture = read_picture(closet.skins[which][1])
    bake = {"share": 0.0, "tone": np.ones(3), "amount": np.zeros(4), "paint": np.zeros(4), "beard": np.zeros(4),
            "scalp": (0.9, 0.0, 0.3, 1.0), "hair_colour": np.full(3, 0.02), "scalp_colour": np.full(3, 0.3),
            "mouth_ring": np.full((20, 3), 99.0), "eye_ring": np.full((32, 3), 99.0)}  # fmt: skip
    material = {"gloss": (0.3, 0.4, 0.02, 0.5), "wrap": np.full(3, 0.2), "oily": (0.3, 0.0)}
    return SkinLook(picture, picture, bake, material, 0.3, np.full(3, 0.4))


def track_views(makehuman: MakeHuman, closet: Closet, count: int, seed: int) -> Views:
    """Draw and track random heads; those without a detection are left out."""
    import mediapipe

    rng = np.random.default_rng(seed)
    renderer = FigureRenderer(SIZE)
    tracker = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True)
    camera = Camera(2.2, 70.0, 0.5, 0.5)
    rows = []
    for _ in range(count):
        person = sample_person(rng, makehuman)
        weights = random_expression(rng)
        base = closet.expressions.shape(person.shape, weights)
        skin = _plain_skin(closet, int(rng.integers(len(closet.skins))))
        parts, pieces, count_ = body_parts(closet, np.zeros(0, int), skin), [base], len(base)
        irises = makehuman.pictures("eyes/textures")
        brows, lashes = (rng.choice(makehuman.names(kind)) for kind in ("eyebrows", "eyelashes"))
        dark = {"root_colour": np.full(3, 0.02), "tip_colour": np.full(3, 0.03), "strands": (0, 0, 0, 1.2)}
        for kind, name, material, photograph, shader in (
            ("eyes", "high-poly", "eye", filled(read_picture(irises[rng.integers(len(irises))])),
             {"iris_tint": np.ones(3), "eye_values": (1.4, 0.2, 0.8, 0.0)}),
            ("teeth", "teeth_base", "mouth", closet.picture("teeth"),
             {"tint": np.ones(3), "plain": np.zeros(3), "mouth_values": (1.0, 0.4, 1.0, 0.0)}),
            ("eyebrows", brows, "hair", closet.picture(f"eyebrows/{brows}", True), dark),
            ("eyelashes", lashes, "hair", closet.picture(f"eyelashes/{lashes}", True), dark),
        ):  # fmt: skip
            asset = makehuman.asset(kind, name)
            points = asset.fit(base)
            parts.append(part_of(name, material, asset.corners, count_, points, values=shader, picture=photograph,
                                 layer=int(material == "hair"), closed=material == "eye"))  # fmt: skip
            pieces.append(points)
            count_ += len(points)
        yaw = rng.uniform(-0.5, 0.5)
        turn = rotations(np.array([[yaw, rng.uniform(-0.25, 0.25), rng.normal() * 0.1]]))[0]
        placed: np.ndarray = person.placed(np.concatenate(pieces), makehuman) - np.array([0, -1, 0], np.float32)
        vertices = (placed @ turn.T).astype(np.float32)
        faces = np.concatenate([part.source[part.faces] for part in parts])
        normals = VertexNormals(faces, len(vertices))(vertices[None])[0]
        renderer.dress(parts, sample_light(rng, True), skin.bake, skin.first, skin.second)
        eyes = [person.shape[makehuman.groups[f"joint-{s}-eye"]].mean(0) for s in "lr"]
        eyes = (person.placed(np.stack(eyes), makehuman) - (0, -1, 0)) @ turn.T
        values: dict[str, Values] = {
            "eye": {"centre": np.concatenate([eyes, np.full((2, 1), 1.46)], 1), "gaze": np.tile(turn[:, 2], (2, 1)),
                    "lid": np.array([[0, -1, 0, eye[1] + 0.5] for eye in eyes])},
            "mouth": {"lips": (0, -4, 9, 1.0), "forward": turn[:, 2]},
        }  # fmt: skip
        picture = renderer.draw(vertices, normals, np.zeros((len(vertices), 2)), turn, camera, values)
        backdrop = rng.uniform(40, 220, 3)
        rgb = (picture[..., :3] + backdrop * (1 - picture[..., 3:] / 255.0)).clip(0, 255).astype(np.uint8)
        result = tracker.process(np.ascontiguousarray(rgb)).multi_face_landmarks
        if result:
            detected = np.array([(p.x * SIZE, p.y * SIZE) for p in result[0].landmark], np.float32)
            projected = camera.project(vertices[: len(base)], SIZE)[:, :2]
            jaw, blink = (weights[EXPRESSION_INDEX[name]] for name in ("jawOpen", "eyeBlink_L"))
            rows.append((detected, projected, yaw, jaw, blink, rgb))
    return Views(*(np.array(column) for column in zip(*rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("makehuman", type=Path, help="MakeHuman's folder data")
    parser.add_argument("--views", type=int, default=300, help="tracked heads to fit on")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--sheet", type=Path, help="also write the first 24 views with the fitted map here")
    arguments = parser.parse_args()
    makehuman = MakeHuman(arguments.makehuman)
    closet = Closet(makehuman, Rig.load(makehuman), Expressions.build(makehuman, None))
    face = BaseFace(closet)
    views = track_views(makehuman, closet, arguments.views, seed=0)
    vertices, weights = fit_skin(face, views, face_mesh().canonical[:, :2])
    for name, value in measure(track_views(makehuman, closet, 60, seed=1), vertices, weights).items():
        if not name.startswith("iris"):
            print(f"{name:28s} {value:7.3f}")
    np.savez_compressed(arguments.out, vertices=vertices[:468].astype(np.int32), weights=weights[:468])
    if arguments.sheet:
        from PIL import Image

        cells = []
        for picture, projected in zip(views.pictures[:24], views.projected):
            marks = np.einsum("lkd,lk->ld", projected[vertices[:468]], weights[:468])
            x, y = np.clip(marks.astype(int).T, 0, SIZE - 1)
            picture = picture.copy()
            picture[y, x] = (0, 255, 0)
            cells.append(picture)
        rows = [np.hstack(cells[k : k + 6]) for k in range(0, len(cells) - 5, 6)]
        Image.fromarray(np.vstack(rows)).save(arguments.sheet)


if __name__ == "__main__":
    main()
