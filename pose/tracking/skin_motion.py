"""Where the skin is, seen from its texture: a correction of the face mesh from dense optical flow.

A landmark network places its points by what faces look like in general; they slide over the skin as the head turns, and
what has no landmark (a cheek, the chin, the side of the nose) moves without them. So every frame is drawn into the
layout of a reference frame by the landmarks themselves. What still moves between the two is the error of the landmarks:
dense inverse search (Kroeger et al., ECCV 2016) measures it, and the points follow. It is always measured against the
reference, never from frame to frame, so nothing adds up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from ..geometry import smoothstep
from ..raster import rasterise
from .features import MOUTH
from .landmarks import FACE_OVAL, NOSE_TIP, PoseFrame
from .mesh import RIGID_LANDMARKS, eye_distance, face_mesh, fit_similarity
from .reference_error import ReferenceError

SKIN = 468  # landmarks of the mesh; the irises behind them turn by themselves
_RIM = np.arange(len(FACE_OVAL))
_OUTER, _OVAL = SKIN + _RIM, np.array(FACE_OVAL)
# triangles between the oval and what lies beyond it
_BEYOND = np.concatenate(
    [
        np.stack([_OVAL, np.roll(_OVAL, -1), _OUTER], 1),
        np.stack([np.roll(_OVAL, -1), np.roll(_OUTER, -1), _OUTER], 1),
    ]
)


@dataclass(frozen=True)
class SkinMotionSettings:
    """Lengths are in eye distances."""

    resolution: float = 60.0  # px of an eye distance in the layout
    reach: float = 0.03  # standard deviation over which flow is averaged
    beyond: float = 0.15  # of the way from the nose to the outline, by which the layout goes on: it shows the edge, too
    outline: float = 0.08  # over which the correction fades towards the oval, which follows the silhouette and no skin
    jaw: tuple[float, float] = (0.0, 0.25)  # below the mouth's corners: the oval comes to be the jaw, which is skin
    largest: float = 0.12  # correction
    doubt: float = 0.2  # mean weight at which a landmark follows half of the flow
    mismatch: float = 1.0  # standard deviations of the local contrast by which skin may differ from the reference's
    seen: tuple[float, float] = (0.25, 0.6)  # of its area in the reference: skin turned further away counts less
    near: float = 6.0  # degrees from the reference's pose, in which landmarks are right in the mean
    frames: int = 50  # of those, over which it is taken
    known: tuple[float, float] = (0.70, 0.82)  # mean match of a face that is not the reference's, and of one that is
    patience: float = 1.0  # s of another face, or of other light, after which it becomes the reference
    turned: float = 15.0  # degrees from the camera; a reference turned further gives way to one turned half as far


class SkinMotion:
    """Corrects the landmarks of one person's video. Call it with every frame in the order of their times."""

    def __init__(self, settings: SkinMotionSettings = SkinMotionSettings()):
        self._settings = settings
        self._search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._search.setVariationalRefinementIterations(0)  # the average over `reach` does as well
        self.reset()

    def reset(self) -> None:
        """The next frame with a face is the reference."""
        self._reference: _Reference | None = None

    def __call__(self, picture: np.ndarray, pose: PoseFrame) -> PoseFrame:
        """The pose with its face moved to where the skin is. picture: (H, W, 3) uint8 RGB that it was found in."""
        if pose.face is None:
            return pose
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if self._reference is None:
            self._take(grey, pose.face, pose.time)
            return pose
        off, match = self._reference.compare(grey, pose.face, self._search)
        if match >= self._settings.known[1]:
            self._known = pose.time
        elif not 0 <= pose.time - self._known <= self._settings.patience:
            self._take(grey, pose.face, pose.time)
            return pose
        moved = pose.face.copy()
        moved[:SKIN, :2] += smoothstep(match, self._settings.known) * off
        if self._turn > self._settings.turned and _turn(pose.face) < self._turn / 2:
            self._take(grey, moved, pose.time)
        return replace(pose, face=moved)

    def _take(self, grey: np.ndarray, face: np.ndarray, time: float) -> None:
        self._reference = _Reference(grey, face, self._settings)
        self._known, self._turn = time, _turn(face)


