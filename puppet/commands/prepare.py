"""`puppet prepare`: anyone's own clips as training data, in the form that `puppet actors` writes."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from puppet.commands import arguments
from puppet.errors import PuppetError
from puppet.footage.clips import check_shape, clip_path, contact_sheet, save_clip
from puppet.footage.cutting import cut_clips, find_portraits
from puppet.media.video_reader import SUFFIXES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("clips", type=Path, help="folder of videos that each show one person, or one such video")
    parser.add_argument("out", type=Path, help="folder for the training clips")
    arguments.add(parser, "--size", type=int, metavar="N", help="pixels along each side, a multiple of 16")
    arguments.add(parser, "--frames", "--face")
    arguments.add(parser, "--seed", help="of the choice of portraits")
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    check_shape(args.size, args.frames, args.face)
    videos = _videos(args.clips)
    arguments.make_folder(args.out)
    if any(args.out.glob("clip_*.safetensors")):
        raise PuppetError(f"{args.out} already holds training clips: choose an empty folder")
    rng, quiet = np.random.default_rng(args.seed), args.json or None
    paths: list[Path] = []
    for video in videos:
        portraits = find_portraits(video, rng, quiet)
        for clip in cut_clips(video, portraits, 1, args.size, args.frames, args.face, rng, quiet):
            path = clip_path(args.out, len(paths))
            save_clip(path, clip, source=video.name)
            paths.append(path)
    if not paths:
        raise PuppetError(
            f"never {args.frames} frames in a row with a face in {args.clips}: use videos in which one face is seen"
        )
    sheet = args.out / "contact_sheet.png"
    contact_sheet(paths, sheet)
    arguments.answer(
        args, {"clips": len(paths), "videos": len(videos), "folder": str(args.out), "sheet": str(sheet)},
        f"{args.out}: {len(paths)} clips of {len(videos)} videos; to look at: {sheet}",
    )  # fmt: skip


def _videos(path: Path) -> list[Path]:
    if not path.exists():
        raise PuppetError(f"{path} does not exist: give a folder of videos")
    videos = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES) if path.is_dir() else [path]
    if not videos:
        raise PuppetError(f"no video is in {path} (looked for {', '.join(SUFFIXES)})")
    return videos
