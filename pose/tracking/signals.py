"""Head pose and expression as a few numbers that do not depend on the size of the face.

The head pose is the similarity that carries the canonical face onto the tracked one, fitted over the landmarks that
expression hardly moves (least squares, Umeyama, PAMI 1991; MediaPipe's landmarks are a weak perspective, so z is on
the scale of x and y). Expression is measured in the head's own frame, in units of the outer eye corners' distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .features import LEFT_EYE, MOUTH, RIGHT_EYE, Eye
from .landmarks import PoseFrame
from .mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity

MOUTH_CORNERS_OUTER = (61, 291)
MIDDLE = slice(2, 5)  # of the seven lid pairs, the three in the middle
MOUTH_MIDDLE = slice(3, 6)  # of the nine lip pairs


@dataclass(frozen=True)
class Expression:
    """What a face does, each number independent of the face's size, place and turn."""

    mouth_open: float  # gap of the inner lips / distance of the outer eye corners
    mouth_width: float  # distance of the mouth's corners / distance of the outer eye corners; grows in a smile
    lid_left: float  # gap of the lids / width of that eye; the person's left
    lid_right: float
    brow_left: float  # height of the brow above the eye / distance of the outer eye corners
    brow_right: float
    gaze_x: float  # iris from the middle of the eye, in eye widths, mean of both eyes; towards the picture's right
    gaze_y: float  # downwards


def head_transform(face_478x3: np.ndarray) -> Similarity3D:
    """The similarity from the canonical face (eye distances) to this face's pixels."""
    return fit_similarity(face_mesh().canonical[RIGID_LANDMARKS], face_478x3[RIGID_LANDMARKS])


def head_pose(pose: PoseFrame) -> tuple[float, float, float] | None:
    """(yaw, pitch, roll) in degrees, None without a face.

    Yaw grows as the face turns to the picture's right, pitch as it looks down, roll as the head tilts clockwise in
    the picture.
    """
    return None if pose.face is None else rotation_angles(head_transform(pose.face).rotation)


def rotation_angles(rotation_33: np.ndarray) -> tuple[float, float, float]:
    """(yaw, pitch, roll) in degrees of a head's rotation; inverse of `angles_rotation`."""
    x, y, z = -rotation_33[:, 2]  # where the canonical face's -z, its gaze, points
    yaw, pitch = np.arctan2(x, -z), np.arctan2(y, np.hypot(x, z))
    upright = _turn(yaw, pitch).T @ rotation_33
    roll = np.arctan2(upright[1, 0], upright[0, 0])
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(roll))


def angles_rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3) rotation of a head with these angles in degrees."""
    roll = np.radians(roll)
    spin = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    return _turn(np.radians(yaw), np.radians(pitch)) @ spin


def _turn(yaw: float, pitch: float) -> np.ndarray:
    """Rotation that carries the gaze (0, 0, -1) to this yaw and pitch (radians) without rolling."""
    around_y = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    around_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return around_y @ around_x


def to_head_frame(face_478x3: np.ndarray, head: Similarity3D) -> np.ndarray:
    """Landmarks in the canonical frame of their own head: turned upright, eye distance 1. (478, 3) float64."""
    return (face_478x3 - head.translation) @ head.rotation / head.scale


def expression(pose: PoseFrame) -> Expression | None:
    """The expression of a tracked face, None without one."""
    if pose.face is None:
        return None
    points = to_head_frame(pose.face, head_transform(pose.face))
    eyes = [_lids_and_gaze(points, eye) for eye in (RIGHT_EYE, LEFT_EYE)]
    brows = [
        float(points[list(eye.corners), 1].mean() - points[list(eye.brow), 1].mean()) for eye in (RIGHT_EYE, LEFT_EYE)
    ]
    return Expression(
        mouth_open=lip_gap(points),
        mouth_width=float(np.linalg.norm(points[MOUTH_CORNERS_OUTER[1]] - points[MOUTH_CORNERS_OUTER[0]])),
        lid_left=eyes[1][0],
        lid_right=eyes[0][0],
        brow_left=brows[1],
        brow_right=brows[0],
        gaze_x=(eyes[0][1] + eyes[1][1]) / 2,
        gaze_y=(eyes[0][2] + eyes[1][2]) / 2,
    )


def mouth_opening(face: np.ndarray) -> float:
    """Gap in the middle of the inner lips over the distance of the outer eye corners, which a turned head keeps."""
    upper, lower = MOUTH.middles
    return float(np.linalg.norm(face[upper] - face[lower]) / max(eye_distance(face), 1e-6))


def lip_gap(points: np.ndarray) -> float:
    """Mean gap of the inner lips in the middle of the mouth, in the points' own unit."""
    gaps = points[list(MOUTH.inner_lower[MOUTH_MIDDLE])] - points[list(MOUTH.inner_upper[MOUTH_MIDDLE])]
    return float(np.linalg.norm(gaps, axis=1).mean())


def lid_gap(points: np.ndarray, upper: tuple[int, ...], lower: tuple[int, ...]) -> float:
    """Mean gap of the lids in the middle of the eye, in the points' own unit."""
    return float(np.linalg.norm(points[list(lower[MIDDLE])] - points[list(upper[MIDDLE])], axis=1).mean())


def _lids_and_gaze(points: np.ndarray, eye: Eye) -> tuple[float, float, float]:
    """Lid gap and gaze (x to the right, y down) of one eye in units of its width."""
    ends = points[list(eye.corners), :2]
    if ends[0, 0] > ends[1, 0]:
        ends = ends[::-1]
    across = ends[1] - ends[0]
    width = max(float(np.hypot(*across)), 1e-6)
    across = across / width
    offset = points[eye.pupil, :2] - ends.mean(axis=0)
    gap = lid_gap(points, eye.upper, eye.lower)
    return gap / width, float(offset @ across) / width, float(offset @ np.array([-across[1], across[0]])) / width
