"""How much of a portrait is shown: its person's head, bust or whole figure, or the picture as it is.

A frame is a window of the output's shape. The square around it is what the rest of the program works on; where that
reaches beyond the picture there is nothing of the person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.tracking.landmarks import CHIN, FACE_OVAL, FOREHEAD

FRAMINGS = ("auto", "head", "bust", "full", "portrait")
# All in heights of the face, forehead to chin
HAIR = (0.35, 1.6)  # how far above the forehead a head is believed to reach, at least and at most
ABOVE_HEAD = 0.15  # room above the hair
HEAD_BELOW, HEAD_WIDTH = 0.45, 1.9  # under the chin; across
BUST_BELOW, BUST_WIDTH = 1.75, 2.7
LEAST_BELOW = 0.15  # under the chin: a window without that reaches beyond the picture rather than cut the head
FULL_ROOM = 0.05  # of the figure, around it
CUT_ROOM = (0.3, 0.5)  # of the face's width and height, kept around it where the picture's own frame would cut it
KEEPS = 0.75  # of the largest window's height, from which `auto` shows all of it
SHARPEST = 1.5  # output pixels per pixel of the picture that `auto` enlarges to
COLUMN = 0.3  # face heights at both sides of the face's middle in which its hair is looked for
OPAQUE = 0.5  # of the matte


@dataclass(frozen=True)
class Frame:
    """A square of the picture, in its pixels: it may reach beyond the picture. Its centred part of the output's shape
    is what will be seen."""

    left: int
    top: int
    side: int


def frame_portrait(
    size: tuple[int, int], face: np.ndarray, framing: str, aspect: float, pixels: int, matte: np.ndarray | None = None
) -> Frame:
    """The frame of a picture of `size` (width, height).

    face: (478, 3) landmarks in it. framing: one of FRAMINGS. aspect: width / height of the output, pixels: its longer
    side. matte: (H, W) 0..1 of the person, needed for all but "portrait".
    """
    width, height = size
    largest = min(height, width / aspect)
    if framing == "portrait":
        return _square(*_kept(size, face, largest, aspect), largest, aspect)
    outline = face[list(FACE_OVAL), :2]
    unit = max(float(outline[:, 1].max() - outline[:, 1].min()), 1.0)
    middle = float(outline[:, 0].mean())
    top = _top_of_head(face, unit, matte) - ABOVE_HEAD * unit
    chin = float(max(face[CHIN, 1], outline[:, 1].max()))
    if framing == "full":
        return _full(size, matte, aspect)
    below, across = (HEAD_BELOW, HEAD_WIDTH) if framing == "head" else (BUST_BELOW, BUST_WIDTH)
    tall = max(chin + below * unit - top, across * unit / aspect)
    if framing == "auto":
        tall = max(tall, pixels * min(1.0, 1 / aspect) / SHARPEST)
        if tall > KEEPS * largest:
            tall = largest
    tall = max(min(tall, largest), min(chin + LEAST_BELOW * unit - top, width, height))
    if tall > chin + below * unit - top:  # a window that must be wider has the head in its upper part, not in a corner
        top = min(top, chin + below * unit - tall + 0.5 * (tall - (chin + below * unit - top)))
    return _square(_across(middle, tall * aspect, width), _down(top, tall, height), tall, aspect)


def _full(size: tuple[int, int], matte: np.ndarray | None, aspect: float) -> Frame:
    """The whole figure, which may need more room at the sides than the picture has."""
    width, height = size
    ys, xs = np.nonzero(matte > OPAQUE) if matte is not None else (np.array([0, height - 1]), np.array([0, width - 1]))
    if not len(ys):
        ys, xs = np.array([0, height - 1]), np.array([0, width - 1])
    tall, wide = (float(np.ptp(axis) + 1) * (1 + 2 * FULL_ROOM) for axis in (ys, xs))
    tall = max(tall, wide / aspect)
    middle = (xs.min() + xs.max() + 1) / 2
    top = ys.min() - FULL_ROOM * np.ptp(ys)
    return _square(_across(middle, tall * aspect, width), _down(top, tall, height), tall, aspect)


def _square(left: float, top: float, tall: float, aspect: float) -> Frame:
    """The square around a window whose height is `tall`."""
    wide = tall * aspect
    side = max(tall, wide)
    return Frame(int(round(left - (side - wide) / 2)), int(round(top - (side - tall) / 2)), int(round(side)))


def _across(middle: float, extent: float, available: int) -> float:
    """Left end of a window about a column, inside the picture where it can be."""
    begin = middle - extent / 2
    return begin if extent > available else float(np.clip(begin, 0, available - extent))


def _down(begin: float, extent: float, available: int) -> float:
    """Upper end of a window; one that is taller than the picture ends with it, where a person is cut off."""
    return available - extent if extent > available else float(np.clip(begin, 0, available - extent))


def _kept(size: tuple[int, int], face: np.ndarray, tall: float, aspect: float) -> tuple[float, float]:
    """Left and top of the largest window: centred, unless that cuts through the face."""
    x, y = face[list(FACE_OVAL), :2].T
    left, top = ((extent - span) // 2 for extent, span in zip(size, (tall * aspect, tall)))
    return (
        _around(x, left, tall * aspect, size[0], CUT_ROOM[0]),
        _around(y, top, tall, size[1], CUT_ROOM[1]),
    )


def _around(outline: np.ndarray, begin: float, span: float, extent: int, room: float) -> float:
    """Where the window begins along one axis: at `begin`, unless the outline of the face reaches beyond it there."""
    first, last = outline.min(), outline.max()
    room = room * (last - first)
    if first < begin:
        return int(max(first - room, 0))
    if last > begin + span:
        return int(min(last + room, extent)) - span
    return begin


def _top_of_head(face: np.ndarray, unit: float, matte: np.ndarray | None) -> float:
    """Row at which the hair above the face ends."""
    forehead = float(face[FOREHEAD, 1])
    least, most = forehead - HAIR[0] * unit, forehead - HAIR[1] * unit
    if matte is None:
        return least
    x = float(face[FOREHEAD, 0])
    columns = matte[: max(int(forehead), 1), max(int(x - COLUMN * unit), 0) : max(int(x + COLUMN * unit), 1)]
    empty = np.flatnonzero(columns.mean(1) < OPAQUE / 2) if columns.size else np.array([], int)
    top = float(empty[-1] + 1) if len(empty) else 0.0
    return float(np.clip(top, most, least))
