"""Where the skin is, seen from its texture: a correction of the face mesh from dense optical flow.

A landmark network places its points by what faces look like in general; they slide over the skin as the head turns, and
what has no landmark (a cheek, the chin, the side of the nose) moves without them. So every frame is drawn into the
layout of a reference frame by the landmarks themselves. What still moves between the two is the error of the landmarks:
dense inverse search (Kroeger et al., ECCV 2016) measures it, and the points follow. It is always measured against the
reference, never from frame to frame, so nothing adds up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from ..geometry import smoothstep
from ..raster import draw_places, rasterise, signed_areas
from .features import MOUTH
from .landmarks import FACE_OVAL, NOSE_TIP, PoseFrame
from .mesh import RIGID_LANDMARKS, eye_distance, face_mesh, fit_similarity
from .reference_error import ReferenceError

OUTSIDE = -10.0  # px, a place in no picture
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
        if self._reference is None:
            self._take(picture, pose.face, pose.time)
            return pose
        off, match = self._reference.compare(picture, pose.face, self._search)
        if match >= self._settings.known[1]:
            self._known = pose.time
        elif not 0 <= pose.time - self._known <= self._settings.patience:
            self._take(picture, pose.face, pose.time)
            return pose
        moved = pose.face.copy()
        moved[:SKIN, :2] += smoothstep(match, self._settings.known) * off
        if self._turn > self._settings.turned and _turn(pose.face) < self._turn / 2:
            self._take(picture, moved, pose.time)
        return replace(pose, face=moved)

    def _take(self, picture: np.ndarray, face: np.ndarray, time: float) -> None:
        self._reference = _Reference(picture, face, self._settings)
        self._known, self._turn = time, _turn(face)


class _Reference:
    """The face as it looked once, and the layout in which it is compared."""

    def __init__(self, seen: np.ndarray, face: np.ndarray, settings: SkinMotionSettings):
        self._settings, unit = settings, settings.resolution
        points = self._layout(face) * (unit / eye_distance(face))
        self._points = (points - np.floor(points.min(0)) + 0.5).astype(np.float32)  # px of the layout
        width, height = (int(v) + 2 for v in np.ceil(self._points.max(0)))
        self._shape = (height, width)
        triangles = face_mesh().triangles
        triangles = triangles[(triangles < SKIN).all(1)]
        self._triangles = np.concatenate([triangles, _BEYOND])
        depth = np.zeros(len(self._triangles), np.float32)
        self._cover = rasterise(self._points[self._triangles] - 0.5, depth, height, width)
        area = signed_areas(self._points, self._triangles)
        self._area = np.where(np.abs(area) < 1e-6, 1.0, area)
        self._slopes = _Slopes(self._points[:SKIN], triangles)
        self._face = self._cover.pixels[self._cover.triangles < len(triangles)]
        self._grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
        self._places = np.full((height, width, 2), OUTSIDE, np.float32)
        self._inwards = _inwards(settings.outline, settings.jaw)[:, None]
        self._axis, self._mouth = _axis(face), _mouth(face)
        self._error = ReferenceError(len(self._mouth), (SKIN, 2))
        self._picture = self._rectified(seen, self._layout(face))
        self._contrast = _contrast(self._picture, unit)

    def compare(self, seen: np.ndarray, face: np.ndarray, search: cv2.DISOpticalFlow) -> tuple[np.ndarray, float]:
        """(468, 2) px of the picture by which the landmarks are off, and how alike the faces are, 0 to 1."""
        settings, unit, points = self._settings, self._settings.resolution, self._layout(face)
        picture = self._rectified(seen, points)
        flow = search.calc(self._picture, picture, None)
        facing = self._facing(points, unit / eye_distance(face))
        weight = facing * self._match(picture, flow)
        # at half of the pixels each way: the search ends there, too
        weighted = cv2.merge([flow[..., 0] * weight, flow[..., 1] * weight, weight])
        weighted = cv2.resize(weighted, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        weighted = cv2.GaussianBlur(weighted, (0, 0), settings.reach * unit / 2)
        at = self._points[:SKIN] * 0.5 - 0.5
        sums = cv2.remap(weighted, at[:, 0], at[:, 1], cv2.INTER_LINEAR)[:, 0]  # (468, 3)
        off = sums[:, :2] / (sums[:, 2:] + settings.doubt)
        if self._error.frames < settings.frames and self._is_near(face):
            self._error.add(_mouth(face) - self._mouth, off)
        off = off - self._error.value
        length = np.maximum(np.sqrt((off * off).sum(1, keepdims=True)), 1e-6)
        limit = settings.largest * unit
        off *= self._inwards * limit / length * np.tanh(length / limit)
        shown, alike = (float(values.reshape(-1).take(self._face).sum()) for values in (facing, weight))
        return self._slopes(points[:SKIN], off), alike / max(shown, 1e-6)

    def _is_near(self, face: np.ndarray) -> bool:
        """Whether it looks where the reference does, so that its landmarks are right in the mean."""
        return float(_axis(face) @ self._axis) > np.cos(np.radians(self._settings.near))

    def _layout(self, face: np.ndarray) -> np.ndarray:
        """(504, 2) float32 px of the picture: the landmarks, then the places beyond the oval."""
        points = face[:SKIN, :2].astype(np.float32)
        oval = points[list(FACE_OVAL)]
        return np.concatenate([points, oval + self._settings.beyond * (oval - points[NOSE_TIP])])

    def _rectified(self, seen: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(H, W) uint8: brightness of a picture in the layout, black where there is no face. points: as `_layout`."""
        (left, top), (right, bottom) = (np.clip(end, -1e6, 1e6).tolist() for end in (points.min(0), points.max(0)))
        left, top = max(math.floor(left) - 1, 0), max(math.floor(top) - 1, 0)
        part = seen[top : max(math.ceil(bottom) + 2, 0), left : max(math.ceil(right) + 2, 0)]
        if not part.size:
            return np.zeros(self._shape, np.uint8)
        draw_places(points - np.array([left + 0.5, top + 0.5], np.float32), self._triangles, self._cover, self._places)
        return cv2.remap(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), self._places, None, cv2.INTER_LINEAR)

    def _match(self, picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """(H, W) 0..1, how alike the skin is at the two ends of the flow."""
        settings = self._settings
        found = cv2.remap(picture, self._grid + flow, None, cv2.INTER_LINEAR)
        difference = _contrast(found, settings.resolution) - self._contrast
        return 1 / (1 + np.square(difference * np.float32(1 / settings.mismatch)))

    def _facing(self, points: np.ndarray, scale: float) -> np.ndarray:
        """(H, W) 0..1, how much of the skin in the reference is seen now. scale: px of the layout in one of these."""
        ratio = signed_areas(points, self._triangles) / self._area * np.float32(scale * scale)
        facing = np.zeros(self._shape, np.float32)
        seen = smoothstep(ratio, self._settings.seen).astype(np.float32, copy=False)
        facing.reshape(-1)[self._cover.pixels] = seen.take(self._cover.triangles)
        return facing


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


class _Slopes:
    """How motions in a layout become motions of what is drawn in it: by the derivatives of the one along the other, at
    each point the mean over the triangles around it. points: (N, 2) of the layout."""

    def __init__(self, points: np.ndarray, triangles: np.ndarray):
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
        slopes /= total[:, None]
        slopes[:, np.arange(count), np.arange(count)] += 1e-30  # no row is empty
        # each point's slopes depend on its neighbours alone
        self._of, self._neighbours = np.nonzero(slopes.any(0))
        self._first = np.searchsorted(self._of, np.arange(count))
        self._weights = slopes[:, self._of, self._neighbours].astype(np.float32)  # (2, K)

    def __call__(self, drawn: np.ndarray, motion: np.ndarray) -> np.ndarray:
        """(N, 2) float32 how the points move where they are drawn, (N, 2), if they move so in the layout."""
        x, y = motion.T.take(self._of, 1)
        weights = self._weights[0] * x + self._weights[1] * y
        return np.stack([np.add.reduceat(weights * at.take(self._neighbours), self._first) for at in drawn.T], 1)


def _contrast(picture: np.ndarray, unit: float) -> np.ndarray:
    """Brightness about its local mean, in local standard deviations (of at least 4 of 255 levels)."""
    values = picture.astype(np.float32)
    values -= _average(values, 0.04 * unit)
    return values / np.sqrt(np.maximum(_average(values * values, 0.08 * unit), 4.0**2))


def _average(values: np.ndarray, deviation: float) -> np.ndarray:
    """About Gaussian, of this standard deviation in px: two squares, whose sums cost the same at any size."""
    width = 2 * int((math.sqrt(6 * deviation * deviation + 1) - 1) / 2) + 1
    return cv2.blur(cv2.blur(values, (width, width)), (width + 2, width + 2))


@lru_cache(maxsize=4)
def _inwards(width: float, jaw: tuple[float, float]) -> np.ndarray:
    """(468,) float32, 0 on the face's oval, 1 from `width` (eye distances) inside it on and as far below the mouth's
    corners as `jaw` says."""
    canonical = face_mesh().canonical[:SKIN, :2].astype(np.float32)
    oval = canonical[list(FACE_OVAL)][:, None]
    depth = [cv2.pointPolygonTest(oval, (float(x), float(y)), True) for x, y in canonical]
    below = canonical[:, 1] - canonical[list(MOUTH.corners), 1].mean()
    return np.maximum(smoothstep(np.array(depth), (0.0, width)), smoothstep(below, jaw)).astype(np.float32)
