"""What following the skin brings: the warp by landmarks alone, and by landmarks that dense flow corrects.

    python benchmarks/skin_motion.py CLIP... --seconds 4

Prints a Markdown table. Each clip's first frame is its portrait, motion is absolute; measures as in `puppet evaluate`,
without a network. "jerk" is the mean second difference of the landmarks, in thousandths of the eye distance.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import eye_distance
from pose.tracking.skin_motion import SkinMotion
from pose.tracking.smoothing import PoseSmoother
from pose.tracking.tracker import Tracker
from puppet.core.character import load_character
from puppet.core.driver import TRACKED_SIDE
from puppet.evaluate import measures
from puppet.evaluate.clips import load_clip, track_faces
from puppet.evaluate.systems import NETWORK_INPUT, Motion, perform
from puppet.media.video_reader import FPS, VideoReader, centre_square

SIZE = 256
HEAD = "| clip | landmarks | face dB | mouth dB | eyes dB | mouth w1 | akd % | follow | jerk | ms |"


def found(path: Path, frames: int) -> list[tuple[np.ndarray, PoseFrame]]:
    """Pictures and what the tracker alone finds in them."""
    with Tracker() as tracker:
        pictures = (centre_square(frame, TRACKED_SIDE) for frame in VideoReader(path).frames())
        return [(p, tracker.track(p, i / FPS)) for i, p in zip(range(frames), pictures)]


def jerk(poses: Sequence[PoseFrame]) -> float:
    points = np.stack([pose.face[:468, :2] / eye_distance(pose.face) for pose in poses if pose.face is not None])
    return 1000 * float(np.abs(np.diff(points, 2, axis=0)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=4.0)
    args = parser.parse_args()
    print(HEAD + "\n|---|---" + "|---:" * 8 + "|")
    for path in args.clips:
        clip = load_clip(path, SIZE, args.seconds)
        character, seen = load_character(clip.picture, SIZE, "original"), found(path, len(clip.frames))
        for name, follow in (("alone", None), ("with the skin", SkinMotion())):
            smooth, start = PoseSmoother(), time.thread_time()
            poses = [smooth(follow(picture, pose) if follow else pose) for picture, pose in seen]
            ms = (time.thread_time() - start) / len(seen) * 1000
            made = np.stack([frame for (frame,) in perform([NETWORK_INPUT], character, poses, Motion("absolute"))])
            faces = track_faces(made)
            figures = (
                measures.region_psnr(made, clip.frames, clip.faces, (FACE_OVAL,)),
                measures.region_psnr(made, clip.frames, clip.faces, measures.MOUTH),
                measures.region_psnr(made, clip.frames, clip.faces, measures.EYES),
                measures.mouth_w1(made, clip.frames, clip.faces),
                measures.akd(faces, clip.faces),
                measures.follow(measures.following(faces, clip.faces)),
                jerk(poses),
                ms,
            )
            print(f"| {clip.name} | {name} | " + " | ".join(f"{value:.2f}" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
