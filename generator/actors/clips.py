"""Clips of random actors: everything a training example needs before the conditioning maps are drawn.

Two kinds of actors: heads of the ICT-FaceKit model with painted skin, and whole figures of MakeHuman's base mesh with
photographic skin, arms and hands (``generator.actors.figure``).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from generator.actors.actor_clip import ActorClip
from generator.actors.appearance import Look, feature_lines, mouth_values, sample_look
from generator.actors.background import sample_background
from generator.actors.clothes import Body, Tailor
from generator.actors.figure.actor import FigureAssets, sample_figure_clip
from generator.actors.figure.renderer import FigureRenderer
from generator.actors.framing import frame_head
from generator.actors.hair import Wardrobe
from generator.actors.head import NECK_PIVOT, build_head, mouth_opening
from generator.actors.ict import PARTS, IctModel, VertexNormals, rotations
from generator.actors.landmarks import landmarks_of
from generator.actors.makehuman import MakeHuman
from generator.actors.motion import Performance, sample_performance, sample_portrait_pose
from generator.actors.outfit import sample_body, sample_headwear
from generator.actors.renderer import Renderer, make_context
from generator.actors.scene import Appearance, Camera, about
from generator.actors.webcam import develop, sample_webcam

if TYPE_CHECKING:
    import moderngl

_HIDDEN = ("iris_left", "iris_right", "lacrimal", "eye_blend", "eye_occlusion")
_HIPS = np.array([0.0, -52.0, -3.0], np.float32)
_EAR = np.array([8.9, 2.6, -1.0], np.float32)  # beside the left ear canal of the neutral model
# MediaPipe pose index -> face landmark, person's left before right.
_FACE_TO_BODY = {0: 1, 1: 362, 2: 473, 3: 263, 4: 133, 5: 468, 6: 33, 9: 291, 10: 61}


class ActorAssets:
    """The models that actors are made of, loaded once per process, and the renderer for each picture size."""

    def __init__(self, ict: str | Path, makehuman: str | Path | None = None) -> None:
        """Load.

        Args:
            ict: ``ict_facekit.npz`` or the folder FaceXModel of ICT-VGL/ICT-FaceKit.
            makehuman: MakeHuman's folder ``data`` (or the one above); without it actors have short hair and no body.

        Raises:
            ActorAssetError: a file is missing or broken; the message says where to get it.
        """
        self.model = IctModel.load(ict)
        self.head = build_head(self.model)
        visible = self.model.faces_of(*[part for part in PARTS if part not in _HIDDEN])
        self._still = VertexNormals(visible, len(self.model.neutral))(self.model.neutral[None])
        self._skin = self.model.vertices_of("skin", "head")
        self._skin_normals = VertexNormals(self.model.faces_of("skin", "head"), len(self.model.neutral))
        self.lines = feature_lines(self.model.neutral[self.model.landmarks68])
        data = MakeHuman(makehuman) if makehuman is not None else None
        self.wardrobe = Wardrobe(self.model, data) if data else None
        self.tailor = Tailor(self.model, data) if data else None
        self._makehuman = data
        self._renderers: dict[int, Renderer] = {}
        self._figure_renderers: dict[int, FigureRenderer] = {}

    @cached_property
    def figures(self) -> FigureAssets | None:
        """What whole figures are made of; None without MakeHuman's data."""
        return FigureAssets(self._makehuman, self.model) if self._makehuman else None

    @cached_property
    def _context(self) -> moderngl.Context:
        return make_context()

    def figure_renderer(self, size: int) -> FigureRenderer:
        if size not in self._figure_renderers:
            self._figure_renderers[size] = FigureRenderer(size, self._context)
        return self._figure_renderers[size]

    @cached_property
    def tuck(self) -> np.ndarray:
        """(V, 3) moves the lower rim of the face model's neck inwards, below garments."""
        t = np.clip((-15.0 - self.model.neutral[:, 1:2]) / 3.0, 0.0, 1.0)
        return (-1.2 * t * t * (3.0 - 2.0 * t) * self._still[0]).astype(np.float32)

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """(T, V, 3) vertices -> unit normals; those of teeth, tongue and eyes, which hardly turn, are the neutral's."""
        out = np.repeat(self._still, len(vertices), 0)
        out[:, self._skin] = self._skin_normals(vertices)[:, self._skin]
        return out

    def renderer(self, size: int) -> Renderer:
        if size not in self._renderers:
            self._renderers[size] = Renderer(self.head, size, context=self._context)
        return self._renderers[size]


def sample_clip(
    rng: np.random.Generator, assets: ActorAssets, size: int, frames: int, natural: float = 0.85, small: float = 0.6,
    figures: float = 0.75,
) -> ActorClip:  # fmt: skip
    """Draw a random actor in a random performance.

    Args:
        size: S, width and height in pixels.
        frames: T, a multiple of 4.
        natural: share of clips with natural colours (the rest is garish).
        small: share of clips with the little movement of a webcam user.
        figures: share of clips with a whole figure in photographic skin; 0 without MakeHuman's data.
    """
    whole = rng.random() < figures
    natural_look, little = bool(rng.random() < natural), bool(rng.random() < small)
    if whole and assets.figures is not None:
        renderer = assets.figure_renderer(size)
        return sample_figure_clip(rng, assets.figures, renderer, frames, natural_look, little)
    return _sample_head_clip(rng, assets, size, frames, natural_look, little)


