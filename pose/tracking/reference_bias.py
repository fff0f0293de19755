"""By how much measurements of one frame are off, learnt from other frames.

What is measured against a reference carries the reference's own noise, the same in every frame. In the mean over other
frames it stays alone; but they also differ from the reference in what they show, and the more a mouth is open, the more
its landmarks are off. So the measurements are explained by those differences, and what they would be without any is the
reference's own (ridge regression: Hoerl and Kennard, Technometrics 1970).
"""

from __future__ import annotations

import numpy as np

# Square of the differences, summed over the frames, from which half of what goes with them is believed: ten frames at
# 0.05, so that a mouth that hardly moves explains nothing.
BELIEF = 0.025


class ReferenceBias:
    """differences: how many numbers tell a frame from the reference; shape: of what is measured."""

    def __init__(self, differences: int, shape: tuple[int, ...]):
        self._gram = np.diag([1.0, *[BELIEF] * differences])  # the reference itself is not off from itself
        self._sums = np.zeros((differences + 1, *shape))
        self.value = np.zeros(shape, np.float32)

    def add(self, differences: np.ndarray, measured: np.ndarray) -> None:
        """One frame's."""
        row = np.array([1.0, *differences])
        self._gram += np.outer(row, row)
        self._sums += np.multiply.outer(row, measured)
        self.value = np.tensordot(np.linalg.inv(self._gram)[0], self._sums, 1).astype(np.float32)
