"""The background behind the person, and the person free of it.

The background is filled once: its large shapes by a membrane over the hole (Laplace's equation, as in Perez et al.,
"Poisson Image Editing", SIGGRAPH 2003), its grain by mirroring that of the surroundings across the edge. The person's
colour is then what is left of the picture when the background is taken away, so that laying one over the other gives
the picture back.
"""

from __future__ import annotations

import cv2
import numpy as np

from pose.geometry import smoothstep

SEEN_ALPHA = 0.02  # alpha from which a pixel is the person's and not a witness of the background
HALO = 1 / 36  # fraction of the picture's side around a head that may still hold strands of hair and blur
EDGE_HALO = 1 / 100  # the same around clothes and limbs, which have an edge
LEAST_HALO = 3.0  # px
ISLAND = 1 / 120  # fraction of the side, half the width of background between parts of a person that witnesses nothing
CLOSE = 0.35  # fraction of the halo in which all of that is given to the person; beyond, less and less
DOUBT = 0.10  # alpha that a wrong guess of the background alone may seem to call for
GRAIN, GRAIN_DEPTH = 1 / 80, 1 / 16  # fractions of the side: what counts as grain, how deep it reaches into the hole
STRUCTURE = 3.0  # times the usual grain: what is more is an edge, whose mirror image would be a line
RELAXATIONS = 12  # per scale


def separate(picture: np.ndarray, alpha: np.ndarray, hairy: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Person (H, W, 4) uint8 premultiplied RGBA and background (H, W, 3) uint8 of a picture and its matte 0..1.

    hairy: (H, W) 0..1 where hair may stand out from the matte; everywhere if not given. The person over the background
    is the picture, except in a rim of a few pixels where it may differ a little.
    """
    person = alpha > SEEN_ALPHA
    wide, narrow = (max(LEAST_HALO, part * max(alpha.shape)) for part in (HALO, EDGE_HALO))
    halo = wide if hairy is None else narrow + (wide - narrow) * hairy
    away = _distance_from(person) / halo  # 0 at the person, 1 where the halo ends
    outside = smoothstep(away, (CLOSE, 1)).astype(np.float32)
    # back to the untouched picture where nothing hides it; soft, or an outline would stay when the person moves. A line
    # between two parts of the person would stay alone when these move
    island = _narrow(away > CLOSE, ISLAND * max(alpha.shape))
    filled = fill(picture, (away <= 1) | island)
    untouched = outside * (1 - cv2.GaussianBlur(island.astype(np.float32), (0, 0), 1.0))
    untouched[island] = 0
    background = np.rint(filled + (picture - filled) * untouched[..., None]).astype(np.float32)

    seen = picture.astype(np.float32)
    # the least alpha at which this background can give this picture: strands and blur that the matte has missed
    darker = np.where(seen < background, 1 - seen / np.maximum(background, 1), 0)
    brighter = np.where(seen > background, (seen - background) / np.maximum(255 - background, 1), 0)
    least = np.maximum(darker, brighter).max(axis=2)
    least = np.clip((least - DOUBT) / (1 - DOUBT), 0, 1)
    alpha = np.maximum(alpha, least * (1 - outside))
    colour = np.clip(seen - (1 - alpha[..., None]) * background, 0, 255 * alpha[..., None])
    rgba = np.rint(np.concatenate([colour, 255 * alpha[..., None]], axis=2)).astype(np.uint8)
    rgba[..., :3] = np.minimum(rgba[..., :3], rgba[..., 3:])
    return rgba, background.astype(np.uint8)


def fill(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) uint8 with its hole (H, W) bool filled from the surroundings, float32."""
    known = (~hole).astype(np.float32)
    image = picture.astype(np.float32)
    if known.mean() < 0.004:  # nothing is seen of the background: one calm colour out of the picture
        return np.broadcast_to(np.median(image.reshape(-1, 3), axis=0) * 0.6, image.shape).astype(np.float32)
    sigma = max(1.5, GRAIN * max(hole.shape))
    weight = cv2.GaussianBlur(known, (0, 0), sigma)
    low = cv2.GaussianBlur(image * known[..., None], (0, 0), sigma) / np.maximum(weight, 1e-3)[..., None]
    smooth = membrane(low, hole)
    grain = (image - low) * known[..., None]
    usual = STRUCTURE * np.median(np.abs(grain[~hole]), axis=0)
    grain = np.clip(grain, -usual, usual)
    at = _mirrored(hole)
    mirrored = cv2.remap(grain, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 5)
    fade = np.exp(-depth / (GRAIN_DEPTH * max(hole.shape)))[..., None]
    return np.clip(np.where(hole[..., None], smooth + fade * mirrored, image), 0, 255)


def membrane(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """The image (H, W, C) float32, its hole spanned by a membrane: Laplace's equation, solved from coarse to fine."""
    height, width = hole.shape
    known = (~hole).astype(np.float32)
    if min(height, width) <= 8:
        total = max(float(known.sum()), 1e-6)
        start = np.broadcast_to((image * known[..., None]).sum(axis=(0, 1)) / total, image.shape)
    else:
        size = ((width + 1) // 2, (height + 1) // 2)
        half_known = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
        half = cv2.resize(image * known[..., None], size, interpolation=cv2.INTER_AREA)
        half = half / np.maximum(half_known, 1e-6)[..., None]
        start = cv2.resize(membrane(half, half_known < 1e-3), (width, height), interpolation=cv2.INTER_LINEAR)
    keep = hole[..., None]
    result = np.where(keep, start, image).astype(np.float32)
    for _ in range(RELAXATIONS):
        result = np.where(keep, cv2.blur(result, (3, 3), borderType=cv2.BORDER_REPLICATE), image)
    return result


def _narrow(mask: np.ndarray, half: float) -> np.ndarray:
    """(H, W) bool: the parts of a mask that are less than about twice `half` pixels wide."""
    r = max(1, round(half))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
    padded = np.pad(mask.astype(np.uint8), r, mode="edge")  # it goes on beyond the picture
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, disc, borderType=cv2.BORDER_REPLICATE)
    return mask & (opened[r:-r, r:-r] == 0)


def _distance_from(mask: np.ndarray) -> np.ndarray:
    """(H, W) float32 pixels to the nearest pixel of the mask, 0 in it."""
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)


def _mirrored(hole: np.ndarray) -> np.ndarray:
    """(H, W, 2) float32 pixel indices: for a pixel in the hole, its mirror image across the nearest edge."""
    _, labels = cv2.distanceTransformWithLabels(hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    ys, xs = np.nonzero(~hole)
    nearest = np.zeros((labels.max() + 1, 2), np.float32)
    nearest[labels[ys, xs]] = np.stack([xs, ys], axis=1)
    rows, columns = np.indices(hole.shape, np.float32)
    here = np.stack([columns, rows], axis=2)
    return 2 * nearest[labels] - here
