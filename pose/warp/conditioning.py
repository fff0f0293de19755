"""From a pose to what the generator sees: the portrait warped to the pose, and a guide that says what is where.

The warp is the identity mechanism: the network only has to repair what a warp cannot do. The guide carries the dense face
map (each vertex's canonical position as colour), how far the warp can be trusted, the openings of mouth and eyes, the
irises, and the skeleton of body and hands.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.body.layers import BodyLayers
from pose.portrait.head_extension import with_crown
from .interior import EYES, InteriorPainter, Patch, polygon_patch
from pose.tracking.landmarks import FACE_OVAL, LIPS_INNER, PoseFrame
from .lids import LidPainter
from pose.tracking.mesh import eye_distance, face_mesh
from .raster import rasterise
from .skeleton import draw_skeleton
from .flow import OuterFlow, smoothstep

GUIDE_CHANNELS = 8
# canonical coordinates (eye distances) that the colours 0 and 255 of the dense face map stand for
CANONICAL_LOW = np.array([-1.0, -1.0, -0.8], np.float32)
CANONICAL_HIGH = np.array([1.0, 1.6, 0.8], np.float32)
# How far around the mesh the outer flow is drawn to it, in eye distances; by what share of covered pixels fully; and from
# what jump between the two, below which it is the tracker's noise
SEAM, SEAM_SHARE, SEAM_JUMP = 0.4, 0.25, (0.01, 0.05)
OUTSIDE_VALIDITY = 160           # the flow around the face is a guess, everywhere alike


@dataclass(frozen=True)
class Maps:
    """The condition of one video frame.

    warp: (S, S, 4) uint8 premultiplied RGBA, the portrait warped to the pose, with teeth in a mouth that it never opened
    so far and skin on lids that it never closed.
    guide: (S/2, S/2, 8) uint8: 0-2 canonical face position as colour, 3 validity of the warp, 4 inner mouth, 5 eye opening,
    6 iris, 7 body and hands.
    """

    warp: np.ndarray
    guide: np.ndarray


def _fans() -> np.ndarray:
    """Triangles over the holes of the mesh: each eye from the middle of its iris; the mouth as strips from lip to lip."""
    triangles = []
    for ring, iris in EYES:
        x, y = face_mesh().canonical[list(ring), :2].T
        if x @ np.roll(y, -1) > y @ np.roll(x, -1):  # the rings run in opposite directions, triangles face the viewer
            ring = ring[::-1]
        triangles += [(iris, ring[i], ring[(i + 1) % 16]) for i in range(16)]
    lower, upper = LIPS_INNER[:11], (LIPS_INNER[0], *LIPS_INNER[:9:-1])
    for i in range(10):
        triangles += [(upper[i], lower[i], upper[i + 1]), (upper[i + 1], lower[i], lower[i + 1])]
    return np.array(triangles, np.intp)


class Conditioner:
    """Makes the maps of one prepared portrait for any target pose.

    person_SS4: (S, S, 4) uint8 premultiplied RGBA, S a multiple of 16. pose: the portrait's own landmarks in that picture.
    Raises ValueError when the pose has no face or the picture is not square RGBA.
    """

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame):
        if person_SS4.ndim != 3 or person_SS4.shape[0] != person_SS4.shape[1] or person_SS4.shape[2] != 4:
            raise ValueError(f"the portrait must be a square RGBA picture, not {person_SS4.shape}")
        if person_SS4.shape[0] % 16:
            raise ValueError(f"the portrait's size must be a multiple of 16, not {person_SS4.shape[0]}")
        if pose.face is None:
            raise ValueError("the portrait's pose has no face landmarks")
        self.size = person_SS4.shape[0]
        self.person = np.ascontiguousarray(person_SS4)
        self.pose = pose
        mesh = face_mesh()
        self._skin_triangles = len(mesh.triangles)
        self._triangles = np.concatenate([mesh.triangles, _fans()])
        span = CANONICAL_HIGH - CANONICAL_LOW
        colours = np.clip((mesh.canonical - CANONICAL_LOW) / span, 0, 1) * 255
        # per vertex: where it is in the portrait, and its colour in the dense face map
        attributes = np.concatenate([pose.face[:, :2], colours], 1).astype(np.float32)
        # ... and of the corners of every triangle
        self._at_corners = [np.ascontiguousarray(attributes[corner].T) for corner in self._triangles.T]  # 3 of (5, T)
        self._body = BodyLayers(self.person, pose)
        self._pictures: dict[frozenset[str], np.ndarray] = {}
        self._finer(frozenset())
        self._outer = OuterFlow(pose, self.size)
        self._painter = InteriorPainter(self.person, pose.face)
        self._lids = LidPainter(self.person, pose.face)
        self._source_areas = self._areas(pose.face)
        self._rim = np.isin(self._triangles, FACE_OVAL).any(1)
        self._unit = eye_distance(pose.face)

    def _finer(self, without: frozenset[str]) -> np.ndarray:
        """The person without the arms of these sides, twice as large, with cubic interpolation: fetched from bilinearly it
        stays as sharp, in a fifth of the time."""
        if without not in self._pictures:
            crowned, self._crown = with_crown(self._body.without(without), self.pose.face)
            finer = cv2.resize(crowned, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
            self._pictures[without] = np.minimum(finer, finer[..., 3:])  # no colour exceeds its alpha
        return self._pictures[without]

    def own_maps(self) -> Maps:
        """The maps of the portrait at its own pose: the condition of the reference frame."""
        return self.maps(self.pose)

    def maps(self, target: PoseFrame) -> Maps:
        """Maps for one target pose (in the portrait's S x S picture). The pose must have a face."""
        half = self.size // 2
        face = target.face
        areas = self._areas(face)
        # canonical triangles are counter-clockwise towards the viewer, which is a negative area with y down
        facing = np.flatnonzero(areas < 0)
        corners = face[self._triangles[facing], :2] * 0.5 - 0.5                                   # half-size pixel indices
        depth = face[self._triangles[facing], 2].mean(1)
        covered = rasterise(corners, depth, half, half)

        openings = [polygon_patch(face[ring, :2], half, 0.5) for ring, _ in EYES]
        head = self._outer.head(face)
        flow = self._outer(target, head, half)                                                       # (half, half, 2)
        triangles = facing.take(covered.triangles)
        attributes = np.zeros((5, len(triangles)), np.float32)
        for corner, weight in zip(self._at_corners, covered.weights):
            attributes += corner.take(triangles, 1) * weight
        self._lay_face(flow, covered.pixels, triangles, attributes[:2])
        for opening, (_, iris) in zip(openings, EYES):
            self._shift_iris(flow, face, opening, iris)
        # pixel indices: of the finer portrait for the picture, of the portrait for the painter
        flow -= 0.5
        finer = 2 * flow + np.float32(0.5)
        finer[..., 1] += 2 * self._crown
        flow, finer = (cv2.resize(f, (self.size, self.size), interpolation=cv2.INTER_LINEAR) for f in (flow, finer))
        arms = self._body.place(target)
        person = self._finer(frozenset(arm.side for arm in arms if arm.shown))
        warp = cv2.remap(person, finer, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self._painter.paint(warp, flow, face, head)
        self._lids.paint(warp, face)
        if arms:
            self._body.draw(warp, arms)

        guide = np.zeros((half, half, GUIDE_CHANNELS), np.uint8)
        guide[..., 3] = np.minimum(warp[::2, ::2, 3], OUTSIDE_VALIDITY)
        # a triangle that the portrait shows as large as the target needs it is fully trusted, one it shows from behind not
        trust = np.clip(self._source_areas / np.minimum(areas, -1e-3), 0, 1)
        mesh = np.empty((len(triangles), 4), np.uint8)
        for k in range(3):
            mesh[:, k] = attributes[2 + k]
        mesh[:, 3] = (255 * trust).take(triangles)
        skin = triangles < self._skin_triangles
        # four channels at once, as one number
        guide.view(np.uint32).reshape(-1, 2)[covered.pixels[skin], 0] = mesh.view(np.uint32)[skin, 0]
        self._draw_holes(guide, face, openings)
        guide[..., 7] = draw_skeleton(target, half)
        return Maps(warp, guide)

    def _lay_face(self, flow: np.ndarray, pixels: np.ndarray, triangles: np.ndarray, inner_2N: np.ndarray) -> None:
        """Put the mesh's flow in place of the outer one, and draw that to it where the face goes on beyond the mesh: else
        its edge shows as a seam on forehead and cheeks. Where the mesh ends because it turns away, there is no going on."""
        half, flat, inner = len(flow), flow.reshape(-1, 2), inner_2N.T
        rim = self._rim[triangles]
        at = pixels[rim]
        if not len(at):  # all of it outside the picture, or turned away
            flat[pixels] = inner
            return
        jump = inner[rim] - flat[at]
        jump *= smoothstep(np.hypot(*jump.T) / self._unit, SEAM_JUMP)[:, None]
        width = 2 * int(SEAM * self._unit * half / self.size / 2) + 1
        y, x = np.divmod(at, half)
        top, left = max(y.min() - width, 0), max(x.min() - width, 0)
        box = flow[top : y.max() + width, left : x.max() + width]
        near = np.zeros((*box.shape[:2], 3), np.float32)
        near[y - top, x - left, :2], near[y - top, x - left, 2] = jump, 1
        for _ in range(2):
            near = cv2.blur(near, (width, width), borderType=cv2.BORDER_CONSTANT)
        share = near[..., 2]
        share = np.minimum(share, SEAM_SHARE) / (SEAM_SHARE * np.maximum(share, 1e-6))
        for k in range(2):
            box[..., k] += near[..., k] * share
        flat[pixels] = inner

    @staticmethod
    def _draw_holes(guide: np.ndarray, face: np.ndarray, openings: list[Patch | None]) -> None:
        """Inner mouth, eye openings and irises."""
        half = guide.shape[0]
        mouth = polygon_patch(face[LIPS_INNER, :2], half, 0.5)
        if mouth is not None:
            guide[mouth.rows, mouth.columns, 4] = mouth.mask
        for opening, (_, iris) in zip(openings, EYES):
            if opening is None:
                continue
            eye = guide[opening.rows, opening.columns]
            np.maximum(eye[..., 5], opening.mask, out=eye[..., 5])
            disc = np.zeros((half, half), np.uint8)
            circle = polygon_patch(face[iris + 1:iris + 5, :2], half, 0.5)
            if circle is not None:
                disc[circle.rows, circle.columns] = circle.mask
                visible = np.minimum(disc[opening.rows, opening.columns], opening.mask)
                np.maximum(eye[..., 6], visible, out=eye[..., 6])

    def _areas(self, face: np.ndarray) -> np.ndarray:
        (ax, ay), (bx, by), (cx, cy) = (face.take(corner, 0).T[:2] for corner in self._triangles.T)
        return (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)

    def _shift_iris(self, flow: np.ndarray, face: np.ndarray, opening: Patch | None, iris: int) -> None:
        """Inside an eye the iris keeps its round shape and slides under the lids; the mesh alone would squeeze it. In place."""
        centre, radius = self._iris(face, iris)
        if opening is None or radius < 0.5:
            return
        source_centre, source_radius = self._iris(self.pose.face, iris)
        x, y = opening.x - centre[0], opening.y - centre[1]
        near = np.clip((1.7 - np.sqrt(x * x + y * y) / radius) / 0.6, 0, 1)
        weight = near * (opening.mask > 127)
        view = flow[opening.rows, opening.columns]
        for axis, away in enumerate((x, y)):
            there = source_centre[axis] + away * (source_radius / radius)
            view[..., axis] += weight * (there - view[..., axis])

    @staticmethod
    def _iris(face: np.ndarray, iris: int) -> tuple[np.ndarray, float]:
        circle = face[iris + 1:iris + 5, :2]
        return face[iris, :2], float(np.linalg.norm(circle - face[iris, :2], axis=1).mean())
