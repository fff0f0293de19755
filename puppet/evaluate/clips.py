"""The real clips that a model is measured on: loaded once, tracked once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from pose.tracking.landmarks import FACE_POINTS, PoseFrame
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.core.driver import track
from puppet.core.timings import Timings
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.evaluate import arms
from puppet.media.alpha import composite
from puppet.media.pictures import filling
from puppet.media.video_reader import FPS, SUFFIXES, VideoReader, centre_square

LEAST_FRAMES = 16  # shorter clips say nothing about motion
TRAINING_CLIP = ".safetensors"
GREY = 128  # behind the people of training clips, who have no background


@dataclass(frozen=True)
class EvaluationClip:
    """A driver whose first frame is the portrait.

    picture: (H, H, 3) uint8, its first frame at full size. frames: (T, S, S, 3) uint8 RGB at 24 a second, the truth.
    faces: (T, 478, 3) landmarks in the truth, NaN where none was found. poses: T poses as `puppet render` tracks them.
    limbs: bodies and hands in the truth, as they are found frame by frame; None where the clip hardly shows an arm.
    """

    name: str
    picture: np.ndarray
    frames: np.ndarray
    faces: np.ndarray
    poses: list[PoseFrame]
    limbs: list[PoseFrame] | None = None


def load_clip(
    path: Path, size: int, seconds: float | None = None, start: float = 0.0, begins_with_face: bool = True
) -> EvaluationClip:
    """Read and track `seconds` of a video from `start` (s) on, or of a training clip, which is shown over grey.

    begins_with_face: whether it has to, as a clip whose first frame is the portrait has.
    `PuppetError` where it cannot be read or does not.
    """
    begin = round(start * FPS)
    end = None if seconds is None else begin + max(LEAST_FRAMES, round(seconds * FPS))
    frames: list[np.ndarray] = []
    first: list[np.ndarray] = []

    def read() -> Iterator[np.ndarray]:
        for frame in islice(_frames_of(path), begin, end):
            if not first:
                first.append(centre_square(frame))
            frames.append(filling(frame, size, size))
            yield frame

    with reported_as_puppet_error(TrackerUnavailable), Tracker() as tracker:
        poses = list(track(read(), tracker, Timings()))
    if len(frames) < LEAST_FRAMES:
        raise PuppetError(f"clip {path} has only {len(frames)} frames: give one of at least {LEAST_FRAMES}")
    if begins_with_face and poses[0].face is None:
        raise PuppetError(f"clip {path} shows no face in its first frame, which is the portrait: cut its beginning off")
    limbs = arms.track_limbs(frames) if arms.shows_arms(poses) else None
    return EvaluationClip(path.stem, first[0], np.stack(frames), track_faces(frames), poses, limbs)


def clip_files(paths: Iterable[Path]) -> list[Path]:
    """The files themselves, and for each folder the videos and training clips in it, by name."""
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        inside = sorted(
            file for file in path.iterdir() if file.suffix.lower() in (*SUFFIXES, TRAINING_CLIP) and file.is_file()
        )
        if not inside:
            raise PuppetError(f"the folder {path} holds no clip: give one with videos, or the output of puppet actors")
        files += inside
    return files


def _frames_of(path: Path) -> Iterator[np.ndarray]:
    """(H, W, 3) uint8 RGB at 24 a second."""
    if path.suffix.lower() != TRAINING_CLIP:
        yield from VideoReader(path).frames()
        return
    try:
        with safe_open(path, framework="numpy") as file:
            frames = file.get_tensor("frames")  # (T, S, S, 4) premultiplied
    except (SafetensorError, OSError) as error:
        raise PuppetError(
            f"clip {path} is not a training clip ({error}): make one with puppet actors or puppet prepare"
        ) from error
    background = np.full((*frames.shape[1:3], 3), GREY, np.uint8)
    for frame in frames:
        yield np.ascontiguousarray(composite(frame, background)[..., :3])


def track_faces(frames: Iterable[np.ndarray]) -> np.ndarray:
    """(T, 478, 3) face landmarks in every frame of a video, not smoothed, NaN where none was found."""
    missing = np.full((FACE_POINTS, 3), np.nan, np.float32)
    with reported_as_puppet_error(TrackerUnavailable), Tracker(body_every=0) as tracker:
        faces = [tracker.track(frame, index / FPS).face for index, frame in enumerate(frames)]
    return np.stack([missing if face is None else face for face in faces])
