"""One drawn eye taken apart as a rigger would: skin behind it, white, iris with its highlights, rim, lash line, and
what hangs before it.

An eye is read in columns: the top and the bottom of what is no skin, smoothed; the upper part of that is the lash line,
the rest is what it covers when it comes down.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .colours import Canvas, Layer, pixels, spread
from .lids import arch, find_lids

BESIDE = 0.85  # of the iris's radius beside its middle, from where the lash line's thickness can be told
LEAST_COLUMNS = 0.12  # of the eye's columns that have to tell it
USUAL_LASH = 0.16  # of an eye's height, where none tells it
LASH_SHARE = 0.28  # of an eye's height that the lash line takes at most
TAIL_SIZE = 0.45  # of an eye's height that the end of a lash is long at most
TAIL = 0.5  # of an eye's height; columns lower than that are corners and tails of lashes
WHITE_SHARE = 0.06  # of what lies under the lashes: with less white than that an eye is a dot
SAGITTA = 0.25  # of an eye's width: a shut eye is no deeper an arc
SHUT = 0.86  # of the way to the bottom that the lash line goes down
PARTS = 1.3  # radii from the middle of an iris, within which most of each of its parts lies
ON_IRIS = 0.9  # of a highlight, that lies within as many radii
THIN = 0.35  # radii: what is thinner than twice that is a rim and no part of the iris
HANGING = 0.06  # eye distances below an eye, over which what hangs on it goes with it
FRINGE = 0.02  # eye distances around the eye in which its outline fades
MIXTURE = 30.0  # RGB difference from the way between two colours, up to which a pixel is their mixture
HAIR_SHADE = 0.03  # eye distances around hair, in which skin may be in its shade
LEAST_SKIN = 8  # px of skin, from which its colour is known
REACH = 0.12  # eye distances of skin around the eye that the layers take in


@dataclass(frozen=True, eq=False)
class DrawnEye:
    """The layers of an eye in a box of the picture: colours (h, w, 3) uint8, which go on beyond their alphas (h, w)
    float32.

    x, y: of the box's first pixel. skin: with the eye taken away, which is where removed says (h, w). inside: where the
    eye is below its lashes. line: lower lid and rims. front: what stays before the eye. top, thickness, shut, shut_thickness: (w,)
    in the box's pixels, of the lash line: its upper edge, how thick it is, and both when the eye is shut.
    centre, radius: of the iris, (2,). dot: there is no white, all of the eye looks around.
    left, right: its first and last column. bottom: (w,).
    """

    x: int
    y: int
    skin: np.ndarray
    removed: np.ndarray
    white: np.ndarray
    inside: np.ndarray
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

    @property
    def height(self) -> float:
        """From the lash line's upper edge to the lower lid, in the middle of the eye, px."""
        third = (self.right - self.left) // 3
        middle = slice(self.left + third, self.right - third + 1)
        return float((self.bottom - self.top)[middle].max())


def find_eye(canvas: Canvas, box: tuple[float, float, float, float]) -> DrawnEye | None:
    """Take the eye in (or near) a box (x, y, width, height) apart; None where nothing there looks like an open eye."""
    lids = find_lids(canvas, box)
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
    return _layers(canvas, (x0, y0, x1, y1), lids.left - x0, lids.right - x0, top - y0, bottom - y0, thickness,
                   (lids.centre[0] - x0, lids.centre[1] - y0, lids.radius))


