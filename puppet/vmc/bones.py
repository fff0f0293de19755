"""Head, neck and eyes as VMC's bones: rotations of one bone in its parent, in Unity's left-handed axes.

Unity's model looks along z, with y up and its own right at x. The tracker's picture has x at the person's left, y down
and z away from the camera. Each axis is the other's opposite, and turning all three leaves a rotation matrix as it is:
the matrix of a turn in the picture is the matrix of the same turn of the avatar, and only has to become a quaternion.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from pose.motion.blendshapes import AT, GAZE_DEGREES

Quaternion = tuple[float, float, float, float]  # x, y, z, w
NECK_SHARE = 0.4  # of the head's turn
TRUNK = ("Spine", "Chest", "UpperChest")  # a turn of these turns the head with them
HEAD_CHAIN = (*TRUNK, "Neck", "Head")
# Where each bone lies in its parent, in metres on a body of average size, for receivers that take positions as well.
PLACES = {
    "Spine": (0.0, 0.06, 0.0),
    "Neck": (0.0, 0.12, -0.02),
    "Head": (0.0, 0.08, 0.01),
    "LeftEye": (-0.03, 0.06, 0.07),
    "RightEye": (0.03, 0.06, 0.07),
}
# The way of an eyeLook shape at which the eye turns to the avatar's own right.
_INWARD = {"LeftEye": ("eyeLookInLeft", "eyeLookOutLeft"), "RightEye": ("eyeLookOutRight", "eyeLookInRight")}


def to_quaternion(rotation: np.ndarray) -> Quaternion:
    """The unit quaternion, w not negative, of a (3, 3) rotation."""
    vector = cv2.Rodrigues(np.asarray(rotation, np.float64))[0][:, 0]
    angle = float(np.linalg.norm(vector))
    axis = vector / angle if angle > 1e-9 else np.zeros(3)
    x, y, z = (float(value) for value in axis * np.sin(angle / 2))
    return x, y, z, float(np.cos(angle / 2))


def to_rotation(quaternion: Quaternion) -> np.ndarray:
    """(3, 3) rotation of a quaternion of any length but 0."""
    *axis, w = quaternion
    length = float(np.linalg.norm(axis))
    return cv2.Rodrigues(np.array(axis, np.float64) * (2 * np.arctan2(length, w) / max(length, 1e-12)))[0]


def bones_of(turn: np.ndarray, spine: np.ndarray, weights: np.ndarray) -> dict[str, Quaternion]:
    """Every bone that is sent.

    turn, spine: (3, 3) turns of head and trunk since neutral, in the picture's axes. weights: (52,) of `ARKIT`, of
    which gaze is used.
    """
    vector, _ = cv2.Rodrigues(spine.T @ turn)
    neck, _ = cv2.Rodrigues(vector * NECK_SHARE)
    head, _ = cv2.Rodrigues(vector * (1 - NECK_SHARE))
    rotations = {"Spine": spine, "Neck": neck, "Head": head}
    for eye, (right, left) in _INWARD.items():
        side = eye.removesuffix("Eye")
        across = weights[AT[right]] - weights[AT[left]]
        down = weights[AT[f"eyeLookDown{side}"]] - weights[AT[f"eyeLookUp{side}"]]
        rotations[eye] = cv2.Rodrigues(np.radians(GAZE_DEGREES) * np.array([down, across, 0.0]))[0]
    return {name: to_quaternion(rotation) for name, rotation in rotations.items()}


def turn_of(bones: Mapping[str, Quaternion]) -> np.ndarray:
    """(3, 3) turn of the head, in the picture's axes: the product of the bones that carry it."""
    turn = np.eye(3)
    for name in HEAD_CHAIN:
        if name in bones:
            turn = turn @ to_rotation(bones[name])
    return turn


def gaze_weights(bones: Mapping[str, Quaternion]) -> dict[str, float]:
    """Weights of the eyeLook shapes that stand for the turns of the eyes' bones."""
    weights = {}
    for eye, (right, left) in _INWARD.items():
        if eye not in bones:
            continue
        side = eye.removesuffix("Eye")
        down, across, _ = np.degrees(cv2.Rodrigues(to_rotation(bones[eye]))[0][:, 0]) / GAZE_DEGREES
        pairs = ((right, left, across), (f"eyeLookDown{side}", f"eyeLookUp{side}", down))
        for positive, negative, value in pairs:
            weights[positive], weights[negative] = max(value, 0.0), max(-value, 0.0)
    return {name: float(min(value, 1.0)) for name, value in weights.items()}
