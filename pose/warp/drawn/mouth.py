"""A drawn mouth at any opening and width."""

from __future__ import annotations

import cv2
import numpy as np

from pose.portrait.drawn.mouth import CLOSES_AT, DrawnMouth

WIDTHS = (0.72, 1.3)  # of its own width
UPWARDS = 0.2  # of an opening is the upper lip's way
TEETH_FROM, TEETH_SHARE, TEETH_WIDTH = 0.45, 0.2, 0.72  # openings over half the width; of the opening; of the width
TONGUE_HIGH, TONGUE_WIDE = 0.42, 0.62  # of the opening and of the width
FLATTENED = 0.35  # share of its own height, below which an open mouth goes over into a line


def paint_mouth(view: np.ndarray, mouth: DrawnMouth, opening: float, width: float, smile: float) -> None:
    """Draw the mouth into its box of the portrait, (h, w, 4) uint8 premultiplied RGBA, in place.

    opening: px between the lips. width: 1 as the portrait has it. smile: px that the corners rise.
    """
    h, w = mouth.own.shape[:2]
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    centre, half = (mouth.left + mouth.right) / 2, max((mouth.right - mouth.left) / 2, 1)
    width = float(np.clip(width, *WIDTHS))
    across = (x - centre) / width  # (1, w), in the portrait's mouth
    place = np.clip(across / half, -1.2, 1.2)
    lift = smile * (place**2 - 0.3)  # (1, w) px that a column rises
    source_x = across + centre
    if mouth.seam is None:
        painted = _own_mouth(mouth, opening, y, source_x, lift)
    else:
        painted = _parted(mouth, max(opening, 0), y, source_x, lift, place, half * width)
    result = painted[..., :3] + (1 - painted[..., 3:]) * mouth.skin
    alpha = view[..., 3:].astype(np.float32) * (1 / 255)
    own = view[..., :3].astype(np.float32)
    view[..., :3] = np.rint(np.clip(result * alpha + mouth.front[..., None] * (own - result * alpha), 0, 255))


def _fetch(layer: np.ndarray, source_x: np.ndarray, source_y: np.ndarray) -> np.ndarray:
    return cv2.remap(layer, np.ascontiguousarray(np.broadcast_to(source_x, source_y.shape), np.float32),
                     source_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _at(curve: np.ndarray, source_x: np.ndarray) -> np.ndarray:
    """(1, w) a curve's height in the columns that are shown."""
    return np.interp(source_x[0], np.arange(len(curve)), curve).astype(np.float32)[None]


def _own_mouth(mouth: DrawnMouth, opening: float, y: np.ndarray, source_x: np.ndarray, lift: np.ndarray) -> np.ndarray:
    """A mouth that the portrait shows open, higher or lower; shut, a line in the colour of its outline."""
    top, bottom = _at(mouth.top, source_x), _at(mouth.bottom, source_x)
    ratio = float(np.clip(opening / max(mouth.height, 1), 0, 1.8))
    least = np.minimum(mouth.thickness / np.maximum(bottom - top, 1), 1)
    scale = np.maximum(ratio, least)
    anchor, shut = top + CLOSES_AT * (bottom - top), _at(mouth.shut, source_x)
    shown = _fetch(mouth.own, source_x, anchor + (y + lift - anchor - max(1 - ratio, 0) * (shut - anchor)) / scale)
    line = float(np.clip(1 - ratio / FLATTENED, 0, 1))
    if line > 0:
        shown[..., :3] += line * (shown[..., 3:] * mouth.line - shown[..., :3])
    return shown


def _parted(mouth: DrawnMouth, opening: float, y, source_x, lift, place, half: float) -> np.ndarray:
    """Lips or a line that part: between them a dark, flat inside with a tongue and a band of teeth."""
    seam = _at(mouth.seam, source_x)
    lens = np.sqrt(np.clip(1 - place**2, 0, 1))  # (1, w) how far apart the lips are along the mouth
    gap = opening * lens
    upper, lower = seam - lift - UPWARDS * gap, seam - lift + (1 - UPWARDS) * gap
    # the parts of the lips above and below the seam; of a line, all of it twice
    thin = (mouth.bottom - mouth.top)[mouth.left : mouth.right + 1].max() <= 1.6 * mouth.thickness + 1
    above = _fetch(mouth.own, source_x, seam + (y - upper))
    if opening < 0.25:
        return above
    below = _fetch(mouth.own, source_x, seam + (y - lower))
    if not thin:
        above *= np.clip(upper - y + 0.5, 0, 1)[..., None]
        below *= np.clip(y - lower + 0.5, 0, 1)[..., None]
    inside = (np.clip(y - upper + 0.5, 0, 1) * np.clip(lower - y + 0.5, 0, 1) * (np.abs(place) <= 1)).astype(np.float32)
    colour = np.broadcast_to(mouth.cavity, (*inside.shape, 3))
    depth = max(opening, 1e-3)
    floor = lower - TONGUE_HIGH * depth * np.sqrt(np.clip(1 - (place / TONGUE_WIDE) ** 2, 0, 1))
    tongue = np.clip(y - floor + 0.5, 0, 1) * (np.abs(place) < TONGUE_WIDE) * np.clip(depth / (0.5 * half) - 0.4, 0, 1)
    colour = colour + tongue[..., None] * (mouth.tongue - colour)
    shown = float(np.clip((depth / half - TEETH_FROM) / 0.2, 0, 1))
    if shown > 0:
        edge = upper + TEETH_SHARE * depth * np.sqrt(np.clip(1 - (place / TEETH_WIDTH) ** 4, 0, 1))
        teeth = np.clip(edge - y + 0.5, 0, 1) * (np.abs(place) < TEETH_WIDTH) * shown
        colour = colour + teeth[..., None] * (mouth.teeth - colour)
    painted = np.dstack([colour * inside[..., None], inside])
    if thin:  # an outline all around, as thick as the line was
        edge = np.minimum(np.abs(y - upper), np.abs(y - lower))
        rim = np.clip(mouth.thickness / 2 - edge + 0.5, 0, 1) * (np.abs(place) <= 1) * min(opening / 2, 1)
        painted = painted + rim[..., None] * (np.append(mouth.line, 1) - painted)
        grow = min(opening / (2 * mouth.thickness), 1.0)
        above = above * (1 - grow)
        return above + (1 - above[..., 3:]) * painted
    painted = below + (1 - below[..., 3:]) * painted
    return above + (1 - above[..., 3:]) * painted
