"""What the sender asks for pictures, and late reprojection as the one that it mostly asks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pose.tracking.landmarks import PoseFrame
from puppet.core.batcher import Batch
from puppet.core.character import Character
from puppet.core.latest_value import LatestValue
from puppet.core.prediction import horizon, predict
from puppet.core.reprojection import Reprojection
from puppet.core.timings import Timings
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.gather import Beat, Gather
from puppet.live.statistics import Statistics
from puppet.media.alpha import composite
from puppet.outputs.base import Picture


class FrameSource(Protocol):
    """Three threads meet here: poses come from the tracker's, the generator's takes batches and brings what it made of
    them, the sender's takes pictures.

    batches: the newest one that nobody took yet, and whether it is mirrored; None where nothing is generated.
    """

    batches: LatestValue[tuple[Batch, bool]] | None

    def show(self, character: Character, target: PoseFrame, live: bool, mirrored: bool) -> None:
        """The newest pose. live: whether the driver led to it, and not idle motion."""

    def offer(self, batch: Batch, frames: np.ndarray, mirrored: bool) -> None:
        """What the generator made of a batch."""

    def pick(self, now: float) -> Picture | None:
        """The picture for this moment; None where it is the last one again."""

    def phase_correction(self, picture: Picture, now: float, period: float) -> float:
        """Seconds to move the sender's clock by."""
        return 0.0


@dataclass(frozen=True, eq=False)
class _Shown:
    """What the next picture shows."""

    character: Character
    before: PoseFrame | None
    latest: PoseFrame
    live: bool
    mirrored: bool


class ReprojectedFrames(FrameSource):
    """A new picture at every tick, of the newest pose. The generator is given some of the same frames: what it changes
    fits them, and no warp is made twice.

    generated: whether a generator takes batches.
    """

    def __init__(self, statistics: Statistics, quality: AdaptiveQuality, generated: bool = True):
        self.batches: LatestValue[tuple[Batch, bool]] | None = LatestValue() if generated else None
        self._timings, self._quality = statistics.timings, quality
        self._gather, self._beat = Gather(statistics.timings), Beat()
        self._reproject = Reprojection()
        self._shown: _Shown | None = None
        self._last: tuple | None = None  # what made the last picture, if the same would make the same one
        self._ticks = 0

    def show(self, character: Character, target: PoseFrame, live: bool, mirrored: bool) -> None:
        shown = self._shown
        before = shown.latest if shown is not None and shown.character is character else None
        self._shown = _Shown(character, before, target, live, mirrored)

    def offer(self, batch: Batch, frames: np.ndarray, mirrored: bool) -> None:
        self._reproject.update(batch, frames, time.perf_counter())

    def pick(self, now: float) -> Picture | None:
        shown = self._shown
        self._ticks += 1
        if shown is None or self._ticks % self._quality.level.ticks_per_picture:
            return None
        started = time.perf_counter()
        ahead = horizon(shown.before, shown.latest, now)
        made_of = (shown, ahead, self._reproject.change)
        if made_of == self._last:
            return None
        target = predict(shown.before, shown.latest, ahead)
        guided = self.batches is not None and self._beat(now, self._quality.level.rate, self._quality.tick)
        with self._timings.measure("reproject"):
            made = self._reproject(shown.character, target, now, guided)
        if guided and (batch := self._gather.add(shown.character, made.frame, shown.live)):
            self.batches.put((batch, shown.mirrored))
        self._last = made_of if made.settled else None
        picture = make_picture(
            made.person, shown.character, shown.latest.time, shown.live, made.appearance_time, shown.mirrored,
            self._timings,
        )  # fmt: skip
        self._quality.observe_picture(time.perf_counter() - started)
        return picture


def make_picture(
    person: np.ndarray, character: Character, motion: float, live: bool, appearance: float | None, mirrored: bool,
    timings: Timings,
) -> Picture:  # fmt: skip
    """The person over the character's background."""
    with timings.measure("composite"):
        if mirrored:
            person = np.ascontiguousarray(person[:, ::-1])
        person, background = character.size.cut(person), character.background
        return Picture(person, composite(person, background.square), background, motion, live, appearance)
