"""The sheet on which a row of teeth lies: a parabola seen from above, straight up and down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.tracking.mesh import Similarity3D

# Depth over the square of the way to the side, in eye distances (about 92 mm): canines lie 10 mm behind the front.
BEND = 3.0
WIDEST = 4.0  # eye distances to the side: no tooth is there


@dataclass(frozen=True)
class DentalArch:
    """skull: from canonical units to 3D pixels; middle: (2,) x and z of the front of the arch, in canonical units."""

    skull: Similarity3D
    middle: np.ndarray

    def points(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(N, 3) pixels of places (N,) on the sheet: x from its middle to its side, y down, in canonical units."""
        z = self.middle[1] + BEND * x * x
        return self.skull(np.stack([x + self.middle[0], y, z], 1))

    def places(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The inverse of `points` for pixels (x and y broadcast), on the side that is seen; WIDEST beside the sheet."""
        across, down, away = self.skull.scale * self.skull.rotation[:2].T
        front = self.skull(np.array([[self.middle[0], 0, self.middle[1]]], np.float32))[0]
        x, y = x - front[0], y - front[1]
        # across the axis that points down the sheet is a parabola in x alone
        square = BEND * (away[0] * down[1] - away[1] * down[0])
        linear = across[0] * down[1] - across[1] * down[0]
        along = x * down[1] - y * down[0]
        root = linear * linear + 4 * square * along
        at = 2 * along / np.maximum(linear + np.sqrt(np.maximum(root, 0)), 1e-6)
        at = np.where(root < 0, WIDEST, np.clip(at, -WIDEST, WIDEST))
        depth = BEND * at * at
        height = (x - across[0] * at - away[0] * depth) * down[0] + (y - across[1] * at - away[1] * depth) * down[1]
        return at.astype(np.float32), (height / (down @ down)).astype(np.float32)
