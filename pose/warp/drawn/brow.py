"""A drawn brow at any height."""

from __future__ import annotations

import numpy as np

from pose.portrait.drawn.brow import DrawnBrow

from .layers import over, shifted


def painted_brow(brow: DrawnBrow, rise: float) -> tuple[np.ndarray, np.ndarray]:
    """The brow's box of the portrait, (h, w, 3) uint8, and where it is to be laid over it, (h, w) float32. rise: px."""
    moved = shifted(brow.brow, np.array([0, -rise], np.float32))
    alpha = moved.alpha * brow.free
    return over(alpha, moved.rgb, brow.skin), np.maximum(alpha, brow.removed)
