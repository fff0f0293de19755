"""Cutting somebody's video into training clips, each with a portrait of the same person from another moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, tee
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from pose.errors import PortraitError
from pose.portrait.preparation import prepare_portrait
from pose.tracking.landmarks import PoseFrame
from pose.tracking.signals import head_pose
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.core.driver import TRACKED_SIDE, track
from puppet.core.timings import Timings
from puppet.errors import reported_as_puppet_error
from puppet.footage.clips import as_seen, make_clip
from puppet.media.video_reader import FPS, VideoReader, centre_square

PORTRAITS = 12  # moments of a video that its clips take their portrait from
LARGEST_TURN = 15.0  # degrees of yaw or pitch that a portrait may show


@dataclass(frozen=True)
class Moment:
    """One frame of a video with its pose, both in the square."""

    image: np.ndarray  # (H, H, 3) uint8 RGB
    pose: PoseFrame


def cut_clips(
    video: Path,
    size: int,
    frames: int,
    face: int | None,
    rng: np.random.Generator,
    quiet: bool | None,
    seconds: float | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """Training clips of `frames` pictures from the first `seconds` of a video (None: all of it).

    face: pixels of the largest face, longer side; larger ones are shrunk (None: all stay as they are).

    Tracks the video once to find its portraits and once more to cut it: a long one does not fit in memory.
    """
    limit = None if seconds is None else round(seconds * FPS)
    reader = VideoReader(video)
    bar = {"total": limit or reader.expected_frames, "unit": "frame", "leave": False, "disable": quiet}
    moments = _portrait_moments(tqdm(_tracked(reader, limit), video.name, **bar), rng)
    with reported_as_puppet_error(PortraitError, about=str(video)):
        portraits = [prepare_portrait(moment.image, size, moment.pose) for moment in moments]
    run: list[Moment] = []
    for moment in tqdm(_tracked(reader, limit) if portraits else (), f"{video.name}, cutting", **bar):
        run = [*run, moment] if moment.pose.face is not None else []
        if len(run) < frames:
            continue
        try:
            people = [prepare_portrait(each.image, size, each.pose) for each in (_shrunk(each, size) for each in run)]
        except PortraitError:  # the face left the square
            run = []
            continue
        portrait = portraits[rng.integers(len(portraits))]
        pictures, poses = np.stack([person.person for person in people]), [person.pose for person in people]
        yield as_seen(make_clip(pictures, poses, portrait.person, portrait.pose), face)
        run = []


def _shrunk(moment: Moment, size: int) -> Moment:
    """No larger than it will be: a third of the work of the matte."""
    side = moment.image.shape[0]
    if side <= size:
        return moment
    scale = size / side
    pose = moment.pose.transformed(np.array([[scale, 0, 0], [0, scale, 0]]), (size, size))
    return Moment(cv2.resize(moment.image, (size, size), interpolation=cv2.INTER_AREA), pose)


def _tracked(reader: VideoReader, limit: int | None) -> Iterator[Moment]:
    with reported_as_puppet_error(TrackerUnavailable), Tracker() as tracker:
        images, followed = tee(centre_square(frame, TRACKED_SIDE) for frame in islice(reader.frames(), limit))
        for image, pose in zip(images, track(followed, tracker, Timings()), strict=True):
            yield Moment(image, pose)


def _portrait_moments(moments: Iterable[Moment], rng: np.random.Generator) -> list[Moment]:
    """Up to PORTRAITS moments that look at the camera, each as likely as any other (reservoir sampling).

    In a video without any, the one that comes nearest to it.
    """
    chosen: list[Moment] = []
    seen = 0
    nearest, nearest_turn = None, np.inf
    for moment in moments:
        angles = head_pose(moment.pose)
        if angles is None:
            continue
        turn = max(abs(angles[0]), abs(angles[1]))
        if turn < nearest_turn:
            nearest, nearest_turn = moment, turn
        if turn > LARGEST_TURN:
            continue
        seen += 1
        if len(chosen) < PORTRAITS:
            chosen.append(moment)
        elif (place := int(rng.integers(seen))) < PORTRAITS:
            chosen[place] = moment
    return chosen or ([nearest] if nearest else [])
