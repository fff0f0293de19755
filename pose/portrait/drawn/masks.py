"""Masks (h, w) bool that grow."""

from __future__ import annotations

import cv2
import numpy as np


def hanging(seed: np.ndarray, others: np.ndarray, reach: int) -> np.ndarray:
    """Of what is marked in `others`, what hangs together with a seed over at most `reach` px. All (h, w) bool."""
    found, allowed = seed.astype(np.uint8), (seed | others).astype(np.uint8)
    for _ in range(reach):
        found = cv2.dilate(found, np.ones((3, 3), np.uint8)) & allowed
    return found > 0


def grown_by(mask: np.ndarray, by: int) -> np.ndarray:
    """A bool mask (h, w) with `by` px more on all sides."""
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0
