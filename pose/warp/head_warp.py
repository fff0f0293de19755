"""The portrait warped to a pose: its face by the mesh, what lies around it by a flow that follows head and body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import Patch, polygon_patch, ramp
from pose.raster import Coverage, rasterise
from pose.tracking.features import EYES, Eye
from pose.tracking.landmarks import FACE_POINTS, PoseFrame
from pose.tracking.mesh import Similarity3D, face_mesh

from .canvas import MESH_COLOUR, VALIDITY, Canvas
from .finer_portrait import FinerPortrait
from .flow import OuterFlow
from .head_surface import HeadSurface
from .mirror import MirrorFill
from .placement import EYE_TRIANGLES, MeshPlacement, as_complex, interpolated, mesh_triangles, signed_areas
from .silhouette import Silhouette


@dataclass(frozen=True)
class HeadWarpSettings:
    """What the guide says of the warp, and how its parts are joined."""

    # canonical coordinates (eye distances) that the colours 0 and 255 of the dense face map stand for
    canonical_low: tuple[float, float, float] = (-1.0, -1.0, -0.8)
    canonical_high: tuple[float, float, float] = (1.0, 1.6, 0.8)
    outside_validity: int = 160  # of 255: what is around the face is a guess, everywhere alike
    edge_blur: float = 0.5  # px at full size, of the face's edge over what it hides: a camera's is no sharper
    continuation: int = 3  # px at half size, over which each layer goes on beneath and beside the face's outline
    iris_reach: tuple[float, float] = (1.7, 1.1)  # iris radii between which the eye's flow comes to follow the iris
    least_iris: float = 0.5  # px radius of an iris that can be told


LEAST_WEIGHT = 1e-3  # of a blur: less is rounding


@dataclass(frozen=True, eq=False)
class HeadPlacement(MeshPlacement):
    """come_from: (V, 2) where in the portrait the vertices are; outline: (N,) landmarks of the face's silhouette, None
    where none of it is seen."""

    come_from: np.ndarray
    outline: np.ndarray | None


class HeadWarp:
    """Warps one portrait. person_SS4: uint8 premultiplied RGBA; pose: its landmarks, with a face."""

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame, settings: HeadWarpSettings = HeadWarpSettings()):
        self._settings = s = settings
        self._pose = pose
        mesh = face_mesh()
        self._skin_triangles = len(mesh.triangles)
        self._triangles = mesh_triangles()
        self._silhouette = Silhouette(self._triangles)
        self._source_areas = signed_areas(pose.face, self._triangles)
        self._surface = HeadSurface(person_SS4, pose.face, self._silhouette(self._source_areas < 0))
        self._rings = FACE_POINTS + self._surface.triangles  # its vertices come after those of the face
        self._mirror = MirrorFill(person_SS4, pose.face)
        low, high = (np.array(end, np.float32) for end in (s.canonical_low, s.canonical_high))
        # colours of every vertex in the dense face map
        self._colours = (np.clip((mesh.canonical - low) / (high - low), 0, 1) * 255).astype(np.float32)
        self._portrait = FinerPortrait(person_SS4, pose.face)
        self._outer = OuterFlow(pose)

    def place(self, target: PoseFrame, head: Similarity3D, size: int) -> HeadPlacement:
        half, face = size // 2, target.face
        areas = signed_areas(face, self._triangles)
        # canonical triangles are counter-clockwise towards the viewer, which is a negative area with y down
        facing = np.flatnonzero(areas < 0)
        outer = self._outer(target, head)
        outline = self._silhouette(areas < 0)
        moved, source = self._surface.pose(face, outline, outer)
        points = np.concatenate([face[:, :2], moved])
        rings = np.flatnonzero(signed_areas(points, self._rings) < 0)

        triangles = np.concatenate([self._triangles[facing], self._rings[rings]])
        depth = face[self._triangles[facing], 2].mean(1)
        # the head's surface lies behind its face, the further outwards the deeper
        depth = np.concatenate([depth, depth.max(initial=0) + 1 + self._surface.depth[rings]])
        covered = rasterise(points[triangles] * 0.5 - 0.5, depth, half, half)
        come_from = np.concatenate([self._pose.face[:, :2], source]).astype(np.float32)
        return HeadPlacement(
            points, areas, facing, triangles, covered, outer, outer.grid(half), half, come_from, outline
        )

    def paint(self, canvas: Canvas) -> None:
        placed, face = canvas.placement, canvas.target.face
        facing, covered = placed.facing, placed.covered
        flow = placed.around()
        placed.draw_places(placed.come_from, flow)

        on_face = covered.triangles < len(facing)
        part = Coverage(covered.pixels[on_face], covered.triangles[on_face], covered.weights[:, on_face])
        owner = facing.take(part.triangles)
        for eye, first in zip(EYES, self._skin_triangles + np.arange(len(EYES)) * EYE_TRIANGLES, strict=True):
            self._shift_iris(flow, face, eye, part.pixels[(owner >= first) & (owner < first + EYE_TRIANGLES)])
        patch = None
        if placed.outline is not None:
            patch = polygon_patch(face[placed.outline, :2], canvas.size)
        if patch is None:  # all of it outside the picture, or turned away
            self._portrait.fetch(flow, canvas)
        else:
            self._lay(canvas, flow, part, patch)
            weights = self._mirror.weights(face)
            if weights is not None:
                self._fill_hidden(canvas, part, self._triangles[facing], patch, weights)
        if canvas.guide is not None:
            self._draw_guide(canvas, part, facing, placed.areas)

    def _lay(self, canvas: Canvas, flow: np.ndarray, face: Coverage, patch: Patch) -> None:
        """Fetch the portrait's pixels: the head behind the face, over it the face, cut out along its outline."""
        half, reach = len(flow), self._settings.continuation
        inside = np.zeros((half, half), np.uint8)
        inside.reshape(-1)[face.pixels] = 1
        rows, columns = (
            slice(max(at.start // 2 - reach, 0), min(at.stop // 2 + reach, half)) for at in (patch.rows, patch.columns)
        )
        inside, behind = inside[rows, columns], flow[rows, columns]
        front = _part(behind, inside, reach)
        self._portrait.fetch(flow, canvas)
        # away from the outline the two are one; beside it, the face is laid over the head
        kernel = np.ones((reach + 2, reach + 2), np.uint8)  # what was continued, and its neighbours in the enlargement
        beside = cv2.dilate(inside, kernel) - cv2.erode(inside, kernel)
        beside = cv2.resize(beside, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        mask = np.zeros_like(beside)
        top, left = 2 * rows.start, 2 * columns.start
        mask[patch.rows.start - top : patch.rows.stop - top, patch.columns.start - left : patch.columns.stop - left] = (
            patch.mask
        )
        mask = cv2.GaussianBlur(mask, (3, 3), self._settings.edge_blur)
        found = cv2.findNonZero(cv2.bitwise_and(mask, mask, mask=beside))
        if found is None:
            return
        x, y = found[:, 0].T
        front = cv2.resize(front, (mask.shape[1], mask.shape[0]), interpolation=cv2.INTER_LINEAR)[y, x]
        alpha = mask[y, x][:, None] * np.float32(1 / 255)
        y, x = y + top, x + left
        under = canvas.picture[y, x].astype(np.float32)
        canvas.picture[y, x] = np.rint(under + alpha * (self._portrait.pixels(front) - under))

    def _fill_hidden(
        self,
        canvas: Canvas,
        face: Coverage,
        triangles_T3: np.ndarray,
        patch: Patch,
        weights: np.ndarray,
    ) -> None:
        """Lay the other side's skin over what the portrait hides. weights: of every landmark, how much of it."""
        half, points, reach = canvas.size // 2, canvas.target.face, self._settings.continuation
        # the rectangle of the triangles that need it, in pixels of half the size
        near = points[triangles_T3[(weights[triangles_T3] > 0).any(1)], :2].reshape(-1, 2) / 2
        if not len(near):
            return
        rows, columns = (
            slice(max(int(low) - reach, at.start // 2, 0), min(int(high) + reach, -(-at.stop // 2), half))
            for low, high, at in zip(near.min(0)[::-1], near.max(0)[::-1], (patch.rows, patch.columns), strict=True)
        )
        if rows.stop <= rows.start or columns.stop <= columns.start:
            return
        values = np.concatenate([self._mirror.source, self._mirror.light, weights[:, None]], 1)
        y, x = np.divmod(face.pixels, half)
        here = (y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)
        part = Coverage(face.pixels[here], face.triangles[here], face.weights[:, here])
        maps = np.zeros((rows.stop - rows.start, columns.stop - columns.start, 6), np.float32)
        inside = np.zeros(maps.shape[:2], np.uint8)
        y, x = y[here] - rows.start, x[here] - columns.start
        maps[y, x], inside[y, x] = interpolated(values, triangles_T3, part), 1
        _continue(maps, inside, reach)
        size = (2 * maps.shape[1], 2 * maps.shape[0])
        source, light, weight = (
            cv2.resize(np.ascontiguousarray(maps[..., part]), size) for part in (slice(2), slice(2, 5), slice(5, 6))
        )
        view = tuple(slice(2 * at.start, 2 * at.stop) for at in (rows, columns))
        mask = np.zeros(canvas.picture.shape[:2], np.uint8)
        mask[patch.rows, patch.columns] = patch.mask
        weight = weight * mask[view] * np.float32(1 / 255)
        y, x = np.nonzero(weight > 0)
        other = self._portrait.pixels(source[y, x]).astype(np.float32)
        other[:, :3] = np.minimum(other[:, :3] * light[y, x], other[:, 3:])
        picture = canvas.picture[view]
        own = picture[y, x].astype(np.float32)
        picture[y, x] = np.rint(own + weight[y, x][:, None] * (other - own))

    def _draw_guide(self, canvas: Canvas, face: Coverage, facing: np.ndarray, areas: np.ndarray) -> None:
        guide = canvas.guide
        guide[..., VALIDITY] = np.minimum(canvas.picture[::2, ::2, 3], self._settings.outside_validity)
        # a triangle that the portrait shows as large as the target needs it is fully trusted, one it shows from behind
        # not
        trust = np.clip(self._source_areas / np.minimum(areas, -1e-3), 0, 1)
        triangles = facing.take(face.triangles)
        mesh = np.empty((len(triangles), 4), np.uint8)
        mesh[:, MESH_COLOUR] = interpolated(self._colours, self._triangles[facing], face)
        mesh[:, VALIDITY] = (255 * trust).take(triangles)
        skin = triangles < self._skin_triangles
        # four channels at once, as one number
        guide.view(np.uint32).reshape(-1, 2)[face.pixels[skin], 0] = mesh.view(np.uint32)[skin, 0]

    def _shift_iris(self, flow: np.ndarray, face: np.ndarray, eye: Eye, pixels: np.ndarray) -> None:
        """Inside an eye the iris keeps its round shape and slides under the lids; the mesh alone would squeeze it. In
        place. pixels: (N,) those of the flow inside the eye's opening."""
        centre, radius = _iris(face, eye)
        if radius < self._settings.least_iris or not len(pixels):
            return
        source_centre, source_radius = _iris(self._pose.face, eye)
        y, x = np.divmod(pixels, len(flow))
        away = (2 * (x + 1j * y) + (1 + 1j - centre)).astype(np.complex64)  # in pixels of the picture
        weight = ramp(np.abs(away) / np.float32(radius), self._settings.iris_reach)
        view = as_complex(flow).reshape(-1)
        own = view.take(pixels)
        view[pixels] = own + weight * (source_centre + away * np.float32(source_radius / radius) - own)


def _iris(face: np.ndarray, eye: Eye) -> tuple[complex, float]:
    """Middle (x + i y) and radius of an iris, px."""
    centre, *circle = (complex(x, y) for x, y in face[eye.iris, :2].tolist())
    return centre, sum(abs(point - centre) for point in circle) / len(circle)


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


def _part(flow: np.ndarray, inside: np.ndarray, reach: int) -> np.ndarray:
    """Part a half-size flow (h, w, 2) in two along the edge of `inside` (h, w) uint8. Each goes on for some pixels
    beyond the edge: the outer one in place, the inner one as the result."""
    height, width = inside.shape
    # where each pixel is itself, but for a constant: what goes on is the shift
    here = np.empty_like(flow)
    here[..., 0] = 2 * np.arange(width, dtype=np.float32)
    here[..., 1] = 2 * np.arange(height, dtype=np.float32)[:, None]
    shift, kernel = flow - here, (reach, reach)
    inner_weight = cv2.blur(inside.astype(np.float32), kernel, borderType=cv2.BORDER_REPLICATE)
    inner_shift = cv2.blur(shift * inside[..., None], kernel, borderType=cv2.BORDER_REPLICATE)
    whole_shift = cv2.blur(shift, kernel, borderType=cv2.BORDER_REPLICATE)
    inner = flow.copy()
    edge = (inner_weight > LEAST_WEIGHT) & (inner_weight < 1 - LEAST_WEIGHT)
    at = np.nonzero(edge & (inside == 0))
    inner[at] = here[at] + inner_shift[at] / inner_weight[at][:, None]
    at = np.nonzero(edge & (inside == 1))
    flow[at] = here[at] + (whole_shift[at] - inner_shift[at]) / (1 - inner_weight[at][:, None])
    return inner
