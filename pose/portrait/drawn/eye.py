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
from .lids import arch, find_lids, run

BESIDE = 0.85  # of the iris's radius beside its middle, from where the lash line's thickness can be told
LEAST_COLUMNS = 0.12  # of the eye's columns that have to tell it
USUAL_LASH = 0.16  # of an eye's height, where none tells it
LASH_SHARE = 0.28  # of an eye's height that the lash line takes at most
TAIL_SIZE = 0.45  # of an eye's height that the end of a lash is long at most
TAIL = 0.5  # of an eye's height; columns lower than that are corners and tails of lashes
WHITE_SHARE = 0.06  # of what lies under the lashes: with less white than that an eye is a dot
SHUT = 0.86  # of the way to the bottom that the lash line goes down
FRINGE = 0.02  # eye distances around the eye in which its outline fades
MIXTURE = 30.0  # RGB difference from the way between two colours, up to which a pixel is their mixture
REACH = 0.12  # eye distances of skin around the eye that the layers take in


@dataclass(frozen=True, eq=False)
class DrawnEye:
    """The layers of an eye in a box of the picture: colours (h, w, 3) uint8, which go on beyond their alphas (h, w)
    float32.

    x, y: of the box's first pixel. skin: with the eye taken away. inside: where the eye is below its lashes. line:
    lower lid and rims. front: what stays before the eye. top, thickness, shut: (w,)
    in the box's pixels, of the lash line: its upper edge, how thick it is, and its upper edge when the eye is shut.
    centre, radius: of the iris, (2,). dot: there is no white, all of the eye looks around.
    left, right: its first and last column. bottom: (w,).
    """

    x: int
    y: int
    skin: np.ndarray
    white: np.ndarray
    inside: np.ndarray
    iris: Layer
    line: Layer
    lash: Layer
    front: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    thickness: np.ndarray
    shut: np.ndarray
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
    rgb = canvas.rgb[view].astype(np.float32)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    chroma = rgb.max(2) - rgb.min(2)
    h, w = luma.shape
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    columns = (x >= left) & (x <= right)
    eye = columns & (y >= np.floor(top)) & (y < np.ceil(bottom))
    tall = float(np.percentile((bottom - top)[left : right + 1], 80))

    measured = np.where(np.abs(x[0] - blob[0]) < BESIDE * blob[2], np.nan, measured)
    thickness = _lash_line(measured, top, bottom, left, right, tall)
    under = eye & (y >= top + thickness)
    # white: bright and pale for this eye, brighter than what the iris is
    dark, bright = (np.percentile(luma[eye], q) for q in (10, 95))
    pale = under & (luma > dark + 0.62 * (bright - dark)) & (chroma < 70)
    white_found = pale.sum() > WHITE_SHARE * max(under.sum(), 1)
    coloured = under & ~pale if white_found else under
    centre, radius = _iris(coloured, (top + thickness), blob, tall)
    away = np.hypot((x - centre[0]) / radius[0], (y - centre[1]) / radius[1])
    disc = np.clip((1.06 - away) * radius.min() + 0.5, 0, 1).astype(np.float32)
    dot = not white_found
    known = pale & (away > 1.15)
    if known.sum() >= 8:
        known &= luma >= np.median(luma[known]) - 8
    if dot or known.sum() < 4:
        dot = True
        known = under if under.any() else eye
    white = spread(rgb, known, 0.05 * canvas.unit)
    # the iris goes on under the lid
    iris = _upwards(rgb, under & (away < 1.02), top + thickness)
    # what is neither white nor iris: rims and lower lashes
    rest = under & ~pale & (away > 1.12)
    skin_seen = canvas.skin[view]
    skin_known = skin_seen & ~cv2.dilate(eye.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    fill = spread(rgb, skin_known, 0.04 * canvas.unit) if skin_known.sum() > 8 else rgb
    # of the fringe around the eye, what is a mixture of skin and lash goes with it; what is neither (hair, glasses, a
    # brow, a strand) stays, and stays before the eye
    fringe = max(int(FRINGE * canvas.unit), 1)
    grown = cv2.dilate(eye.astype(np.uint8), np.ones((2 * fringe + 1, 2 * fringe + 1), np.uint8)) > 0
    core = eye & (y < top + thickness)
    way = (spread(rgb, core, 2.0) if core.any() else rgb) - fill
    share = ((rgb - fill) * way).sum(2) / np.maximum((way * way).sum(2), 1)
    mixed = np.linalg.norm(rgb - fill - np.clip(share, 0, 1)[..., None] * way, axis=2) < MIXTURE
    strand = canvas.hair[view] & ~mixed
    tails = _tails(~skin_seen & ~canvas.hair[view] & ~eye, grown, tall)
    rim = grown & mixed & ~canvas.hair[view]
    gone = (eye & ~strand) | rim | tails
    before = ~gone & (~skin_seen | strand)
    front = cv2.GaussianBlur(before.astype(np.float32), (0, 0), 0.6)
    soft_tails = cv2.dilate(tails.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    removed = cv2.GaussianBlur((gone | ((grown | soft_tails) & skin_seen)).astype(np.float32), (0, 0), 0.6)[..., None]
    skin = rgb + removed * (fill - rgb)

    # the lower lid's line, as far as it lies outside of the eye's smooth curve
    below = rim & (y >= bottom) & (share > 0.3)
    line = _sprite(rgb, rest | below)
    lash_mask = (columns & (y >= top - 1.5) & (y < top + thickness + 1)) | soft_tails | (rim & ~eye & (y < bottom))
    lash = _lash(rgb, fill, eye & (y < top + thickness), lash_mask)
    inside = np.clip(bottom - y + 0.5, 0, 1) * np.clip(np.minimum(x - left, right - x) + 0.5, 0, 1)
    inside = np.maximum(inside, cv2.GaussianBlur(below.astype(np.float32), (0, 0), 0.6)).astype(np.float32)
    shut = _shut(top, bottom, thickness, left, right, tall)
    return DrawnEye(
        x0, y0, pixels(skin), pixels(white), inside, Layer(pixels(iris), disc), line, lash, front, top, bottom,
        thickness, shut, left, right, centre, radius, dot,
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


def _iris(mask, under, blob, tall) -> tuple[np.ndarray, np.ndarray]:
    """Centre and radii of the ellipse of which a mask (h, w) shows what the lids leave free. blob: x, y and radius of
    the circle that it is near."""
    h, w = mask.shape
    bx, by, r = blob
    column, row = int(np.clip(bx, 0, w - 1)), int(np.clip(by, 0, h - 1))
    # its sides: how far it goes without a break from the blob's middle, in the rows around it
    rows = [k for k in range(int(by - 0.3 * r), int(by + 0.6 * r) + 1) if 0 <= k < h and mask[k, column]]
    sides = np.array([run(mask[k], column, 1.7 * r) for k in rows]) if rows else np.array([[bx - r, bx + r]])
    left, right = np.median(sides, 0)
    cx, rx = (left + right) / 2, max((right - left) / 2, 1.5)
    columns = range(int(max(cx - 0.4 * rx, 0)), int(min(cx + 0.4 * rx, w - 1)) + 1)
    ends = np.array([run(mask[:, k], row, 2.2 * r) for k in columns if mask[row, k]])
    first, last = np.median(ends, 0) if len(ends) else (by - r, by + r)
    ry = max((last - first) / 2, 1.5)
    if first < under[column] + 0.1 * tall:  # the lid hides its top
        ry = float(np.clip(1.1 * ry, min(rx, 1.3 * ry), max(1.45 * rx, ry)))
    return np.array([cx, last - ry], np.float32), np.array([rx, ry], np.float32)


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


def _lash(rgb: np.ndarray, fill: np.ndarray, core: np.ndarray, band: np.ndarray) -> Layer:
    """The lash line, as opaque as its pixels are from the skin on the way to the line's own colour."""
    if not core.any():
        return Layer(pixels(rgb), np.zeros(core.shape, np.float32))
    luma = rgb.sum(2)
    dark = core & (luma <= np.percentile(luma[core], 50))
    colour = spread(rgb, dark, 2.0)
    way = colour - fill
    alpha = ((rgb - fill) * way).sum(2) / np.maximum((way * way).sum(2), 1)
    alpha = np.clip(1.25 * alpha, 0, 1) * cv2.GaussianBlur(band.astype(np.float32), (0, 0), 0.6)
    return Layer(pixels(np.where((alpha > 0.9)[..., None], rgb, colour)), alpha.astype(np.float32))


def _shut(top, bottom, thickness, left, right, tall) -> np.ndarray:
    """(w,) the upper edge of the lash line when the eye is shut: a smooth curve near the lower lid, on which the tails
    of the lashes stay where they are."""
    x = np.arange(left, right + 1)
    height = (bottom - top)[left : right + 1]
    body = height > TAIL * tall
    low = bottom[left : right + 1]
    floor = arch(x[body], low[body], 0.1 * tall) if body.sum() >= 6 else low[body]
    down = np.zeros(len(top), np.float32)
    way = np.maximum(SHUT * (floor - top[left : right + 1][body]) - thickness[left : right + 1][body] / 2, 0)
    down[left : right + 1] = np.interp(x, x[body], way) if body.any() else 0
    # beyond the eye's body the line goes on as it ends, with its corners drawn down less
    edge = np.zeros(len(top), np.float32)
    edge[left : right + 1] = np.interp(x, x[body], np.ones(body.sum())) if body.any() else 0
    down[:left], down[right + 1 :] = down[left], down[right]
    sigma = max(0.06 * (right - left), 0.8)
    down = cv2.GaussianBlur(down[None], (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
    return (top + down).astype(np.float32)
