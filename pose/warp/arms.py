"""Arms and hands laid over the warped person, and the guide told that they hide the face."""

from __future__ import annotations

import cv2
import numpy as np

from pose.body.layers import BodyLayers
from pose.body.parts import lay_over
from pose.tracking.landmarks import PoseFrame

from .canvas import SKELETON, VALIDITY, Canvas

VALIDITY_OF_ARMS = 160  # of 255, as all that is not the face: the network leaves it as it is
SEARCHES = 4  # steps in which a point of the torso is found in the warped picture


class ArmsPainter:
    """Draws the arms of one portrait. person_SS4: uint8 premultiplied RGBA; pose: its landmarks, with a face."""

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame):
        self._layers = BodyLayers(person_SS4, pose)

    def paint(self, canvas: Canvas) -> None:
        arms = self._layers.place(canvas.target, lambda point: _moved(canvas.source_SS2, point))
        if not arms:
            return
        taken = frozenset(arm.side for arm in arms if arm.shown)
        if taken:
            self._take_away(canvas, taken)
        layer = np.zeros_like(canvas.picture)
        self._layers.draw(layer, arms)
        lay_over(canvas.picture, layer)
        canvas.before[:] = layer[..., 3]
        if canvas.guide is None:
            return
        alpha = layer[::2, ::2, 3]
        ys, xs = (np.flatnonzero(alpha.any(axis)) for axis in (1, 0))
        if not len(ys):
            return
        box = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
        view, seen = canvas.guide[box], (255 - alpha[box])[..., None]
        hidden = view[..., :SKELETON].astype(np.uint16) * seen // 255
        hidden[..., VALIDITY] += np.uint16(VALIDITY_OF_ARMS) * (255 - seen[..., 0]) // 255
        view[..., :SKELETON] = hidden

    def _take_away(self, canvas: Canvas, sides: frozenset[str]) -> None:
        """Show what is behind the portrait's own arms."""
        torso, gone = self._layers.torso(sides)
        away = cv2.remap(gone, canvas.source_SS2, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        ys, xs = (np.flatnonzero(away.any(axis)) for axis in (1, 0))
        if not len(ys):
            return
        box = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
        behind = cv2.remap(torso, canvas.source_SS2[box], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        weight = cv2.merge([away[box]] * 4)
        kept = cv2.multiply(canvas.picture[box], 255 - weight, scale=1 / 255)
        canvas.picture[box] = cv2.add(kept, cv2.multiply(behind, weight, scale=1 / 255))


def _moved(source_SS2: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(2,) the pixel of the warped picture that shows a point of the portrait, nearly."""
    size = len(source_SS2)
    at = point.astype(np.float64)
    for _ in range(SEARCHES):
        x, y = np.clip(np.floor(at), 0, size - 1).astype(int)
        inside = np.array([x, y])
        at = at + point - (source_SS2[y, x] + 0.5 + at - (inside + 0.5))
    return at
