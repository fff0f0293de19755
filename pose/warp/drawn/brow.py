"""A drawn brow at any height."""

from __future__ import annotations

import numpy as np

from pose.portrait.drawn.brow import DrawnBrow

from .layers import over, sheet, shifted


def painted_brow(brow: DrawnBrow, rise: float) -> np.ndarray:
    """The brow's box of the portrait, (h, w, 4) uint8 straight RGBA, to be laid over it. rise: px."""
    moved = shifted(brow.brow, np.array([0, -rise], np.float32))
    alpha = moved.alpha * brow.free
    return sheet(over(alpha, moved.rgb, brow.skin), alpha, brow.removed)
