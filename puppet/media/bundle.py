"""Makes the bundled portraits and driver: synthetic people of MakeHuman's CC0 data, chosen by looking at many.

    python -m puppet.media.bundle FaceXModel makehuman FOLDER

writes portrait.png, painting.jpg and driver.mp4. What is chosen is in `SITTER`, `MODEL` and `ACTOR`, what the actor
does in `act_of`.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from generator.actors.background import sample_background
from generator.actors.clips import ActorAssets
from generator.actors.figure.body import Figure
from generator.actors.figure.dressing import sample_dressed
from generator.actors.figure.face_map import face_map
from generator.actors.figure.gestures import sample_hands
from generator.actors.figure.identity import ORIGINS, Person
from generator.actors.figure.lighting import sample_light
from generator.actors.motion import Performance, plausible
from generator.actors.scene import Camera
from generator.actors.sheet import composite
from generator.actors.speech import sample_speech, smooth, weights_of
from pose.geometry import smoothstep
from puppet.media.painting import painted
from puppet.media.video_reader import FPS
from puppet.media.video_writer import VideoWriter

FINER = 2  # pictures are drawn so many times as large and made smaller: smooth edges
EASEL, CANVAS = 1024, 640  # px: what is painted, and how large it is kept
UMBER = (104, 84, 58)  # RGB of the dark behind a painted sitter
LENS = 20.0  # degrees of the picture's height
SECONDS = 7.0  # of the driver; it ends as it begins, so that it can go round
SPEECH = 137  # seed of syllables of every kind, without pauses where they are needed
BLINKS = (0.7, 2.75, 3.0, 5.0, 6.3)  # s
BLINK = ((0.0, 0.07, 0.13, 0.24), (0.0, 1.0, 1.0, 0.0))  # s from its beginning, closure of the lids
SMILE = {"mouthSmile": 0.8, "cheekSquint": 0.45, "mouthUpperUp": 0.3, "mouthLowerDown": 0.3, "mouthDimple": 0.2}
FRIENDLY = {"mouthSmile": 0.4, "cheekSquint": 0.25, "mouthDimple": 0.1, "browInnerUp": 0.1, "browOuterUp": 0.08}


@dataclass(frozen=True)
class Part:
    """Who is before the camera. origin: shares of `ORIGINS`; details: weights of MakeHuman's face targets, of the left
    side for both; seed: of skin, hair, clothes, light and background; share: of the picture's width that the face
    takes."""

    male: float
    age: float
    origin: tuple[float, float, float]
    details: dict[str, float]
    seed: tuple[int, int]
    share: float


SITTER = Part(
    male=0.0, age=0.12, origin=(0.15, 0.25, 0.6), seed=(119, 25), share=0.37,
    details={
        "eyebrows/eyebrows-angle-up": 0.5, "eyes/l-eye-scale-incr": 0.35, "mouth/mouth-upperlip-volume-incr": 0.3,
        "mouth/mouth-lowerlip-volume-incr": 0.25, "head/head-oval": 0.25, "chin/chin-width-decr": 0.15,
        "mouth/mouth-angles-up": 0.25, "nose/nose-point-up": 0.2, "cheek/l-cheek-bones-incr": 0.2,
    },
)  # fmt: skip
MODEL = replace(SITTER, seed=(119, 26), share=0.36)  # of the painting
ACTOR = Part(
    male=0.95, age=0.2, origin=(0.25, 0.15, 0.6), seed=(109, 15), share=0.42,
    details={
        "eyebrows/eyebrows-angle-up": 0.6, "eyes/l-eye-scale-incr": 0.3, "head/head-oval": 0.15,
        "mouth/mouth-angles-up": 0.2, "mouth/mouth-lowerlip-volume-incr": 0.2,
    },
)  # fmt: skip


def film(
    assets: ActorAssets, part: Part, act: Performance, size: int, finer: int = FINER, behind: np.ndarray | None = None
) -> np.ndarray:
    """(T, size, size, 3) uint8. behind: the background, (size, size, 3) uint8; None: a random room."""
    closet, rng = assets.figures.closet, np.random.default_rng(part.seed)
    dressed = sample_dressed(rng, closet, _person(assets, part), natural=True)
    figure, renderer = dressed.figure, assets.figure_renderer(finer * size)
    skin = dressed.skin
    renderer.dress(figure.parts, sample_light(rng, natural=True), skin.bake, skin.first, skin.second)
    renderer.occlude(*figure.resting())
    chin = float(figure.rest[:, 1][closet.makehuman.groups["joint-jaw"]].mean()) - 5.0
    hands = sample_hands(rng, len(act), "rest", chin)
    background = sample_background(rng, size, natural=True) if behind is None else behind
    camera = _camera(figure, part.share)
    frames = []
    for frame in figure.play(act, hands):
        drawn = renderer.draw(frame.vertices, frame.normals, frame.folds, frame.turn, camera, frame.values)
        frames.append(composite(cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA), background))
    return np.stack(frames)


def _person(assets: ActorAssets, part: Part) -> Person:
    weights = dict(part.details)
    weights |= {name.replace("/l-", "/r-"): weight for name, weight in part.details.items()}
    for sex, share in (("male", part.male), ("female", 1 - part.male)):
        weights[f"macrodetails/universal-{sex}-young-averagemuscle-averageweight"] = share
        for origin, amount in zip(ORIGINS, part.origin, strict=True):
            weights[f"macrodetails/{origin}-{sex}-young"] = share * amount * (1 - part.age)
            weights[f"macrodetails/{origin}-{sex}-old"] = share * amount * part.age
    shape = assets.figures.closet.makehuman.shape({name: weight for name, weight in weights.items() if weight > 1e-3})
    return Person(part.male, part.age, np.array(part.origin), shape)


def _camera(figure: Figure, share: float) -> Camera:
    focal = 0.5 / np.tan(np.deg2rad(LENS) / 2)
    distance = focal * float(np.ptp(face_map().points(figure.rest)[:, 0])) / share
    return Camera(focal, distance, 0.5, 0.46 + 2 * focal / distance)


def still() -> Performance:
    """A soft smile into the camera."""
    return _performance(weights_of(FRIENDLY)[None], np.zeros((1, 3)), np.zeros((1, 2)))


def act_of() -> Performance:
    """At rest, blink, talk and turn to both sides, a broad smile, raised brows and a nod, wide open, blink, rest."""
    clock = np.arange(round(SECONDS * FPS)) / FPS

    def during(begin: float, end: float, ramp: float = 0.3) -> np.ndarray:
        """(T, 1): 1 between these times, with smooth slopes inside."""
        return smoothstep(np.minimum(clock - begin, end - clock) / ramp, (0.0, 1.0))[:, None]

    def wave(begin: float, end: float, periods: float) -> np.ndarray:
        x = np.clip((clock - begin) / (end - begin), 0, 1)
        return np.sin(2 * np.pi * periods * x)

    shut = np.max([np.interp(clock - begin, *BLINK, left=0, right=0) for begin in BLINKS], 0)
    expression = (
        during(0.9, 3.0) * sample_speech(np.random.default_rng(SPEECH), len(clock), FPS)
        + during(3.1, 4.4) * weights_of(SMILE)
        + during(4.3, 5.3) * weights_of({"browInnerUp": 0.8, "browOuterUp": 0.8})
        + during(5.3, 6.2, 0.25) * weights_of({"jawOpen": 0.55, "mouthFunnel": 0.2})
        + shut[:, None] * weights_of({"eyeBlink": 1.0})
    )
    yaw = 0.34 * during(0.9, 2.9, 0.5)[:, 0] * wave(0.9, 2.9, 1.0)
    pitch = 0.16 * wave(4.4, 5.4, 1.0) * during(4.4, 5.4, 0.2)[:, 0]
    roll = 0.12 * wave(3.1, 5.4, 1.0) * during(3.1, 5.4, 0.4)[:, 0]
    gaze = np.stack([-0.9 * yaw - 0.3 * during(5.4, 6.1, 0.15)[:, 0], -0.9 * pitch], 1)
    return _performance(expression, smooth(np.stack([yaw, pitch, roll], 1), 1.5), gaze)


def studio(size: int) -> np.ndarray:
    """(size, size, 3) uint8: umber, lighter beside the head."""
    y, x = np.mgrid[:size, :size] / size
    light = np.clip(1 - 0.9 * np.hypot(x - 0.62, y - 0.35), 0.25, 1)
    return (np.array(UMBER) * light[..., None]).astype(np.uint8)


def _performance(expression: np.ndarray, rotation: np.ndarray, gaze: np.ndarray) -> Performance:
    frames = len(expression)
    shoulders = np.zeros((frames, 4))
    shoulders[:, 2] = 0.15 * rotation[:, 0]
    values = plausible(expression), gaze, rotation, np.zeros((frames, 3)), shoulders
    return Performance(*(value.astype(np.float32) for value in values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("ict", "makehuman", "folder"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    assets = ActorAssets(args.ict, args.makehuman)
    Image.fromarray(film(assets, SITTER, still(), 512)[0]).save(args.folder / "portrait.png", optimize=True)
    sitting = film(assets, MODEL, still(), EASEL, 1, studio(EASEL))[0]
    small = cv2.resize(painted(sitting), (CANVAS, CANVAS), interpolation=cv2.INTER_AREA)
    Image.fromarray(small).save(args.folder / "painting.jpg", quality=88)
    with VideoWriter(args.folder / "driver.mp4", (320, 320)) as writer:
        for frame in film(assets, ACTOR, act_of(), 320):
            writer.write(np.ascontiguousarray(frame))


if __name__ == "__main__":
    main()
