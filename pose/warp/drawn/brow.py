"""A drawn brow at any height."""

from __future__ import annotations

import cv2
import numpy as np

from pose.portrait.drawn.brow import DrawnBrow

from .layers import Places, fetched, over


def painted_brow(brow: DrawnBrow, rise: float, at: Places) -> tuple[np.ndarray, np.ndarray]:
    """Colours (3, h, w) and alpha (h, w) of the brow and the skin behind it, to be laid over the portrait. rise: px."""
    skin, removed = fetched(brow.skin, at)
    colours, alpha = fetched(brow.brow, at.moved(np.array([0, -rise])))
    alpha = alpha * cv2.remap(brow.free, at.x, at.y, cv2.INTER_LINEAR)
    return over(alpha, colours, skin), np.maximum(alpha, removed)
