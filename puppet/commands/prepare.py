"""`puppet prepare`: anyone's own clips as training data, in the form that `puppet actors` writes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import tee
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pose.errors import PortraitError
from pose.portrait.preparation import prepare_portrait
from pose.tracking.landmarks import PoseFrame
from pose.tracking.signals import head_pose
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.commands import arguments
from puppet.core.driver import TRACKED_SIDE, track
from puppet.core.timings import Timings
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.footage.clips import check_shape, clip_path, contact_sheet, make_clip, save_clip
from puppet.media.video_reader import VideoReader, centre_square

SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv"}
PORTRAITS = 12  # moments of a video that its clips take their portrait from
LARGEST_TURN = 15.0  # degrees of yaw or pitch that a portrait may show


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clips", type=Path, help="folder of videos that each show one person, or one such video")
    parser.add_argument("out", type=Path, help="folder for the training clips")
    parser.add_argument("--size", type=int, default=256, metavar="N", help="pixels along each side, a multiple of 16")
    parser.add_argument("--frames", type=int, default=20, metavar="N", help="video frames in a clip, a multiple of 4")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the choice of portraits")
    arguments.add_json(parser)


@dataclass(frozen=True)
class Moment:
    """One frame of a video with its pose, both in the square."""

    image: np.ndarray  # (H, H, 3) uint8 RGB
    pose: PoseFrame


def run(args: argparse.Namespace) -> None:
    check_shape(args.size, args.frames)
    videos = _videos(args.clips)
    try:
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PuppetError(f"cannot make the folder {args.out}: {error.strerror}") from error
    if any(args.out.glob("clip_*.safetensors")):
        raise PuppetError(f"{args.out} already holds training clips: choose an empty folder")
    rng = np.random.default_rng(args.seed)
    paths: list[Path] = []
    for video in videos:
        for clip in _clips(video, args.size, args.frames, rng, quiet=args.json or None):
            path = clip_path(args.out, len(paths))
            save_clip(path, clip, source=video.name)
            paths.append(path)
    if not paths:
        raise PuppetError(
            f"never {args.frames} frames in a row with a face in {args.clips}: use videos in which one face is seen"
        )
    sheet = args.out / "contact_sheet.png"
    contact_sheet(paths, sheet)
    if args.json:
        print(json.dumps({"clips": len(paths), "videos": len(videos), "folder": str(args.out), "sheet": str(sheet)}))
    else:
        print(f"{args.out}: {len(paths)} clips of {len(videos)} videos; to look at: {sheet}")


def _videos(path: Path) -> list[Path]:
    if not path.exists():
        raise PuppetError(f"{path} does not exist: give a folder of videos")
    videos = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not videos:
        raise PuppetError(f"no video is in {path} (looked for {', '.join(sorted(SUFFIXES))})")
    return videos


def _clips(
    video: Path, size: int, frames: int, rng: np.random.Generator, quiet: bool | None
) -> Iterator[dict[str, np.ndarray]]:
    """Tracks a video once to find its portraits and once more to cut it: a long one does not fit in memory."""
    reader = VideoReader(video)
    bar = {"total": reader.expected_frames, "unit": "frame", "leave": False, "disable": quiet}
    moments = _portrait_moments(tqdm(_tracked(reader), video.name, **bar), rng)
    with reported_as_puppet_error(PortraitError, about=str(video)):
        portraits = [prepare_portrait(moment.image, size, moment.pose) for moment in moments]
    run: list[Moment] = []
    for moment in tqdm(_tracked(reader) if portraits else (), f"{video.name}, cutting", **bar):
        run = [*run, moment] if moment.pose.face is not None else []
        if len(run) < frames:
            continue
        try:
            people = [prepare_portrait(each.image, size, each.pose) for each in run]
        except PortraitError:  # the face left the square
            run = []
            continue
        portrait = portraits[rng.integers(len(portraits))]
        yield make_clip(
            np.stack([person.person for person in people]),
            [person.pose for person in people],
            portrait.person,
            portrait.pose,
        )
        run = []


def _tracked(reader: VideoReader) -> Iterator[Moment]:
    with reported_as_puppet_error(TrackerUnavailable), Tracker() as tracker:
        images, followed = tee(centre_square(frame, TRACKED_SIDE) for frame in reader.frames())
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
