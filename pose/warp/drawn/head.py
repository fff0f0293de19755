"""The head of a drawn portrait: one smooth flow. A drawing is flat and its features reach over what a tracker takes for
the face, so a face laid over a head would cut through its eyes; here everything turns as one relief, which goes over
into what is around the head without an edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.tracking.features import MOUTH
from pose.tracking.landmarks import CHIN, FACE_OVAL, PoseFrame
from pose.tracking.mesh import Similarity3D, eye_distance
from pose.tracking.signals import head_transform, to_head_frame
from pose.warp.canvas import VALIDITY, Canvas
from pose.warp.finer_portrait import FinerPortrait
from pose.warp.flow import OuterFlow, OuterMotion
from pose.warp.placement import FlowPlacement, at_nodes


@dataclass(frozen=True)
class DrawnHeadSettings:
    """Lengths in eye distances."""

    nodes: int = 65  # along each side of the flow's grid
    relief: float = 0.7  # of a tracked face's depth: drawn faces are flatter
    smoothing: float = 0.35  # over which the landmarks' depth is smoothed: no nose, no fold
    reach: float = 1.1  # beyond the face's rim, where the head's turn ends
    jaw: float = 0.3  # of the driver's jaw that the chin follows: drawn chins hardly move when a mouth opens
    inversion: int = 12  # steps in which the flow is inverted
    margin: float = 0.5  # of the picture around it on each side, from which the flow may come
    trust: tuple[int, int] = (160, 255)  # validity of 255, far from the face and on it


class DrawnHead:
    """Warps one drawn portrait. person_SS4: uint8 premultiplied RGBA; pose: its fitted landmarks."""

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame, settings: DrawnHeadSettings = DrawnHeadSettings()):
        self._settings = s = settings
        size, face = len(person_SS4), pose.face
        unit = eye_distance(face)
        self._portrait = FinerPortrait(person_SS4, face)
        self._outer = OuterFlow(pose)
        self._own = to_head_frame(face, head_transform(face))
        self._first, self._step = -s.margin * size, (1 + 2 * s.margin) * size / (s.nodes - 1)
        line = (self._first + self._step * np.arange(s.nodes)).astype(np.float32)
        points = np.stack(np.meshgrid(line, line), -1).reshape(-1, 2)  # (P, 2) px of the portrait
        near = np.exp(-(((points[:, None] - face[None, :, :2]) / (s.smoothing * unit)) ** 2).sum(2))
        rim = float(face[list(FACE_OVAL), 2].mean())
        # far from all landmarks as deep as the rim
        depth = (near @ face[:, 2] + rim) / (near.sum(1) + 1)
        self._solid = np.column_stack([points, rim + s.relief * (depth - rim)]).astype(np.float32)
        hull = cv2.convexHull(face[:, :2].astype(np.float32))
        beyond = np.array([-cv2.pointPolygonTest(hull, (float(x), float(y)), True) for x, y in points]) / unit
        self._weight = (1 - smoothstep(beyond, (0, s.reach)))[:, None].astype(np.float32)
        lips, chin = face[list(MOUTH.middles), 1].mean(), face[CHIN, 1]
        self._chin = (smoothstep(points[:, 1], (lips, max(chin, lips + 1))) * self._weight[:, 0])[:, None]
        down = face[CHIN, :2] - face[list(MOUTH.middles), :2].mean(0)
        self._down = down / max(float(np.hypot(*down)), 1e-6)

    def place(self, target: PoseFrame, head: Similarity3D, size: int) -> FlowPlacement:
        half, n = size // 2, self._settings.nodes
        outer = self._outer(target, head)
        forward = self._forward(target, head, outer)
        source = self._inverted(forward, outer)
        # node k of the grid lies at first + k * step px of the picture; the flow's pixel j at 2 j + 1
        scale = 2 / self._step
        matrix = np.array([[scale, 0, (1 - self._first) / self._step], [0, scale, (1 - self._first) / self._step]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        flow = cv2.warpAffine(source, matrix, (half, half), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return FlowPlacement(flow, forward.reshape(n, n, 2), self._first, self._step)

    def paint(self, canvas: Canvas) -> None:
        s, flow = self._settings, canvas.placement.flow
        canvas.flow[:] = flow
        self._portrait.fetch(canvas)
        if canvas.guide is None:
            return
        weight = self._at(self._weight.reshape(s.nodes, s.nodes, 1), flow)
        trust = s.trust[0] + (s.trust[1] - s.trust[0]) * weight
        canvas.guide[..., VALIDITY] = np.minimum(canvas.picture[::2, ::2, 3], trust)

    def _forward(self, target: PoseFrame, head: Similarity3D, outer: OuterMotion) -> np.ndarray:
        """(P, 2) px, where the grid's points go."""
        around = outer.forward(self._solid[:, :2])
        turned = head(self._solid)[:, :2]
        own_head = head_transform(target.face)
        shape = to_head_frame(target.face, own_head)
        lips = list(MOUTH.middles)
        change = (shape[CHIN, 1] - shape[lips[0], 1]) - (self._own[CHIN, 1] - self._own[lips[0], 1])
        drop = self._settings.jaw * change * own_head.scale
        turned = turned + drop * self._chin * self._down
        return around + self._weight * (turned - around)

    def _inverted(self, forward: np.ndarray, outer: OuterMotion) -> np.ndarray:
        """(nodes, nodes, 2) float32 where the grid's points come from, by fixed-point iteration."""
        n = self._settings.nodes
        target = self._solid[:, :2].reshape(n, n, 2)
        # what the head does beyond the motion around it: small, and none at the grid's edge
        back = outer.backward(forward.astype(np.float32)).reshape(n, n, 2)
        excess = np.ascontiguousarray(back - target)
        base = outer.backward(self._solid[:, :2]).reshape(n, n, 2).astype(np.float32)
        source = base.copy()
        for _ in range(self._settings.inversion):
            source += 0.7 * (base - self._at(excess, source) - source)  # damped: converges under strong turns too
        return source

    def _at(self, values: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Values (nodes, nodes, C) of the grid at places (h, w, 2) px."""
        return at_nodes(values, places, self._first, self._step)
