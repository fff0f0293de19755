"""The shape of the output, and how much of the portrait is in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.motion.retargeting import MODES
from pose.portrait.framing import FRAMINGS
from puppet.core.background import check_background
from puppet.errors import PuppetError

SMALLEST, LARGEST, SIZE_STEP = 64, 1280, 16  # px a side
HANDS = ("auto", "off")


def sides_of(text: str) -> tuple[int, int]:
    """Width and height in "N" or "WIDTHxHEIGHT", possible or not. Raises ValueError for what is no size."""
    sides = [int(side) for side in text.lower().split("x")]
    if len(sides) > 2:
        raise ValueError(f"{text!r} has {len(sides)} sides")
    return sides[0], sides[-1]


@dataclass(frozen=True)
class PictureSize:
    """Pixels of the output. Portraits are prepared and driven in the square around it."""

    width: int
    height: int

    @classmethod
    def of(cls, size: int | str | tuple[int, int] | PictureSize, option: str = "size") -> PictureSize:
        """From N, "N", "WIDTHxHEIGHT" or (width, height). Raises PuppetError for what is not possible."""
        if isinstance(size, PictureSize):
            return size
        try:
            width, height = (
                sides_of(size) if isinstance(size, str) else size if isinstance(size, tuple) else (size,) * 2
            )
        except ValueError:
            raise PuppetError(f"{option} {size} is no size: write it like 512 or 720x1280") from None
        if not all(SMALLEST <= side <= LARGEST and side % SIZE_STEP == 0 for side in (width, height)):
            raise PuppetError(
                f"{option} {size} is not possible: choose a multiple of {SIZE_STEP} from {SMALLEST} to {LARGEST}"
            )
        return cls(width, height)

    @property
    def side(self) -> int:
        """Of the square around it."""
        return max(self.width, self.height)

    @property
    def aspect(self) -> float:
        return self.width / self.height

    @property
    def pair(self) -> tuple[int, int]:
        return self.width, self.height

    def __str__(self) -> str:
        return str(self.width) if self.width == self.height else f"{self.width}x{self.height}"

    def cut(self, pictures: np.ndarray) -> np.ndarray:
        """The part of (..., S, S, C) pictures that is seen: (..., height, width, C)."""
        if self.width == self.height:
            return pictures
        left, top = (self.side - self.width) // 2, (self.side - self.height) // 2
        return np.ascontiguousarray(pictures[..., top : top + self.height, left : left + self.width, :])


def check_look(
    motion: str = "relative", background: str = "original", framing: str = "auto", hands: str = "auto"
) -> None:
    """Raises PuppetError for a choice that there is not."""
    for what, chosen, known in (("motion", motion, MODES), ("framing", framing, FRAMINGS), ("hands", hands, HANDS)):
        if chosen not in known:
            raise PuppetError(f"unknown {what} '{chosen}': choose {', '.join(known[:-1])} or {known[-1]}")
    check_background(background)
