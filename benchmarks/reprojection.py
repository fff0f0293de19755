"""What late reprojection costs the picture: reprojected frames against the same frames generated exactly at their pose.

    python benchmarks/reprojection.py CLIP ... [--portrait FILE] [--size 256] [--age 0.1] [--sheet sheet.png] [--json]

Every clip drives the portrait. The generator's batches arrive late, as they do live: a batch is in hand `--age` seconds
after its last pose. Each frame of the clip is then shown twice: generated at its pose, and reprojected at its pose from
the newest batch in hand. Reported per clip: PSNR between the two inside the hull of the face, the same where the change
is left out (the warp alone), and where the newest generated frame is held. Then the flicker of a still driver at 60
pictures a second: mean change between successive pictures where a new batch was taken up, over the mean elsewhere.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import eye_distance
from pose.tracking.smoothing import PoseSmoother
from puppet.core.batcher import Batch, batches
from puppet.core.character import Character
from puppet.core.models import load_stream
from puppet.core.pose_resampler import PoseResampler
from puppet.core.puppet import Puppet
from puppet.core.puppeteer import Puppeteer
from puppet.core.renderer import Renderer
from puppet.core.reprojection import Reprojection
from puppet.core.timings import Timings
from puppet.errors import PuppetError
from puppet.media import DRIVER, PORTRAIT
from puppet.media.video_reader import FPS, VideoReader

OUTPUT_FPS = 60
STILL_SECONDS = 8.0
CAMERA_FPS = 30
TRACKER_NOISE = 0.0015  # eye distances: standard deviation of a landmark from frame to frame


def generate(puppet: Puppet, renderer: Renderer, targets: list[PoseFrame]) -> list[tuple[Batch, np.ndarray]]:
    renderer.lock(puppet.character)
    return [(batch, renderer(batch)) for batch in batches(puppet.character, targets, Timings())]


def psnr(a: np.ndarray, b: np.ndarray, inside: np.ndarray) -> float:
    error = np.square(a[inside].astype(np.float64) - b[inside]).mean()
    return float(10 * np.log10(255**2 / max(error, 1e-4)))


def face_hull(target: PoseFrame, size: int) -> np.ndarray:
    mask = np.zeros((size, size), np.uint8)
    hull = cv2.convexHull(np.round(target.face[:468, :2]).astype(np.int32))
    return cv2.fillConvexPoly(mask, hull, 1) > 0


def compare(character: Character, made: list[tuple[Batch, np.ndarray]], age: float) -> tuple[dict, list[np.ndarray]]:
    """Figures of one clip, and a row of (exact, reprojected, six times their difference) now and then."""
    reproject, waiting, newest = Reprojection(), list(made), None
    scores: dict[str, list[float]] = {"reprojected": [], "warp": [], "held": []}
    tiles = []
    for batch, frames in made:
        for index, (target, exact) in enumerate(zip(batch.targets, frames, strict=True)):
            while waiting and waiting[0][0].targets[-1].time + age <= target.time:
                newest = waiting.pop(0)
                reproject.update(*newest, newest[0].targets[-1].time + age)
            if newest is None:
                continue
            shown = reproject(character, target, target.time).person
            inside = face_hull(target, len(shown))
            warp, held = batch.frames[index].picture, newest[1][-1]
            for name, picture in (("reprojected", shown), ("warp", warp), ("held", held)):
                scores[name].append(psnr(picture, exact, inside))
            if len(scores["warp"]) % (2 * FPS) == 1:
                apart = np.clip(128 + 6 * (shown.astype(int) - exact), 0, 255).astype(np.uint8)
                tiles.append(np.concatenate([picture[..., :3] for picture in (exact, shown, apart)]))
    return {name: round(float(np.mean(values)), 2) for name, values in scores.items()}, tiles


def still_driver(target: PoseFrame) -> list[PoseFrame]:
    """Somebody who does not move, as a tracker at 30 frames a second sees it and the smoother leaves it."""
    noise, smooth = np.random.default_rng(0), PoseSmoother()
    jitter = TRACKER_NOISE * eye_distance(target.face)
    return [
        smooth(replace(target, face=target.face + noise.normal(0, jitter, target.face.shape), time=k / CAMERA_FPS))
        for k in range(round(STILL_SECONDS * CAMERA_FPS))
    ]


def flicker(puppet: Puppet, renderer: Renderer, target: PoseFrame, age: float) -> float:
    """Of a driver who does not move."""
    poses, resampler = still_driver(target), PoseResampler(FPS)
    waiting = generate(puppet, renderer, [tick for pose in poses for tick in resampler.add(pose)])
    reproject, last, taken = Reprojection(), None, -10
    at_boundary, within = [], []
    for tick in range(round((STILL_SECONDS - 0.1) * OUTPUT_FPS)):
        now = tick / OUTPUT_FPS
        while waiting and waiting[0][0].targets[-1].time + age <= now:
            reproject.update(*waiting.pop(0), now)
            taken = tick
        picture = reproject(puppet.character, poses[int(now * CAMERA_FPS)], now).person.astype(np.int16)
        if last is not None and now > 1:
            # a change that begins at this tick shows at the next
            (at_boundary if tick - taken <= 1 else within).append(float(np.abs(picture - last).mean()))
        last = picture
    return float(np.mean(at_boundary) / max(np.mean(within), 1e-9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="*", type=Path, default=[DRIVER])
    parser.add_argument("--portrait", type=Path, default=PORTRAIT)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each clip")
    parser.add_argument("--age", type=float, default=0.1, help="s from a batch's last pose until it is in hand")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--weights", default="shipped")
    parser.add_argument("--sheet", type=Path, help="picture to write: exact, reprojected, their difference")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    stream = load_stream(args.model, args.weights, args.size, "auto")
    puppet = Puppet(args.portrait, args.model, args.weights, size=args.size)
    renderer = Renderer(stream, Timings())
    report, tiles = {}, []
    for clip in args.clips:
        try:
            poses = list(puppet.track(islice(VideoReader(clip).frames(), round(args.seconds * FPS))))
        except PuppetError as error:
            raise SystemExit(f"reprojection: {error}") from error
        puppeteer = Puppeteer(puppet.portrait.pose)
        targets = [puppeteer(pose) for pose in poses]
        figures, rows = compare(puppet.character, generate(puppet, renderer, targets), args.age)
        middle = targets[len(targets) // 2]
        report[clip.stem] = {"psnr_face": figures, "flicker": round(flicker(puppet, renderer, middle, args.age), 3)}
        tiles += rows[:4]
    if args.sheet and tiles:
        cv2.imwrite(str(args.sheet), cv2.cvtColor(np.concatenate(tiles, 1), cv2.COLOR_RGB2BGR))
    if args.json:
        print(json.dumps({"size": args.size, "age": args.age, "clips": report}))
        return
    print(f"{'clip':<24}{'reprojected':>12}{'warp alone':>12}{'held':>8}   dB inside the face; flicker")
    for name, row in report.items():
        values = row["psnr_face"]
        columns = f"{values['reprojected']:>12.1f}{values['warp']:>12.1f}{values['held']:>8.1f}"
        print(f"{name:<24}{columns}   {row['flicker']:.2f}")


if __name__ == "__main__":
    main()
