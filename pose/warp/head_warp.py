"""The portrait warped to a pose: its face by the mesh, what lies around it by a flow that follows head and body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import Patch, polygon_patch, ramp
from pose.raster import Coverage, as_complex, rasterise, signed_areas
from pose.tracking.features import EYES, Eye
from pose.tracking.landmarks import FACE_POINTS, PoseFrame
from pose.tracking.mesh import Similarity3D, face_mesh

from .canvas import MESH_COLOUR, VALIDITY, Canvas
from .finer_portrait import FinerPortrait
from .flow import OuterFlow
from .head_surface import HeadSurface
from .mirror import MirrorFill
from .placement import EYE_TRIANGLES, MeshPlacement, interpolated, mesh_triangles
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
        self._irises = [_iris(pose.face, eye) for eye in EYES]

    def place(self, target: PoseFrame, head: Similarity3D, size: int) -> HeadPlacement:
        half, face = size // 2, target.face
        areas = signed_areas(face, self._triangles)
        # canonical triangles are counter-clockwise towards the viewer, which is a negative area with y down
        shown = areas < 0
        facing = np.flatnonzero(shown)
        outer = self._outer(target, head)
        outline = self._silhouette(shown)
        moved, source = self._surface.pose(face, outline, outer)
        points = np.concatenate([face[:, :2], moved])
        rings = np.flatnonzero(signed_areas(points, self._rings) < 0)

        facing_triangles = self._triangles.take(facing, 0)
        triangles = np.concatenate([facing_triangles, self._rings.take(rings, 0)])
        a, b, c = face[:, 2].take(facing_triangles.T)
        depth = a + b + c
        # the head's surface lies behind its face, the further outwards the deeper
        depth = np.concatenate([depth, depth.max(initial=0) + 1 + self._surface.depth.take(rings)])
        covered = rasterise((points * 0.5 - 0.5).take(triangles, 0), depth, half, half)
        come_from = np.concatenate([self._pose.face[:, :2], source]).astype(np.float32, copy=False)
        return HeadPlacement(
            points, areas, facing, triangles, covered, outer, outer.grid(half), half, come_from, outline
        )

    def paint(self, canvas: Canvas) -> None:
        placed, face = canvas.placement, canvas.target.face
        facing, covered = placed.facing, placed.covered
        placed.draw_around(placed.nodes, canvas.flow)
        placed.draw_places(placed.come_from, canvas.flow)

        on_face = np.flatnonzero(covered.triangles < len(facing))
        part = covered.part(on_face)
        owner = facing.take(part.triangles)
        in_eyes = np.flatnonzero((owner >= self._skin_triangles) & (owner < self._skin_triangles + 2 * EYE_TRIANGLES))
        eye_of = (owner.take(in_eyes) - self._skin_triangles) // EYE_TRIANGLES
        for k, eye in enumerate(EYES):
            self._shift_iris(canvas.flow, _iris(face, eye), self._irises[k], part.pixels.take(in_eyes[eye_of == k]))
        patch = None
        if placed.outline is not None:
            patch = polygon_patch(face[placed.outline, :2], canvas.size)
        if patch is None:  # all of it outside the picture, or turned away
            self._portrait.fetch(canvas)
        else:
            self._lay(canvas, part, patch)
            weights = self._mirror.weights(face)
            if weights is not None:
                self._fill_hidden(canvas, part, placed.triangles[: len(facing)], patch, weights)
        if canvas.guide is not None:
            self._draw_guide(canvas, part, placed)

    def _lay(self, canvas: Canvas, face: Coverage, patch: Patch) -> None:
        """Fetch the portrait's pixels: the head behind the face, over it the face, cut out along its outline."""
        half, size, reach = canvas.size // 2, canvas.size, self._settings.continuation
        inside = np.zeros((half, half), np.uint8)
        inside.reshape(-1)[face.pixels] = 1
        rows, columns = (
            slice(max(at.start // 2 - reach, 0), min(at.stop // 2 + reach, half)) for at in (patch.rows, patch.columns)
        )
        inside = inside[rows, columns]
        front, behind = _part(canvas.flow[rows, columns], inside, reach)
        canvas.flow[rows, columns] = behind
        self._portrait.fetch(canvas)
        # away from the outline the two are one; beside it, the face is laid over the head: where it was continued, and
        # on its neighbours in the enlargement
        beside = cv2.resize(_edge(inside, reach + 2), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
        mask = np.zeros_like(beside)
        top, left = 2 * rows.start, 2 * columns.start
        mask[patch.rows.start - top : patch.rows.stop - top, patch.columns.start - left : patch.columns.stop - left] = (
            patch.mask
        )
        mask = cv2.GaussianBlur(mask, (3, 3), self._settings.edge_blur)
        at = np.flatnonzero(cv2.min(mask, beside) != 0)
        if not len(at):
            return
        front = cv2.resize(front, mask.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        front = self._portrait.pixels(as_complex(front).reshape(-1).take(at).view(np.float32).reshape(-1, 2))
        alpha = mask.reshape(-1).take(at) * np.float32(1 / 255)
        at += at // mask.shape[1] * (size - mask.shape[1]) + (top * size + left)  # from the box to the picture
        _mix(canvas.picture, at, front, alpha)

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
        at = (y + view[0].start) * canvas.size + x + view[1].start
        _mix(canvas.picture, at, other, weight[y, x])

    def _draw_guide(self, canvas: Canvas, face: Coverage, placed: HeadPlacement) -> None:
        guide, facing = canvas.guide, placed.facing
        np.minimum(canvas.picture[::2, ::2, 3], self._settings.outside_validity, out=guide[..., VALIDITY])
        # a triangle that the portrait shows as large as the target needs it is fully trusted, one it shows from behind
        # not
        trust = np.minimum(np.maximum(self._source_areas / np.minimum(placed.areas, -1e-3), 0), 1)
        on_skin = np.flatnonzero(face.triangles < np.searchsorted(facing, self._skin_triangles))
        face = face.part(on_skin)
        mesh = np.empty((len(on_skin), 4), np.uint8)
        mesh[:, MESH_COLOUR] = interpolated(self._colours, placed.triangles[: len(facing)], face)
        mesh[:, VALIDITY] = (255 * trust).astype(np.uint8).take(facing).take(face.triangles)
        # four channels at once, as one number
        guide.view(np.uint32).reshape(-1, 2)[face.pixels, 0] = mesh.view(np.uint32)[:, 0]

    def _shift_iris(
        self, flow: np.ndarray, iris: tuple[complex, float], source: tuple[complex, float], pixels: np.ndarray
    ) -> None:
        """Inside an eye the iris keeps its round shape and slides under the lids; the mesh alone would squeeze it. In
        place. iris, source: middle and radius, px, in the target and in the portrait; pixels: (N,) those of the flow
        inside the eye's opening."""
        (centre, radius), (source_centre, source_radius) = iris, source
        if radius < self._settings.least_iris or not len(pixels):
            return
        y, x = np.divmod(pixels, len(flow))
        away = np.empty((len(pixels), 2), np.float32)  # in pixels of the picture
        away[:, 0], away[:, 1] = 2 * x, 2 * y
        away = as_complex(away) + np.complex64(1 + 1j - centre)
        weight = ramp(np.abs(away) / np.float32(radius), self._settings.iris_reach)
        view = as_complex(flow).reshape(-1)
        own = view.take(pixels)
        away *= np.float32(source_radius / radius)
        away += np.complex64(source_centre)
        away -= own
        view[pixels] = own + weight * away


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


def _part(flow: np.ndarray, inside: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Part a half-size flow (h, w, 2) in two along the edge of `inside` (h, w) uint8, of zeros and ones: the inner and
    the outer one. Each goes on for some pixels beyond the edge."""
    height, width = inside.shape
    inner, outer = np.array(flow), np.array(flow)
    # where each pixel is itself, but for a constant: what goes on is the shift
    here = np.empty_like(inner)
    here[..., 0] = 2 * np.arange(width, dtype=np.float32)
    here[..., 1] = 2 * np.arange(height, dtype=np.float32)[:, None]
    shift = inner - here
    inner_shift = cv2.bitwise_and(shift, shift, mask=inside)
    inner_count = _counted(inside, reach).reshape(-1)
    inner_shift, whole_shift, here = (
        as_complex(values).reshape(-1) for values in (_counted(inner_shift, reach), _counted(shift, reach), here)
    )
    at = np.flatnonzero(_edge(inside, reach) != 0)  # of truth values, NumPy finds them in a quarter of the time
    within = inside.reshape(-1).take(at) > 0
    beyond, at = at[~within], at[within]
    as_complex(inner).reshape(-1)[beyond] = here.take(beyond) + inner_shift.take(beyond) / inner_count.take(beyond)
    rest = whole_shift.take(at) - inner_shift.take(at)
    as_complex(outer).reshape(-1)[at] = here.take(at) + rest / (reach * reach - inner_count.take(at))
    return inner, outer


def _counted(values: np.ndarray, reach: int) -> np.ndarray:
    """Sums over the square of this side around each pixel."""
    depth = cv2.CV_32F if values.dtype == np.float32 else cv2.CV_8U
    return cv2.boxFilter(values, depth, (reach, reach), normalize=False, borderType=cv2.BORDER_REPLICATE)


def _edge(inside: np.ndarray, reach: int) -> np.ndarray:
    """(h, w) uint8 255 where the square of this side around a pixel holds some of `inside`'s ones and zeros, else 0."""
    return cv2.inRange(_counted(inside, reach), 1, reach * reach - 1)


def _mix(picture_SS4: np.ndarray, at: np.ndarray, colours_N4: np.ndarray, weights: np.ndarray) -> None:
    """Lay premultiplied colours over the pixels `at` (flat) of a picture to `weights` (N,), in place."""
    pixels = picture_SS4.view(np.uint32).reshape(-1)
    under = pixels.take(at).view(np.uint8).astype(np.float32)
    mixed = colours_N4.reshape(-1).astype(np.float32)
    mixed -= under
    mixed *= weights.repeat(4)
    mixed += under
    pixels[at] = np.rint(mixed, out=mixed).astype(np.uint8).view(np.uint32)
