"""A part of the face in the layout of a reference frame, in which other frames are compared with it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from ..geometry import smoothstep
from ..raster import draw_places, rasterise, signed_areas
from .features import EYES, MOUTH
from .landmarks import FACE_OVAL, NOSE_TIP
from .mesh import eye_distance, face_mesh
from .reference_bias import ReferenceBias

OUTSIDE = -10.0  # px, a place in no picture
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
    stride: int  # px of the layout between the patches that are searched, at the finest scale
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


@lru_cache(maxsize=1)
def whole_face(outline: float = 0.08, jaw: tuple[float, float] = (0.0, 0.25)) -> SkinPart:
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
        stride=3,
    )


@lru_cache(maxsize=1)
def both_lids(around: float = 0.15, shown: float = 0.24, held: float = 0.04) -> SkinPart:
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
        stride=4,
    )


def _distance(points: np.ndarray, ring: tuple[int, ...]) -> np.ndarray:
    """(N,) float32 from a ring of canonical landmarks, negative inside."""
    outline = face_mesh().canonical[list(ring), :2].astype(np.float32)[:, None]
    return -np.array([cv2.pointPolygonTest(outline, (float(x), float(y)), True) for x, y in points], np.float32)


class SkinLayout:
    """A part of the face as it looked once, and the layout in which it is compared. seen: (H, W, 3) uint8 RGB.

    landmarks: (N,) of the part.
    """

    def __init__(self, part: SkinPart, seen: np.ndarray, face: np.ndarray):
        self._part, self.landmarks = part, part.landmarks
        self._unit = unit = float(np.clip(eye_distance(face), *part.resolution))
        points = part.places(face) * (unit / eye_distance(face))
        self._points = (points - np.floor(points.min(0)) + 0.5).astype(np.float32)  # px of the layout
        width, height = (int(v) + 2 for v in np.ceil(self._points.max(0)))
        self._shape = (height, width)
        depth = np.zeros(len(part.triangles), np.float32)
        self._cover = rasterise(self._points[part.triangles] - 0.5, depth, height, width)
        area = signed_areas(self._points, part.triangles)
        self._area = np.where(np.abs(area) < 1e-6, 1.0, area)
        count = len(part.landmarks)
        self._slopes = _Slopes(self._points[:count], part.triangles[: part.own])
        self._own = self._cover.pixels[self._cover.triangles < part.own]
        self._grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)
        self._places = np.full((height, width, 2), OUTSIDE, np.float32)
        self._state = part.state(face)
        self._error = ReferenceBias(len(self._state), (count, 2))
        self._picture = self._rectified(seen, part.places(face))
        self._contrast = _contrast(self._picture, unit)
        self._search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._search.setVariationalRefinementIterations(0)  # the average over `reach` does as well
        self._search.setPatchStride(part.stride)

    def compare(self, seen: np.ndarray, face: np.ndarray, learn: float) -> tuple[np.ndarray, float]:
        """(N, 2) px of the picture by which the landmarks are off, and how alike the faces are, 0 to 1.

        learn: how alike they must be for the landmarks of the frame to be right in the mean, which tells those of the
        reference; above 1 where they are not anyhow.
        """
        part, unit, points, count = self._part, self._unit, self._part.places(face), len(self._part.landmarks)
        picture = self._rectified(seen, points)
        flow = self._search.calc(self._picture, picture, None)
        facing = self._facing(points, unit / eye_distance(face))
        weight = facing * self._match(picture, flow)
        # at half of the pixels each way: the search ends there, too
        weighted = cv2.merge([flow[..., 0] * weight, flow[..., 1] * weight, weight])
        weighted = cv2.resize(weighted, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        weighted = cv2.GaussianBlur(weighted, (0, 0), part.reach * unit / 2)
        at = self._points[:count] * 0.5 - 0.5
        sums = cv2.remap(weighted, at[:, 0], at[:, 1], cv2.INTER_LINEAR)[:, 0]  # (N, 3)
        off = sums[:, :2] / (sums[:, 2:] + part.doubt)
        shown, alike = (float(values.reshape(-1).take(self._own).sum()) for values in (facing, weight))
        match = alike / max(shown, 1e-6)
        if match >= learn:
            self._error.add(part.state(face) - self._state, off)
        off = off - self._error.value
        length = np.maximum(np.sqrt((off * off).sum(1, keepdims=True)), 1e-6)
        limit = part.largest * unit
        off *= part.follow[:, None] * limit / length * np.tanh(length / limit)
        return self._slopes(points[:count], off), match

    def _rectified(self, seen: np.ndarray, points: np.ndarray) -> np.ndarray:
        """(H, W) uint8: brightness of a picture in the layout, black where there is nothing of the part. points: as
        the part's `places`."""
        (left, top), (right, bottom) = (np.clip(end, -1e6, 1e6).tolist() for end in (points.min(0), points.max(0)))
        left, top = max(math.floor(left) - 1, 0), max(math.floor(top) - 1, 0)
        near = seen[top : max(math.ceil(bottom) + 2, 0), left : max(math.ceil(right) + 2, 0)]
        if not near.size:
            return np.zeros(self._shape, np.uint8)
        corner = np.array([left + 0.5, top + 0.5], np.float32)
        draw_places(points - corner, self._part.triangles, self._cover, self._places)
        return cv2.remap(cv2.cvtColor(near, cv2.COLOR_RGB2GRAY), self._places, None, cv2.INTER_LINEAR)

    def _match(self, picture: np.ndarray, flow: np.ndarray) -> np.ndarray:
        """(H, W) 0..1, how alike the skin is at the two ends of the flow."""
        found = cv2.remap(picture, self._grid + flow, None, cv2.INTER_LINEAR)
        difference = _contrast(found, self._unit) - self._contrast
        return 1 / (1 + np.square(difference * np.float32(1 / self._part.mismatch)))

    def _facing(self, points: np.ndarray, scale: float) -> np.ndarray:
        """(H, W) 0..1, how much of what the reference shows is seen now. scale: px of the layout in one of these."""
        ratio = signed_areas(points, self._part.triangles) / self._area * np.float32(scale * scale)
        facing = np.zeros(self._shape, np.float32)
        seen = smoothstep(ratio, self._part.seen).astype(np.float32, copy=False)
        facing.reshape(-1)[self._cover.pixels] = seen.take(self._cover.triangles)
        return facing


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
