"""One drawn eye taken apart as a rigger would: skin behind it, white, iris with its highlights, rim, lash line, and
what hangs before it.

An eye is read in columns: the top and the bottom of what is no skin, smoothed; the upper part of that is the lash line,
the rest is what it covers when it comes down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from .colours import Canvas, Layer, pixels, spread
from .iris import highlights, iris_ellipse, upwards
from .lash import lash_ends, lash_layer, lash_line, shut_line
from .lids import find_lids
from .masks import grown_by, hanging

BESIDE = 0.85  # of the iris's radius beside its middle, from where the lash line's thickness can be told
WHITE_SHARE = 0.06  # of what lies under the lashes: with less white than that an eye is a dot
HANGING = 0.06  # eye distances below an eye, over which what hangs on it goes with it
FRINGE = 0.02  # eye distances around the eye in which its outline fades
MIXTURE = 30.0  # RGB difference from the way between two colours, up to which a pixel is their mixture
HAIR_SHADE = 0.03  # eye distances around hair, in which skin may be in its shade
LID_SMOOTH = 0.04  # eye distances over which the skin of a lid is smoothed
TINTED = 0.06  # eye distances over which blush and shade fade into it
LEAST_SKIN = 8  # px of skin, from which its colour is known
REACH = 0.12  # eye distances of skin around the eye that the layers take in


@dataclass(frozen=True, eq=False)
class DrawnEye:
    """The layers of an eye in a box of the picture.

    x, y: of the box's first pixel. skin: where the eye is taken away. white: where the eye is below its lashes. line:
    lower lid and rims. front: what stays before the eye. top, thickness, shut,
    shut_thickness: (w,) in the box's pixels, of the lash line: its upper edge, how thick it is, and both when the eye
    is shut.
    centre, radius: of the iris, (2,). dot: there is no white, all of the eye looks around.
    left, right: its first and last column. bottom: (w,).
    """

    x: int
    y: int
    skin: Layer
    white: Layer
    iris: Layer
    line: Layer
    lash: Layer
    front: Layer
    top: np.ndarray
    bottom: np.ndarray
    thickness: np.ndarray
    shut: np.ndarray
    shut_thickness: np.ndarray
    left: int
    right: int
    centre: np.ndarray
    radius: np.ndarray
    dot: bool

    @cached_property
    def curves(self) -> np.ndarray:
        """(w, 4) float32 top, thickness, shut and shut_thickness."""
        return np.stack([self.top, self.thickness, self.shut, self.shut_thickness], 1).astype(np.float32)

    @cached_property
    def travel(self) -> float:
        """The farthest way that a part of the lash line goes down, px."""
        return max(float((self.shut - self.top)[self.left : self.right + 1].max()), 0.0)

    @property
    def height(self) -> float:
        """From the lash line's upper edge to the lower lid, in the middle of the eye, px."""
        third = (self.right - self.left) // 3
        middle = slice(self.left + third, self.right - third + 1)
        return float((self.bottom - self.top)[middle].max())


def find_eye(
    canvas: Canvas,
    box: tuple[float, float, float, float],
    iris: tuple[float, float, float] | None,
    other: tuple[float, float, float] | None = None,
    detected: bool = False,
) -> DrawnEye | None:
    """Take the eye in (or near) a box (x, y, width, height) apart; None where nothing there looks like an open eye.
    iris: x, y, radius of its iris; other: of that of the other eye; detected: a detector of drawn eyes has found it
    there."""
    lids = None if iris is None else find_lids(canvas, box, iris, other, detected)
    if lids is None:
        return None
    height, width = canvas.skin.shape
    tall = float((lids.bottom - lids.top).max())
    margin = max(int(REACH * canvas.unit), 3)
    x0, x1 = max(lids.left - margin, 0), min(lids.right + 1 + margin, width)
    y0 = max(int(lids.top.min() - 0.4 * tall) - 2, 0)
    y1 = min(int(lids.bottom.max()) + 1 + margin, height)
    columns = np.clip(np.arange(x0, x1) - lids.left, 0, lids.right - lids.left)
    top, bottom, thickness = (values[columns].astype(np.float32) for values in (lids.top, lids.bottom, lids.thickness))
    return _layers(
        canvas,
        (x0, y0, x1, y1),
        lids.left - x0,
        lids.right - x0,
        top - y0,
        bottom - y0,
        thickness,
        (lids.centre[0] - x0, lids.centre[1] - y0, lids.radius),
    )


