"""A moustache that a mouth was found together with: it stays when the mouth moves."""

from __future__ import annotations

import cv2
import numpy as np

from .colours import CHROMA_WEIGHT, GREY, SKIN, commonest
from .lid_outline import convexity

CONVEX = 0.85  # of its hull that a mouth covers, or with a moustache close to it
PLAIN = 0.8  # share of one colour in a tongue below a dark inside, which is no mouth below a moustache
THIN = 0.02  # eye distances: half as thick as a line that is no part of a moustache
LARGE, REST = 0.18, 0.08  # of a mouth's area, that a moustache and what is left of the mouth without it take at least
HIGHER = 0.65  # of its own height, that its middle is above the mouth's at least
# Lab's weighted red-green, and that over its blue-yellow, beyond which it is the inside of a mouth: hair is brown
RED = (20.0, 1.3)
FLAT = 1.3  # times wider than high a moustache is at least
DARKER = 0.55  # of the skin's lightness that it has at most: neither teeth nor upper lips are a moustache


def without_moustache(
    region: np.ndarray, lab: np.ndarray, light: float, unit: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """A mouth's mask (h, w) bool taken apart into the mouth and the moustache above it; None where there is none. lab:
    (h, w, 3) weighted colours; light: of the skin."""
    rows = np.flatnonzero(region.any(1))
    upper = region & (np.arange(len(region)) <= (rows[0] + rows[-1]) / 2)[:, None]
    kernel = _disc(THIN * unit)
    hair = _solid(region & _alike(lab, upper), kernel)
    rest = _solid(region & ~hair, kernel)
    sizes = [part.sum() / region.sum() for part in (hair, rest)]
    if sizes[0] < LARGE or sizes[1] < REST or lab[hair, 0].mean() > DARKER * light:
        return None
    red, yellow = (lab[hair].mean(0) - (0, CHROMA_WEIGHT * GREY, CHROMA_WEIGHT * GREY))[1:]
    if red > max(RED[0], RED[1] * yellow):
        return None
    wide, tall = (float(np.ptp(np.flatnonzero(hair.any(axis)))) for axis in (0, 1))
    lower = np.nonzero(rest)[0].mean() - np.nonzero(hair)[0].mean()
    if wide < FLAT * tall or lower < HIGHER * tall:
        return None
    # the dark inside of an open mouth with a tongue is one convex shape, and the tongue of one colour
    inner = cv2.erode(rest.astype(np.uint8), kernel) > 0
    tongue = inner.any() and _alike(lab, inner)[inner].mean() > PLAIN
    return None if tongue and convexity(region.astype(np.uint8)) >= CONVEX else (rest, hair)


def _alike(lab: np.ndarray, where: np.ndarray) -> np.ndarray:
    """(h, w) bool, of the commonest colour of a part."""
    return np.linalg.norm(lab - commonest(lab[where]), axis=2) < SKIN


def _solid(mask: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The largest part of a mask without its thin lines, with its edges."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return np.zeros_like(mask)
    part = (labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax()).astype(np.uint8)
    return (cv2.dilate(part, np.ones((3, 3), np.uint8)) > 0) & mask


def _disc(radius: float) -> np.ndarray:
    size = max(int(radius), 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1))