def _layers(canvas: Canvas, box: tuple[int, int, int, int], left: int, right: int,
            top: np.ndarray, bottom: np.ndarray, measured: np.ndarray, blob: tuple) -> DrawnEye:
    x0, y0, x1, y1 = box
    view = (slice(y0, y1), slice(x0, x1))
    picture = canvas.rgb[view].astype(np.float32)
    h, w = picture.shape[:2]
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    columns = (x >= left) & (x <= right)
    eye = columns & (y >= np.floor(top)) & (y < np.ceil(bottom))
    # what hair hides of the eye is like what is seen beside it
    hidden = _grown(canvas.hair[view], 1) & eye
    rgb = picture
    if hidden.any() and (eye & ~hidden).any():
        rgb = np.where(hidden[..., None], spread(picture, eye & ~hidden, 1.0), picture)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    chroma = rgb.max(2) - rgb.min(2)
    tall = float(np.percentile((bottom - top)[left : right + 1], 80))

    measured = np.where(np.abs(x[0] - blob[0]) < BESIDE * blob[2], np.nan, measured)
    thickness = _lash_line(measured, top, bottom, left, right, tall)
    under = eye & (y >= top + thickness)
    # white: bright and pale for this eye, brighter than what the iris is
    dark, bright = (np.percentile(luma[eye], q) for q in (10, 95))
    pale = under & (luma > dark + 0.62 * (bright - dark)) & (chroma < 70)
    white_found = pale.sum() > WHITE_SHARE * max(under.sum(), 1)
    coloured = (under & ~pale) | _highlights(pale, blob) if white_found else under
    centre, radius, seen = _iris(coloured, top + thickness, blob, tall)
    away = np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
    # as it is seen, and going on under the lid
    disc = np.clip((1.06 - away) * radius.min() + 0.5, 0, 1) * (y < top + thickness + 2)
    disc = np.maximum(disc, cv2.GaussianBlur(_grown(seen, 1).astype(np.float32), (0, 0), 0.6)).astype(np.float32)
    around = _grown(seen, max(int(0.1 * radius.min()), 2))
    dot = not white_found
    known = pale & ~around
    if known.sum() >= 8:
        known &= luma >= np.median(luma[known]) - 8
    if dot or known.sum() < 4:
        dot = True
        known = under if under.any() else eye
    white = spread(rgb, known, 0.05 * canvas.unit)
    # the iris goes on under the lid
    iris = _upwards(rgb, under & seen, top + thickness)
    # what is neither white nor iris: rims and lower lashes
    rest = under & ~pale & ~around
    skin_seen = canvas.skin[view] | canvas.blush[view]
    # not where lines and hair shine through
    shaded = max(int(HAIR_SHADE * canvas.unit), 1)
    skin_known = skin_seen & ~_grown(~skin_seen & ~eye, 1) & ~_grown(eye, 2) & ~_grown(canvas.hair[view], shaded)
    if skin_known.sum() <= LEAST_SKIN:
        skin_known = skin_seen & ~_grown(eye, 2)
    fill = spread(picture, skin_known, 0.04 * canvas.unit) if skin_known.sum() > LEAST_SKIN else picture
    # of the fringe around the eye, what is a mixture of skin and lash goes with it; what is neither (hair, glasses, a
    # brow, a strand) stays, and stays before the eye
    fringe = max(int(FRINGE * canvas.unit), 1)
    grown = cv2.dilate(eye.astype(np.uint8), np.ones((2 * fringe + 1, 2 * fringe + 1), np.uint8)) > 0
    core = eye & (y < top + thickness)
    way = (spread(rgb, core, 2.0) if core.any() else rgb) - fill
    share = ((picture - fill) * way).sum(2) / np.maximum((way * way).sum(2), 1)
    mixed = np.linalg.norm(picture - fill - np.clip(share, 0, 1)[..., None] * way, axis=2) < MIXTURE
    strand = canvas.hair[view] & (~mixed | hidden)
    tails = _tails(~skin_seen & ~canvas.hair[view] & ~eye, grown, tall)
    rim = grown & mixed & ~canvas.hair[view]
    # lower lashes, highlights beside the lid, the ends of its rim: what hangs together with the eye below its middle
    others = ~skin_seen & ~canvas.hair[view]
    middle = top + 0.5 * (bottom - top)
    lower = (tails & (y > middle)) | _hanging(eye, others & (y > middle), max(int(HANGING * canvas.unit), 1)) & ~eye
    upper = _hanging(eye, others & (y <= middle), fringe) & ~eye
    gone = (eye & ~strand) | rim | tails | lower | upper
    before = ~gone & (~skin_seen | strand)
    front = _front(picture, before, canvas.hair[view], _grown(eye, 3))
    soft_lower = _grown(lower, 1)
    soft_tails = _grown((tails & ~lower) | upper, 1)
    removed = cv2.GaussianBlur((gone | ((grown | soft_tails | soft_lower) & skin_seen)).astype(np.float32), (0, 0), 0.6)
    skin = picture + removed[..., None] * (fill - picture)

    # the lower lid's line, as far as it lies outside of the eye's smooth curve
    below = (rim & (y >= bottom) & (share > 0.3)) | lower
    line = _sprite(rgb, rest | below)
    lash_mask = (columns & (y >= top - 1.5) & (y < top + thickness + 1)) | soft_tails | (rim & ~eye & (y < bottom))
    core = eye & (y < top + thickness)
    lash = _lash(rgb, fill, core & ~hidden if (core & ~hidden).any() else core, lash_mask, core & hidden)
    inside = np.clip(bottom - y + 0.5, 0, 1) * np.clip(np.minimum(x - left, right - x) + 0.5, 0, 1)
    inside = np.maximum(inside, cv2.GaussianBlur(below.astype(np.float32), (0, 0), 0.6)).astype(np.float32)
    shut, shut_thickness = _shut(top, bottom, thickness, left, right, tall)
    return DrawnEye(
        x0, y0, pixels(skin), removed, pixels(white), inside, Layer(pixels(iris), disc), line, lash, front, top, bottom,
        thickness, shut, shut_thickness, left, right, centre, radius, dot,
    )  # fmt: skip


