"""What is given up, and in which order, where the machine is too slow for everything: motion latency comes last."""

from __future__ import annotations

from dataclasses import dataclass

from generator.portrait.layout import FRAMES_PER_LATENT


@dataclass(frozen=True)
class Level:
    rate: int  # generated frames a second
    body_rate: int  # looks at body and hands a second
    ticks_per_picture: int  # ticks of the output until the next new picture; the output's own rate never changes

    @property
    def hands_rate(self) -> int:
        """Looks a second while hands are in the picture."""
        return 2 * self.body_rate

    @property
    def text(self) -> str:
        pictures = "" if self.ticks_per_picture == 1 else f", a new picture at every {self.ticks_per_picture}nd tick"
        return f"{self.rate} generated frames a second, {self.body_rate} looks at body and hands{pictures}"


# First what nobody sees, then the age of the appearance, and only then the rate of new pictures.
LEVELS = (
    Level(24, 6, 1),
    Level(24, 3, 1),
    Level(20, 3, 1),
    Level(16, 3, 1),
    Level(12, 2, 1),
    Level(8, 2, 1),
    Level(8, 1, 2),
)
SLOWEST_GENERATOR = 5  # the last level that a slow generator asks for: more would not help it
TOO_BUSY = 0.95  # of its time that a step may take
ROOM = 0.75  # of its time that a step must take on the next better level
DOWN_SECONDS, UP_SECONDS = 2.0, 15.0  # that it is too slow, or fast enough, until the level changes
SMOOTHING = 0.2  # weight of the newest measurement


@dataclass
class _Load:
    """How busy one step is, 1 = all of the time that it has."""

    seconds: float | None = None  # that it takes, smoothed

    def observe(self, seconds: float) -> None:
        self.seconds = seconds if self.seconds is None else self.seconds + SMOOTHING * (seconds - self.seconds)

    def of(self, available: float) -> float:
        return 0.0 if self.seconds is None else self.seconds / available


class AdaptiveQuality:
    """Watches how long batches and pictures take, and moves between the levels. tick: s of the output's clock."""

    def __init__(self, tick: float) -> None:
        self.tick = tick
        self._index = 0
        self._batch, self._picture = _Load(), _Load()
        self._slow_since: float | None = None
        self._easy_since: float | None = None

    @property
    def level(self) -> Level:
        return LEVELS[self._index]

    def observe_picture(self, seconds: float) -> None:
        """A picture was made for the output in so many seconds."""
        self._picture.observe(seconds)

    def observe_batch(self, seconds: float, now: float) -> Level | None:
        """A batch of four was generated in so many seconds. The new level where that changes it."""
        self._batch.observe(seconds)
        batch, picture = self._busy(self.level)
        better = max(self._busy(LEVELS[max(self._index - 1, 0)]))
        slow = picture > TOO_BUSY or (batch > TOO_BUSY and self._index < SLOWEST_GENERATOR)
        self._slow_since = (self._slow_since or now) if slow else None
        self._easy_since = (self._easy_since or now) if better < ROOM else None
        if slow and now - self._slow_since >= DOWN_SECONDS and self._index < len(LEVELS) - 1:
            return self._move(1)
        if self._easy_since is not None and now - self._easy_since >= UP_SECONDS and self._index > 0:
            return self._move(-1)
        return None

    def _busy(self, level: Level) -> tuple[float, float]:
        return self._batch.of(FRAMES_PER_LATENT / level.rate), self._picture.of(level.ticks_per_picture * self.tick)

    def _move(self, step: int) -> Level:
        self._index += step
        self._slow_since = self._easy_since = None
        return self.level
