"""Synthetic faces for the tests: the canonical face, posed and with an expression."""

import numpy as np

from pose.tracking.features import MOUTH
from pose.tracking.landmarks import (
    LEFT_EYE_LOWER,
    LEFT_EYE_UPPER,
    LEFT_IRIS,
    LIPS_INNER_LOWER,
    LIPS_INNER_UPPER,
    LIPS_OUTER_LOWER,
    RIGHT_EYE_LOWER,
    RIGHT_EYE_UPPER,
    RIGHT_IRIS,
    PoseFrame,
)
from pose.tracking.mesh import face_mesh
from pose.tracking.signals import angles_rotation


def face(
    mouth=0.0,
    eyes=1.0,
    gaze=0.0,
    turn=(0.0, 0.0, 0.0),
    scale=80.0,
    at=(128.0, 110.0),
    stretch=(1.0, 1.0),
    lids=1.0,
    jaw=0.0,
):
    """(478, 3) pixels. mouth: gap of the lips, jaw: how far the chin goes down, in eye distances; eyes: opening of the
    lids 0..1; lids: eyes' height."""
    points = face_mesh().canonical.astype(np.float64)
    for upper, lower in ((RIGHT_EYE_UPPER, RIGHT_EYE_LOWER), (LEFT_EYE_UPPER, LEFT_EYE_LOWER)):
        upper, lower = list(upper), list(lower)
        middle = points[lower] + 0.3 * (points[upper] - points[lower])
        points[upper] = middle + lids * eyes * (points[upper] - middle)
        points[lower] = middle + lids * eyes * (points[lower] - middle)
    chin = points[:, 1] > points[MOUTH.outer[0], 1]
    chin[list(MOUTH.outer + MOUTH.inner)] = False
    points[chin, 1] += jaw
    upper, lower = list(LIPS_INNER_UPPER), list(LIPS_INNER_LOWER)
    rest = (points[upper, 1] + points[lower, 1]) / 2
    profile = np.sin(np.linspace(0.1, 0.9, len(upper)) * np.pi)
    points[upper, 1], points[lower, 1] = rest, rest + mouth * profile
    points[list(LIPS_OUTER_LOWER), 1] += mouth * profile
    for iris in (RIGHT_IRIS, LEFT_IRIS):
        points[list(iris), 0] += gaze
    points[:, 0] *= stretch[0]
    points[:, 1] *= stretch[1]
    points = scale * points @ angles_rotation(*turn).T
    points[:, :2] += at
    return points.astype(np.float32)


def body(shoulders=((150.0, 230.0), (90.0, 230.0))):
    points = np.zeros((33, 4), np.float32)
    points[11], points[12] = (*shoulders[0], 0, 1), (*shoulders[1], 0, 1)
    points[13], points[14] = (*np.add(shoulders[0], (10, 50)), 0, 0.9), (*np.add(shoulders[1], (-10, 50)), 0, 0.9)
    points[15], points[16] = (*np.add(shoulders[0], (5, 90)), 0, 0.2), (*np.add(shoulders[1], (-5, 90)), 0, 0.2)
    return points


def pose(time=0.0, size=(256, 256), body=None, left_hand=None, right_hand=None, **expression):
    return PoseFrame(face(**expression), body, left_hand, right_hand, size, time)
