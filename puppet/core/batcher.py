"""The batcher: frames with their guides in, the generator's conditions of four frames out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from pose.tracking.landmarks import PoseFrame
from pose.warp.canvas import Canvas
from puppet.core.character import Character
from puppet.core.timings import Timings


@dataclass(frozen=True, eq=False)
class Batch:
    """What the generator makes four frames of."""

    character: Character
    frames: tuple[Canvas, ...]  # guided; at the end of a video fewer than four
    live: bool  # whether a driver led to all of them

    @property
    def targets(self) -> tuple[PoseFrame, ...]:
        """The character's poses."""
        return tuple(frame.target for frame in self.frames)

    @property
    def last(self) -> Canvas:
        return self.frames[-1]

    def maps(self) -> tuple[np.ndarray, np.ndarray]:
        """warp (4, S, S, 4) uint8 premultiplied RGBA and guide (4, S/2, S/2, 8) uint8, filled up with the last one."""
        frames = self.frames + self.frames[-1:] * (FRAMES_PER_LATENT - len(self.frames))
        return np.stack([frame.picture for frame in frames]), np.stack([frame.guide for frame in frames])


class Batcher:
    """Collects four frames of one character."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._character: Character | None = None
        self._frames: list[Canvas] = []
        self._live = True

    def add(self, character: Character, frame: Canvas, live: bool = True) -> Batch | None:
        """The batch that this frame completes. Another character than before begins a new one."""
        if character is not self._character:
            self.clear()
            self._character = character
        self._frames.append(frame)
        self._live = self._live and live
        return self.flush() if len(self._frames) == FRAMES_PER_LATENT else None

    def flush(self) -> Batch | None:
        """What was collected so far; None where that is nothing."""
        if self._character is None:
            return None
        batch = Batch(self._character, tuple(self._frames), self._live)
        self.clear()
        return batch


def condition(character: Character, target: PoseFrame, timings: Timings) -> Canvas:
    with timings.measure("condition"):
        return character.conditioner.paint(target, guided=True)


def batches(character: Character, targets: Iterable[PoseFrame], timings: Timings) -> Iterator[Batch]:
    """The conditions of a whole performance."""
    batcher = Batcher()
    for target in targets:
        if batch := batcher.add(character, condition(character, target, timings)):
            yield batch
    if batch := batcher.flush():
        yield batch
