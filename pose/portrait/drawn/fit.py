"""Landmarks moved to where a drawing has its lids, irises and lips. A tracker made for humans puts them where a human's
would be, and every blink would be measured there."""

from __future__ import annotations

import numpy as np

from pose.tracking.features import EYES, MOUTH, Eye
from pose.tracking.landmarks import FACE_POINTS
from pose.tracking.mesh import eye_distance

from .analysis import FINER, Drawing
from .eye import DrawnEye
from .mouth import DrawnMouth

REACH = 0.1  # eye distances over which points that no feature holds are drawn along


def fitted_landmarks(face: np.ndarray, drawing: Drawing) -> np.ndarray:
    """(478, 3) float32 px in the portrait. A mouth counts as closed, however it is drawn: it opens from its line."""
    moved: dict[int, np.ndarray] = {}
    for eye, drawn in zip(EYES, drawing.eyes):
        if drawn is not None:
            moved |= _eye(face, eye, drawn)
    if drawing.mouth is not None:
        moved |= _mouth(drawing.mouth)
    held = np.array(sorted(moved), np.intp)
    shift = np.stack([moved[k] for k in held]) - face[held, :2]
    free = np.setdiff1d(np.arange(FACE_POINTS), held)
    distance = np.linalg.norm(face[free, None, :2] - face[None, held, :2], axis=2) / (REACH * eye_distance(face))
    weight = np.exp(-(distance**2))
    result = face.astype(np.float32).copy()
    result[held, :2] += shift
    result[free, :2] += (weight @ shift) / np.maximum(weight.sum(1, keepdims=True), 1)
    return result


def _eye(face: np.ndarray, eye: Eye, drawn: DrawnEye) -> dict[int, np.ndarray]:
    outer, inner = drawn.left, drawn.right
    if face[eye.corners[0], 0] >= face[eye.corners[1], 0]:
        outer, inner = inner, outer
    points = {}
    for row, curve in ((eye.upper, drawn.top + drawn.thickness / 2), (eye.lower, drawn.bottom)):
        for point, x in zip(row, np.linspace(outer, inner, len(row) + 2)[1:-1]):
            points[point] = _px(drawn, x, curve[int(round(x))])
    for point, x in zip(eye.corners, (outer, inner)):
        points[point] = _px(drawn, x, (drawn.top[x] + drawn.bottom[x]) / 2)
    middle = _px(drawn, *drawn.centre)
    radius = float(drawn.radius.min()) / FINER
    own = face[eye.iris_circle, :2] - face[eye.pupil, :2]
    points[eye.pupil] = middle
    for point, way in zip(eye.iris_circle, own):
        points[point] = middle + way * (radius / max(float(np.hypot(*way)), 1e-3))
    return points


def _mouth(drawn: DrawnMouth) -> dict[int, np.ndarray]:
    line = drawn.shut if drawn.seam is None else drawn.seam
    points = {}
    rows = ((MOUTH.inner_upper, line), (MOUTH.outer_upper, drawn.top), (MOUTH.outer_lower, drawn.bottom))
    for row, curve in rows:
        for point, x in zip(row, np.linspace(drawn.left, drawn.right, len(row) + 2)[1:-1]):
            points[point] = _px(drawn, x, curve[int(round(x))])
    for ends in (MOUTH.corners, (MOUTH.outer[0], MOUTH.outer[10])):
        for point, x in zip(ends, (drawn.left, drawn.right)):
            points[point] = _px(drawn, x, line[x])
    # what is closed has no gap, whatever pixel its middle falls on
    for upper, lower in zip(MOUTH.inner_upper, MOUTH.inner_lower):
        points[lower] = points[upper]
    return points


def _px(layer: DrawnEye | DrawnMouth, x: float, y: float) -> np.ndarray:
    """From the layers' pixel indices to the portrait's pixels."""
    return np.array([layer.x + x + 0.5, layer.y + y + 0.5], np.float32) / FINER
