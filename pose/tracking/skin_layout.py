"""A part of the face in the layout of a reference frame, in which other frames are compared with it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..geometry import smoothstep
from ..raster import rasterise
from .features import EYES, MOUTH
from .landmarks import FACE_OVAL, NOSE_TIP
from .mesh import eye_distance, face_mesh
from .reference_error import ReferenceError

SKIN = 468  # landmarks of the mesh; the irises behind them turn by themselves


@dataclass(frozen=True, eq=False)
class SkinPart:
    """What is compared at once, and which landmarks follow. Lengths are in eye distances.

    landmarks: (N,) those in the layout; follow: (N,) 0..1, how much of the flow each follows; triangles: (M, 3) of
    them, of which the first `own` are of the part itself; differing: (K, 2) pairs of landmarks whose distance tells
    what the part does; beyond: of the way from the nose to the oval, by which the layout goes on behind the landmarks.
    """

    landmarks: np.ndarray
    follow: np.ndarray
    triangles: np.ndarray
    own: int
    differing: np.ndarray
    beyond: float
    resolution: tuple[float, float]  # px of an eye distance in the layout, as in the picture between these limits
    reach: float  # standard deviation over which flow is averaged
    largest: float  # correction
    doubt: float = 0.2  # mean weight at which a landmark follows half of the flow
    mismatch: float = 1.0  # standard deviations of the local contrast by which skin may differ from the reference's
    seen: tuple[float, float] = (0.25, 0.6)  # of its area in the reference: skin turned further away counts less

    def places(self, face: np.ndarray) -> np.ndarray:
        """(N + 36 or N, 2) float32 px of the picture: the landmarks, then what lies beyond the oval."""
        points = face[:, :2].astype(np.float32)
        own = points[self.landmarks]
        if not self.beyond:
            return own
        oval = points[list(FACE_OVAL)]
        return np.concatenate([own, oval + self.beyond * (oval - points[NOSE_TIP])])

    def state(self, face: np.ndarray) -> np.ndarray:
        """(K,) how far apart the pairs are, in eye distances."""
        ends = face[self.differing]
        return np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) / eye_distance(face)


def _whole_face(outline: float = 0.08, jaw: tuple[float, float] = (0.0, 0.25)) -> SkinPart:
    """outline: over which the correction fades towards the oval, which follows the silhouette and no skin; jaw: below
    the mouth's corners, where the oval comes to be the jaw, which is skin."""
    mesh = face_mesh()
    canonical, triangles = mesh.canonical[:SKIN, :2], mesh.triangles[(mesh.triangles < SKIN).all(1)]
    inside = smoothstep(-_distance(canonical, FACE_OVAL), (0.0, outline))
    below = canonical[:, 1] - canonical[list(MOUTH.corners), 1].mean()
    oval, outer = np.array(FACE_OVAL), SKIN + np.arange(len(FACE_OVAL))
    oval_next, outer_next = np.roll(oval, -1), np.roll(outer, -1)
    beyond = [np.stack([oval, oval_next, outer], 1), np.stack([oval_next, outer_next, outer], 1)]
    return SkinPart(
        landmarks=np.arange(SKIN),
        follow=np.maximum(inside, smoothstep(below, jaw)).astype(np.float32),
        triangles=np.concatenate([triangles, *beyond]),
        own=len(triangles),
        differing=np.array([MOUTH.middles, MOUTH.corners]),
        beyond=0.15,
        resolution=(60.0, 60.0),
        reach=0.03,
        largest=0.12,
    )


def _both_lids(around: float = 0.15, shown: float = 0.24, held: float = 0.04) -> SkinPart:
    """around: the eye's opening, over which the correction fades; shown: around it in the layout; held: around an eye's
    corners, which the skull holds and which tell the head's pose. The irises are in the layout, so that lids have a
    second side, but do not follow: they turn away under the lids."""
    mesh = face_mesh()
    away = np.min([_distance(mesh.canonical[:, :2], eye.ring) for eye in EYES], 0)
    used = away < shown
    fans = [(eye.pupil, eye.ring[k], eye.ring[(k + 1) % len(eye.ring)]) for eye in EYES for k in range(len(eye.ring))]
    triangles = np.concatenate([mesh.triangles[used[mesh.triangles].all(1)], fans])
    landmarks, places = np.unique(triangles, return_inverse=True)
    follow = np.where(landmarks < SKIN, 1 - smoothstep(away[landmarks], (0.0, around)), 0)
    corners = mesh.canonical[[corner for eye in EYES for corner in eye.corners]]
    to_corner = np.linalg.norm(mesh.canonical[landmarks, None] - corners, axis=2).min(1)
    follow *= smoothstep(to_corner, (0.0, held))
    return SkinPart(
        landmarks=landmarks,
        follow=follow.astype(np.float32),
        triangles=places.reshape(-1, 3),
        own=len(triangles),
        differing=np.array([(eye.upper[3], eye.lower[3]) for eye in EYES]),
        beyond=0.0,
        resolution=(60.0, 120.0),
        reach=0.02,
        largest=0.06,
    )


def _distance(points: np.ndarray, ring: tuple[int, ...]) -> np.ndarray:
    """(N,) float32 from a ring of canonical landmarks, negative inside."""
    outline = face_mesh().canonical[list(ring), :2].astype(np.float32)[:, None]
    return -np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in points], np.float32)


FACE, LIDS = _whole_face(), _both_lids()


