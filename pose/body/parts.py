"""Meshes laid over a picture one above the other, rasterised all at once: one call costs as much as ten small ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pose.raster import Coverage, rasterise


@dataclass(frozen=True, eq=False)
class Part:
    """One mesh. corners: (M, 3, 2) its triangles in pixels of the picture; depth: (M,), smaller = nearer; finer: pixels
    that are painted per pixel of the picture and side; paint: makes (N, 4) uint8 premultiplied RGBA of the N covered
    pixels, whose triangles are named by their index in `corners`."""

    corners: np.ndarray
    depth: np.ndarray
    finer: int
    paint: Callable[[Coverage], np.ndarray]


Box = tuple[slice, slice]  # rows and columns of a picture


def lay_parts(picture_HW4: np.ndarray, parts: list[Part]) -> Box | None:
    """Draw parts over a premultiplied uint8 RGBA picture, the first one lowest, in place; where, None for nowhere."""
    height, width = picture_HW4.shape[:2]
    placed = [_place(part, width, height) for part in parts]
    drawn = [(part, *place) for part, place in zip(parts, placed) if place is not None]
    if not drawn:
        return None
    # one canvas with a box for each part, one above the other
    sizes = [part.finer * (high - low) for part, _, low, high in drawn]
    tops = np.cumsum([0, *(int(size[1]) for size in sizes)])
    wide = int(max(size[0] for size in sizes))
    corners = [
        (part.corners[chosen] - low) * part.finer + np.array([-0.5, top - 0.5])
        for (part, chosen, low, _), top in zip(drawn, tops)
    ]
    depth = [part.depth[chosen] for part, chosen, _, _ in drawn]
    covered = rasterise(np.concatenate(corners), np.concatenate(depth), int(tops[-1]), wide)
    begin = 0
    ends = np.searchsorted(covered.pixels, tops * wide)
    for (part, chosen, low, high), size, top, first, last in zip(drawn, sizes, tops, ends, ends[1:]):
        if last > first:
            mine = slice(int(first), int(last))
            triangles = chosen.take(covered.triangles[mine] - begin)
            pixels = covered.pixels[mine] - top * wide
            canvas = np.zeros((int(size[1]) * wide, 4), np.uint8)
            canvas[pixels] = part.paint(Coverage(pixels, triangles, covered.weights[:, mine]))
            box = canvas.reshape(int(size[1]), wide, 4)[:, : int(size[0])]
            _lay(picture_HW4, box, low, high, part.finer)
        begin += len(chosen)
    left, top = np.maximum(np.min([low for _, _, low, _ in drawn], 0), 0).tolist()
    right, bottom = np.minimum(np.max([high for _, _, _, high in drawn], 0), [width, height]).tolist()
    return slice(top, bottom), slice(left, right)


def box_of(mask_HW: np.ndarray) -> Box | None:
    """Around all that is not 0."""
    rows, columns = (np.flatnonzero(mask_HW.any(axis)) for axis in (1, 0))
    return (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)) if len(rows) else None


def lay_over(below: np.ndarray, above: np.ndarray) -> None:
    """Premultiplied RGBA uint8 over premultiplied RGBA, in place."""
    hidden = cv2.merge([255 - above[..., 3]] * 4)
    below[:] = cv2.add(cv2.multiply(below, hidden, scale=1 / 255), above)


def _place(part: Part, width: int, height: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The triangles that are in the picture, and the corners low and high (x, y) of a box around them."""
    a, b, c = part.corners.transpose(1, 2, 0)  # (2, M) each: numpy is slow along short axes
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    chosen = np.flatnonzero((high[0] > 0) & (high[1] > 0) & (low[0] < width) & (low[1] < height))
    if not len(chosen):
        return None
    if len(chosen) < len(part.corners):
        low, high = low.take(chosen, 1), high.take(chosen, 1)
    return chosen, np.floor(low.min(1)).astype(int), np.ceil(high.max(1)).astype(int)


def _lay(picture: np.ndarray, box: np.ndarray, low: np.ndarray, high: np.ndarray, finer: int) -> None:
    if finer > 1:
        wide, tall = (high - low).tolist()
        box = cv2.resize(box, (wide, tall), interpolation=cv2.INTER_AREA)
    height, width = picture.shape[:2]
    left, top = np.maximum(low, 0)
    right, bottom = np.minimum(high, [width, height])
    inside = box[top - low[1] : bottom - low[1], left - low[0] : right - low[0]]
    lay_over(picture[top:bottom, left:right], np.ascontiguousarray(inside))
