"""Arms and hands laid over the warped person, and the guide told that they hide the face."""

from __future__ import annotations

import cv2
import numpy as np

from pose.body.layers import BodyLayers
from pose.body.parts import lay_over
from pose.tracking.landmarks import PoseFrame

from .canvas import SKELETON, VALIDITY, Canvas

VALIDITY_OF_ARMS = 160  # of 255, as all that is not the face: the network leaves it as it is
STEP = 8  # px, by which the warped picture is sampled for where an arm may be shown
REACH = 2 * STEP  # px of the portrait around an arm, so that no sample misses it where the warp shrinks it
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
        box = _box(layer[..., 3])
        if box is None:
            return
        lay_over(canvas.picture[box], np.ascontiguousarray(layer[box]))
        if canvas.guide is None:
            return
        alpha = layer[::2, ::2, 3]
        box = tuple(slice(at.start // 2, -(-at.stop // 2)) for at in box)
        view, seen = canvas.guide[box], (255 - alpha[box])[..., None]
        hidden = view[..., :SKELETON].astype(np.uint16) * seen // 255
        hidden[..., VALIDITY] += np.uint16(VALIDITY_OF_ARMS) * (255 - seen[..., 0]) // 255
        view[..., :SKELETON] = hidden

    def _take_away(self, canvas: Canvas, sides: frozenset[str]) -> None:
        """Show what is behind the portrait's own arms."""
        torso, gone = self._layers.torso(sides)
        near = _near(canvas.source_SS2, _box(gone))
        if near is None:
            return
        there = canvas.source_SS2[near]
        away = cv2.remap(gone, there, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = _box(away)
        if inside is None:
            return
        box = tuple(slice(out.start + at.start, out.start + at.stop) for out, at in zip(near, inside))
        behind = cv2.remap(torso, there[inside], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        weight = cv2.merge([away[inside]] * 4)
        kept = cv2.multiply(canvas.picture[box], 255 - weight, scale=1 / 255)
        canvas.picture[box] = cv2.add(kept, cv2.multiply(behind, weight, scale=1 / 255))


def _box(mask: np.ndarray) -> tuple[slice, slice] | None:
    """The rectangle of what is not 0."""
    x, y, width, height = cv2.boundingRect(mask)
    return np.s_[y : y + height, x : x + width] if width else None


def _near(source_SS2: np.ndarray, box: tuple[slice, slice] | None) -> tuple[slice, slice] | None:
    """A rectangle of the warped picture that holds all that it shows of a box of the portrait."""
    if box is None:
        return None
    x, y = np.moveaxis(source_SS2[::STEP, ::STEP], -1, 0)
    rows, columns = box
    low, high = (np.array([columns.start, rows.start]) - REACH, np.array([columns.stop, rows.stop]) + REACH)
    inside = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])
    found = _box(inside.astype(np.uint8))
    return None if found is None else tuple(
        slice(max((at.start - 1) * STEP, 0), min(at.stop * STEP + 1, len(source_SS2))) for at in found
    )


def _moved(source_SS2: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(2,) the pixel of the warped picture that shows a point of the portrait, nearly."""
    size = len(source_SS2)
    at = point.astype(np.float64)
    for _ in range(SEARCHES):
        x, y = np.clip(np.floor(at), 0, size - 1).astype(int)
        inside = np.array([x, y])
        at = at + point - (source_SS2[y, x] + 0.5 + at - (inside + 0.5))
    return at
