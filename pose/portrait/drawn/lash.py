"""The lash line of a drawn eye: how thick it is, its ends, and how it lies when the eye is shut."""

from __future__ import annotations

import cv2
import numpy as np

from .colours import Layer, pixels, spread
from .curves import arch

LEAST_COLUMNS = 0.12  # of the eye's columns that have to tell it
USUAL_LASH = 0.16  # of an eye's height, where none tells it
LASH_SHARE = 0.28  # of an eye's height that the lash line takes at most
TAIL_SIZE = 0.45  # of an eye's height that the end of a lash is long at most
TAIL = 0.5  # of an eye's height; columns lower than that are corners and tails of lashes
SAGITTA = 0.25  # of an eye's width: a shut eye is no deeper an arc
SHUT = 0.86  # of the way to the bottom that the lash line goes down


def lash_line(measured, top, bottom, left, right, tall) -> np.ndarray:
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


def lash_ends(rest: np.ndarray, near: np.ndarray, hair: np.ndarray, tall: float) -> np.ndarray:
    """Of what is no skin, no hair and no eye yet, the ends of the lash line that its curve does not reach: small, and
    at the eye. What touches hair from below is the tip of a strand. All (h, w) bool."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8))
    h, w = rest.shape
    free = (stats[:, 0] > 0) & (stats[:, 1] > 0) & (stats[:, 0] + stats[:, 2] < w) & (stats[:, 1] + stats[:, 3] < h)
    small = (stats[:, 2] < TAIL_SIZE * tall) & (stats[:, 3] < TAIL_SIZE * tall)
    touching = np.zeros(count, bool)
    touching[np.unique(labels[near & rest])] = True
    below = np.zeros_like(hair)
    below[1:] = hair[:-1]
    tips = np.zeros(count, bool)
    tips[np.unique(labels[below & rest])] = True
    chosen = free & small & touching & ~tips
    chosen[0] = False
    return chosen[labels]


def lash_layer(rgb: np.ndarray, fill: np.ndarray, core: np.ndarray, band: np.ndarray, hidden: np.ndarray) -> Layer:
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


def shut_line(top, bottom, thickness, left, right, tall) -> tuple[np.ndarray, np.ndarray]:
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