class SkinLayout:
    """A part of the face as it looked once, and the layout in which it is compared. grey: (H, W) uint8 picture."""

    def __init__(self, part: SkinPart, grey: np.ndarray, face: np.ndarray):
        self._part = part
        self._unit = unit = float(np.clip(eye_distance(face), *part.resolution))
        places = part.places(face) * (unit / eye_distance(face))
        self._points = (places - np.floor(places.min(0)) + 0.5).astype(np.float32)  # px of the layout
        width, height = (int(v) + 2 for v in np.ceil(self._points.max(0)))
        self._shape = (height, width)
        corners = self._points[part.triangles] - 0.5
        self._cover = rasterise(corners, np.zeros(len(corners), np.float32), height, width)
        area = _areas(corners)
        self._area = np.where(np.abs(area) < 1e-6, 1.0, area)
        count = len(part.landmarks)
        self._slopes = _slopes(self._points[:count], part.triangles[: part.own])
        self._own = self._cover.pixels[self._cover.triangles < part.own]
        self._grid = np.mgrid[:height, :width].astype(np.float32)
        self._state = part.state(face)
        self._error = ReferenceError(len(self._state), (count, 2))
        self._picture = self._rectified(grey, face)
        self._contrast = self._contrasts(self._picture)

    def compare(
        self, grey: np.ndarray, face: np.ndarray, search: cv2.DISOpticalFlow, learn: bool
    ) -> tuple[np.ndarray, float]:
        """(N, 2) px of the picture by which the landmarks are off, and how alike the faces are, 0 to 1.

        learn: whether the landmarks of the frame are right in the mean, to know those of the reference.
        """
        part, unit = self._part, self._unit
        picture = self._rectified(grey, face)
        flow = search.calc(self._picture, picture, None)
        facing = self._facing(face)
        weight = facing * self._match(picture, flow)
        sums = cv2.GaussianBlur(np.dstack([flow * weight[..., None], weight]), (0, 0), part.reach * unit)
        at = self._points[: len(part.landmarks)] - 0.5
        sums = cv2.remap(sums, at[:, 0], at[:, 1], cv2.INTER_LINEAR)[:, 0]  # (N, 3)
        off = sums[:, :2] / (sums[:, 2:] + part.doubt)
        if learn:
            self._error.add(part.state(face) - self._state, off)
        off = off - self._error.value
        length = np.maximum(np.linalg.norm(off, axis=1, keepdims=True), 1e-6)
        limit = part.largest * unit
        off *= part.follow[:, None] * limit / length * np.tanh(length / limit)
        now = face[part.landmarks, :2].astype(np.float32)
        off = sum((slope @ now) * off[:, k, None] for k, slope in enumerate(self._slopes))
        seen, alike = (values.reshape(-1)[self._own].sum() for values in (facing, weight))
        return off, float(alike / max(seen, 1e-6))

    def _rectified(self, grey: np.ndarray, face: np.ndarray) -> np.ndarray:
        """The picture in the layout, black where there is nothing of the part."""
        corners = self._part.places(face)[self._part.triangles] - 0.5  # (M, 3, 2)
        places = np.zeros((len(self._cover.pixels), 2), np.float32)
        for k in range(3):
            places += corners[:, k].take(self._cover.triangles, 0) * self._cover.weights[k, :, None]
        picture = np.zeros(self._shape[0] * self._shape[1], np.uint8)
        low = np.maximum(np.floor(places.min(0)).astype(int) - 1, 0)
        high = np.maximum(np.ceil(places.max(0)).astype(int) + 2, low + 2)
        seen = grey[low[1] : high[1], low[0] : high[0]]
        if seen.size:
            found = cv2.remap(seen, places[:, 0] - low[0], places[:, 1] - low[1], cv2.INTER_LINEAR)
            picture[self._cover.pixels] = found[:, 0]
        return picture.reshape(self._shape)

    def _match(self, picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """(H, W) 0..1, how alike the skin is at the two ends of the flow."""
        found = cv2.remap(picture, self._grid[1] + flow[..., 0], self._grid[0] + flow[..., 1], cv2.INTER_LINEAR)
        difference = self._contrasts(found) - self._contrast
        return 1 / (1 + np.square(difference * (1 / self._part.mismatch)))

    def _contrasts(self, picture: np.ndarray) -> np.ndarray:
        """Brightness about its local mean, in local standard deviations (of at least 4 of 255 levels)."""
        values = picture.astype(np.float32)
        values -= cv2.blur(values, _square(0.14 * self._unit))
        deviation = np.sqrt(np.maximum(cv2.blur(values * values, _square(0.28 * self._unit)), 0))
        return values / np.maximum(deviation, 4.0)

    def _facing(self, face: np.ndarray) -> np.ndarray:
        """(H, W) 0..1, how much of what the reference shows is seen now."""
        area = _areas(self._part.places(face)[self._part.triangles])
        ratio = area / self._area * (self._unit / eye_distance(face)) ** 2
        facing = np.zeros(self._shape[0] * self._shape[1], np.float32)
        seen = smoothstep(ratio, self._part.seen).astype(np.float32)
        facing[self._cover.pixels] = seen.take(self._cover.triangles)
        return facing.reshape(self._shape)


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


def _square(side: float) -> tuple[int, int]:
    """The nearest odd one."""
    return (2 * int(side / 2) + 1,) * 2


def _areas(corners: np.ndarray) -> np.ndarray:
    """(M,) twice the signed areas of triangles (M, 3, 2)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
