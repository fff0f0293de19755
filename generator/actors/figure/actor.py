"""One clip of a figure: draws a person, a performance, hands, a camera, and what the camera sees of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from generator.actors.actor_clip import ActorClip
from generator.actors.background import sample_background
from generator.actors.figure.arms import HandPose
from generator.actors.figure.body import Figure, Frame
from generator.actors.figure.closet import Closet
from generator.actors.figure.dressing import sample_dressed
from generator.actors.figure.expression import Expressions
from generator.actors.figure.face_map import face_map
from generator.actors.figure.gestures import sample_hands
from generator.actors.figure.identity import sample_person
from generator.actors.figure.lighting import sample_light
from generator.actors.figure.renderer import FigureRenderer
from generator.actors.figure.rig import Rig
from generator.actors.framing import frame_head
from generator.actors.ict import IctModel
from generator.actors.makehuman import MakeHuman
from generator.actors.motion import Performance, sample_performance, sample_portrait_pose
from generator.actors.scene import Camera
from generator.actors.webcam import SUBFRAMES, Webcam, develop, expose, expose_points, exposure_times, sample_webcam

# How often hands are seen, and doing what.
MANNERS, MANNER_WEIGHTS = ("rest", "beats", "signing", "wave"), (0.55, 0.18, 0.19, 0.08)
FACE_TO_BODY = {0: 1, 1: 362, 2: 473, 3: 263, 4: 133, 5: 468, 6: 33, 7: 454, 8: 234, 9: 291, 10: 61}
Moving = TypeVar("Moving", Performance, HandPose)
BLURRED = 0.3  # share of the clips with much movement that show its blur, which takes three pictures a frame
VISIBLE, HIDDEN = 0.99, 0.2  # visibility of a body point in and outside the picture


class FigureAssets:
    """MakeHuman's people, prepared once per process."""

    def __init__(self, makehuman: MakeHuman, ict: IctModel) -> None:
        self.closet = Closet(makehuman, Rig.load(makehuman), Expressions.build(makehuman, ict))


def sample_figure_clip(
    rng: np.random.Generator, assets: FigureAssets, renderer: FigureRenderer, frames: int, natural: bool, small: bool
) -> ActorClip:
    """Draw a random person in a random performance.

    natural: natural colours, or garish ones; small: the little movement of a webcam user, or a lot.
    """
    closet, size = assets.closet, renderer.size
    person = sample_person(rng, closet.makehuman)
    dressed = sample_dressed(rng, closet, person, natural)
    figure = dressed.figure
    renderer.dress(figure.parts, sample_light(rng, natural), dressed.skin.bake, dressed.skin.first, dressed.skin.second)
    renderer.occlude(*figure.resting())
    manner = str(rng.choice(MANNERS, p=MANNER_WEIGHTS))
    act = sample_performance(rng, frames, small)
    chin = float(figure.rest[:, 1][closet.makehuman.groups["joint-jaw"]].mean()) - 5.0
    hands = sample_hands(rng, frames, manner, chin)
    face_width = _face_width(figure)
    camera = frame_head(rng, face_width, act, size, wide=manner != "rest")
    webcam = sample_webcam(rng, natural)
    moving = (manner != "rest" or not small) and rng.random() < BLURRED
    pictures, face, body, hand_points = _film(figure, renderer, camera, webcam, act, hands, moving)
    pose = sample_portrait_pose(rng)
    if rng.random() < 0.5:
        pose = replace(pose, translation=act.translation[:1], shoulders=act.shoulders[:1])
    still_hands = sample_hands(rng, 1, "rest", chin)
    if manner != "rest" and rng.random() < 0.5:
        still_hands = _moments(hands[0], np.zeros(1)), _moments(hands[1], np.zeros(1))
    still, still_face, still_body, own_hands = _film(figure, renderer, camera, webcam, pose, still_hands, False)
    background = sample_background(rng, size, natural)
    return ActorClip(
        frames=develop(webcam, rng, pictures, background),
        background=background,
        face=face,
        body=body,
        hands=hand_points,
        portrait=develop(webcam, rng, still, background)[0],
        portrait_face=still_face[0],
        portrait_body=still_body[0],
        portrait_hands=own_hands[0],
    )


