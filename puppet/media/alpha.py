"""Pictures with alpha. All are uint8; RGBA is premultiplied unless a name says straight."""

from __future__ import annotations

import cv2
import numpy as np


def composite(rgba: np.ndarray, background: np.ndarray | None) -> np.ndarray:
    """(S, S, 4) over (S, S, 3): an opaque picture; without a background the person as it is."""
    if background is None:
        return rgba
    hidden = cv2.merge([255 - rgba[..., 3]] * 3)
    shown = cv2.multiply(background, hidden, scale=1 / 255)
    return cv2.cvtColor(cv2.add(shown, cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)), cv2.COLOR_RGB2RGBA)  # alpha 255


def straight_alpha(rgba: np.ndarray) -> np.ndarray:
    """Premultiplied to straight alpha, for files that want it."""
    alpha = rgba[..., 3:].astype(np.uint16)
    colours = (rgba[..., :3].astype(np.uint16) * 255 + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(colours, 255).astype(np.uint8), rgba[..., 3:]], -1)


def checkerboard(shape: tuple[int, ...], field: int, greys: tuple[int, int]) -> np.ndarray:
    """(H, W, 3): what stands for nothing behind a picture; field: px."""
    board = np.indices(shape).sum(0) // field % 2
    return np.repeat(np.array(greys, np.uint8)[board][..., None], 3, -1)
