"""A drawn mouth at any opening and width."""

from __future__ import annotations

import numpy as np

from pose.geometry import smoothstep
from pose.portrait.drawn.analysis import FINER
from pose.portrait.drawn.mouth import CLOSES_AT, DrawnMouth

from .layers import Places, curves_at, fetched, over, ramp_at

WIDTHS = (0.72, 2.0)  # of its own width
UPWARDS = 0.2  # of an opening is the upper lip's way
LARGEST_STRETCH = 1.8  # of its own height that an open mouth opens
LARGEST = 2.5  # times its reach, that it is high at most, or as high as it is drawn
LEAST_GAP = 0.25  # px, from which lips are parted
TEETH_FROM, TEETH_FULL = 0.45, 0.65  # openings over half the width, between which the teeth come down
TEETH_SHARE, TEETH_WIDTH = 0.2, 0.72  # of the opening; of the width
TONGUE_FROM, TONGUE_FULL = 0.2, 0.7  # as for the teeth
TONGUE_HIGH, TONGUE_WIDE = 0.42, 0.62  # of the opening and of the width
RIM = 0.16  # of half the width, that an opened mouth's outline is thick at most
THINNEST = 1.2  # px of the picture, that a line is thick at least: thinner ones break into dashes
FLATTENED = 0.35  # share of its own height, below which an open mouth goes over into a line


def painted_mouth(
    mouth: DrawnMouth, opening: float, width: float, smile: float, at: Places
) -> tuple[np.ndarray, np.ndarray]:
    """Colours (3, h, w) and alpha (h, w) of the mouth and the skin around it, to be laid over the portrait.

    opening: px between the lips. width: 1 as the portrait has it. smile: px that the corners rise. at: the mouth's
    pixels.
    """
    centre, half = (mouth.left + mouth.right) / 2, max((mouth.right - mouth.left) / 2, 1)
    width = float(np.clip(width, *WIDTHS))
    across = (at.x - np.float32(centre)) * np.float32(1 / width)  # in the portrait's mouth
    place = np.clip(across * np.float32(1 / half), -1.2, 1.2)
    lift = smile * (place * place - np.float32(0.3))  # px that a column rises
    skin, removed = fetched(mouth.skin, at)
    shown = Places(across + np.float32(centre), at.y + lift)
    paint = _own_mouth if mouth.seam is None else _parted
    result, painted = paint(mouth, skin, opening, shown, place, half * width)
    front, before = fetched(mouth.front, at)
    return over(before, front, result), np.maximum(painted, removed)


def _own_mouth(mouth: DrawnMouth, skin, opening: float, at: Places, place, half: float):
    """A mouth that the portrait shows open, higher or lower; shut, a line in the colour of its outline."""
    top, bottom, _, shut = curves_at(mouth.curves, at.x)
    reach = max(mouth.reach, 1)
    # one that is large already grows no further
    ratio = float(np.clip(opening / reach, 0, np.clip(LARGEST * reach / max(mouth.height, 1), 1, LARGEST_STRETCH)))
    scale = np.maximum(ratio, np.minimum(mouth.thickness / np.maximum(bottom - top, 1), 1))
    anchor = top + CLOSES_AT * (bottom - top)
    rows = anchor + (at.y - anchor - max(1 - ratio, 0) * (shut - anchor)) / scale
    colours, alpha = fetched(mouth.own, Places(at.x, rows.astype(np.float32)))
    flat = 1 - ratio / FLATTENED
    if flat > 0:
        # pressed flat it would be dots of its colours: it goes over into a line
        within = ramp_at(np.minimum(at.x - mouth.left, mouth.right - at.x))
        line = ramp_at(max(mouth.thickness, THINNEST * FINER) / 2 - np.abs(at.y - shut)) * within
        colours = over(flat, mouth.line, colours)
        alpha = np.maximum(min(2 * flat, 1) * line, (1 - flat) * alpha)
    return over(alpha, colours, skin), alpha


def _parted(mouth: DrawnMouth, skin, opening: float, at: Places, place, half: float):
    """Lips or a line that part: between them a dark, flat inside with a tongue and a band of teeth."""
    y, seam = at.y, curves_at(mouth.curves, at.x)[2]
    round_ = np.maximum(1 - place * place, 0)
    gap = opening * np.sqrt(round_)  # how far apart the lips are along the mouth
    upper, lower = seam - UPWARDS * gap, seam + (1 - UPWARDS) * gap
    # the parts of the lips above and below the seam; of a line, all of it
    above, above_alpha = fetched(mouth.own, Places(at.x, y + (seam - upper)))
    if opening < LEAST_GAP:
        return over(above_alpha, above, skin), above_alpha
    within = np.abs(place) <= 1
    inside = ramp_at(y - upper) * ramp_at(lower - y) * within
    picture, painted = skin, np.maximum(inside, above_alpha)
    if not mouth.thin:
        below, below_alpha = fetched(mouth.own, Places(at.x, y + (seam - lower)))
        picture = over(below_alpha * ramp_at(y - lower), below, picture)
        painted = np.maximum(painted, below_alpha)
    picture = over(inside, mouth.cavity, picture)
    depth = opening / half
    tongue = min(max((depth - TONGUE_FROM) / (TONGUE_FULL - TONGUE_FROM), 0.0), 1.0)
    if tongue > 0:
        floor = lower - tongue * TONGUE_HIGH * opening * np.sqrt(np.maximum(1 - (place / TONGUE_WIDE) ** 2, 0))
        part = inside * ramp_at(y - floor) * (np.abs(place) < TONGUE_WIDE)
        picture = over(part, mouth.tongue, picture)
    teeth = min(max((depth - TEETH_FROM) / (TEETH_FULL - TEETH_FROM), 0.0), 1.0)
    if teeth > 0:
        edge = upper + teeth * TEETH_SHARE * opening * np.sqrt(np.maximum(1 - (place / TEETH_WIDTH) ** 4, 0))
        part = inside * ramp_at(edge - y) * (np.abs(place) < TEETH_WIDTH)
        picture = over(part, mouth.teeth, picture)
    if not mouth.thin:
        return over(above_alpha * ramp_at(upper - y), above, picture), painted
    # an outline all around, as thick as the line was, unless that was a bar
    thick = mouth.thickness - smoothstep(opening / mouth.thickness, (0.2, 1.0)) * max(mouth.thickness - RIM * half, 0)
    rim = ramp_at(thick / 2 - np.minimum(np.abs(y - upper), np.abs(y - lower))) * (within * min(opening / 2, 1))
    picture = over(rim, mouth.line, picture)
    picture = over(above_alpha * np.float32(1 - min(opening / (2 * mouth.thickness), 1)), above, picture)
    return picture, np.maximum(painted, rim)
