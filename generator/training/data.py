"""Batches of training clips: which frames, in which order, from which source; the same for every kind of clip.

    clips = Clips(folder)
    for (batch,) in Loader(clips.training, (BatchShape(size=8, latents=3, crop=128),), seed=(0,)):
        batch = batch.to(device)
        batch.truth(), batch.conditions(), batch.reference_conditions()

Frames always run forwards. A rollout that is longer than the clips goes on with another part of the same clip, and
then only where a new segment begins (`Batch.cuts`), so that no segment holds a jump.

Letters: B batch, T latent frames, N those of them with a truth (the last ones), F video frames per latent frame.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from generator.model import VideoModel
from generator.training.portrait_clips import Augmentation, PortraitClip
from generator.training.video_clips import VideoClip

Clip = PortraitClip | VideoClip

HELD_OUT_SHARE = 50  # one clip in so many is held out,
HELD_OUT_MOST = 16  # up to so many: enough for a sheet and for figures


@dataclass(frozen=True)
class BatchShape:
    size: int  # clips per batch
    latents: int  # latent frames that come with their truth
    crop: int  # pixels, a multiple of 16
    prefix: tuple[int, int] = (0, 0)  # least and most latent frames before them, conditions only
    segment: int | None = None  # latent frames that have to follow one another in the clip; None: all of them

    def spans(self, prefix: int, available: int) -> list[int]:
        """Lengths of the parts of a clip, in latent frames, that make up prefix + latents; one if the clip has them
        all."""
        total = prefix + self.latents
        if available >= total:
            return [total]
        segment = self.segment or total
        if available < segment:
            raise ValueError(
                f"a training clip holds {available} latent frames where {segment} in a row are needed: make longer "
                "clips (--frames of puppet actors and puppet prepare)"
            )
        span = available // segment * segment
        return [min(span, total - begin) for begin in range(0, total, span)]


class Batch(Protocol):
    """B clips of T latent frames after one reference frame, as a trainer sees them."""

    frames: Tensor  # (B, N, F, H, W, C) uint8, the truth of the last N latent frames
    cuts: tuple[int, ...]  # latent frames at which the conditions jump to another part of the clip

    @property
    def prefix(self) -> int:
        """Latent frames before those with a truth."""

    def to(self, device: torch.device | str) -> Batch: ...

    def truth(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
        """Latent frames start..stop of the N: (B, n, F, C, H, W) in [-1, 1]."""

    def reference_video(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """(B, F, C, H, W): the reference held still, in [-1, 1]."""

    def conditions(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Any:
        """What the model's control takes for latent frames start..stop of the T."""

    def reference_conditions(self, dtype: torch.dtype = torch.float32) -> Any:
        """The same for the reference (T = 1)."""

    def sequence_conditions(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Any:
        """The reference's, then those of latent frames start..stop."""


class Source(Protocol):
    """Where batches come from: a list of clips, or a program that draws them."""

    def batch(self, shape: BatchShape, seed: Sequence[int], augment: Augmentation) -> Batch:
        """The batch of a seed: the same numbers give the same batch, whatever was drawn before."""


@dataclass(frozen=True)
class ClipList:
    """Clips on disk as a source."""

    clips: tuple[Clip, ...]

    def batch(self, shape: BatchShape, seed: Sequence[int], augment: Augmentation = Augmentation()) -> Batch:
        rng = np.random.default_rng(list(seed))
        chosen = [self.clips[i] for i in rng.integers(len(self.clips), size=shape.size)]
        available = min(clip.latents for clip in chosen)
        most = min(shape.prefix[1], max(shape.prefix[0], available - shape.latents))
        prefix = int(rng.integers(shape.prefix[0], most + 1))
        spans = shape.spans(prefix, available)
        samples = [clip.sample(spans, prefix, shape.crop, rng, augment) for clip in chosen]
        return chosen[0].collate(samples, prefix, tuple(np.cumsum(spans)[:-1].tolist()))

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> Clip:
        return self.clips[index]


@dataclass(frozen=True)
class Silent:
    """Clips that hold nothing but frames, for any model: its control is told nothing."""

    source: Source
    model: VideoModel

    def batch(self, shape: BatchShape, seed: Sequence[int], augment: Augmentation = Augmentation()) -> Batch:
        silence = partial(self.model.control.blank, self.model.codec)
        return replace(self.source.batch(shape, seed, augment), silence=silence)


class Clips:
    """The clips of a folder. About one in fifty, at least one and at most 16, is held out for sheets and figures.

    Whole sources are held out, for neighbouring clips of one video look alike; of a single source, its last clips.
    """

    def __init__(self, folder: Path | str, kind: type[Clip] = PortraitClip):
        paths = sorted(Path(folder).glob("clip_*.safetensors"))
        if not paths:
            raise ValueError(f"no clip_*.safetensors in {folder}: make some with `puppet actors {folder} --clips 100`")
        clips = [kind.open(path) for path in paths]
        wanted = min(HELD_OUT_MOST, max(1, len(clips) // HELD_OUT_SHARE)) if len(clips) > 1 else 0
        held = _held_out(clips, wanted)
        self.training = ClipList(tuple(clip for clip in clips if clip not in held))
        self.held_out = ClipList(tuple(held or clips))

    def crop(self, wanted: int) -> int:
        """The crop in pixels that every clip can give: `wanted`, or the smallest clip if that is less."""
        return min(wanted, min(clip.size for clip in self.training.clips)) // 16 * 16

    def latents(self, wanted: int) -> int:
        """Latent frames in a row that every clip can give: `wanted`, or those of the shortest clip if that is less."""
        return min(wanted, min(clip.latents for clip in self.training.clips))


def _held_out(clips: list[Clip], wanted: int) -> list[Clip]:
    """At least `wanted` clips, the last ones, without parting a source; of a single source the last clips."""
    sources = list(dict.fromkeys(clip.source for clip in clips))
    if len(sources) == 1:
        return clips[len(clips) - wanted :]
    held: list[Clip] = []
    while len(held) < wanted and len(sources) > 1:
        source = sources.pop()
        held = [clip for clip in clips if clip.source == source] + held
    return held


class Loader:
    """Endless tuples of batches, one per shape, from one background thread, two ahead. Tuple i depends on (seed, i)
    alone, so a resumed run that starts at `first` sees what the uninterrupted run would have seen."""

    def __init__(
        self,
        source: Source,
        shapes: Sequence[BatchShape],
        seed: Sequence[int],
        first: int = 0,
        augment: Augmentation = Augmentation(),
    ):
        self._queue: queue.Queue = queue.Queue(maxsize=2)
        self._stop = threading.Event()
        self._arguments = (source, tuple(shapes), tuple(seed), augment)
        self._thread = threading.Thread(target=self._work, args=(first,), daemon=True)
        self._thread.start()

    def _work(self, step: int) -> None:
        source, shapes, seed, augment = self._arguments
        while not self._stop.is_set():
            try:
                # the first shape has the seed that a single one has
                seeds = [(*seed, step, *([number] if number else [])) for number in range(len(shapes))]
                item = tuple(source.batch(shape, each, augment) for shape, each in zip(shapes, seeds))
            except Exception as error:  # handed to the trainer, which raises it
                item = error
            while not self._stop.is_set():
                try:
                    self._queue.put(item, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if isinstance(item, Exception):
                return
            step += 1

    def __iter__(self) -> Iterator[tuple[Batch, ...]]:
        return self

    def __next__(self) -> tuple[Batch, ...]:
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
