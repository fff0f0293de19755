"""One frame on its way through the painters, and what a painter is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import Similarity3D

from .placement import Placement

GUIDE_CHANNELS = 8
# Channels of the guide
MESH_COLOUR = slice(0, 3)  # canonical face position as colour
VALIDITY = 3  # of the warp
INNER_MOUTH, EYE_OPENING, IRIS, SKELETON = 4, 5, 6, 7


@dataclass(frozen=True, eq=False)
class Canvas:
    """One frame for a target pose; painters change its arrays in place.

    picture: (S, S, 4) uint8 premultiplied RGBA.
    guide: (S/2, S/2, 8) uint8, channels as named above; None where only the picture is wanted.
    flow: (S/2, S/2, 2) float32, the place in the portrait, px, that each pixel of half the picture shows.
    target: the pose to paint, with a face, in pixels of the picture.
    head: how the skull moved from the portrait to the target, in 3D pixels.
    placement: where the frame shows each point of the portrait's head.
    before: (S, S) uint8 alpha of what is drawn before the head: arms and hands.
    """

    picture: np.ndarray
    guide: np.ndarray | None
    flow: np.ndarray
    target: PoseFrame
    head: Similarity3D
    placement: Placement
    before: np.ndarray

    @staticmethod
    def blank(size: int, target: PoseFrame, head: Similarity3D, placement: Placement, guided: bool) -> Canvas:
        """Nothing painted yet: transparent, an empty guide or none."""
        half = size // 2
        return Canvas(
            np.zeros((size, size, 4), np.uint8),
            np.zeros((half, half, GUIDE_CHANNELS), np.uint8) if guided else None,
            np.zeros((half, half, 2), np.float32),
            target,
            head,
            placement,
            np.zeros((size, size), np.uint8),
        )

    @property
    def size(self) -> int:
        """S, side of the picture in pixels."""
        return len(self.picture)

    def source(self, rows: slice, columns: slice) -> np.ndarray:
        """(h, w, 2) float32, for these rows and columns of the picture: the pixel index (0.0 = centre of the first
        pixel) of the portrait that each pixel shows."""
        first = [max(at.start // 2 - 1, 0) for at in (rows, columns)]  # a pixel more, between which is interpolated
        near = self.flow[first[0] : rows.stop // 2 + 1, first[1] : columns.stop // 2 + 1]
        finer = cv2.resize(near, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        finer -= np.float32(0.5)
        top, left = rows.start - 2 * first[0], columns.start - 2 * first[1]
        return finer[top : top + rows.stop - rows.start, left : left + columns.stop - columns.start]


class Painter(Protocol):
    """One part of the person. Painters are made once per portrait and called in their order, back to front: each lays
    itself over what is there already, in `picture` and, where there is one, in the channels of `guide` that say where
    it is."""

    def paint(self, canvas: Canvas) -> None: ...


class HeadPainter(Painter, Protocol):
    """The first painter of a portrait, which decides where the others find what."""

    def place(self, target: PoseFrame, head: Similarity3D, size: int) -> Placement:
        """For a frame of size x size pixels."""


def blend(canvas_SS4: np.ndarray, rows: slice, columns: slice, colour_hw3: np.ndarray, alpha_hw: np.ndarray) -> None:
    """Lay opaque colours over a rectangle of a premultiplied uint8 RGBA picture, in place. alpha_hw: 0..1."""
    view = canvas_SS4[rows, columns].astype(np.float32)
    np.minimum(np.maximum(colour_hw3, 0, out=colour_hw3), 255, out=colour_hw3)
    alpha = alpha_hw[..., None]
    view[..., :3] += alpha * (colour_hw3 - view[..., :3])
    view[..., 3:] += alpha * (255 - view[..., 3:])
    canvas_SS4[rows, columns] = np.rint(view)
