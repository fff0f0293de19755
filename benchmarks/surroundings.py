"""What following hair, neck and shoulders brings: the warp by face and body alone, and by what is seen around them.

    python benchmarks/surroundings.py CLIP... --seconds 4

Prints a Markdown table. Each clip's first frame is its portrait, motion is absolute; psnr as in `puppet evaluate`,
without a network. "jerk" is the mean third difference of the pixels, of the truth's.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from pose.tracking.landmarks import FACE_OVAL
from pose.tracking.tracker import Tracker
from puppet.core.character import load_character
from puppet.core.driver import Driver
from puppet.core.timings import Timings
from puppet.evaluate import measures
from puppet.evaluate.clips import load_clip
from puppet.evaluate.systems import NETWORK_INPUT, Motion, perform
from puppet.media.video_reader import FPS, VideoReader

SIZE = 256
HEAD = "| clip | around the face | picture dB | face dB | jerk | `track`, ms |"


def jerk(frames: np.ndarray) -> float:
    return float(np.abs(np.diff(frames.astype(np.float32), 3, axis=0)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=4.0)
    args = parser.parse_args()
    print(HEAD + "\n|---|---" + "|---:" * 4 + "|")
    for path in args.clips:
        clip = load_clip(path, SIZE, args.seconds)
        character, count = load_character(clip.picture, SIZE, "original"), len(clip.frames)
        with Tracker() as tracker:
            driver, poses, times = Driver(tracker, Timings()), [], []
            for index, picture in zip(range(count), VideoReader(path).frames()):
                start = time.thread_time()
                poses.append(driver(picture, index / FPS))
                times.append(1000 * (time.thread_time() - start))
        for name, seen in (("guessed", [replace(pose, around=None) for pose in poses]), ("seen", poses)):
            made = np.stack([frame for (frame,) in perform([NETWORK_INPUT], character, seen, Motion("absolute"))])
            figures = (
                measures.psnr(made, clip.frames),
                measures.region_psnr(made, clip.frames, clip.faces, (FACE_OVAL,)),
                jerk(made) / jerk(clip.frames),
            )
            cells = [clip.name, name, *(f"{value:.2f}" for value in figures)]
            cells.append(f"{np.median(times):.1f}" if name == "seen" else "")
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