def _layers(
    canvas: Canvas,
    box: tuple[int, int, int, int],
    left: int,
    right: int,
    top: np.ndarray,
    bottom: np.ndarray,
    measured: np.ndarray,
    blob: tuple,
) -> DrawnEye:
    x0, y0, x1, y1 = box
    view = (slice(y0, y1), slice(x0, x1))
    picture = canvas.rgb[view].astype(np.float32)
    h, w = picture.shape[:2]
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    columns = (x >= left) & (x <= right)
    eye = columns & (y >= np.floor(top)) & (y < np.ceil(bottom))
    # what hair hides of the eye is like what is seen beside it
    hidden = grown_by(canvas.hair[view], 1) & eye
    rgb = picture
    if hidden.any() and (eye & ~hidden).any():
        rgb = np.where(hidden[..., None], spread(picture, eye & ~hidden, 1.0), picture)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    chroma = rgb.max(2) - rgb.min(2)
    tall = float(np.percentile((bottom - top)[left : right + 1], 80))

    measured = np.where(np.abs(x[0] - blob[0]) < BESIDE * blob[2], np.nan, measured)
    thickness = lash_line(measured, top, bottom, left, right, tall)
    under = eye & (y >= top + thickness)
    # white: bright and pale for this eye, brighter than what the iris is
    dark, bright = (np.percentile(luma[eye], q) for q in (10, 95))
    pale = under & (luma > dark + 0.62 * (bright - dark)) & (chroma < 70)
    white_found = pale.sum() > WHITE_SHARE * max(under.sum(), 1)
    coloured = (under & ~pale) | highlights(pale, blob) if white_found else under
    centre, radius, seen = iris_ellipse(coloured, top + thickness, blob, tall)
    away = np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
    # as it is seen, and going on under the lid
    disc = np.clip((1.06 - away) * radius.min() + 0.5, 0, 1) * (y < top + thickness + 2)
    disc = np.maximum(disc, cv2.GaussianBlur(grown_by(seen, 1).astype(np.float32), (0, 0), 0.6)).astype(np.float32)
    around = grown_by(seen, max(int(0.1 * radius.min()), 2))
    dot = not white_found
    known = pale & ~around
    if known.sum() >= 8:
        known &= luma >= np.median(luma[known]) - 8
    if dot or known.sum() < 4:
        dot = True
        known = under if under.any() else eye
    white = spread(rgb, known, 0.05 * canvas.unit)
    # the iris goes on under the lid
    iris = upwards(rgb, under & seen, top + thickness)
    # what is neither white nor iris: rims and lower lashes
    rest = under & ~pale & ~around
    skin_seen = canvas.skin[view] | canvas.blush[view]
    # not where lines and hair shine through
    shaded = max(int(HAIR_SHADE * canvas.unit), 1)
    skin_known = skin_seen & ~grown_by(~skin_seen & ~eye, 1) & ~grown_by(eye, 2) & ~grown_by(canvas.hair[view], shaded)
    if skin_known.sum() <= LEAST_SKIN:
        skin_known = skin_seen & ~grown_by(eye, 2)
    fill = _lid(picture, skin_known, canvas.blush[view] & ~canvas.skin[view], canvas.unit)
    # of the fringe around the eye, what is a mixture of skin and lash goes with it; what is neither (hair, glasses, a
    # brow, a strand) stays, and stays before the eye
    fringe = max(int(FRINGE * canvas.unit), 1)
    grown = cv2.dilate(eye.astype(np.uint8), np.ones((2 * fringe + 1, 2 * fringe + 1), np.uint8)) > 0
    core = eye & (y < top + thickness)
    way = (spread(rgb, core, 2.0) if core.any() else rgb) - fill
    share = ((picture - fill) * way).sum(2) / np.maximum((way * way).sum(2), 1)
    mixed = np.linalg.norm(picture - fill - np.clip(share, 0, 1)[..., None] * way, axis=2) < MIXTURE
    strand = canvas.hair[view] & (~mixed | hidden)
    tails = lash_ends(~skin_seen & ~canvas.hair[view] & ~eye, grown, canvas.hair[view], tall)
    rim = grown & mixed & ~canvas.hair[view]
    # lower lashes, highlights beside the lid, the ends of its rim: what hangs together with the eye below its middle
    others = ~skin_seen & ~canvas.hair[view]
    middle = top + 0.5 * (bottom - top)
    lower = (tails & (y > middle)) | hanging(eye, others & (y > middle), max(int(HANGING * canvas.unit), 1)) & ~eye
    upper = hanging(eye, others & mixed & (y <= middle), fringe) & ~eye
    gone = (eye & ~strand) | rim | tails | lower | upper
    before = ~gone & (~skin_seen | strand)
    front = _front(picture, before, canvas.hair[view], grown_by(eye, 3))
    soft_lower = grown_by(lower, 1)
    soft_tails = grown_by((tails & ~lower) | upper, 1)
    removed = cv2.GaussianBlur((gone | ((grown | soft_tails | soft_lower) & skin_seen)).astype(np.float32), (0, 0), 0.6)
    skin = picture + removed[..., None] * (fill - picture)

    # the lower lid's line, as far as it lies outside of the eye's smooth curve
    below = (rim & (y >= bottom) & (share > 0.3)) | lower
    line = _sprite(rgb, rest | below)
    lash_mask = (columns & (y >= top - 1.5) & (y < top + thickness + 1)) | soft_tails | (rim & ~eye & (y < bottom))
    core = eye & (y < top + thickness)
    lash = lash_layer(rgb, fill, core & ~hidden if (core & ~hidden).any() else core, lash_mask, core & hidden)
    inside = np.clip(bottom - y + 0.5, 0, 1) * np.clip(np.minimum(x - left, right - x) + 0.5, 0, 1)
    inside = np.maximum(inside, cv2.GaussianBlur(below.astype(np.float32), (0, 0), 0.6)).astype(np.float32)
    shut, shut_thickness = shut_line(top, bottom, thickness, left, right, tall)
    return DrawnEye(
        x0, y0, Layer(pixels(skin), removed), Layer(pixels(white), inside), Layer(pixels(iris), disc), line, lash,
        front, top, bottom, thickness, shut, shut_thickness, left, right, centre, radius, dot,
    )  # fmt: skip