class _Reference:
    """The face as it looked once, and the layout in which it is compared."""

    def __init__(self, grey: np.ndarray, face: np.ndarray, settings: SkinMotionSettings):
        self._settings, unit = settings, settings.resolution
        points = self._layout(face) * (unit / eye_distance(face))
        self._points = (points - np.floor(points.min(0)) + 0.5).astype(np.float32)  # px of the layout
        width, height = (int(v) + 2 for v in np.ceil(self._points.max(0)))
        self._shape = (height, width)
        triangles = face_mesh().triangles
        triangles = triangles[(triangles < SKIN).all(1)]
        self._triangles = np.concatenate([triangles, _BEYOND])
        corners = self._points[self._triangles] - 0.5
        self._cover = rasterise(corners, np.zeros(len(corners), np.float32), height, width)
        area = _areas(corners)
        self._area = np.where(np.abs(area) < 1e-6, 1.0, area)
        self._slopes = _slopes(self._points[:SKIN], triangles)
        self._face = self._cover.pixels[self._cover.triangles < len(triangles)]
        self._grid = np.mgrid[:height, :width].astype(np.float32)
        self._inwards = _inwards(settings.outline, settings.jaw)[:, None]
        self._axis, self._mouth = _axis(face), _mouth(face)
        self._error = ReferenceError(len(self._mouth), (SKIN, 2))
        self._picture = self._rectified(grey, face)
        self._contrast = _contrast(self._picture, unit)

    def compare(self, grey: np.ndarray, face: np.ndarray, search: cv2.DISOpticalFlow) -> tuple[np.ndarray, float]:
        """(468, 2) px of the picture by which the landmarks are off, and how alike the faces are, 0 to 1."""
        settings, unit = self._settings, self._settings.resolution
        picture = self._rectified(grey, face)
        flow = search.calc(self._picture, picture, None)
        facing = self._facing(face)
        weight = facing * self._match(picture, flow)
        sums = cv2.GaussianBlur(np.dstack([flow * weight[..., None], weight]), (0, 0), settings.reach * unit)
        at = self._points[:SKIN] - 0.5
        sums = cv2.remap(sums, at[:, 0], at[:, 1], cv2.INTER_LINEAR)[:, 0]  # (468, 3)
        off = sums[:, :2] / (sums[:, 2:] + settings.doubt)
        if self._error.frames < settings.frames and self._is_near(face):
            self._error.add(_mouth(face) - self._mouth, off)
        off = off - self._error.value
        length = np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-6)
        limit = settings.largest * unit
        off *= self._inwards * limit / length * np.tanh(length / limit)
        now = face[:SKIN, :2].astype(np.float32)
        off = sum((slope @ now) * off[:, k, None] for k, slope in enumerate(self._slopes))
        seen, alike = (values.reshape(-1)[self._face].sum() for values in (facing, weight))
        return off, float(alike / max(seen, 1e-6))

    def _is_near(self, face: np.ndarray) -> bool:
        """Whether it looks where the reference does, so that its landmarks are right in the mean."""
        return float(_axis(face) @ self._axis) > np.cos(np.radians(self._settings.near))

    def _layout(self, face: np.ndarray) -> np.ndarray:
        """(504, 2) float32 px of the picture: the landmarks, then the places beyond the oval."""
        points = face[:SKIN, :2].astype(np.float32)
        oval = points[list(FACE_OVAL)]
        return np.concatenate([points, oval + self._settings.beyond * (oval - points[NOSE_TIP])])

    def _rectified(self, grey: np.ndarray, face: np.ndarray) -> np.ndarray:
        """The picture in the layout, black where there is no face."""
        corners = self._layout(face)[self._triangles] - 0.5  # (M, 3, 2)
        places = np.zeros((len(self._cover.pixels), 2), np.float32)
        for k in range(3):
            places += corners[:, k].take(self._cover.triangles, 0) * self._cover.weights[k, :, None]
        picture = np.zeros(self._shape[0] * self._shape[1], np.uint8)
        low = np.maximum(np.floor(places.min(0)).astype(int) - 1, 0)
        high = np.maximum(np.ceil(places.max(0)).astype(int) + 2, low + 2)
        part = grey[low[1] : high[1], low[0] : high[0]]
        if part.size:
            found = cv2.remap(part, places[:, 0] - low[0], places[:, 1] - low[1], cv2.INTER_LINEAR)
            picture[self._cover.pixels] = found[:, 0]
        return picture.reshape(self._shape)

    def _match(self, picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """(H, W) 0..1, how alike the skin is at the two ends of the flow."""
        settings = self._settings
        found = cv2.remap(picture, self._grid[1] + flow[..., 0], self._grid[0] + flow[..., 1], cv2.INTER_LINEAR)
        difference = _contrast(found, settings.resolution) - self._contrast
        return 1 / (1 + np.square(difference * (1 / settings.mismatch)))

    def _facing(self, face: np.ndarray) -> np.ndarray:
        """(H, W) 0..1, how much of the skin in the reference is seen now."""
        area = _areas(self._layout(face)[self._triangles])
        ratio = area / self._area * (self._settings.resolution / eye_distance(face)) ** 2
        facing = np.zeros(self._shape[0] * self._shape[1], np.float32)
        facing[self._cover.pixels] = (
            smoothstep(ratio, self._settings.seen).astype(np.float32).take(self._cover.triangles)
        )
        return facing.reshape(self._shape)


def _axis(face: np.ndarray) -> np.ndarray:
    """(3,) of length 1, away from where the face looks; z away from the camera."""
    return fit_similarity(face_mesh().canonical[RIGID_LANDMARKS], face[RIGID_LANDMARKS]).rotation[:, 2]


def _mouth(face: np.ndarray) -> np.ndarray:
    """(2,) how far it is opened and how wide it is, in eye distances."""
    ends = face[[MOUTH.middles, MOUTH.corners]]
    return np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) / eye_distance(face)


