"""The renderer: conditions in, frames of the person out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from puppet.core.batcher import Batch
from puppet.core.character import Character
from puppet.core.timings import Timings
from puppet.media.alpha import composite

if TYPE_CHECKING:  # torch takes seconds to import, and live use needs it in another process only
    from puppet.core.models import AnyStream
    from puppet.core.remote_stream import RemoteStream


class Renderer:
    """The generator, in this process or another, locked on one character at a time."""

    def __init__(self, stream: AnyStream | RemoteStream, timings: Timings):
        self._stream, self._timings = stream, timings
        self._locked: Character | None = None

    def lock(self, character: Character) -> None:
        """Begin anew with this character."""
        own = character.own_maps()
        self._stream.lock(character.portrait.person, *own)
        self._locked = character

    def __call__(self, batch: Batch) -> np.ndarray:
        """One frame for every target, (F, S, S, 4) uint8 premultiplied RGBA. Another character is locked first."""
        if batch.character is not self._locked:
            self.lock(batch.character)
        frames = self._stream.step(*batch.maps())
        for stage, milliseconds in self._stream.timings.items():
            self._timings.add(stage, milliseconds / 1000, FRAMES_PER_LATENT)
        return frames[: len(batch.targets)]

    def warm_up(self, character: Character) -> None:
        """Take the memory of the first steps now, for a face that fills the picture, too.

        The character is locked anew, so that nothing of it is seen.
        """
        warp, guide = character.own_maps()
        self.lock(character)
        for seen in (guide, np.full_like(guide, 255)):
            self._stream.step(warp, seen)
        self.lock(character)

    def perform(self, character: Character, batches: Iterable[Batch]) -> Iterator[np.ndarray]:
        """From the beginning: every frame of a performance, (H, W, 4) uint8 RGBA over the character's background."""
        self.lock(character)
        for batch in batches:
            for person in self(batch):
                with self._timings.measure("composite"):
                    frame = composite(character.size.cut(person), character.background.square)
                yield frame
