"""ARKit-style blendshape weights from landmarks, and landmarks from weights.

A blendshape is what an expression adds to the neutral face at weight 1: here, one displacement per landmark, in the
frame of the head and in units of the outer eye corners' distance. `data/blendshapes.npz` holds ICT-FaceKit's
expressions in this form, made by `python -m generator.actors.fit_blendshapes`. Another face's change since its own
neutral is carried to the canonical face first, so that a small mouth and a large one give the same weights.

The other way round, weights are the most likely ones for landmarks as the tracker finds them: what it gets wrong was
measured on rendered faces of known weights, and directions in which it is often wrong count for little (`readout`).
The same faces told which shapes can be known at all. Those of `SILENT`, whose measured weight hardly follows the true
one (correlation below 0.3, a mean of both sides), are always 0 in a result.

    brows     browDownLeft/Right, browInnerUp, browOuterUpLeft/Right
    lids      eyeBlinkLeft/Right
    gaze      eyeLookUp/Down/In/OutLeft/Right; 1 = GAZE_DEGREES
    jaw       jawOpen
    mouth     mouthClose, mouthFunnel, mouthPucker, mouthLeft/Right, mouthRollLower/Upper, and mouthSmile, mouthDimple,
              mouthStretch and mouthUpperUp Left/Right
    others    cheekPuff, noseSneerLeft/Right
    0         the others, see `SILENT`
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np

from pose.tracking.landmarks import LEFT_EYE_LOWER, LEFT_EYE_UPPER, RIGHT_EYE_LOWER, RIGHT_EYE_UPPER, PoseFrame
from pose.tracking.mesh import Similarity3D, face_mesh
from pose.tracking.signals import head_transform, lid_gap, to_head_frame

from .expression_transfer import ExpressionTransfer

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
SILENT = frozenset(
    {
        "jawForward", "jawLeft", "jawRight", "mouthShrugLower", "mouthShrugUpper", "tongueOut",
        *(
            f"{part}{side}"
            for part in ("cheekSquint", "eyeSquint", "eyeWide", "mouthFrown", "mouthLowerDown", "mouthPress")
            for side in _SIDED
        ),
    }
)  # fmt: skip
_SILENT_PLACES = [AT[name] for name in SILENT]
TOLD = tuple(name for name in ARKIT if name not in SILENT)
GAZE_DEGREES = 30.0  # by which the eyes are turned at weight 1 of an eyeLook shape

USUAL = 0.3  # of a weight, how large it is expected to be before anything is seen
SPARSE = 0.5  # of the readout, which a shape has to exceed before it is taken for moved
NARROW = 0.5  # of its opening at rest: an eye that is open less is blinking; a look down narrows it that far
STEPS = 100  # of the fit, after which the weights hardly change any more
_LIDS = (
    ("eyeBlinkLeft", LEFT_EYE_UPPER, LEFT_EYE_LOWER),
    ("eyeBlinkRight", RIGHT_EYE_UPPER, RIGHT_EYE_LOWER),
)
# The canonical head turns about the top of its neck, below and behind the eyes.
NECK = np.array([0.0, 0.8, 1.0])


@dataclass(frozen=True)
class Blendshapes:
    """basis (52, 478, 3) float32: displacement of every landmark at weight 1 of each shape of `ARKIT`; tongueOut moves
    none. readout (52, 1434) float64: what a change of all landmarks says for each shape, weighed by the tracker's
    errors.
    """

    basis: np.ndarray
    readout: np.ndarray

    @staticmethod
    def of(names: Sequence[str], basis: np.ndarray, readout: np.ndarray) -> Blendshapes:
        """From the rows of the shapes that there are."""
        at = [AT[name] for name in names]
        every = Blendshapes(np.zeros((len(ARKIT), *basis[0].shape), np.float32), np.zeros((len(ARKIT), basis[0].size)))
        every.basis[at], every.readout[at] = basis, readout
        return every


@lru_cache(maxsize=1)
def blendshapes() -> Blendshapes:
    """Those that ship with the package."""
    with resources.files("pose").joinpath("data/blendshapes.npz").open("rb") as file, np.load(file) as data:
        return Blendshapes.of(data["names"].tolist(), data["basis"], data["readout"])


class BlendshapeFit:
    """The most likely weights in 0..1 for a change of the landmarks (accelerated projected gradient, Beck and Teboulle
    2009)."""

    def __init__(self, shapes: Blendshapes):
        normal = shapes.readout @ shapes.basis.reshape(len(ARKIT), -1).T
        normal = (normal + normal.T) / 2 + np.eye(len(ARKIT)) / USUAL**2
        self._readout = shapes.readout
        # scaled to a diagonal of 1, the steps are as good for every shape
        self._scale = np.sqrt(np.diag(normal))
        self._normal = normal / self._scale / self._scale[:, None]
        self._step = 1 / np.linalg.eigvalsh(self._normal)[-1]

    def __call__(self, change: np.ndarray) -> np.ndarray:
        """(52,) weights for (478, 3) displacements of the canonical face."""
        target = (self._readout @ change.reshape(-1) - SPARSE) / self._scale
        weights = ahead = np.zeros(len(target))
        pace = 1.0
        for _ in range(STEPS):
            last = weights
            weights = np.clip(ahead - self._step * (self._normal @ ahead - target), 0, self._scale)
            next_pace = (1 + np.sqrt(1 + 4 * pace * pace)) / 2
            ahead, pace = weights + (pace - 1) / next_pace * (weights - last), next_pace
        return weights / self._scale


@lru_cache(maxsize=1)
def _shipped_fit() -> BlendshapeFit:
    return BlendshapeFit(blendshapes())


class BlendshapeMeter:
    """Weights of one person. neutral: that person at rest; ValueError where it shows no face."""

    def __init__(self, neutral: PoseFrame):
        self._head, shape = _head_of(neutral)
        self._rest = face_mesh().canonical.astype(np.float64)
        self._transfer = ExpressionTransfer(self._rest, shape)

    def change(self, pose: PoseFrame) -> np.ndarray:
        """(478, 3) displacement since neutral, carried to the canonical face."""
        return self._transfer(_head_of(pose)[1]) - self._rest

    def weights(self, pose: PoseFrame) -> np.ndarray:
        """(52,) float32 in 0..1, in the order of `ARKIT`. ValueError for a pose without a face."""
        change = self.change(pose)
        weights = _shipped_fit()(change).astype(np.float32)
        for name, upper, lower in _LIDS:
            # lids that meet are a blink, whatever else the face does
            opening = lid_gap(self._rest + change, upper, lower) / lid_gap(self._rest, upper, lower)
            weights[AT[name]] = max(weights[AT[name]], min(1 - opening / NARROW, 1.0))
        weights[_SILENT_PLACES] = 0
        return weights

    def turn(self, pose: PoseFrame) -> np.ndarray:
        """(3, 3) rotation of the head since neutral, in the picture's axes (x right, y down, z away)."""
        return _head_of(pose)[0].rotation @ self._head.rotation.T


class BlendshapeFace:
    """The face of `neutral` with other weights and another turn of the head. ValueError where it shows no face."""

    def __init__(self, neutral: PoseFrame):
        self.neutral = neutral
        self._head, shape = _head_of(neutral)
        self._rest = face_mesh().canonical.astype(np.float64)
        self._transfer = ExpressionTransfer(shape, self._rest)
        self._basis = blendshapes().basis

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
