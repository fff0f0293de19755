"""Curves of lids and lips, column by column."""

from __future__ import annotations

import cv2
import numpy as np

SMALLEST = 4  # px of an eye's width and height, below which there is nothing to take apart
ROUGHNESS = (0.03, 0.16)  # iris radii over which lids are smoothed: of an outline, of a line that was followed
OUTLIER = 0.25  # iris radii that a lid may leave its smoothed curve


def arch(x: np.ndarray, y: np.ndarray, tolerance: float, at: np.ndarray | None = None) -> np.ndarray:
    """A parabola through most of the points of a lid (iteratively reweighted), at other places than theirs where such
    are given."""
    at = x if at is None else at
    if len(x) < 6:
        return np.interp(at, x, y) if len(x) else np.zeros(len(at))
    middle, half = x.mean(), max(np.ptp(x) / 2, 1)
    basis, wanted = (np.vander((v - middle) / half, 3, increasing=True) for v in (x, at))
    weight = np.ones(len(x))
    for _ in range(12):
        root = np.sqrt(weight)
        curve = np.linalg.lstsq(basis * root[:, None], y * root, rcond=None)[0]
        weight = 1 / (1 + ((y - basis @ curve) / tolerance) ** 2)
    return wanted @ curve


def run(line: np.ndarray, start: int, most: float) -> tuple[float, float]:
    """Both ends of the run of True around `start`, no further than `most` from it; breaks of a fifth of that are
    bridged, as a highlight makes them."""
    ends = []
    gap = max(int(0.2 * most), 1)
    for step in (-1, 1):
        at, end, missed = start, start, 0
        while 0 <= at < len(line) and missed <= gap and abs(at - start) <= most:
            end, missed = (at, 0) if line[at] else (end, missed + 1)
            at += step
        ends.append(end)
    return float(ends[0]), float(ends[1] + 1)


def smoothed(left: int, right: int, top: np.ndarray, bottom: np.ndarray, sigma: float):
    sigma = max(sigma, 0.7)
    top, bottom = (
        cv2.GaussianBlur(v[None].astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
        for v in (top, bottom)
    )
    return left, right, top, np.maximum(bottom, top + 1)
