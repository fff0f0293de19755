"""Meshes laid over a picture one above the other, rasterised all at once: one call costs as much as ten small ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pose.raster import Coverage, rasterise


@dataclass(frozen=True, eq=False)
class Part:
    """One mesh. points: (V, 2) in pixels of the picture; triangles: (M, 3) of them; depth: (M,), smaller = nearer;
    finer: pixels that are painted per pixel of the picture and side; paint: makes (N, 4) uint8 premultiplied RGBA of
    the N covered pixels, whose triangles are named by their index in `triangles`."""

    points: np.ndarray
    triangles: np.ndarray
    depth: np.ndarray
    finer: int
    paint: Callable[[Coverage], np.ndarray]


Box = tuple[slice, slice]  # rows and columns of a picture


@dataclass(frozen=True, eq=False)
class _Placed:
    """A part, which of its triangles are in the picture, and a box around them."""

    part: Part
    chosen: np.ndarray
    left: int
    top: int
    right: int
    bottom: int

    @property
    def tall(self) -> int:
        """Painted pixels."""
        return self.part.finer * (self.bottom - self.top)

    @property
    def wide(self) -> int:
        return self.part.finer * (self.right - self.left)


def lay_parts(picture_HW4: np.ndarray, parts: list[Part]) -> Box | None:
    """Draw parts over a premultiplied uint8 RGBA picture, the first one lowest, in place; where, None for nowhere."""
    height, width = picture_HW4.shape[:2]
    drawn = [placed for part in parts if (placed := _place(part, width, height)) is not None]
    if not drawn:
        return None
    # one canvas with a box for each part, one above the other
    tops = np.cumsum([0, *(each.tall for each in drawn)])
    wide = max(each.wide for each in drawn)
    corners = []
    for each, top in zip(drawn, tops.tolist()):
        finer = np.float32(each.part.finer)
        points = each.part.points.astype(np.float32) * finer
        points -= np.array([each.left * finer + 0.5, each.top * finer + 0.5 - top], np.float32)
        corners.append(points.take(each.part.triangles.take(each.chosen, 0), 0))
    depth = np.concatenate([each.part.depth.take(each.chosen) for each in drawn])
    covered = rasterise(np.concatenate(corners), depth, int(tops[-1]), wide)
    canvas = np.zeros((int(tops[-1]), wide, 4), np.uint8)
    pixels = canvas.view(np.uint32).reshape(-1)  # a pixel as one number
    ends = np.searchsorted(covered.pixels, tops * wide).tolist()
    begin = 0
    for each, top, first, last in zip(drawn, tops.tolist(), ends, ends[1:]):
        if last > first:
            mine = slice(first, last)
            triangles = each.chosen.take(covered.triangles[mine] - begin)
            painted = each.part.paint(Coverage(covered.pixels[mine], triangles, covered.weights[:, mine]))
            pixels[covered.pixels[mine]] = painted.view(np.uint32).reshape(-1)
            _lay(picture_HW4, canvas[top : top + each.tall, : each.wide], each)
        begin += len(each.chosen)
    rows = slice(max(min(each.top for each in drawn), 0), min(max(each.bottom for each in drawn), height))
    return rows, slice(max(min(each.left for each in drawn), 0), min(max(each.right for each in drawn), width))


def box_of(mask_HW: np.ndarray) -> Box | None:
    """Around all that is not 0."""
    rows, columns = (np.flatnonzero(mask_HW.any(axis)) for axis in (1, 0))
    return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else None


def lay_over(below: np.ndarray, above: np.ndarray) -> None:
    """Premultiplied RGBA uint8 over premultiplied RGBA, in place."""
    hidden = cv2.merge([255 - above[..., 3]] * 4)
    below[:] = cv2.add(cv2.multiply(below, hidden, scale=1 / 255), above)


def _place(part: Part, width: int, height: int) -> _Placed | None:
    (left, top), (right, bottom) = part.points.min(0).tolist(), part.points.max(0).tolist()
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        return None
    chosen = np.arange(len(part.triangles))
    if left < 0 or top < 0 or right > width or bottom > height:  # no larger canvas than what is seen needs
        x, y = part.points.T.take(part.triangles.T, 1)
        low, high = (np.stack([at.min(0), at.max(0)]) for at in (x, y))
        chosen = np.flatnonzero((low[1] > 0) & (high[1] > 0) & (low[0] < width) & (high[0] < height))
        if not len(chosen):
            return None
        (left, right), (top, bottom) = ((at[0, chosen].min(), at[1, chosen].max()) for at in (low, high))
    return _Placed(part, chosen, math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))


def _lay(picture: np.ndarray, box: np.ndarray, placed: _Placed) -> None:
    if placed.part.finer > 1:
        size = (placed.right - placed.left, placed.bottom - placed.top)
        box = cv2.resize(box, size, interpolation=cv2.INTER_AREA)
    height, width = picture.shape[:2]
    left, top = max(placed.left, 0), max(placed.top, 0)
    right, bottom = min(placed.right, width), min(placed.bottom, height)
    inside = box[top - placed.top : bottom - placed.top, left - placed.left : right - placed.left]
    lay_over(picture[top:bottom, left:right], np.ascontiguousarray(inside))
