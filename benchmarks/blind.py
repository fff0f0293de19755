"""A blind look: pairs of the warp and the network's picture, sides shuffled, and the key in a file of its own.

    python benchmarks/blind.py sheet portrait.png hero.png --drivers talk.mp4 nod.mp4 --out benchmarks/blind.png
    python benchmarks/blind.py count benchmarks/blind.key.json LRR=L...

`sheet` has every portrait driven by every video (relative motion), and from each performance takes the frames with the
widest mouth, the narrowest lids, the largest turn and some more. A pair is numbered and shows the driver small above
the two pictures. Look at the sheet before the key: for each pair in order write L or R for the picture that looks more
like a person (this person), = for none. `count` then says for which of both that was, with a 95 % interval (Wilson
1927) of the share, pairs without a choice left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from pose.motion.neutral import find_neutral
from pose.tracking.landmarks import FACE_OVAL
from puppet.core.character import Character, load_character
from puppet.errors import PuppetError
from puppet.evaluate.clips import EvaluationClip, load_clip
from puppet.evaluate.measures import box
from puppet.evaluate.sheets import chosen_frames
from puppet.evaluate.systems import NETWORK_INPUT, Model, Motion, models, perform

CELL = 240  # px, side of a picture
DRIVER = 80  # px, side of the driver's picture above
ACROSS = 3  # pairs beside each other
MARGIN = 10  # px between pairs
ROOM = 0.12  # of the face's larger side, around it
SIDES = "LR"
NORMAL = 1.959964  # quantile of the normal distribution for 95 %


@dataclass(frozen=True)
class Pair:
    """driver: (S, S, 3) uint8, cut to the face like the two pictures of the portrait."""

    label: str
    driver: np.ndarray
    warp: np.ndarray
    network: np.ndarray


def pairs_of(subject: Character, clip: EvaluationClip, model: Model, count: int) -> list[Pair]:
    """The frames worth looking at of one performance."""
    wanted = chosen_frames(clip.faces, even=3)[:count]
    motion = Motion("relative", find_neutral(clip.poses))
    last = wanted[-1] + 1  # the network goes from frame to frame; nothing after the last one is needed
    made = list(perform([NETWORK_INPUT, model], subject, clip.poses[:last], motion))
    seen = _square(subject.portrait.pose.face, subject.size.side)
    return [
        Pair(
            f"{subject.name} by {clip.name}, frame {index}",
            _cut(clip.frames[index], _square(clip.faces[index], subject.size.side)),
            *(_cut(picture, seen) for picture in made[index]),
        )
        for index in wanted
    ]


def _square(face: np.ndarray, size: int) -> tuple[int, int, int, int]:
    """A box around a face with room for its turns, as near to a square as the picture's border lets it be."""
    if not np.isfinite(face).all():
        return 0, 0, size, size
    x0, y0, x1, y1 = box(face, FACE_OVAL, size, 0)
    half = (0.5 + ROOM) * max(x1 - x0, y1 - y0)
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    low, high = (np.clip(np.array([x, y]) + sign * half, 0, size).astype(int) for sign in (-1, 1))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _cut(picture: np.ndarray, place: tuple[int, int, int, int]) -> np.ndarray:
    x0, y0, x1, y1 = place
    return picture[y0:y1, x0:x1]


