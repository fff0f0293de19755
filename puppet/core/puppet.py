"""One portrait that can be driven: the whole way of a frame in one object."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose.motion.neutral import find_neutral
from pose.tracking.landmarks import PoseFrame
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.core.batcher import batches
from puppet.core.character import Character, load_character
from puppet.core.driver import check_face_seen, track
from puppet.core.look import PictureSize, check_look
from puppet.core.models import AnyStream, load_stream
from puppet.core.puppeteer import Puppeteer
from puppet.core.renderer import Renderer
from puppet.core.timings import Timings
from puppet.errors import reported_as_puppet_error
from puppet.media.audio import Sound
from puppet.media.video_reader import VideoReader
from puppet.media.video_writer import VideoWriter


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is, in frames; `total` may be a guess, and None where the file does not say."""

    work: str
    done: int
    total: int | None


HANDS_EVERY = 2  # frames of a video per look at hands that are in the picture


class Puppet:
    """A person made from one portrait.

        for rgba in Puppet("portrait.png").perform(frames):
            ...

    Args:
        portrait: path of a picture, or (H, W, 3) uint8 RGB, or (H, W, 4) with straight alpha. For a face that is not
            found, points can be marked in a file beside it (for hero.png: hero.points.json). Or a character that was
            loaded before, whose size, background and framing it has then.
        model: name of a preset.
        weights: "shipped", "random" (for measuring), or the path of a .safetensors file.
        device: "auto", "cpu", "cuda" or "mps".
        size: pixels of the output: N for a square, (width, height) or "WIDTHxHEIGHT"; multiples of 16 from 64 to 1280.
        motion: "relative" or "absolute".
        background: "original", "blur", "chroma", "transparent" or the path of a picture.
        seed: of the generator's noise; the same seed gives the same frames.
        body_every: look for body and hands in every nth frame of the driver.
        attention: "sdpa", "xformers" (CUDA only) or "auto".
        framing: what is shown of the person: "head", "bust", "full", "portrait" (the picture as it is) or "auto" (the
            bust). Absolute motion keeps to the centred part of the picture.
        hands: "auto", or "off" to leave the portrait's arms where they are.
        strength: factor on relative motion, 0 to 3.
        stream: of a generator that was loaded before, in place of model, weights, device, seed and attention.

    Raises PuppetError, in one line, for whatever of these cannot be used.
    """

    def __init__(
        self,
        portrait: str | Path | np.ndarray | Character,
        model: str = "pocket",
        weights: str = "shipped",
        device: str = "auto",
        size: int | str | tuple[int, int] = 256,
        motion: str = "relative",
        background: str = "original",
        seed: int = 0,
        body_every: int = 2,
        attention: str = "sdpa",
        framing: str = "auto",
        hands: str = "auto",
        strength: float = 1.0,
        stream: AnyStream | None = None,
    ):
        check_look(motion, background, framing, hands)
        self.size = portrait.size if isinstance(portrait, Character) else PictureSize.of(size)
        stream = stream or load_stream(model, weights, self.size.side, device, seed, attention)
        if not isinstance(portrait, Character):
            portrait = load_character(portrait, self.size, background, motion == "absolute", framing)
        self.character, self.portrait, self.device = portrait, portrait.portrait, str(stream.device)
        self.motion, self._strength, self._hands, self._body_every = motion, strength, hands == "auto", body_every
        self.timings = Timings()
        self._renderer = Renderer(stream, self.timings)
        self.lost = 0  # frames of the last performance in which the driver's face was not found

    def perform(
        self, frames: Iterable[np.ndarray], neutral: PoseFrame | None = None
    ) -> Generator[np.ndarray, None, None]:
        """The portrait moving like the person in `frames`, (H, W, 3) uint8 RGB at 24 a second.

        Yields as many (height, width, 4) uint8 RGBA frames, premultiplied (opaque unless the background is
        "transparent").
        neutral: the driver's face at rest; without it, the most neutral of the first second.
        """
        return self.animate(self.track(frames), neutral)

    def track(self, frames: Iterable[np.ndarray]) -> Iterator[PoseFrame]:
        """The driver's pose in the centred square of every frame; its face is None where none was found."""
        # hands that do not follow are looked for no more often than the body
        hands_every = HANDS_EVERY if self._hands else self._body_every or 1
        with (
            reported_as_puppet_error(TrackerUnavailable),
            Tracker(body_every=self._body_every, hands_every=hands_every) as tracker,
        ):
            yield from track(frames, tracker, self.timings)

    def animate(
        self, poses: Iterable[PoseFrame], neutral: PoseFrame | None = None
    ) -> Generator[np.ndarray, None, None]:
        """The second half of `perform`: the driver's poses to frames, four at a time."""
        puppeteer = Puppeteer(
            self.portrait.pose, neutral, self.motion, self._strength, hands=self._hands, drawn=self.character.drawn
        )
        made = batches(self.character, map(puppeteer, poses), self.timings)
        for frame in self._renderer.perform(self.character, made):
            self.lost = puppeteer.frames_lost
            yield frame

    def film(self, driver: VideoReader, out: Path) -> Generator[Progress, None, None]:
        """Write the performance of a whole video, with its sound, and say after every frame how far it is.

        The neutral face is searched in all of it. Where the iterator is closed early, no file is left.
        """
        poses: list[PoseFrame] = []
        for pose in self.track(driver.frames()):
            poses.append(pose)
            yield Progress("tracking", len(poses), driver.expected_frames)
        check_face_seen(poses, driver.path)
        neutral = find_neutral(poses) if self.motion == "relative" else None
        transparent = self.character.background.square is None
        sound = Sound.of(driver.path, driver.start)
        with VideoWriter(out, self.size.pair, transparent, sound) as writer:
            for done, frame in enumerate(self.animate(poses, neutral), 1):
                writer.write(frame)
                yield Progress("rendering", done, len(poses))
