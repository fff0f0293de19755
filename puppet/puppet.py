"""One portrait that can be driven: the whole way of a frame in one object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from generator.config import FRAMES_PER_LATENT
from generator.stream import Stream
from pose.conditioning import Conditioner
from pose.errors import PortraitError
from pose.landmarks import PoseFrame
from pose.portrait import Portrait, prepare_portrait
from pose.retargeting import MODES, Retargeter
from pose.sidecar import read_sidecar
from pose.tracker import Tracker, TrackerUnavailable
from puppet.compositing import check_background, composite, make_background
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.models import load_generator
from puppet.motion import Follower, track
from puppet.pictures import read_picture
from puppet.timings import Timings

SMALLEST, LARGEST, SIZE_STEP = 64, 1024, 16  # px


class Puppet:
    """A person made from one portrait.

        for rgba in Puppet("portrait.png").perform(frames):
            ...

    Args:
        portrait: path of a picture, or (H, W, 3) uint8 RGB, or (H, W, 4) with straight alpha. Its largest centred
            square is used. For a face that is not found, points can be marked in a file beside it (for hero.png:
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
    ):
        if motion not in MODES:
            raise PuppetError(f"unknown motion '{motion}': choose {' or '.join(MODES)}")
        if not SMALLEST <= size <= LARGEST or size % SIZE_STEP:
            raise PuppetError(
                f"size {size} is not possible: choose a multiple of {SIZE_STEP} from {SMALLEST} to {LARGEST}"
            )
        check_background(background)
        self.motion = motion
        self.size = size
        self.timings = Timings()
        self._body_every = body_every
        with reported_as_puppet_error(ValueError):
            self._stream = Stream(load_generator(model, weights, size), device, seed=seed)
        self.portrait = _prepared(portrait, size)
        self._conditioner = Conditioner(self.portrait.person, self.portrait.pose)
        self._background = make_background(background, self.portrait.background)
        self.device = str(self._stream.device)
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
        own = self._conditioner.maps(self.portrait.pose)
        self._stream.lock(self.portrait.person, _four(own.warp), _four(own.guide))
        with reported_as_puppet_error(ValueError):
            follow = Follower(Retargeter(self.portrait.pose, neutral, self.motion))
        poses = iter(poses)
        while group := list(islice(poses, FRAMES_PER_LATENT)):
            with self.timings.measure("condition", FRAMES_PER_LATENT):
                targets = [follow(pose) for pose in group]
                targets += targets[-1:] * (FRAMES_PER_LATENT - len(group))
                maps = [self._conditioner.maps(target) for target in targets]
                warp, guide = np.stack([m.warp for m in maps]), np.stack([m.guide for m in maps])
            self.lost = follow.lost
            pictures = self._stream.step(warp, guide)
            for stage, milliseconds in self._stream.timings.items():
                self.timings.add(stage, milliseconds / 1000, FRAMES_PER_LATENT)
            for picture in pictures[: len(group)]:
                with self.timings.measure("composite"):
                    frame = composite(picture, self._background)
                yield frame


def _prepared(portrait: str | Path | np.ndarray, size: int) -> Portrait:
    if isinstance(portrait, np.ndarray):
        with reported_as_puppet_error(PortraitError, TrackerUnavailable):
            return prepare_portrait(portrait, size)
    picture = read_picture(Path(portrait), "portrait", keep_alpha=True)
    with reported_as_puppet_error(PortraitError, TrackerUnavailable, about=f"portrait {portrait}"):
        marked = read_sidecar(portrait, (picture.shape[1], picture.shape[0]))
        return prepare_portrait(picture, size, marked)


def _four(picture: np.ndarray) -> np.ndarray:
    return np.repeat(picture[None], FRAMES_PER_LATENT, 0)
