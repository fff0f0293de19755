"""`puppet render`: a portrait and a driving video in, a video of the portrait moving out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from tqdm import tqdm

from puppet import arguments
from puppet.audio import Sound
from puppet.video_in import FPS, VideoReader
from puppet.video_out import VideoWriter, check_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add_portrait(parser)
    arguments.add_driver(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("puppet.mp4"), metavar="FILE", help="video to write: .mp4, .mov, .mkv or .webm"
    )
    arguments.add_look(parser)
    arguments.add_model(parser)
    arguments.add_attention(parser)
    arguments.add_json(parser)


def run(args: argparse.Namespace) -> None:
    started = time.perf_counter()
    transparent = args.background == "transparent"
    check_output(args.out, transparent, (args.portrait, args.driver))
    driver = VideoReader(args.driver)
    # torch takes seconds to import; what is wrong with the files is said before
    from pose.motion.neutral import find_neutral
    from puppet.motion import check_face_seen
    from puppet.puppet import Puppet

    puppet = Puppet(
        args.portrait, args.model, args.weights, args.device, args.size, args.motion, args.background, args.seed,
        attention=args.attention,
    )
    quiet = args.json or None  # None: only on a terminal
    poses = list(
        tqdm(
            puppet.track(driver.frames()), "tracking", driver.expected_frames, unit="frame", leave=False, disable=quiet
        )
    )
    check_face_seen(poses, args.driver)
    neutral = find_neutral(poses) if args.motion == "relative" else None
    frames = puppet.animate(poses, neutral)
    with VideoWriter(args.out, (args.size, args.size), transparent, Sound.of(driver.path, driver.start)) as writer:
        for frame in tqdm(frames, "rendering", len(poses), unit="frame", leave=False, disable=quiet):
            writer.write(frame)

    seconds = time.perf_counter() - started
    if puppet.lost:
        print(
            f"puppet: warning: no face in {puppet.lost} of {len(poses)} frames of the driver; "
            "the pose before was held there",
            file=sys.stderr,
        )
    if args.json:
        print(
            json.dumps(
                {
                    "path": str(args.out),
                    "frames": len(poses),
                    "fps": FPS,
                    "seconds": len(poses) / FPS,
                    "size": args.size,
                    "frames_without_face": puppet.lost,
                    "made_in_seconds": round(seconds, 2),
                    "ms": {stage: round(ms, 2) for stage, ms in puppet.timings.milliseconds().items()},
                    "model": args.model,
                    "device": puppet.device,
                }
            )
        )
    else:
        print(
            f"{args.out}: {len(poses)} frames at {FPS} fps, "
            f"made in {seconds:.1f} s ({len(poses) / seconds:.1f} frames/s)"
        )
