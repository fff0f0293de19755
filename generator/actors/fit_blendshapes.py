"""Make `pose/data/blendshapes.npz`: what expressions do to the 478 face landmarks, and what landmarks tell of them.

The basis: ICT-FaceKit's 53 expressions are ARKit's, with browInnerUp and cheekPuff in two halves and no tongueOut.
Its eyeLook shapes move the lids only, so the irises are turned here. Displacements are those of the mean head, in the
frame of the head as `pose` measures it.

The readout: actors with random expressions are drawn and tracked. What the tracker finds differs from the basis times
the true weights; the covariance of that difference (its strongest directions, and one variance for all others) weighs
the landmarks, as in generalised least squares. Actors that are kept apart in turn say which shapes can be told.

Run: ``python -m generator.actors.fit_blendshapes ASSET [--actors 160] [--out FILE]``. Needs mediapipe and EGL.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from generator.actors.appearance import sample_look
from generator.actors.background import sample_background
from generator.actors.clips import ActorAssets, perform, sample_camera
from generator.actors.ict import EXPRESSION_INDEX, EXPRESSIONS, IctModel
from generator.actors.landmarks import landmarks_of
from generator.actors.motion import Performance
from generator.actors.outfit import sample_body
from generator.actors.scene import Appearance
from generator.actors.sheet import composite
from pose.motion.blendshapes import ARKIT, AT, GAZE_DEGREES, BlendshapeFit, BlendshapeMeter, Blendshapes
from pose.tracking.landmarks import LEFT_IRIS, RIGHT_IRIS
from pose.tracking.signals import head_transform, to_head_frame

OUT = Path(__file__).parents[2] / "pose" / "data" / "blendshapes.npz"
TO_PICTURE = np.array([1, -1, -1], np.float32)  # y down, z away
# The way of the left eye at an eyeLook shape: yaw to the viewer's right, pitch up.
LOOKS = {"In": (-1, 0), "Out": (1, 0), "Up": (0, 1), "Down": (0, -1)}
FACES = 16  # of each actor, beside the neutral one
SIZE = 320  # px
TURNS = (0.2, 0.1, 0.08)  # rad, of yaw, pitch and roll
RANK = 120  # directions of error that are known one by one
FLOOR = 1e-5  # variance, eye distances squared, that every direction has at least
MOVED = 4  # shapes that a face draws at random


@dataclass(frozen=True)
class Tracked:
    """N tracked faces: change (N, 478, 3) since neutral on the canonical face, weights (N, 52), actor (N,)."""

    change: np.ndarray
    weights: np.ndarray
    actor: np.ndarray


def model_weights(name: str) -> np.ndarray:
    """(53,) weights of the model that are the ARKit shape `name`."""
    short = name.replace("Left", "_L").replace("Right", "_R") if name not in EXPRESSION_INDEX else name
    weights = np.zeros(len(EXPRESSIONS), np.float32)
    for known in (short, f"{short}_L", f"{short}_R"):
        if known in EXPRESSION_INDEX:
            weights[EXPRESSION_INDEX[known]] = 1
    return weights


def gaze_of(weights: np.ndarray, side: str) -> np.ndarray:
    """(2,) yaw and pitch, radians, of the eye of that side."""
    yaw, pitch = sum(weights[AT[f"eyeLook{look}{side}"]] * np.array(way) for look, way in LOOKS.items())
    return np.radians(GAZE_DEGREES) * np.array([yaw if side == "Left" else -yaw, pitch], np.float32)


def make_basis(model: IctModel) -> tuple[list[str], np.ndarray]:
    """The names of the shapes that the model has, and their (K, 478, 3) displacements."""
    identity, nothing = np.zeros(1), np.zeros((1, len(EXPRESSIONS)))

    def shape(name: str | None) -> np.ndarray:
        expression = nothing if name is None else model_weights(name)[None]
        points = landmarks_of(model.shape(identity, expression))[0]
        for side, iris in (("Left", LEFT_IRIS), ("Right", RIGHT_IRIS)):
            if name is not None and name.startswith("eyeLook") and name.endswith(side):
                gaze = gaze_of(np.eye(len(ARKIT))[AT[name]], side)
                points[list(iris)] = landmarks_of(model.shape(identity, nothing, gaze[None]))[0][list(iris)]
        points = points * TO_PICTURE
        return to_head_frame(points, head_transform(points))

    names = [name for name in ARKIT if model_weights(name).any()]
    return names, np.stack([shape(name) - shape(None) for name in names])


def random_weights(rng: np.random.Generator) -> np.ndarray:
    """(52,) with a few shapes at random strengths, mostly the same on both sides, gaze common to both eyes."""
    weights = np.zeros(len(ARKIT))
    for name in rng.choice(ARKIT, MOVED, replace=False):
        if "eyeLook" in name:
            continue
        weights[AT[name]] = strength = rng.uniform(0.2, 0.9)
        other = name.replace("Left", "?").replace("Right", "Left").replace("?", "Right")
        if other != name and name not in ("jawLeft", "jawRight", "mouthLeft", "mouthRight") and rng.random() < 0.7:
            weights[AT[other]] = strength
    across, up = rng.normal(size=2) * (0.4, 0.25)
    sides = ("OutLeft", "InRight") if across > 0 else ("InLeft", "OutRight")
    for name in (*sides, *((f"{'Up' if up > 0 else 'Down'}{side}") for side in ("Left", "Right"))):
        weights[AT[f"eyeLook{name}"]] = min(abs(across if name in sides else up), 1)
    return weights


def track_actors(assets: ActorAssets, actors: int, seed: int = 1) -> Tracked:
    """Draw and track random actors; those whose neutral face is not found are left out."""
    from pose.tracking.tracker import Tracker

    rng = np.random.default_rng(seed)
    shapes = np.stack([model_weights(name) for name in ARKIT])
    change, found, actor = [], [], []
    with Tracker(body_every=0) as tracker:
        for index in range(actors):
            weights = np.stack([np.zeros(len(ARKIT)), *(random_weights(rng) for _ in range(FACES))])
            pictures = draw_actor(rng, assets, weights @ shapes, [gaze_of(row, "Left") for row in weights])
            meter = None
            for picture, row in zip(pictures, weights, strict=True):
                tracker.track(picture)  # the face's crop follows from the landmarks before
                pose = tracker.track(picture)
                if pose.face is None:
                    if meter is None:
                        break
                    continue
                if meter is None:
                    meter = BlendshapeMeter(pose)
                    continue
                change.append(meter.change(pose))
                found.append(row)
                actor.append(index)
    return Tracked(np.array(change), np.array(found), np.array(actor))


def draw_actor(
    rng: np.random.Generator, assets: ActorAssets, expression: np.ndarray, gaze: list[np.ndarray]
) -> list[np.ndarray]:
    """(T, 53) weights of the model -> T pictures (SIZE, SIZE, 3) of one random actor, the first without a turn."""
    identity = (rng.normal(size=100) * rng.uniform(0.5, 0.9)).astype(np.float32)
    change = (identity @ assets.model.identity_basis).reshape(-1, 3)
    look = sample_look(rng, assets.lines, True)
    body = sample_body(rng, assets.tailor, look, change)
    renderer = assets.renderer(SIZE)
    renderer.dress(Appearance(look.bake, look.head, look.lighting, tuple(body.surfaces)))
    frames = len(expression)
    turns = (rng.normal(size=(frames, 3)) * TURNS).astype(np.float32)
    turns[0] = 0
    act = Performance(
        expression.astype(np.float32), np.array(gaze, np.float32), turns, np.zeros((frames, 3), np.float32),
        np.zeros((frames, 4), np.float32),
    )  # fmt: skip
    camera = sample_camera(rng, assets, identity, act, 192)  # the nearer one
    pictures, _, _ = perform(assets, renderer, look, body, identity, act, camera, 1.0)
    background = sample_background(rng, SIZE, True)
    return [np.ascontiguousarray(composite(picture, background)) for picture in pictures]


def make_readout(basis: np.ndarray, names: list[str], tracked: Tracked) -> np.ndarray:
    """(K, 1434): the basis times the inverse covariance of what the tracker gets wrong."""
    flat = basis.reshape(len(basis), -1).astype(np.float64)
    wrong = tracked.change.reshape(len(tracked.change), -1) - tracked.weights[:, [AT[name] for name in names]] @ flat
    variance, direction = np.linalg.eigh(wrong.T @ wrong / len(wrong))
    rest = float(variance[:-RANK].mean()) + FLOOR
    known, direction = variance[-RANK:], direction[:, -RANK:]
    return flat / rest - (flat @ direction) * (1 / rest - 1 / (known + rest)) @ direction.T


def save(path: Path, names: list[str], basis: np.ndarray, readout: np.ndarray) -> None:
    np.savez_compressed(path, names=np.array(names), basis=basis.astype(np.float16), readout=readout.astype(np.float16))


def check(names: list[str], basis: np.ndarray, tracked: Tracked, folds: int = 4) -> dict[str, float]:
    """How the weights that are found correlate with the true ones, on actors that the readout has not seen.

    One number for both sides of a shape, the worst first.
    """
    found = np.zeros_like(tracked.weights)
    for fold in range(folds):
        apart = tracked.actor % folds == fold
        known = Tracked(tracked.change[~apart], tracked.weights[~apart], tracked.actor[~apart])
        fit = BlendshapeFit(Blendshapes.of(names, basis, make_readout(basis, names, known)))
        found[apart] = [fit(change) for change in tracked.change[apart]]
    groups: dict[str, list[float]] = {}
    for name in names:
        correlation = np.corrcoef(tracked.weights[:, AT[name]], found[:, AT[name]])[0, 1]
        groups.setdefault(name.removesuffix("Left").removesuffix("Right"), []).append(float(correlation))
    means = {name: float(np.mean(values)) for name, values in groups.items()}
    return dict(sorted(means.items(), key=lambda item: item[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asset", type=Path, help="packed face model (.npz) or the folder FaceXModel")
    parser.add_argument("--actors", type=int, default=160, metavar="N", help="actors to draw and track")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    assets = ActorAssets(arguments.asset)
    names, basis = make_basis(assets.model)
    tracked = track_actors(assets, arguments.actors)
    for name, correlation in check(names, basis, tracked).items():
        print(f"{name:20s} {correlation:6.2f}")
    save(arguments.out, names, basis, make_readout(basis, names, tracked))


if __name__ == "__main__":
    main()