def _turn(face: np.ndarray) -> float:
    """Degrees between where the face looks and the camera."""
    return float(np.degrees(np.arccos(np.clip(_axis(face)[2], -1, 1))))


def _slopes(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(2, N, N) float32: matrices that take values at N points of a mesh to their derivatives along x and y there, the
    mean over the triangles around each."""
    count, corners = len(points), points[triangles].astype(np.float64)
    edges = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], 1)  # (M, 2, 2)
    area = np.abs(np.linalg.det(edges))
    inner = np.linalg.pinv(edges, rcond=1e-4)  # (M, 2, 2): derivative = inner @ (differences along both edges)
    slopes, total = np.zeros((2, count, count)), np.full(count, 1e-9)
    for corner in range(3):
        at = triangles[:, corner]
        np.add.at(total, at, area)
        for axis in range(2):
            first, second = inner[:, axis, 0] * area, inner[:, axis, 1] * area
            for other, value in ((0, -first - second), (1, first), (2, second)):
                np.add.at(slopes[axis], (at, triangles[:, other]), value)
    return (slopes / total[:, None]).astype(np.float32)


def _areas(corners: np.ndarray) -> np.ndarray:
    """(M,) twice the signed areas of triangles (M, 3, 2)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _contrast(picture: np.ndarray, unit: float) -> np.ndarray:
    """Brightness about its local mean, in local standard deviations (of at least 4 of 255 levels)."""
    values = picture.astype(np.float32)
    values -= cv2.GaussianBlur(values, (0, 0), 0.04 * unit)
    deviation = np.sqrt(cv2.GaussianBlur(values * values, (0, 0), 0.08 * unit))
    return values / np.maximum(deviation, 4.0)


@lru_cache(maxsize=4)
def _inwards(width: float, jaw: tuple[float, float]) -> np.ndarray:
    """(468,) float32, 0 on the face's oval, 1 from `width` (eye distances) inside it on and as far below the mouth's
    corners as `jaw` says."""
    canonical = face_mesh().canonical[:SKIN, :2].astype(np.float32)
    oval = canonical[list(FACE_OVAL)][:, None]
    depth = [cv2.pointPolygonTest(oval, (float(x), float(y)), True) for x, y in canonical]
    below = canonical[:, 1] - canonical[list(MOUTH.corners), 1].mean()
    return np.maximum(smoothstep(np.array(depth), (0.0, width)), smoothstep(below, jaw)).astype(np.float32)
