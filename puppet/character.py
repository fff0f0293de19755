"""One portrait ready to be driven, and the generator that makes its frames: what recorded and live use share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from pose.warp.conditioning import Conditioner
from pose.errors import PortraitError
from pose.tracking.landmarks import PoseFrame
from pose.portrait.preparation import Portrait, prepare_portrait
from pose.motion.retargeting import MODES
from pose.portrait.sidecar import read_sidecar
from pose.tracking.tracker import TrackerUnavailable
from puppet.compositing import composite
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.motion import Follower
from puppet.outputs.scene import Scene
from puppet.pictures import read_picture
from puppet.timings import Timings

if TYPE_CHECKING:  # torch takes seconds to import, and live use needs it in another process only
    from generator.portrait.stream import PortraitStream as Stream
    from puppet.live.remote_stream import RemoteStream

SMALLEST, LARGEST, SIZE_STEP = 64, 1024, 16  # px


@dataclass(frozen=True, eq=False)
class Character:
    """A prepared portrait: its own maps, its background."""

    name: str
    portrait: Portrait
    scene: Scene
    conditioner: Conditioner = field(repr=False)

    def maps(self, targets: list[PoseFrame]) -> tuple[np.ndarray, np.ndarray]:
        """warp (F, S, S, 4) and guide (F, S/2, S/2, 8), uint8, of F target poses."""
        maps = [self.conditioner.maps(target) for target in targets]
        return np.stack([m.warp for m in maps]), np.stack([m.guide for m in maps])


def check_look(motion: str, size: int) -> None:
    """Raises PuppetError for a motion or a size that there is not."""
    if motion not in MODES:
        raise PuppetError(f"unknown motion '{motion}': choose {' or '.join(MODES)}")
    if not SMALLEST <= size <= LARGEST or size % SIZE_STEP:
        raise PuppetError(f"size {size} is not possible: choose a multiple of {SIZE_STEP} from {SMALLEST} to {LARGEST}")


def load_character(
    portrait: str | Path | np.ndarray, size: int, background: str, centred: bool = False
) -> Character:
    """Prepare a portrait (a path, or a picture as `Puppet` takes it). Raises PuppetError where it cannot be used.

    centred: as `prepare_portrait` has it.
    """
    prepared = load_portrait(portrait, size, centred)
    name = "portrait" if isinstance(portrait, np.ndarray) else Path(portrait).name
    scene = Scene(background, prepared.background)
    return Character(name, prepared, scene, Conditioner(prepared.person, prepared.pose, prepared.drawing))


def load_portrait(portrait: str | Path | np.ndarray, size: int, centred: bool = False) -> Portrait:
    if isinstance(portrait, np.ndarray):
        with reported_as_puppet_error(PortraitError, TrackerUnavailable):
            return prepare_portrait(portrait, size, centred=centred)
    picture = read_picture(Path(portrait), "portrait", keep_alpha=True)
    with reported_as_puppet_error(PortraitError, TrackerUnavailable, about=f"portrait {portrait}"):
        marked = read_sidecar(portrait, (picture.shape[1], picture.shape[0]))
        return prepare_portrait(picture, size, marked, centred)


class Performer:
    """The generator, locked on one character at a time."""

    def __init__(self, stream: Stream | RemoteStream, timings: Timings):
        self._stream = stream
        self._timings = timings
        self._locked: Character | None = None

    def lock(self, character: Character) -> None:
        """Begin anew with this character."""
        own = character.maps([character.portrait.pose] * FRAMES_PER_LATENT)
        self._stream.lock(character.portrait.person, *own)
        self._locked = character

    def perform(self, character: Character, warp: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """The next four frames, (4, S, S, 4) uint8 premultiplied RGBA.

        Another character than before is locked first.
        """
        if character is not self._locked:
            self.lock(character)
        pictures = self._stream.step(warp, guide)
        for stage, milliseconds in self._stream.timings.items():
            self._timings.add(stage, milliseconds / 1000, FRAMES_PER_LATENT)
        return pictures

    def animate(self, character: Character, follow: Follower, poses: Iterable[PoseFrame]) -> Iterator[np.ndarray]:
        """From the beginning, a (S, S, 4) uint8 premultiplied RGBA frame over the background for every driver's pose."""
        return self.generate(character, self.conditions(character, follow, poses))

    def conditions(
        self, character: Character, follow: Follower, poses: Iterable[PoseFrame]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
        """The first half of `animate`: the maps of four frames at a time, and how many of them are wanted."""
        poses = iter(poses)
        while group := list(islice(poses, FRAMES_PER_LATENT)):
            with self._timings.measure("condition", FRAMES_PER_LATENT):
                targets = [follow(pose) for pose in group]
                targets += targets[-1:] * (FRAMES_PER_LATENT - len(group))
                warp, guide = character.maps(targets)
            yield warp, guide, len(group)

    def generate(
        self, character: Character, conditions: Iterable[tuple[np.ndarray, np.ndarray, int]]
    ) -> Iterator[np.ndarray]:
        """The second half of `animate`."""
        self.lock(character)
        for warp, guide, wanted in conditions:
            for picture in self.perform(character, warp, guide)[:wanted]:
                with self._timings.measure("composite"):
                    frame = composite(picture, character.scene.square)
                yield frame
