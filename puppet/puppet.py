"""One portrait that can be driven: the whole way of a frame in one object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from generator.portrait.stream import PortraitStream as Stream
from pose.tracking.landmarks import PoseFrame
from pose.motion.retargeting import Retargeter
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.character import Performer, check_look, load_character
from puppet.compositing import check_background
from puppet.errors import reported_as_puppet_error
from puppet.models import load_generator
from puppet.motion import Follower, track
from puppet.timings import Timings


class Puppet:
    """A person made from one portrait.

        for rgba in Puppet("portrait.png").perform(frames):
            ...

    Args:
        portrait: path of a picture, or (H, W, 3) uint8 RGB, or (H, W, 4) with straight alpha. Its largest square
            is used (see `prepare_portrait`). For a face that is not found, points can be marked in a file beside it (for hero.png:
            hero.points.json).
        model: name of a preset.
        weights: "shipped", "random" (for measuring), or the path of a .safetensors file.
        device: "auto", "cpu", "cuda" or "mps".
        size: pixels of the square output, a multiple of 16 from 64 to 1024.
        motion: "relative" applies the driver's change since its neutral face to the portrait's own face; "absolute"
            takes the driver's face as it is, for a person who drives their own portrait.
        background: "original", "blur", "chroma", "transparent" or the path of a picture.
        seed: of the generator's noise; the same seed gives the same frames.
        body_every: look for body and hands in every nth frame of the driver.
        attention: "sdpa", "xformers" (CUDA only) or "auto".

    Raises PuppetError, in one line, for whatever of these cannot be used.
    """

    def __init__(
        self,
        portrait: str | Path | np.ndarray,
        model: str = "pocket",
        weights: str = "shipped",
        device: str = "auto",
        size: int = 256,
        motion: str = "relative",
        background: str = "original",
        seed: int = 0,
        body_every: int = 2,
        attention: str = "sdpa",
    ):
        check_look(motion, size)
        check_background(background)
        self.motion = motion
        self.size = size
        self.timings = Timings()
        self._body_every = body_every
        with reported_as_puppet_error(ValueError):
            stream = Stream(load_generator(model, weights, size), device, seed=seed, attention=attention)
        self.character = load_character(portrait, size, background, centred=motion == "absolute")
        self._performer = Performer(stream, self.timings)
        self.portrait = self.character.portrait
        self.device = str(stream.device)
        self.lost = 0  # frames of the last performance in which the driver's face was not found

    def perform(self, frames: Iterable[np.ndarray], neutral: PoseFrame | None = None) -> Iterator[np.ndarray]:
        """The portrait moving like the person in `frames`, (H, W, 3) uint8 RGB at 24 a second.

        Yields as many (size, size, 4) uint8 RGBA frames, premultiplied (opaque unless the background is "transparent").
        neutral: the driver's face at rest; without it, the most neutral of the first second.
        """
        return self.animate(self.track(frames), neutral)

    def track(self, frames: Iterable[np.ndarray]) -> Iterator[PoseFrame]:
        """The driver's pose in the centred square of every frame; its face is None where none was found."""
        with reported_as_puppet_error(TrackerUnavailable), Tracker(body_every=self._body_every) as tracker:
            yield from track(frames, tracker, self.timings)

    def animate(self, poses: Iterable[PoseFrame], neutral: PoseFrame | None = None) -> Iterator[np.ndarray]:
        """The second half of `perform`: the driver's poses to frames, four at a time."""
        with reported_as_puppet_error(ValueError):
            follow = Follower(Retargeter(self.portrait.pose, neutral, self.motion))
        for frame in self._performer.animate(self.character, follow, poses):
            self.lost = follow.lost
            yield frame
