"""Arms and hands laid over the warped person, and the guide told that they hide the face."""

from __future__ import annotations

import math

import cv2
import numpy as np

from pose.body.layers import BodyLayers
from pose.body.parts import Box, box_of, lay_over
from pose.tracking.landmarks import PoseFrame

from .canvas import SKELETON, VALIDITY, Canvas

VALIDITY_OF_ARMS = 160  # of 255, as all that is not the face: the network leaves it as it is
COARSE = 8  # px between the places at which a flow is looked at
REACH = 2 * COARSE  # px of the portrait that may lie between two of them
SEARCHES = 4  # steps in which a point of the torso is found in the warped picture


class ArmsPainter:
    """Draws the arms of one portrait. person_SS4: uint8 premultiplied RGBA; pose: its landmarks, with a face."""

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame):
        self._layers = BodyLayers(person_SS4, pose)

    def paint(self, canvas: Canvas) -> None:
        arms = self._layers.place(canvas.target, lambda point: _moved(canvas.flow, point))
        if not arms:
            return
        taken = frozenset(arm.side for arm in arms if arm.shown)
        if taken:
            self._take_away(canvas, taken)
        layer = np.zeros_like(canvas.picture)
        box = self._layers.draw(layer, arms)
        if box is None:
            return
        # even, for the guide is half as large
        rows, columns = (slice(at.start // 2 * 2, -(-at.stop // 2) * 2) for at in box)
        layer = layer[rows, columns]
        lay_over(canvas.picture[rows, columns], layer)
        canvas.before[rows, columns] = layer[..., 3]
        if canvas.guide is None:
            return
        alpha = layer[::2, ::2, 3]
        view = canvas.guide[rows.start // 2 : rows.stop // 2, columns.start // 2 : columns.stop // 2]
        seen = (255 - alpha)[..., None]
        hidden = view[..., :SKELETON].astype(np.uint16) * seen // 255
        hidden[..., VALIDITY] += np.uint16(VALIDITY_OF_ARMS) * alpha // 255
        view[..., :SKELETON] = hidden

    def _take_away(self, canvas: Canvas, sides: frozenset[str]) -> None:
        """Show what is behind the portrait's own arms."""
        torso, gone, around = self._layers.torso(sides)
        box = _fetched_from(canvas.flow, around)
        if box is None:
            return
        source = canvas.source(*box)
        away = cv2.remap(gone, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        behind = cv2.remap(torso, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        kept = cv2.multiply(canvas.picture[box], cv2.merge([cv2.bitwise_not(away)] * 4), scale=1 / 255)
        canvas.picture[box] = cv2.add(kept, behind)


def _fetched_from(flow_hh2: np.ndarray, box: Box) -> Box | None:
    """Box of the picture that holds every pixel fetched from a box of the portrait, where the flow is smooth."""
    coarse = flow_hh2[COARSE // 4 :: COARSE // 2, COARSE // 4 :: COARSE // 2]
    inside = np.ones(coarse.shape[:2], bool)
    for at, axis in zip(box, (1, 0), strict=True):
        inside &= (coarse[..., axis] > at.start - REACH) & (coarse[..., axis] < at.stop + REACH)
    found = box_of(inside)
    if found is None:
        return None
    rows, columns = (slice(COARSE * at.start, COARSE * at.stop) for at in found)
    return rows, columns


def _moved(flow_hh2: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(2,) the pixel of the warped picture that shows a point of the portrait, nearly."""
    last = len(flow_hh2) - 1
    (x, y), (to_x, to_y) = point.tolist(), point.tolist()
    for _ in range(SEARCHES):
        column, row = (min(max(math.floor(at / 2), 0), last) for at in (x, y))
        from_x, from_y = flow_hh2[row, column].tolist()
        # near a pixel's middle the flow is a shift
        x, y = to_x - from_x + 2 * column + 1, to_y - from_y + 2 * row + 1
    return np.array([x, y])