def _face_width(figure: Figure) -> float:
    return float(np.ptp(face_map().points(figure.rest)[:, 0]))


def _film(
    figure: Figure, renderer: FigureRenderer, camera: Camera, webcam: Webcam, act: Performance,
    hands: tuple[HandPose, HandPose], moving: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Pictures (T, S, S, 4), face (T, 478, 3), body (T, 33, 4), hands (T, 2, 21, 3) px of a performance."""
    size, frames = renderer.size, len(act)
    offsets = exposure_times(webcam) if moving else np.zeros(1)
    times = (np.arange(frames)[:, None] + offsets).reshape(-1)
    act, hands = _moments(act, times), (_moments(hands[0], times), _moments(hands[1], times))
    pictures, marks = [], []
    for frame in figure.play(act, hands):
        pictures.append(renderer.draw(frame.vertices, frame.normals, frame.folds, frame.turn, camera, frame.values))
        marks.append(camera.project(_points(frame), size))
    known = frame.known
    shots = np.stack(pictures).reshape(frames, len(offsets), size, size, 4)
    points = np.stack(marks).reshape(frames, len(offsets), -1, 3)
    if len(offsets) == SUBFRAMES:
        shots = np.stack([expose(webcam, shot) for shot in shots])
        points = np.stack([expose_points(webcam, point, size) for point in points])
    else:
        shots, points = shots[:, 0], points[:, 0]
    face, body, hand_points = points[:, :478], points[:, 478:511], points[:, 511:].reshape(frames, 2, 21, 3)
    return shots, face, _body(face, body, known, size), _seen_hands(hand_points, size)


def _points(frame: Frame) -> np.ndarray:
    """(478 + 33 + 42, 3) cm."""
    return np.concatenate([frame.face, frame.body, frame.hands.reshape(-1, 3)])


def _body(face: np.ndarray, body: np.ndarray, known: np.ndarray, size: int) -> np.ndarray:
    """(T, 33, 4) px and visibility; points that are not known have 0."""
    out = np.zeros((len(face), 33, 4), np.float32)
    out[:, known, :3] = body[:, known]
    for index, mark in FACE_TO_BODY.items():
        out[:, index, :3] = face[:, mark]
    named = known.copy()
    named[list(FACE_TO_BODY)] = True
    inside = ((out[..., :2] >= 0) & (out[..., :2] <= size)).all(-1)
    # What lies outside the picture is a guess for a tracker, too.
    out[..., 3] = np.where(named, np.where(inside, VISIBLE, HIDDEN), 0.0)
    return out


def _seen_hands(hands: np.ndarray, size: int) -> np.ndarray:
    """(T, 2, 21, 3) with NaN for a hand of which a tracker would not find most points in the picture."""
    inside = ((hands[..., :2] >= 0) & (hands[..., :2] <= size)).all(-1).mean(-1)
    return np.where((inside > 0.6)[..., None, None], hands, np.nan).astype(np.float32)


def _moments(thing: Moving, times: np.ndarray) -> Moving:
    """The performance or hand between its frames, at times (N,) in frames; the ends hold."""
    frames = len(next(iter(vars(thing).values())))
    at = np.clip(times, 0, frames - 1)
    low = np.minimum(at.astype(int), max(frames - 2, 0))
    share = at - low
    high = np.minimum(low + 1, frames - 1)

    def between(values: np.ndarray) -> np.ndarray:
        w = share.reshape(-1, *[1] * (values.ndim - 1))
        return (values[low] * (1 - w) + values[high] * w).astype(np.float32)

    return replace(thing, **{name: between(values) for name, values in vars(thing).items()})