def _lash_line(measured, top, bottom, left, right, tall) -> np.ndarray:
    """(w,) thickness of the dark line along the upper lid. Over a dark iris it has no lower edge of its own: there it
    is as thick as beside it."""
    most = LASH_SHARE * tall
    known = np.flatnonzero(~np.isnan(measured[left : right + 1])) + left
    if len(known) < LEAST_COLUMNS * (right - left):
        thickness = np.full(len(top), max(USUAL_LASH * tall, 1.0), np.float32)
    else:
        usual = np.percentile(measured[known], 45)
        values = np.clip(measured[known], 0.5 * usual, 1.5 * usual)
        thickness = np.interp(np.arange(len(top)), known, values).astype(np.float32)
    thickness = np.minimum(thickness, most)
    thickness = cv2.GaussianBlur(thickness[None], (0, 0), max(0.04 * tall, 0.8), borderType=cv2.BORDER_REPLICATE)[0]
    # corners and tails of lashes are line and nothing else
    height = bottom - top
    tail = np.clip((TAIL * tall - height) / (0.25 * tall), 0, 1)
    return np.maximum(thickness + tail * (height - thickness), 1.0).astype(np.float32)


def _hanging(seed: np.ndarray, others: np.ndarray, reach: int) -> np.ndarray:
    """Of what is marked in `others`, what hangs together with a seed over at most `reach` px. All (h, w) bool."""
    found, allowed = seed.astype(np.uint8), (seed | others).astype(np.uint8)
    for _ in range(reach):
        found = cv2.dilate(found, np.ones((3, 3), np.uint8)) & allowed
    return found > 0


def _grown(mask: np.ndarray, by: int) -> np.ndarray:
    """A bool mask (h, w) with `by` px more on all sides."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0


def _tails(rest: np.ndarray, near: np.ndarray, tall: float) -> np.ndarray:
    """Of what is no skin and no eye yet, the ends of the lash line that its curve does not reach: small, and at the
    eye."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8))
    h, w = rest.shape
    free = (stats[:, 0] > 0) & (stats[:, 1] > 0) & (stats[:, 0] + stats[:, 2] < w) & (stats[:, 1] + stats[:, 3] < h)
    small = (stats[:, 2] < TAIL_SIZE * tall) & (stats[:, 3] < TAIL_SIZE * tall)
    touching = np.zeros(count, bool)
    touching[np.unique(labels[near & rest])] = True
    chosen = free & small & touching
    chosen[0] = False
    return chosen[labels]


