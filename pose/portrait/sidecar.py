"""Landmarks from a few points that a user marked, for portraits on which no tracker finds a face.

Beside `hero.png` lies `hero.points.json`:
    {"left_eye": [x, y], "right_eye": [x, y], "mouth_left": [x, y], "mouth_right": [x, y],
     "nose": [x, y], "chin": [x, y]}
in the picture's pixels. Sides may be named as the portrait or as its viewer sees them. More points (OPTIONAL) make the
fit closer, above all the rims of eyes that are much larger than a human's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pose.errors import PortraitError
from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import face_mesh
from pose.tracking.signals import angles_rotation

# Names of points, and the landmarks whose mean they are.
REQUIRED: dict[str, tuple[int, ...]] = {
    "left_eye": (263, 362),
    "right_eye": (33, 133),
    "mouth_left": (291,),
    "mouth_right": (61,),
    "nose": (1,),
    "chin": (152,),
}
OPTIONAL: dict[str, tuple[int, ...]] = {
    "left_eye_outer": (263,),
    "left_eye_inner": (362,),
    "left_eye_top": (386,),
    "left_eye_bottom": (374,),
    "right_eye_outer": (33,),
    "right_eye_inner": (133,),
    "right_eye_top": (159,),
    "right_eye_bottom": (145,),
    "left_brow": (334, 282),
    "right_brow": (105, 52),
    "left_cheek": (454,),
    "right_cheek": (234,),
    "mouth_top": (0,),
    "mouth_bottom": (17,),
    "forehead": (10,),
}
CURE = (
    "mark the eyes, mouth corners, nose and chin in {sidecar}: "
    '{{"left_eye": [x, y], "right_eye": [x, y], "mouth_left": [x, y], "mouth_right": [x, y], '
    '"nose": [x, y], "chin": [x, y]}} in pixels of the picture'
)


def sidecar_path(picture: str | Path) -> Path:
    """Where the marked points of a picture are looked for: hero.png -> hero.points.json."""
    return Path(picture).with_suffix(".points.json")


def read_sidecar(picture: str | Path, size: tuple[int, int]) -> PoseFrame | None:
    """The pose marked beside a picture of `size` (width, height); None where there is no such file."""
    path = sidecar_path(picture)
    if not path.is_file():
        return None
    try:
        points = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise PortraitError(f"{path} cannot be read as JSON ({error}); " + CURE.format(sidecar=path.name)) from error
    return pose_from_points(points, size, path.name)


def pose_from_points(
    points: Mapping[str, tuple[float, float]], size: tuple[int, int], name: str = "the marked points"
) -> PoseFrame:
    """A pose whose face mesh is fitted to marked points of a picture of `size` (width, height).

    Raises PortraitError where points are missing, unknown, outside the picture or nearly on one spot.
    """
    marks = _checked(points, size, name)
    if marks["left_eye"][0] < marks["right_eye"][0]:  # named as the viewer sees them
        marks = {_other_side(key): value for key, value in marks.items()}
    canonical = face_mesh().canonical.astype(np.float64)
    table = REQUIRED | OPTIONAL
    rest = np.array([canonical[list(table[key])].mean(axis=0) for key in marks])
    marked = np.array(list(marks.values()))
    required = [k for k, key in enumerate(marks) if key in REQUIRED]
    rotation, scale, shift = _fit_head(rest[required], marked[required])
    posed = scale * canonical @ rotation.T
    posed[:, :2] += shift
    anchors = scale * rest @ rotation.T
    anchors[:, :2] += shift
    face = posed.copy()
    face[:, :2] = _bend(posed[:, :2], anchors[:, :2], marked, scale)
    return PoseFrame(face.astype(np.float32), None, None, None, (int(size[0]), int(size[1])), 0.0)


def _checked(points: Mapping, size: tuple[int, int], name: str) -> dict[str, np.ndarray]:
    cure = CURE.format(sidecar=name)
    if not isinstance(points, Mapping):
        raise PortraitError(f"{name} holds no points; {cure}")
    missing = [key for key in REQUIRED if key not in points]
    if missing:
        raise PortraitError(f"{name} lacks {', '.join(missing)}; {cure}")
    unknown = [str(key) for key in points if key not in REQUIRED and key not in OPTIONAL]
    if unknown:
        known = ", ".join([*REQUIRED, *OPTIONAL])
        raise PortraitError(f"{name} has points of unknown name: {', '.join(unknown)}; known are {known}")
    marks = {}
    for key, value in points.items():
        try:
            point = np.array([float(value[0]), float(value[1])])
            if len(value) != 2 or not np.isfinite(point).all():
                raise ValueError
        except (TypeError, ValueError, IndexError, KeyError):
            raise PortraitError(f"{key} in {name} is no pair of numbers: {value!r}; {cure}") from None
        if not (-0.2 * size[0] <= point[0] <= 1.2 * size[0] and -0.2 * size[1] <= point[1] <= 1.2 * size[1]):
            raise PortraitError(f"{key} in {name} lies at {value}, outside the picture of {size[0]}x{size[1]} pixels")
        marks[key] = point
    if np.hypot(*(marks["left_eye"] - marks["right_eye"])) < 6:
        raise PortraitError(f"the eyes in {name} are less than 6 pixels apart; mark them, or use a larger picture")
    mouth = (marks["mouth_left"] + marks["mouth_right"]) / 2
    if np.hypot(*(mouth - (marks["left_eye"] + marks["right_eye"]) / 2)) < 6:
        raise PortraitError(f"eyes and mouth in {name} are less than 6 pixels apart; {cure}")
    return marks


def _other_side(key: str) -> str:
    if "left" in key:
        return key.replace("left", "right")
    return key.replace("right", "left")


def _fit_head(rest: np.ndarray, marked: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Rotation, scale and 2D shift under which the canonical points (N, 3) come nearest to the marks (N, 2).

    Weak perspective. Turns are searched on a grid because a handful of points has mirrored solutions; large ones cost,
    since a cartoon's proportions must not be taken for a turned head.
    """
    best = None
    for yaw in range(-40, 41, 4):
        for pitch in range(-24, 25, 4):
            turned = (rest @ angles_rotation(yaw, pitch, 0).T)[:, :2]
            centre, target = turned.mean(axis=0), marked.mean(axis=0)
            a, b = turned - centre, marked - target
            # the best 2D rotation and scale as one complex number
            za, zb = a[:, 0] + 1j * a[:, 1], b[:, 0] + 1j * b[:, 1]
            factor = (np.conj(za) * zb).sum() / max(float((np.abs(za) ** 2).sum()), 1e-9)
            error = float((np.abs(zb - factor * za) ** 2).sum() / (np.abs(zb) ** 2).sum())
            cost = error + 0.01 * ((yaw / 40) ** 2 + (pitch / 24) ** 2)
            if best is None or cost < best[0]:
                scale, roll = float(abs(factor)), float(np.degrees(np.angle(factor)))
                spin = angles_rotation(0, 0, roll)
                rotation = spin @ angles_rotation(yaw, pitch, 0)
                shift = target - scale * (spin[:2, :2] @ centre)
                best = (cost, rotation, scale, shift)
    return best[1:]


def _bend(points: np.ndarray, anchors: np.ndarray, targets: np.ndarray, scale: float) -> np.ndarray:
    """Points (N, 2) moved so that the anchors land on their targets: one affine map and thin-plate splines.

    Bookstein, "Principal Warps", PAMI 1989, slightly smoothed.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squared = ((a[:, None] - b[None]) ** 2).sum(axis=2) / scale**2
        return squared * np.log(np.maximum(squared, 1e-12))

    count = len(anchors)
    basis = np.concatenate([np.ones((count, 1)), anchors / scale], axis=1)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = kernel(anchors, anchors) + 1e-3 * np.eye(count)
    system[:count, count:], system[count:, :count] = basis, basis.T
    values = np.concatenate([targets - anchors, np.zeros((3, 2))])
    weights = np.linalg.lstsq(system, values, rcond=None)[0]
    ours = np.concatenate([np.ones((len(points), 1)), points / scale], axis=1)
    return points + kernel(points, anchors) @ weights[:count] + ours @ weights[count:]
