"""Decoding only the part of the picture that is drawn; elsewhere the warp stays (`ModelConfig.reach`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.conditions import CANONICAL
from generator.config import SPATIAL_FACTOR

CELL = SPATIAL_FACTOR // 2  # pixels of the guide in a latent cell
MARGIN = 1  # cells beyond the drawn part, so that the decoder's convolutions see what surrounds it
STEP = 4  # cells: few different sizes, because every new one has to be set up


@dataclass(frozen=True)
class Window:
    """Rows and columns of latent cells."""

    top: int
    left: int
    height: int
    width: int

    def of(self, per_cell: int) -> tuple[slice, slice]:
        """The same rectangle in a picture of so many pixels a cell."""
        return (
            slice(self.top * per_cell, (self.top + self.height) * per_cell),
            slice(self.left * per_cell, (self.left + self.width) * per_cell),
        )


def drawn_window(guide_FhwC: np.ndarray, reach: int) -> Window | None:
    """The cells around the faces of four video frames, from their guide (F, H/2, W/2, 8) uint8; None without a face."""
    face = guide_FhwC[..., CANONICAL].any(axis=(0, 3))
    if not face.any():
        return None
    spread = -(-5 * reach // (2 * SPATIAL_FACTOR)) + MARGIN  # the soft edge ends at about 2.5 times the reach
    spans = []
    for axis in (1, 0):
        filled = np.flatnonzero(face.any(axis=axis))
        cells = face.shape[1 - axis] // CELL
        first, last = filled[0] // CELL - spread, filled[-1] // CELL + 1 + spread
        length = min(-(-(last - first) // STEP) * STEP, cells)
        spans.append((int(min(max(first, 0), cells - length)), int(length)))
    (top, height), (left, width) = spans
    return Window(top, left, height, width)
