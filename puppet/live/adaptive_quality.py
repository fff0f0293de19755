"""What is given up, and in which order, where the machine is too slow for everything."""

from __future__ import annotations

from dataclasses import dataclass

from generator.portrait.layout import FRAMES_PER_LATENT


@dataclass(frozen=True)
class Level:
    rate: int  # generated pictures a second; the output's own rate never changes
    body_every: int  # tracked frames per look at body and hands
    text: str

    @property
    def hands_every(self) -> int:
        """Tracked frames per look while hands are in the picture."""
        return self.body_every // 2


LEVELS = (
    Level(24, 4, "24 new pictures a second, body and hands looked for in every 4th frame"),
    Level(24, 8, "24 new pictures a second, body and hands looked for in every 8th frame"),
    Level(20, 8, "20 new pictures a second, body and hands looked for in every 8th frame"),
    Level(16, 8, "16 new pictures a second, body and hands looked for in every 8th frame"),
    Level(12, 12, "12 new pictures a second, body and hands looked for in every 12th frame"),
    Level(8, 12, "8 new pictures a second, body and hands looked for in every 12th frame"),
)
TOO_BUSY = 0.95  # share of a group's time that may be spent making it
ROOM = 0.75  # share that the next better level must fit into
DOWN_AFTER, UP_AFTER = 12, 90  # groups in a row: about 2 and 15 seconds


class AdaptiveQuality:
    """Watches how long groups of four take, and moves between the levels."""

    def __init__(self) -> None:
        self._index = 0
        self._slow = self._easy = 0
        self._busy: float | None = None  # s a group, smoothed

    @property
    def level(self) -> Level:
        return LEVELS[self._index]

    def observe(self, seconds: float) -> Level | None:
        """A group was made in so many seconds. The new level where that changes it."""
        self._busy = seconds if self._busy is None else self._busy + 0.2 * (seconds - self._busy)
        better = LEVELS[max(self._index - 1, 0)]
        self._slow = self._slow + 1 if self._busy > TOO_BUSY * FRAMES_PER_LATENT / self.level.rate else 0
        self._easy = self._easy + 1 if self._busy < ROOM * FRAMES_PER_LATENT / better.rate else 0
        if self._slow >= DOWN_AFTER and self._index < len(LEVELS) - 1:
            return self._move(1)
        if self._easy >= UP_AFTER and self._index > 0:
            return self._move(-1)
        return None

    def _move(self, step: int) -> Level:
        self._index += step
        self._slow = self._easy = 0
        return self.level
