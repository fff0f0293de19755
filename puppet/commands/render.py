"""`puppet render`: a portrait and a driving video in, a video of the portrait moving out."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from puppet.commands import arguments
from puppet.media.video_reader import FPS, VideoReader
from puppet.media.video_writer import check_output

if TYPE_CHECKING:
    from puppet.core.puppet import Progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add(parser, "--portrait", "--driver")
    parser.add_argument(
        "--out", type=Path, default=Path("puppet.mp4"), metavar="FILE", help="video to write: .mp4, .mov, .mkv or .webm"
    )
    arguments.add(parser, *arguments.LOOK, *arguments.MODEL, "--attention", "--json")


def run(args: argparse.Namespace) -> None:
    started = time.perf_counter()
    check_output(args.out, args.background == "transparent", (args.portrait, args.driver))
    driver = VideoReader(args.driver)
    # torch takes seconds to import; what is wrong with the files is said before
    from puppet.core.puppet import Puppet

    puppet = Puppet(
        args.portrait, args.model, args.weights, args.device, args.size, args.motion, args.background, args.seed,
        attention=args.attention, framing=args.framing, hands=args.hands,
    )  # fmt: skip
    with closing(puppet.film(driver, args.out)) as steps:
        frames = _show(steps, quiet=args.json or None)  # None: only on a terminal
    seconds = time.perf_counter() - started
    if puppet.lost:
        print(
            f"puppet: warning: no face in {puppet.lost} of {frames} frames of the driver; the pose before "
            "was held there",
            file=sys.stderr,
        )
    facts = {
        "path": str(args.out),
        "frames": frames,
        "fps": FPS,
        "seconds": frames / FPS,
        "size": args.size,
        "framing": args.framing,
        "frames_without_face": puppet.lost,
        "made_in_seconds": round(seconds, 2),
        "ms": {stage: round(ms, 2) for stage, ms in puppet.timings.milliseconds().items()},
        "model": args.model,
        "device": puppet.device,
    }
    speed = f"{seconds:.1f} s ({frames / seconds:.1f} frames/s)"
    arguments.answer(args, facts, f"{args.out}: {frames} frames at {FPS} fps, made in {speed}")


def _show(steps: Iterator[Progress], quiet: bool | None) -> int:
    """Draw a bar for each piece of work; the number of frames that were made."""
    bar, work, done = tqdm(disable=True), "", 0
    for step in steps:
        if step.work != work:
            bar.close()
            work, bar = step.work, tqdm(None, step.work, step.total, unit="frame", leave=False, disable=quiet)
        bar.update()
        done = step.done
    bar.close()
    return done
