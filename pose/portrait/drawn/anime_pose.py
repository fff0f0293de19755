"""Landmarks of a drawn face that a tracker made for humans does not see, or sees in the wrong place.

PyPI `animeface` (optional) finds eyes, mouth, nose and chin of anime faces; a face mesh is fitted to them as to points
that a user marked.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose.errors import PortraitError
from pose.portrait.sidecar import pose_from_points
from pose.tracking.landmarks import LEFT_EYE_RING, RIGHT_EYE_RING, PoseFrame

from .boxes import likely_faces

LIKELY = 0.95  # likelihood from which it is believed against the tracker; photographs and paintings had none
ELSEWHERE = 0.5  # of the distance of its eyes, that the tracker's are off theirs: another place, or another shape
CORNER = 0.5  # of half its box's width, from the middle of a mouth to its corners: the boxes are wide


def with_drawn_face(pose: PoseFrame, picture: np.ndarray) -> PoseFrame:
    """The pose, its face the detector's where the tracker found none or one elsewhere. picture: (H, W, 3) uint8."""
    found = anime_pose(picture)
    if found is None:
        return pose
    if pose.face is not None:
        own, other = (_eyes(face) for face in (found.face, pose.face))
        if np.linalg.norm(own - other, axis=1).max() < ELSEWHERE * np.linalg.norm(own[1] - own[0]):
            return pose
    return replace(pose, face=found.face)


def anime_pose(picture: np.ndarray) -> PoseFrame | None:
    """The likeliest drawn face of an RGB picture; None without one, or without the detector."""
    faces = likely_faces(picture, LIKELY)
    if not faces:
        return None
    try:
        return pose_from_points(_points(faces[0]), picture.shape[1::-1])
    except PortraitError:  # its points lie on one spot
        return None


def _points(found: dict) -> dict[str, tuple[float, float]]:
    """The marks that a face mesh is fitted to, in the picture's pixels. Sides are the viewer's."""
    boxes = {part: np.array(found[f"{part}_box"], float) for part in ("left_eye", "right_eye", "mouth")}
    middles = {part: box[:2] + box[2:] / 2 for part, box in boxes.items()}
    reach = np.array([CORNER * boxes["mouth"][2] / 2, 0])
    eyes = sorted((middles["left_eye"], middles["right_eye"]), key=lambda middle: middle[0])
    points = {
        "right_eye": eyes[0],
        "left_eye": eyes[1],
        "mouth_right": middles["mouth"] - reach,
        "mouth_left": middles["mouth"] + reach,
        "nose": np.array(found["nose_point"], float),
        "chin": np.array(found["chin_point"], float),
    }
    return {name: (float(x), float(y)) for name, (x, y) in points.items()}


def _eyes(face: np.ndarray) -> np.ndarray:
    return np.stack([face[list(ring), :2].mean(0) for ring in (RIGHT_EYE_RING, LEFT_EYE_RING)])