def sheet(pairs: list[Pair], swapped: np.ndarray) -> np.ndarray:
    """swapped: (N,) bool, whether the network is on the left."""
    rows = -(-len(pairs) // ACROSS)
    width, height = 2 * CELL + MARGIN, DRIVER + CELL + MARGIN
    canvas = Image.new("RGB", (ACROSS * width, rows * height), "white")
    draw = ImageDraw.Draw(canvas)
    for index, (pair, swap) in enumerate(zip(pairs, swapped, strict=True)):
        left, top = index % ACROSS * width, index // ACROSS * height
        draw.text((left + 8, top + 8), f"{index + 1}", fill="black", font_size=32)
        draw.text((left + 8, top + DRIVER - 14), "L", fill="black")
        draw.text((left + 2 * CELL - 16, top + DRIVER - 14), "R", fill="black")
        canvas.paste(_fitted(pair.driver, DRIVER), (left + CELL - DRIVER // 2, top))
        both = (pair.network, pair.warp) if swap else (pair.warp, pair.network)
        for column, picture in enumerate(both):
            canvas.paste(_fitted(picture, CELL), (left + column * CELL, top + DRIVER))
    return np.asarray(canvas)


def _fitted(picture: np.ndarray, side: int) -> Image.Image:
    """Grey where the picture is not square."""
    scale = side / max(picture.shape[:2])
    shape = tuple(max(1, round(scale * length)) for length in picture.shape[1::-1])
    result = Image.new("RGB", (side, side), (128, 128, 128))
    scaled = cv2.resize(picture, shape, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    result.paste(Image.fromarray(scaled), ((side - shape[0]) // 2, (side - shape[1]) // 2))
    return result


def make(args: argparse.Namespace) -> None:
    (model,) = models(args.model, [args.weights], "auto", args.seed)
    clips = [load_clip(path, args.size, args.seconds, args.start) for path in args.drivers]
    subjects = [replace(load_character(path, args.size, "original"), name=path.stem) for path in args.portraits]
    pairs = [pair for clip in clips for each in subjects for pair in pairs_of(each, clip, model, args.frames)]
    rng = np.random.default_rng(args.seed)
    rng.shuffle(pairs)  # neighbours tell nothing about each other
    swapped = rng.permutation(np.arange(len(pairs)) % 2 == 0)  # each side as often as the other
    Image.fromarray(sheet(pairs, swapped)).save(args.out)
    key = {
        "weights": args.weights, "seed": args.seed,
        "pairs": [
            {"number": number, "of": pair.label, "network": SIDES[0 if swap else 1]}
            for number, (pair, swap) in enumerate(zip(pairs, swapped, strict=True), 1)
        ],
    }  # fmt: skip
    path = args.out.with_suffix(".key.json")
    path.write_text(json.dumps(key, indent=1) + "\n")
    print(f"{len(pairs)} pairs in {args.out}; the key, for later, in {path}")


def count(args: argparse.Namespace) -> None:
    sides = [pair["network"] for pair in json.loads(args.key.read_text())["pairs"]]
    answers = args.answers.upper().replace(" ", "")
    if len(answers) != len(sides) or set(answers) - {*SIDES, "="}:
        raise PuppetError(f"the sheet has {len(sides)} pairs: write so many of L, R and =, not {len(answers)}")
    chosen = [answer == side for answer, side in zip(answers, sides, strict=True) if answer != "="]
    low, high = wilson(sum(chosen), len(chosen))
    print(
        f"network {sum(chosen)}, warp {len(chosen) - sum(chosen)}, none {len(sides) - len(chosen)}; network's share of "
        f"the choices {sum(chosen) / max(len(chosen), 1):.0%} [{low:.0%}, {high:.0%}]"
    )


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % interval of a share."""
    if not total:
        return 0.0, 1.0
    share, z = hits / total, NORMAL
    middle = share + z**2 / (2 * total)
    half = z * (share * (1 - share) / total + z**2 / (4 * total**2)) ** 0.5
    return (middle - half) / (1 + z**2 / total), (middle + half) / (1 + z**2 / total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("sheet", help="make the sheet and its key")
    making.add_argument("portraits", type=Path, nargs="+")
    making.add_argument("--drivers", type=Path, nargs="+", required=True)
    making.add_argument("--out", type=Path, required=True, help="the sheet, a .png or .jpg file")
    making.add_argument("--model", default="pocket")
    making.add_argument("--weights", default="shipped")
    making.add_argument("--size", type=int, default=256)
    making.add_argument("--start", type=float, default=0.0, help="seconds of each driver to leave out")
    making.add_argument("--seconds", type=float, default=4.0, help="of each driver")
    making.add_argument("--frames", type=int, default=2, help="of each performance, at most six")
    making.add_argument("--seed", type=int, default=0)
    making.set_defaults(run=make)
    counting = commands.add_parser("count", help="what a viewer chose")
    counting.add_argument("key", type=Path)
    counting.add_argument("answers", help="L, R or = for each pair, in order")
    counting.set_defaults(run=count)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    try:
        main()
    except PuppetError as error:
        sys.exit(f"blind: {error}")
