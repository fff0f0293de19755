"""Arguments that several commands share, so that a flag means the same everywhere."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from generator.portrait.layout import SEEN_FACE
from puppet.core.look import sides_of
from puppet.errors import PuppetError
from puppet.media import DRIVER, PORTRAIT


def picture_size(value: str) -> int | str:
    """N or WIDTHxHEIGHT; whether it is possible is checked with everything else."""
    width, _ = sides_of(value)
    return value if "x" in value.lower() else width


# by the flag: its settings; a command may change some of them
SHARED: dict[str, dict[str, Any]] = {
    "--portrait": dict(type=Path, default=PORTRAIT, metavar="FILE", help="picture of one person"),
    "--driver": dict(type=Path, default=DRIVER, metavar="FILE", help="video of the person who moves the portrait"),
    "--motion": dict(
        default="relative",
        metavar="relative|absolute",
        help="relative: the driver's change since neutral moves the portrait's own face; absolute: the driver's face "
        "as it is, for people who drive their own portrait",
    ),
    "--background": dict(
        default="original",
        metavar="original|blur|chroma|transparent|FILE",
        help="what is behind the person",
    ),
    "--size": dict(
        type=picture_size,
        default=256,
        metavar="N|WIDTHxHEIGHT",
        help="pixels of the output, square or not; multiples of 16",
    ),
    "--framing": dict(
        default="auto",
        metavar="auto|head|bust|full|portrait",
        help="what is shown of the portrait's person; portrait: the picture as it is; auto: the bust. --motion "
        "absolute always takes the centre of the picture",
    ),
    "--hands": dict(default="auto", metavar="auto|off", help="off: arms and hands stay where the portrait has them"),
    "--model": dict(default="pocket", metavar="NAME", help="preset of the generator; warp: no network"),
    "--weights": dict(
        default="shipped",
        metavar="shipped|random|NAME|FILE",
        help="weights of the model: a .safetensors file, or the name of what puppet fit made",
    ),
    "--device": dict(default="auto", metavar="auto|cpu|cuda|mps", help="where the generator runs"),
    "--seed": dict(type=int, default=0, metavar="N", help="of the generator's noise"),
    "--attention": dict(
        default="sdpa",
        metavar="sdpa|xformers|auto",
        help="kernel of the generator's attention: torch's own; xformers' (CUDA only, extra cuda), which is compared "
        "with torch's at the start; or xformers' where that works",
    ),
    "--threads": dict(type=int, metavar="N", help="CPU threads of the training"),
    "--frames": dict(type=int, default=20, metavar="N", help="video frames in a clip, a multiple of 4"),
    "--face": dict(
        type=int,
        default=SEEN_FACE,
        metavar="N",
        help="pixels of the largest face, longer side; larger ones are shrunk, as the model sees them",
    ),
    "--json": dict(action="store_true", help="print one JSON object on stdout, no progress bar"),
}
PICTURE = ("--size", "--framing", "--hands")  # what the output shows of the person, and its shape
LOOK = ("--motion", "--background", *PICTURE)
MODEL = ("--model", "--weights", "--device", "--seed")


def add(parser: argparse.ArgumentParser, *flags: str, **changes) -> None:
    """Options of SHARED."""
    for flag in flags:
        parser.add_argument(flag, **SHARED[flag] | changes)


def height_and_width(value: str) -> tuple[int, int]:
    """ "256" -> (256, 256), "1280x720" -> (720, 1280): as the engine has them."""
    try:
        width, height = sides_of(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{value!r} is no size: write N for a square, or WIDTHxHEIGHT, as 1280x720"
        ) from None
    return height, width


def answer(args: argparse.Namespace, facts: dict, text: str) -> None:
    """What came out, as --json or a person wants it."""
    print(json.dumps(facts) if args.json else text)


def check_positive(args: argparse.Namespace, *names: str) -> None:
    """Raises PuppetError where one of these was given and is not more than 0."""
    for name in names:
        value = getattr(args, name)
        if value is not None and not value > 0:
            option = name.replace("_", "-")
            raise PuppetError(f"--{option} {value:g} is not possible: it has to be more than 0")


def make_folder(path: Path, cure: str = "choose another") -> None:
    """Make it where it is not there. Raises PuppetError where that fails."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PuppetError(f"cannot make the folder {path} ({error.strerror}): {cure}") from error
