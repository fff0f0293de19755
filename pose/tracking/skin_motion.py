"""Where the skin is, seen from its texture: a correction of the face mesh from dense optical flow.

A landmark network places its points by what faces look like in general; they slide over the skin as the head turns, and
what has no landmark (a cheek, the chin, the side of the nose) moves without them. So every frame is drawn into the
layout of a reference frame by the landmarks themselves. What still moves between the two is the error of the landmarks:
dense inverse search (Kroeger et al., ECCV 2016) measures it, and the points follow. It is always measured against the
reference, never from frame to frame, so nothing adds up. The face comes first, then the lids, whose lines are thin. The
irises, which turn away under them, are searched by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..geometry import smoothstep
from .iris_search import IRIS_POINTS, find_irises, iris_motion
from .landmarks import PoseFrame
from .mesh import RIGID_LANDMARKS, face_mesh, fit_similarity
from .skin_layout import SkinLayout, both_lids, whole_face

NEVER = 2.0  # no two faces are so alike


@dataclass(frozen=True)
class SkinMotionSettings:
    known: tuple[float, float] = (0.70, 0.82)  # mean match of a face that is not the reference's, and of one that is
    patience: float = 1.0  # s of another face, or of other light, after which it becomes the reference
    turned: float = 15.0  # degrees from the camera; a reference turned further gives way to one turned half as far
    near: float = 6.0  # degrees from the reference's pose, in which landmarks are right in the mean
    frames: int = 50  # of those, over which it is taken


class SkinMotion:
    """Corrects the landmarks of one person's video. Call it with every frame in the order of their times."""

    def __init__(self, settings: SkinMotionSettings = SkinMotionSettings()):
        self._settings = settings
        self.reset()

    def reset(self) -> None:
        """The next frame with a face is the reference."""
        self._reference: _Reference | None = None

    def __call__(self, picture: np.ndarray, pose: PoseFrame) -> PoseFrame:
        """The pose with its face moved to where the skin is. picture: (H, W, 3) uint8 RGB that it was found in."""
        if pose.face is None:
            return pose
        settings = self._settings
        if self._reference is None:
            self._take(picture, pose.face, pose.time)
            return pose
        reference, axis = self._reference, _axis(pose.face)
        near = reference.frames < settings.frames and reference.is_near(axis, settings.near)
        # of another face, or of a hand before it, nothing is learnt
        off, match = reference.face.compare(picture, pose.face, settings.known[0] if near else NEVER)
        if match >= settings.known[1]:
            self._known = pose.time
        elif not 0 <= pose.time - self._known <= settings.patience:
            self._take(picture, pose.face, pose.time)
            return pose
        moved, trust = pose.face.copy(), smoothstep(match, settings.known)
        moved[reference.face.landmarks, :2] += trust * off
        if trust > 0:
            off, _ = reference.lids.compare(picture, moved, 0.0 if near else NEVER)
            moved[reference.lids.landmarks, :2] += trust * off
            irises = find_irises(picture, moved)
            moved[IRIS_POINTS, :2] += trust * iris_motion(moved, irises, reference.irises)
            reference.frames += near
        turn = _degrees(axis)
        if reference.turn > settings.turned and turn < reference.turn / 2:
            self._take(picture, moved, pose.time)
        return replace(pose, face=moved)

    def _take(self, picture: np.ndarray, face: np.ndarray, time: float) -> None:
        self._reference, self._known = _Reference(picture, face), time


class _Reference:
    """The face as it looked once. frames: near its pose, from which it has learnt; turn: degrees from the camera."""

    def __init__(self, picture: np.ndarray, face: np.ndarray):
        self.face, self.lids = SkinLayout(whole_face(), picture, face), SkinLayout(both_lids(), picture, face)
        self.irises = find_irises(picture, face)
        self._axis = _axis(face)
        self.turn, self.frames = _degrees(self._axis), 0

    def is_near(self, axis: np.ndarray, degrees: float) -> bool:
        """Whether a face looks where it does."""
        return float(axis @ self._axis) > np.cos(np.radians(degrees))


def _axis(face: np.ndarray) -> np.ndarray:
    """(3,) of length 1, away from where the face looks; z away from the camera."""
    return fit_similarity(face_mesh().canonical[RIGID_LANDMARKS], face[RIGID_LANDMARKS]).rotation[:, 2]


def _degrees(axis: np.ndarray) -> float:
    """Between where a face looks and the camera."""
    return float(np.degrees(np.arccos(np.clip(axis[2], -1, 1))))
