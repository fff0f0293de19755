"""The batcher: target poses in, the generator's conditions of four frames out."""

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
    warp: np.ndarray  # (4, S, S, 4) uint8 premultiplied RGBA
    guide: np.ndarray  # (4, S/2, S/2, 8) uint8
    targets: tuple[PoseFrame, ...]  # the character's poses; at the end of a video fewer than four
    live: bool  # whether a driver led to all of them
    last: Canvas  # the last target's frame, from which reprojection goes on


class Batcher:
    """Collects four poses of one character, with their maps made as they come."""

    def __init__(self, timings: Timings):
        self._timings = timings
        self.clear()

    def clear(self) -> None:
        """Forget what was collected."""
        self._character: Character | None = None
        self._frames: list[Canvas] = []
        self._targets: list[PoseFrame] = []
        self._live = True

    def __len__(self) -> int:
        return len(self._targets)

    def add(self, character: Character, target: PoseFrame, live: bool = True) -> Batch | None:
        """The batch that this pose completes. Another character than before begins a new one."""
        if character is not self._character:
            self.clear()
            self._character = character
        with self._timings.measure("condition"):
            self._frames.append(character.conditioner.paint(target, guided=True))
        self._targets.append(target)
        self._live = self._live and live
        return self.flush() if len(self) == FRAMES_PER_LATENT else None

    def flush(self) -> Batch | None:
        """What was collected so far, filled up with the last pose; None where that is nothing."""
        if self._character is None:
            return None
        frames = self._frames + self._frames[-1:] * (FRAMES_PER_LATENT - len(self))
        batch = Batch(
            self._character,
            np.stack([frame.picture for frame in frames]),
            np.stack([frame.guide for frame in frames]),
            tuple(self._targets),
            self._live,
            frames[-1],
        )
        self.clear()
        return batch


def batches(character: Character, targets: Iterable[PoseFrame], timings: Timings) -> Iterator[Batch]:
    """The conditions of a whole performance."""
    batcher = Batcher(timings)
    for target in targets:
        if batch := batcher.add(character, target):
            yield batch
    if batch := batcher.flush():
        yield batch
