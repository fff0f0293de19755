"""The eyes and the mouth as tables of landmarks.

Rows of an eye run from its outer corner to the inner one, rows of the mouth from the person's right corner to the left
one; rings as `landmarks` has them.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import landmarks as lm


@dataclass(frozen=True)
class Eye:
    """Landmarks of one eye."""

    ring: tuple[int, ...]  # 16, the opening: corners at 0 and 8
    corners: tuple[int, int]  # outer, inner
    upper: tuple[int, ...]  # lid lines; upper[i] above lower[i], the corners not in them
    lower: tuple[int, ...]
    iris: tuple[int, ...]  # its middle, then four points of its circle
    brow: tuple[int, ...]
    lid_rim: tuple[int, ...]  # where the upper lid and its lashes end, corners included
    lid_fold: tuple[int, ...]  # where the upper lid folds in
    below: tuple[int, ...]  # skin under the eye and at the top of the cheek
    above: tuple[int, ...]  # skin between fold and brow

    @property
    def pupil(self) -> int:
        """The middle of the iris."""
        return self.iris[0]

    @property
    def iris_circle(self) -> list[int]:
        return list(self.iris[1:])


@dataclass(frozen=True)
class Mouth:
    """Landmarks of the lips."""

    inner: tuple[int, ...]  # rings
    outer: tuple[int, ...]
    corners: tuple[int, int]  # of the inner lips
    middles: tuple[int, int]  # of the inner lips: upper, lower
    inner_upper: tuple[int, ...]  # lip lines; upper[i] above lower[i], the corners not in them
    inner_lower: tuple[int, ...]
    outer_upper: tuple[int, ...]
    outer_lower: tuple[int, ...]


RIGHT_EYE = Eye(
    lm.RIGHT_EYE_RING, lm.RIGHT_EYE_CORNERS, lm.RIGHT_EYE_UPPER, lm.RIGHT_EYE_LOWER, lm.RIGHT_IRIS, lm.RIGHT_BROW,
    lid_rim=(33, 246, 161, 160, 159, 158, 157, 173, 133), lid_fold=(130, 247, 30, 29, 27, 28, 56, 190, 243),
    below=(228, 229, 230, 118, 119), above=(222, 223, 224),
)  # fmt: skip
LEFT_EYE = Eye(
    lm.LEFT_EYE_RING, lm.LEFT_EYE_CORNERS, lm.LEFT_EYE_UPPER, lm.LEFT_EYE_LOWER, lm.LEFT_IRIS, lm.LEFT_BROW,
    lid_rim=(263, 466, 388, 387, 386, 385, 384, 398, 362), lid_fold=(359, 467, 260, 259, 257, 258, 286, 414, 463),
    below=(448, 449, 450, 347, 348), above=(442, 443, 444),
)  # fmt: skip
EYES = (RIGHT_EYE, LEFT_EYE)
MOUTH = Mouth(
    lm.LIPS_INNER, lm.LIPS_OUTER, lm.MOUTH_CORNERS, lm.LIP_MIDDLES,
    lm.LIPS_INNER_UPPER, lm.LIPS_INNER_LOWER, lm.LIPS_OUTER_UPPER, lm.LIPS_OUTER_LOWER,
)  # fmt: skip
