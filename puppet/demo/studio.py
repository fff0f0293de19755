"""What all visitors of the demo share: the generator, and how it is used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generator.portrait.stream import PortraitStream as Stream
from pose.motion.neutral import find_neutral
from pose.motion.retargeting import Retargeter
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.audio import Sound
from puppet.character import Character, Performer, check_look
from puppet.errors import reported_as_puppet_error
from puppet.models import load_generator
from puppet.motion import Follower, check_face_seen, track
from puppet.timings import Timings
from puppet.video_in import VideoReader
from puppet.video_out import VideoWriter

BODY_EVERY = 2  # frames of a video per look at body and hands
TELL_EVERY = 12  # frames between two reports of progress


@dataclass(frozen=True)
class Progress:
    """How far a clip is; `total` may be a guess, and None where the file does not say."""

    work: str
    done: int
    total: int | None

    def __str__(self) -> str:
        return f"{self.work}: {self.done}" + (f" of {self.total}" if self.total else "") + " frames"


class Studio:
    """The generator, loaded once. Raises PuppetError for a model, weights, device or size that cannot be used."""

    def __init__(self, model: str, weights: str, device: str, size: int, seed: int = 0):
        check_look("relative", size)
        self.size = size
        self._device, self._seed = device, seed
        self._generator = load_generator(model, weights, size)
        self.performer()  # say now what is wrong with the device

    def performer(self) -> Performer:
        """A new stream of frames. All of them share the weights."""
        with reported_as_puppet_error(ValueError):
            return Performer(Stream(self._generator, self._device, seed=self._seed), Timings())

    def clip(self, character: Character, driver: Path, strength: float, out: Path) -> Iterator[Progress]:
        """Write the video of the character moving like the person in `driver`, with its sound, and say how far it is.

        Where the iterator is closed early, no file is left.
        """
        reader = VideoReader(driver)
        poses = []
        with reported_as_puppet_error(TrackerUnavailable), Tracker(body_every=BODY_EVERY) as tracker:
            for pose in track(reader.frames(), tracker, Timings()):
                if len(poses) % TELL_EVERY == 0:
                    yield Progress("Watching the driver", len(poses), reader.expected_frames)
                poses.append(pose)
        check_face_seen(poses, driver)
        follow = Follower(Retargeter(character.portrait.pose, find_neutral(poses), strength=strength))
        frames = self.performer().animate(character, follow, poses)
        transparent = character.scene.square is None
        sound = Sound.of(reader.path, reader.start)
        with VideoWriter(out, (self.size, self.size), transparent, sound) as writer:
            for done, frame in enumerate(frames):
                if done % TELL_EVERY == 0:
                    yield Progress("Making the clip", done, len(poses))
                writer.write(frame)
        yield Progress("Done" + (f" (no face in {follow.lost})" if follow.lost else ""), len(poses), None)


def clip_suffix(background: str) -> str:
    """Of the files that a browser plays: one that keeps transparency where it is asked for."""
    return ".webm" if background == "transparent" else ".mp4"
