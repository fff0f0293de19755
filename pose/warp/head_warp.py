"""The portrait warped to a pose: its face by the mesh, what lies around it by a flow that follows head and body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import Patch, polygon_patch
from pose.portrait.head_extension import extend_head
from pose.raster import Coverage, rasterise
from pose.tracking.features import EYES, MOUTH, Eye
from pose.tracking.landmarks import FACE_POINTS, PoseFrame
from pose.tracking.mesh import face_mesh

from .canvas import MESH_COLOUR, VALIDITY, Canvas
from .flow import OuterFlow
from .head_surface import HeadSurface
from .mirror import MirrorFill
from .silhouette import Silhouette


@dataclass(frozen=True)
class HeadWarpSettings:
    """What the guide says of the warp, and how its parts are joined."""

    # canonical coordinates (eye distances) that the colours 0 and 255 of the dense face map stand for
    canonical_low: tuple[float, float, float] = (-1.0, -1.0, -0.8)
    canonical_high: tuple[float, float, float] = (1.0, 1.6, 0.8)
    outside_validity: int = 160  # of 255: what is around the face is a guess, everywhere alike
    continuation: int = 5  # px at half size, over which each layer goes on beneath and beside the face's outline
    iris_reach: tuple[float, float] = (1.7, 1.1)  # iris radii between which the eye's flow comes to follow the iris
    least_iris: float = 0.5  # px radius of an iris that can be told


def hole_triangles() -> np.ndarray:
    """Triangles over the holes of the mesh: each eye from the middle of its iris; the mouth as strips from lip to
    lip."""
    triangles = []
    for eye in EYES:
        ring = eye.ring
        x, y = face_mesh().canonical[list(ring), :2].T
        if x @ np.roll(y, -1) > y @ np.roll(x, -1):  # the rings run in opposite directions, triangles face the viewer
            ring = ring[::-1]
        triangles += [(eye.pupil, ring[i], ring[(i + 1) % 16]) for i in range(16)]
    lower, upper = MOUTH.inner[:11], (MOUTH.inner[0], *MOUTH.inner[:9:-1])
    for i in range(10):
        triangles += [(upper[i], lower[i], upper[i + 1]), (upper[i + 1], lower[i], lower[i + 1])]
    return np.array(triangles, np.intp)


class HeadWarp:
    """Warps one portrait. person_SS4: uint8 premultiplied RGBA; pose: its landmarks, with a face."""

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame, settings: HeadWarpSettings = HeadWarpSettings()):
        self._settings = s = settings
        self._pose, self._size = pose, len(person_SS4)
        mesh = face_mesh()
        self._skin_triangles = len(mesh.triangles)
        self._triangles = np.concatenate([mesh.triangles, hole_triangles()])
        self._silhouette = Silhouette(self._triangles)
        self._source_areas = signed_areas(pose.face, self._triangles)
        self._surface = HeadSurface(person_SS4, pose.face, self._silhouette(self._source_areas < 0))
        self._rings = FACE_POINTS + self._surface.triangles  # its vertices come after those of the face
        self._mirror = MirrorFill(person_SS4, pose.face)
        low, high = (np.array(end, np.float32) for end in (s.canonical_low, s.canonical_high))
        # colours of every vertex in the dense face map
        self._colours = (np.clip((mesh.canonical - low) / (high - low), 0, 1) * 255).astype(np.float32)
        # twice as large, with cubic interpolation: fetched from bilinearly it stays as sharp, in a fifth of the time
        extended, self._rows_above = extend_head(person_SS4, pose.face)
        finer = cv2.resize(extended, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        self._finer = np.minimum(finer, finer[..., 3:])  # no colour exceeds its alpha
        self._outer = OuterFlow(pose)

    def paint(self, canvas: Canvas) -> None:
        half, face = canvas.size // 2, canvas.target.face
        areas = signed_areas(face, self._triangles)
        # canonical triangles are counter-clockwise towards the viewer, which is a negative area with y down
        facing = np.flatnonzero(areas < 0)
        outer = self._outer(canvas.target, canvas.head)
        outline = self._silhouette(areas < 0)
        moved, source = self._surface.pose(face, outline, outer)
        at = np.concatenate([face[:, :2], moved])
        rings = np.flatnonzero(signed_areas(at, self._rings) < 0)

        triangles = np.concatenate([self._triangles[facing], self._rings[rings]])
        depth = face[self._triangles[facing], 2].mean(1)
        # the head's surface lies behind its face, the further outwards the deeper
        depth = np.concatenate([depth, depth.max(initial=0) + 1 + self._surface.depth[rings]])
        covered = rasterise(at[triangles] * 0.5 - 0.5, depth, half, half)
        come_from = np.concatenate([self._pose.face[:, :2], source]).astype(np.float32)
        flow = outer.grid(canvas.size, half)
        flow.reshape(-1, 2)[covered.pixels] = _interpolated(come_from, triangles, covered)

        on_face = covered.triangles < len(facing)
        for eye in EYES:
            self._shift_iris(flow, face, eye)
        part = Coverage(covered.pixels[on_face], covered.triangles[on_face], covered.weights[:, on_face])
        self._lay(canvas, flow, part, outline, facing)
        self._draw_guide(canvas, part, facing, areas)

    def _lay(
        self, canvas: Canvas, flow: np.ndarray, face: Coverage, outline: np.ndarray | None, facing: np.ndarray
    ) -> None:
        """Fetch the portrait's pixels: the head behind the face, over it the face, cut out along its outline."""
        size, half, points = canvas.size, len(flow), canvas.target.face
        patch = None if outline is None else polygon_patch(points[outline, :2], size)
        if patch is None:
            self._fetch(flow, canvas.source_SS2, canvas.picture)
            return
        # the face's rectangle of the half-size flow, and what of its enlargement the outline's rectangle is
        reach = self._settings.continuation
        rows, columns = (
            slice(max(at.start // 2 - reach, 0), min(at.stop // 2 + reach, half)) for at in (patch.rows, patch.columns)
        )
        cut = tuple(
            slice(at.start - 2 * whole.start, at.stop - 2 * whole.start)
            for at, whole in ((patch.rows, rows), (patch.columns, columns))
        )
        inside = np.zeros((half, half), np.uint8)
        inside.reshape(-1)[face.pixels] = 1
        inside, behind = inside[rows, columns], flow[rows, columns]
        front = behind.copy()
        _continue_flow(front, inside, reach)
        _continue_flow(behind, 1 - inside, reach)
        self._fetch(flow, canvas.source_SS2, canvas.picture)
        picture = np.empty((2 * front.shape[0], 2 * front.shape[1], 4), np.uint8)
        source = np.empty((*picture.shape[:2], 2), np.float32)
        self._fetch(front, source, picture)
        self._fill_hidden(picture, points, face, facing, (rows, columns), inside)
        view, origin = canvas.picture[patch.rows, patch.columns], canvas.source_SS2[patch.rows, patch.columns]
        edge = np.nonzero((patch.mask > 0) & (patch.mask < 255))
        alpha = patch.mask[edge][:, None] * np.float32(1 / 255)
        under = view[edge].astype(np.float32)
        under += alpha * (picture[cut][edge] - under)
        cv2.copyTo(picture[cut], patch.mask, view)
        view[edge] = np.rint(under)
        cv2.copyTo(source[cut], np.where(patch.mask > 127, np.uint8(255), np.uint8(0)), origin)

    def _fill_hidden(
        self,
        picture: np.ndarray,
        target: np.ndarray,
        face: Coverage,
        facing: np.ndarray,
        part: tuple[slice, slice],
        inside: np.ndarray,
    ) -> None:
        """Lay the other side's skin over what the portrait hides. picture: the enlarged part of the face, in place."""
        weights = self._mirror.weights(target)
        if weights is None:
            return
        half = self._size // 2
        values = np.concatenate([self._mirror.source, self._mirror.light, weights[:, None]], 1)
        maps = np.zeros((half, half, 6), np.float32)
        maps.reshape(-1, 6)[face.pixels] = _interpolated(values, self._triangles[facing], face)
        maps = np.ascontiguousarray(maps[part])
        _continue(maps, inside, self._settings.continuation)
        mirrored, size = np.empty_like(picture), (picture.shape[1], picture.shape[0])
        self._fetch(np.ascontiguousarray(maps[..., :2]), np.empty((*picture.shape[:2], 2), np.float32), mirrored)
        light = cv2.resize(np.ascontiguousarray(maps[..., 2:5]), size)
        weight = cv2.resize(np.ascontiguousarray(maps[..., 5]), size)
        at = np.nonzero(weight > 0)
        other = mirrored[at].astype(np.float32)
        other[:, :3] = np.minimum(other[:, :3] * light[at], other[:, 3:])
        own = picture[at].astype(np.float32)
        picture[at] = np.rint(own + weight[at][:, None] * (other - own))

    def _fetch(self, flow: np.ndarray, source: np.ndarray, picture: np.ndarray) -> None:
        """The portrait's pixels for a half-size flow (h, w, 2), into a picture (2h, 2w, 4) and their indices (2h, 2w,
        2)."""
        size = (picture.shape[1], picture.shape[0])
        flow = flow - np.float32(0.5)
        cv2.resize(flow, size, source, interpolation=cv2.INTER_LINEAR)
        finer = 2 * flow + np.float32(0.5)
        finer[..., 1] += 2 * self._rows_above
        finer = cv2.resize(finer, size, interpolation=cv2.INTER_LINEAR)
        cv2.remap(self._finer, finer, None, cv2.INTER_LINEAR, picture, borderMode=cv2.BORDER_REPLICATE)

    def _draw_guide(self, canvas: Canvas, face: Coverage, facing: np.ndarray, areas: np.ndarray) -> None:
        guide = canvas.guide
        guide[..., VALIDITY] = np.minimum(canvas.picture[::2, ::2, 3], self._settings.outside_validity)
        # a triangle that the portrait shows as large as the target needs it is fully trusted, one it shows from behind
        # not
        trust = np.clip(self._source_areas / np.minimum(areas, -1e-3), 0, 1)
        triangles = facing.take(face.triangles)
        mesh = np.empty((len(triangles), 4), np.uint8)
        mesh[:, MESH_COLOUR] = _interpolated(self._colours, self._triangles[facing], face)
        mesh[:, VALIDITY] = (255 * trust).take(triangles)
        skin = triangles < self._skin_triangles
        # four channels at once, as one number
        guide.view(np.uint32).reshape(-1, 2)[face.pixels[skin], 0] = mesh.view(np.uint32)[skin, 0]

    def _shift_iris(self, flow: np.ndarray, face: np.ndarray, eye: Eye) -> None:
        """Inside an eye the iris keeps its round shape and slides under the lids; the mesh alone would squeeze it. In
        place."""
        opening: Patch | None = polygon_patch(face[eye.ring, :2], len(flow), 0.5)
        centre, radius = _iris(face, eye)
        if opening is None or radius < self._settings.least_iris:
            return
        source_centre, source_radius = _iris(self._pose.face, eye)
        x, y = opening.x - centre[0], opening.y - centre[1]
        outer, inner = self._settings.iris_reach
        near = np.clip((outer - np.sqrt(x * x + y * y) / radius) / (outer - inner), 0, 1)
        weight = near * (opening.mask > 127)
        view = flow[opening.rows, opening.columns]
        for axis, away in enumerate((x, y)):
            there = source_centre[axis] + away * (source_radius / radius)
            view[..., axis] += weight * (there - view[..., axis])


def _iris(face: np.ndarray, eye: Eye) -> tuple[np.ndarray, float]:
    """Middle (2,) and radius of an iris, px."""
    centre = face[eye.pupil, :2]
    return centre, float(np.linalg.norm(face[eye.iris_circle, :2] - centre, axis=1).mean())


def signed_areas(points: np.ndarray, triangles_T3: np.ndarray) -> np.ndarray:
    """(T,) twice the signed area of every triangle in the picture, px^2."""
    (ax, ay), (bx, by), (cx, cy) = (points.take(corner, 0).T[:2] for corner in triangles_T3.T)
    return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)


def _interpolated(values_VC: np.ndarray, triangles_T3: np.ndarray, covered: Coverage) -> np.ndarray:
    """(N, C) values of the vertices at every covered pixel."""
    result = np.zeros((values_VC.shape[1], len(covered.pixels)), np.float32)
    for corner, weight in zip(triangles_T3.T, covered.weights, strict=True):
        at_corner = np.ascontiguousarray(values_VC[corner].T)
        result += at_corner.take(covered.triangles, 1) * weight
    return result.T


def _continue(values: np.ndarray, inside: np.ndarray, reach: int) -> None:
    """Let the part of some values (h, w, C) where `inside` (h, w) uint8 is 1 go on for some pixels beyond, in place."""
    kernel = (reach, reach)
    weight = cv2.blur(inside.astype(np.float32), kernel, borderType=cv2.BORDER_CONSTANT)
    near = values * inside[..., None]
    for k in range(0, values.shape[2], 2):  # OpenCV filters up to four channels
        pair = np.ascontiguousarray(near[..., k : k + 2])
        near[..., k : k + 2] = cv2.blur(pair, kernel, borderType=cv2.BORDER_CONSTANT)
    beside = np.nonzero((inside == 0) & (weight > 0))
    values[beside] = near[beside] / weight[beside][:, None]


def _continue_flow(flow: np.ndarray, inside: np.ndarray, reach: int) -> None:
    """The same for a half-size flow (h, w, 2): its shift goes on, not the place itself."""
    height, width = inside.shape
    here = np.empty_like(flow)  # but for a constant, where each pixel is itself
    here[..., 0] = 2 * np.arange(width, dtype=np.float32)
    here[..., 1] = 2 * np.arange(height, dtype=np.float32)[:, None]
    flow -= here
    _continue(flow, inside, reach)
    flow += here