def _lid(picture: np.ndarray, known: np.ndarray, blush: np.ndarray, unit: float) -> np.ndarray:
    """(h, w, 3) the skin where the eye is taken away, from the skin that is known around it. Blush and shade go over
    into it where they are, and do not run all over a lid that is wider than they are."""
    if known.sum() <= LEAST_SKIN:
        return picture
    fill, plain = spread(picture, known, LID_SMOOTH * unit), known & ~blush
    tinted = known & blush
    if plain.sum() <= LEAST_SKIN or not tinted.any():
        return fill
    away = cv2.distanceTransform((~tinted).astype(np.uint8), cv2.DIST_L2, 5) / (TINTED * unit)
    bare = spread(picture, plain, LID_SMOOTH * unit)
    return bare + np.exp(-(away * away))[..., None] * (fill - bare)


def _front(picture: np.ndarray, before: np.ndarray, hair: np.ndarray, near: np.ndarray) -> Layer:
    """What stays before the eye, without the eye's colours in the edge of the hair. near: (h, w) bool, at the eye."""
    alpha = cv2.GaussianBlur(before.astype(np.float32), (0, 0), 0.6)
    certain = cv2.erode(hair.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    edge = before & hair & near & ~certain
    # the layer's soft rim lies outside of what it shows
    edge |= grown_by(edge, 1) & ~before
    colours = picture
    if certain.any() and edge.any():
        colours = np.where(edge[..., None], spread(picture, certain, 1.0), picture)
    return Layer(pixels(colours), alpha)


def _sprite(rgb: np.ndarray, mask: np.ndarray) -> Layer:
    """Pixels under a mask, with soft edges."""
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.6)
    alpha = np.where(mask, np.maximum(alpha, 0.85), 0.6 * alpha).astype(np.float32)
    return Layer(pixels(np.where(mask[..., None], rgb, spread(rgb, mask, 1.0))), alpha)
