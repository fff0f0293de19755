"""ARKit-style blendshape weights from landmarks, and landmarks from weights.

A blendshape is what an expression adds to the neutral face at weight 1: here, one displacement per landmark, in the
frame of the head and in units of the outer eye corners' distance (`data/blendshapes.npz`, made from ICT-FaceKit's
expressions by `python -m generator.actors.blendshape_basis`). Another face's change since its own neutral is carried to
the canonical face first, so that a small mouth and a large one give the same weights.

What landmarks tell, and what they do not, is measured: on heads of random identity and expression with a tracker's
noise on the landmarks, the shapes of `SILENT` follow the truth badly or not at all. They are always 0 in a result.

    brows     browDownLeft/Right, browInnerUp, browOuterUpLeft/Right
    lids      eyeBlinkLeft/Right, eyeSquintLeft/Right, eyeWideLeft/Right
    gaze      eyeLookUp/Down/In/OutLeft/Right; 1 = GAZE_DEGREES
    jaw       jawOpen, jawLeft, jawRight
    mouth     the others of ARKit's, save those of `SILENT`
    0         `SILENT`: cheekPuff, jawForward and tongueOut, which show in depth or not at all, and others that look
              like their neighbours
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np

from .expression_transfer import ExpressionTransfer
from .landmarks import IRISES, PoseFrame
from .mesh import Similarity3D, face_mesh
from .signals import head_transform, to_head_frame

_SIDED = ("Left", "Right")
ARKIT: tuple[str, ...] = (
    *(f"brow{part}{side}" for part in ("Down", "OuterUp") for side in _SIDED), "browInnerUp",
    "cheekPuff", *(f"cheekSquint{side}" for side in _SIDED),
    *(
        f"eye{part}{side}"
        for part in ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
        for side in _SIDED
    ),
    "jawForward", "jawLeft", "jawOpen", "jawRight",
    *(
        f"mouth{part}{side}"
        for part in ("Dimple", "Frown", "LowerDown", "Press", "Smile", "Stretch", "UpperUp")
        for side in _SIDED
    ),
    "mouthClose", "mouthFunnel", "mouthLeft", "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", *(f"noseSneer{side}" for side in _SIDED), "tongueOut",
)  # fmt: skip
AT = {name: index for index, name in enumerate(ARKIT)}
SILENT = frozenset({"cheekPuff", "jawForward", "tongueOut"})
TOLD = tuple(name for name in ARKIT if name not in SILENT)
GAZE_DEGREES = 30.0  # by which the eyes are turned at weight 1 of an eyeLook shape

DEPTH_TRUST = 0.4  # of a landmark's depth, which the tracker guesses, against its place in the picture
IRIS_TRUST = 2.0  # irises are few, and all there is of gaze
RIDGE, SPARSE = 0.004, 0.0006  # keep shapes that look alike from working against each other
STEPS = 150  # of the fit, after which the weights do not change any more
# The canonical head turns about the top of its neck, below and behind the eyes.
NECK = np.array([0.0, 0.8, 1.0])


@lru_cache(maxsize=1)
def blendshape_basis() -> np.ndarray:
    """(52, 478, 3) float32 displacement of every landmark at weight 1 of each shape of `ARKIT`; tongueOut moves none."""
    with resources.files("pose").joinpath("data/blendshapes.npz").open("rb") as file, np.load(file) as data:
        shapes = dict(zip(data["names"].tolist(), data["basis"].astype(np.float32), strict=True))
    still = np.zeros_like(face_mesh().canonical)
    return np.stack([shapes.get(name, still) for name in ARKIT])


class BlendshapeMeter:
    """Weights of one person. neutral: that person at rest; ValueError where it shows no face."""

    def __init__(self, neutral: PoseFrame):
        self._head, shape = _head_of(neutral)
        self._rest = face_mesh().canonical.astype(np.float64)
        self._transfer = ExpressionTransfer(self._rest, shape)
        self._told = [AT[name] for name in TOLD]
        self._trust = np.tile([1.0, 1.0, DEPTH_TRUST], (len(self._rest), 1))
        self._trust[list(IRISES)] *= IRIS_TRUST
        basis = (blendshape_basis()[self._told] * self._trust).reshape(len(self._told), -1).astype(np.float64)
        self._basis = basis
        self._normal = basis @ basis.T + RIDGE * np.eye(len(basis))
        self._step = 1 / np.linalg.eigvalsh(self._normal)[-1]

    def weights(self, pose: PoseFrame) -> np.ndarray:
        """(52,) float32 in 0..1, in the order of `ARKIT`. ValueError for a pose without a face."""
        _, shape = _head_of(pose)
        change = (self._transfer(shape) - self._rest) * self._trust
        result = np.zeros(len(ARKIT), np.float32)
        result[self._told] = self._fit(self._basis @ change.reshape(-1) - SPARSE)
        return result

    def turn(self, pose: PoseFrame) -> np.ndarray:
        """(3, 3) rotation of the head since neutral, in the picture's axes (x right, y down, z away)."""
        head, _ = _head_of(pose)
        return head.rotation @ self._head.rotation.T

    def _fit(self, target: np.ndarray) -> np.ndarray:
        """The weights in 0..1 of least squared error (accelerated projected gradient, Beck and Teboulle 2009)."""
        weights = ahead = np.zeros(len(target))
        pace = 1.0
        for _ in range(STEPS):
            last, weights = weights, np.clip(ahead - self._step * (self._normal @ ahead - target), 0, 1)
            next_pace = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
            ahead, pace = weights + (pace - 1) / next_pace * (weights - last), next_pace
        return weights


class BlendshapeFace:
    """The face of `neutral` with other weights and another turn of the head. ValueError where it shows no face."""

    def __init__(self, neutral: PoseFrame):
        self.neutral = neutral
        self._head, shape = _head_of(neutral)
        self._rest = face_mesh().canonical.astype(np.float64)
        self._transfer = ExpressionTransfer(shape, self._rest)
        self._basis = blendshape_basis()

    def __call__(self, weights: np.ndarray, turn: np.ndarray, time: float = 0.0) -> PoseFrame:
        """The pose at `time` seconds; a face, and nothing else.

        weights: (52,) in the order of `ARKIT`. turn: (3, 3) rotation of the head since neutral, in the picture's axes,
        about the top of the neck.
        """
        shape = self._transfer(self._rest + np.tensordot(np.clip(weights, 0, 1), self._basis, 1))
        neck = self._head(NECK)
        turned = Similarity3D(
            self._head.scale, turn @ self._head.rotation, turn @ (self._head.translation - neck) + neck
        )
        return PoseFrame(turned(shape), None, None, None, self.neutral.size, time)


def _head_of(pose: PoseFrame) -> tuple[Similarity3D, np.ndarray]:
    """Where a face's head is, and its (478, 3) landmarks in the frame of that head."""
    if pose.face is None:
        raise ValueError("blendshapes need a face, and this pose has none")
    head = head_transform(pose.face)
    return head, to_head_frame(pose.face, head)
