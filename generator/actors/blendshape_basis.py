"""Make `pose/data/blendshapes.npz`: what each of ICT-FaceKit's expressions does to the 478 face landmarks.

The model's 53 expressions are ARKit's, with browInnerUp and cheekPuff in two halves and no tongueOut. Its eyeLook shapes
move the lids only, so the irises are turned here. Displacements are those of the mean head, in the frame of the head as
`pose` measures it (canonical axes, unit the distance of the outer eye corners).

Run: ``python -m generator.actors.blendshape_basis ASSET [--out FILE] [--check]``. --check says how well weights are
found again from noisy landmarks of random heads.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from generator.actors.ict import EXPRESSION_INDEX, EXPRESSIONS, IctModel
from generator.actors.landmarks import landmarks_of, tracker_noise
from pose.blendshapes import ARKIT, AT, GAZE_DEGREES, TOLD, BlendshapeMeter
from pose.landmarks import LEFT_IRIS, RIGHT_IRIS, PoseFrame
from pose.signals import head_transform, to_head_frame

OUT = Path(__file__).parents[2] / "pose" / "data" / "blendshapes.npz"
TO_PICTURE = np.array([1, -1, -1], np.float32)  # y down, z away
# The way of each eye's iris at an eyeLook shape: yaw to the viewer's right, pitch up.
LOOKS = {"In": (-1, 0), "Out": (1, 0), "Up": (0, 1), "Down": (0, -1)}
FACE_WIDTH = 1.45  # of the canonical face, in eye distances; the unit of the tracker's noise


def model_weights(name: str) -> np.ndarray:
    """(53,) weights of the model that are the ARKit shape `name`."""
    short = name.replace("Left", "_L").replace("Right", "_R") if name not in EXPRESSION_INDEX else name
    weights = np.zeros(len(EXPRESSIONS), np.float32)
    for known in (short, f"{short}_L", f"{short}_R"):
        if known in EXPRESSION_INDEX:
            weights[EXPRESSION_INDEX[known]] = 1
    return weights


def gaze_of(name: str) -> np.ndarray:
    """(2,) yaw and pitch, radians, of the eye that an eyeLook shape turns; zeros for other shapes."""
    way = next((way for look, way in LOOKS.items() if name.startswith(f"eyeLook{look}")), (0, 0))
    side = -1 if name.endswith("Right") else 1  # the right eye looks out to the viewer's left
    return np.radians(GAZE_DEGREES) * np.array([side * way[0], way[1]], np.float32)


def head_landmarks(model: IctModel, identity: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(478, 3) landmarks, in picture axes, of one person with (52,) ARKit weights."""
    expression = weights @ np.stack([model_weights(name) for name in ARKIT])
    points = landmarks_of(model.shape(identity, expression[None]))[0] * TO_PICTURE
    for side, iris in (("Left", LEFT_IRIS), ("Right", RIGHT_IRIS)):
        gaze = sum(weights[AT[f"eyeLook{look}{side}"]] * gaze_of(f"eyeLook{look}{side}") for look in LOOKS)
        turned = landmarks_of(model.shape(identity, np.zeros((1, len(EXPRESSIONS))), gaze[None]))[0] * TO_PICTURE
        points[list(iris)] = turned[list(iris)]
    return points


def make_basis(model: IctModel) -> tuple[list[str], np.ndarray]:
    """The names of the shapes that the model has, and their (K, 478, 3) displacements."""

    def shape(weights: np.ndarray) -> np.ndarray:
        points = head_landmarks(model, np.zeros(1), weights)
        return to_head_frame(points, head_transform(points))

    names = [name for name in ARKIT if model_weights(name).any()]
    rest = shape(np.zeros(len(ARKIT)))
    return names, np.stack([shape(np.eye(len(ARKIT))[AT[name]]) - rest for name in names])


def random_weights(rng: np.random.Generator) -> np.ndarray:
    """(52,) with a few shapes at random strengths, mostly the same on both sides, gaze common to both eyes."""
    weights = np.zeros(len(ARKIT))
    for name in rng.choice(ARKIT, 4, replace=False):
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


def check(model: IctModel, heads: int = 40, faces: int = 12, seed: int = 0) -> dict[str, float]:
    """Correlation of measured with true weights per shape, over random heads and faces with a tracker's noise."""
    rng = np.random.default_rng(seed)
    true, found = [], []
    for _ in range(heads):
        identity = rng.normal(size=100) * 0.8
        weights = np.stack([np.zeros(len(ARKIT)), *(random_weights(rng) for _ in range(faces))])
        clip = np.stack([head_landmarks(model, identity, row) for row in weights])
        width = FACE_WIDTH * float(np.linalg.norm(clip[0, 263] - clip[0, 33]))
        poses = [PoseFrame(p, None, None, None, (1, 1), 0.0) for p in tracker_noise(rng, clip, width)]
        meter = BlendshapeMeter(poses[0])
        true.extend(weights[1:])
        found.extend(meter.weights(pose) for pose in poses[1:])
    true, found = np.array(true), np.array(found)
    return {name: float(np.corrcoef(true[:, AT[name]], found[:, AT[name]])[0, 1]) for name in TOLD}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asset", type=Path, help="packed face model (.npz) or the folder FaceXModel")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--check", action="store_true", help="also measure what landmarks tell")
    arguments = parser.parse_args()
    model = IctModel.load(arguments.asset)
    names, basis = make_basis(model)
    np.savez_compressed(arguments.out, names=np.array(names), basis=basis.astype(np.float16))
    if arguments.check:
        for name, correlation in sorted(check(model).items(), key=lambda item: item[1]):
            print(f"{name:20s} {correlation:6.2f}")


if __name__ == "__main__":
    main()