def _highlights(pale: np.ndarray, blob: tuple) -> np.ndarray:
    """What of the pale parts of an eye (h, w) bool are lights on its iris: they lie inside it."""
    h, w = pale.shape
    bx, by, r = blob
    y, x = np.mgrid[:h, :w]
    inner = cv2.erode(pale.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(inner)
    whole = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    inside = np.bincount(labels[np.hypot(x - bx, y - by) < PARTS * r], minlength=count) / whole
    chosen = inside > ON_IRIS
    chosen[0] = False
    return _grown(chosen[labels], 1) & pale


def _iris(mask, under, blob, tall) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centre and radii of an iris, and (h, w) bool where it is seen: the hull of what in a mask (h, w) is no line, with
    its highlights. under: (w,) where the lid ends. blob: x, y and radius of the circle that it is near."""
    h, w = mask.shape
    bx, by, r = blob
    y, x = np.mgrid[:h, :w]
    thin = max(int(THIN * r), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thin + 1, 2 * thin + 1))
    solid = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels = cv2.connectedComponents(solid)
    close = np.hypot(x - bx, y - by) < PARTS * r
    # highlights part it
    near = np.bincount(labels[close], minlength=count) / np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    near[0] = 0
    seen = np.hypot(x - bx, y - by) < r
    if near.any():
        parts = (near > 0.5) | (near == near.max())
        parts[0] = False
        part = _grown(parts[labels], 1) & mask
        seen = cv2.fillConvexPoly(np.zeros((h, w), np.uint8), cv2.convexHull(cv2.findNonZero(part.astype(np.uint8))), 1)
        seen = seen > 0
        seen |= _grown(seen, max(int(0.1 * r), 2)) & mask
    wide = seen.sum(1)
    row = int(wide.argmax())
    left, right = np.flatnonzero(seen[row])[[0, -1]] if wide[row] else (bx - r, bx + r)
    cx, rx = (left + right + 1) / 2, max((right - left + 1) / 2, 1.5)
    rows = np.flatnonzero(seen.any(1))
    first, last = (rows[0], rows[-1] + 1) if len(rows) else (by - r, by + r)
    ry = max((last - first) / 2, 1.5)
    if first < under[int(np.clip(cx, 0, w - 1))] + 0.1 * tall:  # the lid hides its top
        ry = float(np.clip(1.1 * ry, min(rx, 1.3 * ry), max(1.45 * rx, ry)))
    return np.array([cx, last - ry], np.float32), np.array([rx, ry], np.float32), seen


def _front(picture: np.ndarray, before: np.ndarray, hair: np.ndarray, near: np.ndarray) -> Layer:
    """What stays before the eye, without the eye's colours in the edge of the hair. near: (h, w) bool, at the eye."""
    alpha = cv2.GaussianBlur(before.astype(np.float32), (0, 0), 0.6)
    certain = cv2.erode(hair.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    edge = before & hair & near & ~certain
    # the layer's soft rim lies outside of what it shows
    edge |= _grown(edge, 1) & ~before
    colours = picture
    if certain.any() and edge.any():
        colours = np.where(edge[..., None], spread(picture, certain, 1.0), picture)
    return Layer(pixels(colours), alpha)


def _upwards(rgb: np.ndarray, known: np.ndarray, under: np.ndarray) -> np.ndarray:
    """rgb (h, w, 3), its pixels above `under` those below it mirrored, as far as they are known, else the nearest."""
    h, w = known.shape
    y = np.arange(h, dtype=np.float32)[:, None]
    edge = np.ceil(under)[None] + 1
    first = np.where(known.any(0), np.maximum(known.argmax(0), edge[0]), edge[0]) + 2  # not the lash line's shade
    source = np.where(y < first, np.minimum(first + 0.25 * (first - y), h - 1), y)
    columns = np.broadcast_to(np.arange(w), (h, w))
    return rgb[np.clip(source, 0, h - 1).astype(int), columns]


def _sprite(rgb: np.ndarray, mask: np.ndarray) -> Layer:
    """Pixels under a mask, with soft edges."""
    alpha = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.6)
    alpha = np.where(mask, np.maximum(alpha, 0.85), 0.6 * alpha).astype(np.float32)
    return Layer(pixels(np.where(mask[..., None], rgb, spread(rgb, mask, 1.0))), alpha)


def _lash(rgb: np.ndarray, fill: np.ndarray, core: np.ndarray, band: np.ndarray, hidden: np.ndarray) -> Layer:
    """The lash line, as opaque as its pixels are from the skin on the way to the line's own colour. hidden: where it
    goes on behind hair."""
    if not core.any():
        return Layer(pixels(rgb), np.zeros(core.shape, np.float32))
    luma = rgb.sum(2)
    dark = core & (luma <= np.percentile(luma[core], 50))
    colour = spread(rgb, dark, 2.0)
    way = colour - fill
    alpha = ((rgb - fill) * way).sum(2) / np.maximum((way * way).sum(2), 1)
    alpha = np.where(hidden, 1, np.clip(1.25 * alpha, 0, 1)) * cv2.GaussianBlur(band.astype(np.float32), (0, 0), 0.6)
    own = ((alpha > 0.9) & ~hidden)[..., None]
    return Layer(pixels(np.where(own, rgb, colour)), alpha.astype(np.float32))


def _shut(top, bottom, thickness, left, right, tall) -> tuple[np.ndarray, np.ndarray]:
    """(w,) the upper edge of the lash line when the eye is shut, and how thick it is there: one smooth curve near the
    lower lid from corner to corner, wherever the line ran before."""
    x = np.arange(left, right + 1)
    height = (bottom - top)[x]
    body = height > TAIL * tall
    usual = float(np.median(thickness[x][body])) if body.any() else float(np.median(thickness[x]))
    low = bottom[x]
    floor = arch(x[body], low[body], 0.1 * tall) if body.sum() >= 6 else low[body]
    line = SHUT * floor + (1 - SHUT) * top[x][body] - thickness[x][body] / 2
    curve = arch(x[body], line, 0.1 * tall, at=x) if body.any() else top[x]
    curve = curve.mean() + (curve - curve.mean()) * min(1, SAGITTA * len(x) / max(float(np.ptp(curve)), 1))
    # the ends of lashes hang no higher than they are, and a curve goes no further on than its corners
    curve = np.maximum(curve, top[x])
    shut = np.empty(len(top), np.float32)
    shut[x] = curve
    shut[:left], shut[right + 1 :] = curve[0], curve[-1]
    sigma = max(0.03 * (right - left), 0.8)
    shut = cv2.GaussianBlur(shut[None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
    return shut.astype(np.float32), np.minimum(thickness, usual).astype(np.float32)
