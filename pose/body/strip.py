"""The strip of an arm that a portrait shows: its picture along the bones, with a clean outline, whole to the wrist.

A mask of pixels is ragged where colours hardly differ; a limb is not. Its two edges are smoothed along it, and what
lies just inside them takes the colour from further in, for there the background, a shadow or a camera's sharpening
shows.
"""

from __future__ import annotations

import cv2
import numpy as np

from pose.geometry import smoothstep

from .joints import SHOWN, Arm
from .limb import END, FINER, START, Strip, sample_grid, texture_size
from .regions import GIRTH, girth

OPAQUE, SOLID = 128, 215  # of 255: in the picture at all; the limb itself and not what shines through its matte
MARGIN = 1.4  # half widths that the strip reaches to each side
STRIP_BEGINS = (-0.16, 0.06)  # along the upper arm: where the strip comes out of the shoulder
STRIP_ENDS = (2.05, 1.97)  # along the limb: where it has gone over into the hand
REPEATED = 0.3  # of a bone: the part before the picture's edge that goes on beyond it, to and fro
PATTERN_FADES = 0.1  # of a bone, over which what distinguishes that part from its mean fades
LEFT_OF_PATTERN = 0.15  # of that, far beyond the edge
EVEN = 0.1  # of a bone, over which a limb's edge is even
OUTLINE = 1 / 200  # of the picture's side, inside the edge: not of the limb's own colour


def cut_strip(person_SS4: np.ndarray, member: np.ndarray, arm: Arm, width: float, sleeve: float) -> Strip | None:
    """The limb's texture, continued by its own reflection where the picture's edge cuts the limb off; None where too
    little of it is seen.

    member: (S, S) 0..1 of the arm's pixels; width: shoulder width in pixels; sleeve: see `sleeve_of`.
    """
    size = len(person_SS4)
    rows, columns = texture_size(arm.joints, MARGIN * sleeve * max(GIRTH) * width)
    along = np.linspace(START, END, rows)
    reach = MARGIN * sleeve * girth(along) * width
    grid = sample_grid(arm.joints, reach, columns)
    layer = np.concatenate([person_SS4, 255 * np.ones_like(member)[..., None]], 2).astype(np.float32)
    layer[..., 4] *= member
    whole = cv2.remap(layer[..., :4], grid - 0.5, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).clip(0, 255)
    taken = cv2.remap(layer[..., 4], grid - 0.5, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    taken = taken * whole[..., 3] / 255
    middle = grid[:, columns // 2]
    # a cross section counts while its middle is in the picture
    inside = ((middle >= 1) & (middle <= size - 1)).all(1)
    solid = taken[:, columns // 2 - columns // 8 : columns // 2 + columns // 8 + 1].mean(1) > OPAQUE
    good = np.flatnonzero(inside & solid & (along > 0.1))
    if not len(good):
        return None
    # the last one before the first gap
    gaps = np.flatnonzero(np.diff(good) > max(2, rows // 40))
    last = int(good[gaps[0]] if len(gaps) else good[-1])
    if along[last] < SHOWN:
        return None
    texture = _with_even_edges(whole, taken, last, max(1, round(FINER * OUTLINE * size)))
    source = np.arange(rows)
    beyond = source > last
    span = max(min(last - int(np.searchsorted(along, 0.12)), int(REPEATED * rows / (END - START))), 1)
    folded = np.abs((source[beyond] - last) % (2 * span) - span)  # span .. 0 .. span: to and fro
    source[beyond] = last - span + folded
    mean = texture[max(last - span, 0) : last + 1].mean(0)
    texture = texture[source]
    # repeated, a fold or a jewel would be a pattern: it gives way to the cloth's or the skin's mean
    own = np.maximum(np.exp(-(along[beyond] - along[last]) / PATTERN_FADES), LEFT_OF_PATTERN)[:, None, None]
    texture[beyond] = mean + own * (texture[beyond] - mean)
    texture *= (smoothstep(along, STRIP_BEGINS) * smoothstep(along, STRIP_ENDS))[:, None, None]
    return Strip(np.rint(texture).astype(np.uint8), reach)


def _with_even_edges(whole_RC4: np.ndarray, taken_RC: np.ndarray, last: int, outline: int) -> np.ndarray:
    """(R, C, 4) float32 premultiplied: the limb inside even edges.

    whole: the picture along the limb; taken: 0..255 what of it is the limb's; last: the last row that is seen;
    outline: texels inside an edge that take their colour from further in.
    """
    rows, columns = taken_RC.shape
    span = EVEN * rows / (END - START)
    left, right, pure_left, pure_right = (
        _even(edge, span)[:, None]
        for threshold in (OPAQUE, SOLID)
        for edge in _ends(taken_RC[: last + 1] > threshold, rows)
    )
    places = np.arange(columns, dtype=np.float32)
    first, final = np.maximum(left, pure_left) + outline, np.minimum(right, pure_right) - 1 - outline
    inside = np.where(first < final, np.clip(places, first, np.maximum(first, final)), places)
    inside = np.clip(np.rint(inside), 0, columns - 1).astype(np.intp)
    colour = np.take_along_axis(whole_RC4, inside[..., None], 1)
    colour *= (255 / np.maximum(colour[..., 3:], 1)).clip(0, 255 / OPAQUE)
    edge = 2 * outline
    alpha = np.clip((places + 0.5 - left) / edge + 0.5, 0, 1) * np.clip((right - places - 0.5) / edge + 0.5, 0, 1)
    return colour.clip(0, 255) * alpha[..., None]


def _ends(solid_KC: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """(R,) float32 first column of each row, and the one after the last; beyond the K rows as in the nearest."""
    seen = np.flatnonzero(solid_KC.any(1))
    found = solid_KC.argmax(1), solid_KC.shape[1] - solid_KC[:, ::-1].argmax(1)
    left, right = (np.interp(np.arange(rows), seen, ends[seen]).astype(np.float32) for ends in found)
    return left, right


def _even(edge_R: np.ndarray, span: float) -> np.ndarray:
    """An edge without notches and bumps shorter than half of `span` rows."""
    half = max(1, round(span / 2))
    padded = np.pad(edge_R, half, mode="edge")
    median = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), 1).astype(np.float32)
    return cv2.GaussianBlur(median[:, None], (0, 0), half / 2, borderType=cv2.BORDER_REPLICATE)[:, 0]