def _sample_head_clip(
    rng: np.random.Generator, assets: ActorAssets, size: int, frames: int, natural_look: bool, small: bool
) -> ActorClip:
    """A clip of an ICT head."""
    model = assets.model
    identity = (rng.normal(size=100) * rng.uniform(0.5, 0.9)).astype(np.float32)
    change = (identity @ model.identity_basis).reshape(-1, 3)
    look = sample_look(rng, assets.lines, natural_look)
    body = sample_body(rng, assets.tailor, look, change)
    headwear, hidden_scalp = sample_headwear(rng, assets.wardrobe, model, look, change)
    bake = dict(look.bake)
    if hidden_scalp is not None:
        bake["scalp"] = (hidden_scalp, *np.asarray(bake["scalp"])[1:])
    renderer = assets.renderer(size)
    renderer.dress(Appearance(bake, look.head, look.lighting, (*body.surfaces, *headwear)))

    performance = sample_performance(rng, frames, small=small)
    portrait = _portrait_pose(rng, performance)
    camera = sample_camera(rng, assets, identity, performance, size)
    darkness = rng.uniform(0.7, 1.5)
    pictures, face, points = perform(assets, renderer, look, body, identity, performance, camera, darkness)
    still, still_face, still_points = perform(assets, renderer, look, body, identity, portrait, camera, darkness)
    background, webcam = sample_background(rng, size, natural_look), sample_webcam(rng, natural_look)
    return ActorClip(
        frames=develop(webcam, rng, pictures, background),
        background=background,
        face=face,
        body=points,
        hands=None,
        portrait=develop(webcam, rng, still, background)[0],
        portrait_face=still_face[0],
        portrait_body=still_points[0],
    )


def sample_camera(
    rng: np.random.Generator, assets: ActorAssets, identity: np.ndarray, act: Performance, size: int
) -> Camera:
    """A camera for the ICT head of these coefficients."""
    face = landmarks_of(assets.model.shape(identity, np.zeros((1, 53))))[0]
    return frame_head(rng, float(np.ptp(face[:, 0])), act, size)


def _portrait_pose(rng: np.random.Generator, performance: Performance) -> Performance:
    pose = sample_portrait_pose(rng)
    if rng.random() < 0.5:
        return Performance(
            pose.expression, pose.gaze, pose.rotation, performance.translation[:1], performance.shoulders[:1]
        )
    return pose


def perform(
    assets: ActorAssets, renderer: Renderer, look: Look, body: Body, identity: np.ndarray, act: Performance,
    camera: Camera, darkness: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Pictures (T, S, S, 4), face (T, 478, 3) and body (T, 33, 4) of a performance."""
    model, size = assets.model, renderer.size
    vertices = model.shape(identity, act.expression, act.gaze)
    normals = assets.normals(vertices)
    if body.surfaces:
        vertices += assets.tuck
    opening = mouth_opening(model, vertices)
    lips = vertices[:, model.landmarks68[62], 2]
    marks = landmarks_of(vertices)
    turns = rotations(act.rotation)
    trunks = rotations(np.stack([act.shoulders[:, 2], 0 * opening, act.shoulders[:, 3]], 1))
    pictures = np.empty((len(act), size, size, 4), np.uint8)
    face = np.empty((len(act), marks.shape[1], 3), np.float32)
    points = np.zeros((len(act), 33, 4), np.float32)
    for t in range(len(act)):
        sway = np.array([act.shoulders[t, 0], act.shoulders[t, 1], 0.0], np.float32) + 0.6 * act.translation[t]
        trunk = about(trunks[t], _HIPS, sway)
        # The head rides on the trunk's top and adds its own turn and shift.
        carried = trunk[:3, :3] @ NECK_PIVOT + trunk[:3, 3] - NECK_PIVOT
        head = about(turns[t], NECK_PIVOT, carried + 0.4 * act.translation[t])
        inside = mouth_values(float(opening[t]), float(lips[t]), darkness)
        pictures[t] = renderer.draw(vertices[t], normals[t], head, trunk, camera, {"mouth": inside, "skin": inside})
        face[t] = camera.project(marks[t] @ head[:3, :3].T + head[:3, 3], size)
        points[t] = _body_points(face[t], body, head, trunk, camera, size)
    return pictures, face, points


def _body_points(
    face: np.ndarray, body: Body, head: np.ndarray, trunk: np.ndarray, camera: Camera, size: int
) -> np.ndarray:
    points = np.zeros((33, 4), np.float32)
    for index, mark in _FACE_TO_BODY.items():
        points[index, :3] = face[mark]
    for index, side in ((7, 1.0), (8, -1.0)):
        points[index, :3] = camera.project(head[:3, :3] @ (_EAR * [side, 1, 1]) + head[:3, 3], size)
    known = [*_FACE_TO_BODY, 7, 8]
    for index, joint in body.joints.items():
        points[index, :3] = camera.project(trunk[:3, :3] @ joint + trunk[:3, 3], size)
        known.append(index)
    inside = ((points[:, :2] >= 0) & (points[:, :2] <= size)).all(1)
    # What lies outside the picture is a guess for a tracker, too.
    points[known, 3] = np.where(inside[known], 0.99, 0.2)
    return points
