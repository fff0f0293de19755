"""From a pose to what the generator sees: the portrait warped to the pose, and a guide that says what is where.

The warp is the identity mechanism: the network only has to repair what a warp cannot do. The guide carries the dense
face map (each vertex's canonical position as colour), how far the warp can be trusted, the openings of mouth and eyes,
the irises, and the skeleton of body and hands.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.portrait.drawn.analysis import Drawing
from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, fit_similarity

from .canvas import Canvas
from .painters import portrait_painters


@dataclass(frozen=True)
class Maps:
    """The condition of one video frame.

    warp: (S, S, 4) uint8 premultiplied RGBA, the portrait warped to the pose, with teeth in a mouth that it never
    opened so far and skin on lids that it never closed.
    guide: (S/2, S/2, 8) uint8: 0-2 canonical face position as colour, 3 validity of the warp, 4 inner mouth, 5 eye
    opening, 6 iris, 7 body and hands.
    """

    warp: np.ndarray
    guide: np.ndarray


class Conditioner:
    """Makes the maps of one prepared portrait for any target pose.

    person_SS4: (S, S, 4) uint8 premultiplied RGBA, S a multiple of 16. pose: the portrait's own landmarks in that
    picture. drawing: the layers of a drawn portrait. Raises ValueError when the pose has no face or the picture is not
    square RGBA.
    """

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame, drawing: Drawing | None = None):
        if person_SS4.ndim != 3 or person_SS4.shape[0] != person_SS4.shape[1] or person_SS4.shape[2] != 4:
            raise ValueError(f"the portrait must be a square RGBA picture, not {person_SS4.shape}")
        if person_SS4.shape[0] % 16:
            raise ValueError(f"the portrait's size must be a multiple of 16, not {person_SS4.shape[0]}")
        if pose.face is None:
            raise ValueError("the portrait's pose has no face landmarks")
        self.size = person_SS4.shape[0]
        self.pose = pose
        self.head, self.painters = portrait_painters(np.ascontiguousarray(person_SS4), pose, drawing)

    def maps(self, target: PoseFrame) -> Maps:
        """Maps for one target pose (in the portrait's S x S picture). The pose must have a face."""
        canvas = self.paint(target, guided=True)
        return Maps(canvas.picture, canvas.guide)

    def warp(self, target: PoseFrame) -> np.ndarray:
        """`Maps.warp` alone: a seventh of the work is the guide's."""
        return self.paint(target, guided=False).picture

    def paint(self, target: PoseFrame, guided: bool) -> Canvas:
        """All that is known of the frame, whose picture is the warp; its guide only where that is wanted."""
        head = fit_similarity(self.pose.face[RIGID_LANDMARKS], target.face[RIGID_LANDMARKS])
        placement = self.head.place(target, head, self.size)
        canvas = Canvas.blank(self.size, target, head, placement, guided)
        for painter in (self.head, *self.painters):
            painter.paint(canvas)
        return canvas
