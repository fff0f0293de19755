"""Cutting somebody's video into training clips, each with a portrait of the same person from another moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, tee
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from pose.errors import PortraitError
from pose.motion.neutral import find_neutral
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


def find_portraits(
    video: Path, rng: np.random.Generator, quiet: bool | None, seconds: float | None = None
) -> list[Moment]:
    """The calmest of the moments in the first `seconds` of a video (None: all of it) that look at the camera, then up
    to PORTRAITS others; none where it shows no face.

    Tracks the video without keeping it: a long one does not fit in memory.
    """
    reader = VideoReader(video)
    limit, bar = _limit(seconds), _bar(reader, seconds, quiet)
    poses: list[PoseFrame] = []

    def noted(moments: Iterable[Moment]) -> Iterator[Moment]:
        for moment in moments:
            poses.append(moment.pose)
            yield moment

    others = _portrait_moments(tqdm(noted(_tracked(reader, limit)), video.name, **bar), rng)
    if not others:
        return []
    calmest = find_neutral(poses)
    at = next(index for index, pose in enumerate(poses) if pose is calmest)
    picture = centre_square(next(islice(VideoReader(video).frames(), at, None)), TRACKED_SIDE)
    with Tracker(static=True) as tracker:
        still = tracker.track(picture)  # as of any portrait, whose landmarks nothing before and after it steadies
    pose = calmest if still.face is None else replace(still, around=calmest.around)
    return [Moment(picture, pose), *others]


def cut_clips(
    video: Path,
    portraits: Sequence[Moment],
    shown: int,
    size: int,
    frames: int,
    face: int | None,
    rng: np.random.Generator,
    quiet: bool | None,
    seconds: float | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """Training clips of `frames` pictures from the first `seconds` of a video (None: all of it).

    shown: with how many of its portraits each stretch of the video makes a clip: one is any of them, of more the first
    is always one. face: pixels of the largest face, longer side; larger ones are shrunk (None: all stay as they are).
    """
    reader = VideoReader(video)
    limit, bar = _limit(seconds), _bar(reader, seconds, quiet)
    with reported_as_puppet_error(PortraitError, about=str(video)):
        prepared = [prepare_portrait(moment.image, size, moment.pose) for moment in portraits]
    run: list[Moment] = []
    for moment in tqdm(_tracked(reader, limit) if prepared else (), f"{video.name}, cutting", **bar):
        run = [*run, moment] if moment.pose.face is not None else []
        if len(run) < frames:
            continue
        try:
            people = [prepare_portrait(each.image, size, each.pose) for each in (_shrunk(each, size) for each in run)]
        except PortraitError:  # the face left the square
            run = []
            continue
        pictures, poses = np.stack([person.person for person in people]), [person.pose for person in people]
        for index in _chosen(len(prepared), shown, rng):
            portrait = prepared[index]
            yield as_seen(make_clip(pictures, poses, portrait.person, portrait.pose), face)
        run = []


def _chosen(portraits: int, shown: int, rng: np.random.Generator) -> list[int]:
    """Numbers of `shown` portraits, as many as there are."""
    if shown == 1:
        return [int(rng.integers(portraits))]
    return [0, *(1 + rng.permutation(portraits - 1)[: shown - 1]).tolist()]


def _limit(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * FPS)


def _bar(reader: VideoReader, seconds: float | None, quiet: bool | None) -> dict:
    return {"total": _limit(seconds) or reader.expected_frames, "unit": "frame", "leave": False, "disable": quiet}


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
