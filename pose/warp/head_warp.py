"""The portrait warped to a pose: its face by the mesh, what lies around it by a flow that follows head and body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import Patch, polygon_patch, smoothstep
from pose.portrait.head_extension import extend_head
from pose.tracking.features import EYES, MOUTH, Eye
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import eye_distance, face_mesh

from .canvas import MESH_COLOUR, VALIDITY, Canvas
from .flow import OuterFlow
from .raster import Coverage, rasterise


@dataclass(frozen=True)
class HeadWarpSettings:
    """How the mesh is joined to the flow around it, and what the guide says of both."""

    # canonical coordinates (eye distances) that the colours 0 and 255 of the dense face map stand for
    canonical_low: tuple[float, float, float] = (-1.0, -1.0, -0.8)
    canonical_high: tuple[float, float, float] = (1.0, 1.6, 0.8)
    seam_reach: float = 0.4  # eye distances around the mesh in which the outer flow is drawn to it
    seam_coverage: float = 0.25  # of the pixels in reach, by which that is done fully
    # eye distances between the two flows: the tracker's noise, a real one
    seam_jump: tuple[float, float] = (0.01, 0.05)
    outside_validity: int = 160  # of 255: the flow around the face is a guess, everywhere alike
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
        self._pose = pose
        mesh = face_mesh()
        self._skin_triangles = len(mesh.triangles)
        self._triangles = np.concatenate([mesh.triangles, hole_triangles()])
        low, high = (np.array(end, np.float32) for end in (s.canonical_low, s.canonical_high))
        colours = np.clip((mesh.canonical - low) / (high - low), 0, 1) * 255
        # per vertex: where it is in the portrait, and its colour in the dense face map
        attributes = np.concatenate([pose.face[:, :2], colours], 1).astype(np.float32)
        # ... and of the corners of every triangle
        self._at_corners = [np.ascontiguousarray(attributes[corner].T) for corner in self._triangles.T]  # 3 of (5, T)
        # twice as large, with cubic interpolation: fetched from bilinearly it stays as sharp, in a fifth of the time
        extended, self._rows_above = extend_head(person_SS4, pose.face)
        finer = cv2.resize(extended, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        self._finer = np.minimum(finer, finer[..., 3:])  # no colour exceeds its alpha
        self._outer = OuterFlow(pose, len(person_SS4))
        self._source_areas = self._areas(pose.face)
        self._rim = np.isin(self._triangles, FACE_OVAL).any(1)
        self._unit = eye_distance(pose.face)

    def paint(self, canvas: Canvas) -> None:
        half, face = canvas.size // 2, canvas.target.face
        areas = self._areas(face)
        # canonical triangles are counter-clockwise towards the viewer, which is a negative area with y down
        facing = np.flatnonzero(areas < 0)
        corners = face[self._triangles[facing], :2] * 0.5 - 0.5  # half-size pixel indices
        covered = rasterise(corners, face[self._triangles[facing], 2].mean(1), half, half)
        triangles = facing.take(covered.triangles)
        attributes = np.zeros((5, len(triangles)), np.float32)
        for corner, weight in zip(self._at_corners, covered.weights):
            attributes += corner.take(triangles, 1) * weight

        flow = self._outer(canvas.target, canvas.head, half)  # (half, half, 2)
        self._lay_face(flow, canvas.size, covered.pixels, triangles, attributes[:2])
        for eye in EYES:
            self._shift_iris(flow, face, eye)
        flow -= 0.5
        cv2.resize(flow, (canvas.size, canvas.size), canvas.source_SS2, interpolation=cv2.INTER_LINEAR)
        finer = 2 * flow + np.float32(0.5)
        finer[..., 1] += 2 * self._rows_above
        finer = cv2.resize(finer, (canvas.size, canvas.size), interpolation=cv2.INTER_LINEAR)
        cv2.remap(self._finer, finer, None, cv2.INTER_LINEAR, canvas.picture, borderMode=cv2.BORDER_REPLICATE)
        self._draw_guide(canvas, covered, triangles, attributes[2:], areas)

    def _draw_guide(
        self, canvas: Canvas, covered: Coverage, triangles: np.ndarray, colours_3N: np.ndarray, areas: np.ndarray
    ) -> None:
        guide = canvas.guide
        guide[..., VALIDITY] = np.minimum(canvas.picture[::2, ::2, 3], self._settings.outside_validity)
        # a triangle that the portrait shows as large as the target needs it is fully trusted, one it shows from behind
        # not
        trust = np.clip(self._source_areas / np.minimum(areas, -1e-3), 0, 1)
        mesh = np.empty((len(triangles), 4), np.uint8)
        mesh[:, MESH_COLOUR] = colours_3N.T
        mesh[:, VALIDITY] = (255 * trust).take(triangles)
        skin = triangles < self._skin_triangles
        # four channels at once, as one number
        guide.view(np.uint32).reshape(-1, 2)[covered.pixels[skin], 0] = mesh.view(np.uint32)[skin, 0]

    def _lay_face(
        self, flow: np.ndarray, size: int, pixels: np.ndarray, triangles: np.ndarray, inner_2N: np.ndarray
    ) -> None:
        """Put the mesh's flow in place of the outer one, and draw that to it where the face goes on beyond the mesh:
        else its edge shows as a seam on forehead and cheeks. Where the mesh ends because it turns away, there is no
        going on."""
        s, half, flat, inner = self._settings, len(flow), flow.reshape(-1, 2), inner_2N.T
        rim = self._rim[triangles]
        at = pixels[rim]
        if not len(at):  # all of it outside the picture, or turned away
            flat[pixels] = inner
            return
        jump = inner[rim] - flat[at]
        jump *= smoothstep(np.hypot(*jump.T) / self._unit, s.seam_jump)[:, None]
        width = 2 * int(s.seam_reach * self._unit * half / size / 2) + 1
        y, x = np.divmod(at, half)
        top, left = max(y.min() - width, 0), max(x.min() - width, 0)
        box = flow[top : y.max() + width, left : x.max() + width]
        near = np.zeros((*box.shape[:2], 3), np.float32)
        near[y - top, x - left, :2], near[y - top, x - left, 2] = jump, 1
        for _ in range(2):
            near = cv2.blur(near, (width, width), borderType=cv2.BORDER_CONSTANT)
        coverage = near[..., 2]
        gain = np.minimum(coverage, s.seam_coverage) / (s.seam_coverage * np.maximum(coverage, 1e-6))
        for k in range(2):
            box[..., k] += near[..., k] * gain
        flat[pixels] = inner

    def _areas(self, face: np.ndarray) -> np.ndarray:
        """(T,) twice the signed area of every triangle in the picture, px^2."""
        (ax, ay), (bx, by), (cx, cy) = (face.take(corner, 0).T[:2] for corner in self._triangles.T)
        return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

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
