"""A drawn mouth at any opening and width."""

from __future__ import annotations

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.portrait.drawn.colours import Layer
from pose.portrait.drawn.mouth import CLOSES_AT, DrawnMouth

from .layers import over, sheet

WIDTHS = (0.72, 1.3)  # of its own width
UPWARDS = 0.2  # of an opening is the upper lip's way
LARGEST_STRETCH = 1.8  # of its own height that an open mouth opens
LEAST_GAP = 0.25  # px, from which lips are parted
TEETH_FROM, TEETH_FULL = 0.45, 0.65  # openings over half the width, between which the teeth come down
TEETH_SHARE, TEETH_WIDTH = 0.2, 0.72  # of the opening; of the width
TONGUE_FROM, TONGUE_FULL = 0.2, 0.7  # as for the teeth
TONGUE_HIGH, TONGUE_WIDE = 0.42, 0.62  # of the opening and of the width
RIM = 0.16  # of half the width, that an opened mouth's outline is thick at most
FLATTENED = 0.35  # share of its own height, below which an open mouth goes over into a line


def painted_mouth(mouth: DrawnMouth, own: np.ndarray, opening: float, width: float, smile: float) -> np.ndarray:
    """The mouth's box of the portrait, (h, w, 4) uint8 straight RGBA, to be laid over it.

    own: (h, w, 3) the same box as the portrait has it. opening: px between the lips. width: 1 as the portrait has it.
    smile: px that the corners rise.
    """
    w = mouth.own.alpha.shape[1]
    x = np.arange(w, dtype=np.float32)[None]
    centre, half = (mouth.left + mouth.right) / 2, max((mouth.right - mouth.left) / 2, 1)
    width = float(np.clip(width, *WIDTHS))
    across = (x - centre) * np.float32(1 / width)  # (1, w), in the portrait's mouth
    place = np.clip(across / half, -1.2, 1.2)
    lift = smile * (place**2 - 0.3)  # (1, w) px that a column rises
    paint = _own_mouth if mouth.seam is None else _parted
    picture, alpha = paint(mouth, opening, across + centre, lift, place, half * width)
    return sheet(over(mouth.front, own, picture), alpha, mouth.removed)


def _fetch(layer: Layer, source_x: np.ndarray, source_y: np.ndarray) -> Layer:
    source_x = np.ascontiguousarray(np.broadcast_to(source_x, source_y.shape), np.float32)
    source_y = source_y.astype(np.float32, copy=False)
    return Layer(cv2.remap(layer.rgb, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
                 cv2.remap(layer.alpha, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))


def _at(curve: np.ndarray, source_x: np.ndarray) -> np.ndarray:
    """(1, w) a curve's height in the columns that are shown."""
    return np.interp(source_x[0], np.arange(len(curve)), curve).astype(np.float32)[None]


def _rows(mouth: DrawnMouth) -> np.ndarray:
    return np.arange(len(mouth.own.alpha), dtype=np.float32)[:, None]


def _own_mouth(mouth: DrawnMouth, opening: float, source_x, lift, place, half: float) -> tuple[np.ndarray, np.ndarray]:
    """A mouth that the portrait shows open, higher or lower; shut, a line in the colour of its outline."""
    y, top, bottom = _rows(mouth), _at(mouth.top, source_x), _at(mouth.bottom, source_x)
    ratio = float(np.clip(opening / max(mouth.reach, 1), 0, LARGEST_STRETCH))
    scale = np.maximum(ratio, np.minimum(mouth.thickness / np.maximum(bottom - top, 1), 1))
    anchor, shut = top + CLOSES_AT * (bottom - top), _at(mouth.shut, source_x)
    shown = _fetch(mouth.own, source_x, anchor + (y + (lift - anchor - max(1 - ratio, 0) * (shut - anchor))) / scale)
    flat = 1 - ratio / FLATTENED
    colour = over(np.full_like(shown.alpha, flat), mouth.line, shown.rgb) if flat > 0 else shown.rgb
    return over(shown.alpha, colour, mouth.skin), shown.alpha


def _parted(mouth: DrawnMouth, opening: float, source_x, lift, place, half: float) -> tuple[np.ndarray, np.ndarray]:
    """Lips or a line that part: between them a dark, flat inside with a tongue and a band of teeth."""
    y, seam = _rows(mouth), _at(mouth.seam, source_x)
    gap = opening * np.sqrt(np.clip(1 - place**2, 0, 1))  # (1, w) how far apart the lips are along the mouth
    upper, lower = seam - lift - UPWARDS * gap, seam - lift + (1 - UPWARDS) * gap
    # the parts of the lips above and below the seam; of a line, all of it
    thin = mouth.thin
    above = _fetch(mouth.own, source_x, y + (seam - upper))
    if opening < LEAST_GAP:
        return over(above.alpha, above.rgb, mouth.skin), above.alpha
    within = np.abs(place) <= 1
    inside = _ramp(y - upper) * _ramp(lower - y) * within
    picture, painted = mouth.skin, np.maximum(inside, above.alpha)
    if not thin:
        below = _fetch(mouth.own, source_x, y + (seam - lower))
        picture, painted = over(below.alpha * _ramp(y - lower), below.rgb, picture), np.maximum(painted, below.alpha)
    picture = over(inside, mouth.cavity, picture)
    depth = opening / half
    tongue = min(max((depth - TONGUE_FROM) / (TONGUE_FULL - TONGUE_FROM), 0.0), 1.0)
    if tongue > 0:
        floor = lower - tongue * TONGUE_HIGH * opening * np.sqrt(np.clip(1 - (place / TONGUE_WIDE) ** 2, 0, 1))
        picture = over(inside * _ramp(y - floor) * (np.abs(place) < TONGUE_WIDE), mouth.tongue, picture)
    teeth = min(max((depth - TEETH_FROM) / (TEETH_FULL - TEETH_FROM), 0.0), 1.0)
    if teeth > 0:
        edge = upper + teeth * TEETH_SHARE * opening * np.sqrt(np.clip(1 - (place / TEETH_WIDTH) ** 4, 0, 1))
        picture = over(inside * _ramp(edge - y) * (np.abs(place) < TEETH_WIDTH), mouth.teeth, picture)
    if not thin:
        return over(above.alpha * _ramp(upper - y), above.rgb, picture), painted
    # an outline all around, as thick as the line was, unless that was a bar
    thick = mouth.thickness - smoothstep(opening / mouth.thickness, (0.2, 1.0)) * max(mouth.thickness - RIM * half, 0)
    rim = _ramp(thick / 2 - np.minimum(np.abs(y - upper), np.abs(y - lower))) * (within * min(opening / 2, 1))
    picture = over(rim.astype(np.float32), mouth.line, picture)
    picture = over(above.alpha * np.float32(1 - min(opening / (2 * mouth.thickness), 1)), above.rgb, picture)
    return picture, np.maximum(painted, rim)


def _ramp(distance: np.ndarray) -> np.ndarray:
    """Anti-aliased: 0 half a pixel outside, 1 half a pixel inside."""
    return np.minimum(np.maximum(distance + np.float32(0.5), 0), 1).astype(np.float32, copy=False)
