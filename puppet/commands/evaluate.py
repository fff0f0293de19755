"""`puppet evaluate`: measure a model on real clips, against baselines, other models and time."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tqdm import tqdm

from puppet.commands import arguments
from puppet.core.look import PictureSize
from puppet.errors import PuppetError, extra_needed
from puppet.media import DRIVER


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clips",
        type=Path,
        nargs="*",
        default=[DRIVER],
        metavar="CLIPS",
        help="videos of one talking person each, training clips, or folders of them; each drives its own first frame",
    )
    parser.add_argument(
        "--portraits",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="pictures of other people, each driven by every clip with relative motion",
    )
    parser.add_argument("--seconds", type=float, metavar="N", help="of each clip; all of it if not given")
    parser.add_argument(
        "--minutes",
        type=float,
        metavar="N",
        help="also drive the first clip's first frame with it to and fro for this "
        "long, and compare the end with the beginning",
    )
    parser.add_argument(
        "--regions",
        action="store_true",
        help="only what the network adds to the warp, region by region: three times as fast",
    )
    parser.add_argument("--baselines", action="store_true", help="measure the baselines alone, without the model")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for contact sheets, curves and all figures as JSON"
    )
    arguments.add(parser, "--model")
    several = arguments.SHARED["--weights"]["help"] + "; several are measured side by side"
    arguments.add(parser, "--weights", action="append", default=None, help=several)
    arguments.add(parser, "--device", "--seed")
    arguments.add(parser, "--size", type=int, metavar="N", help="pixels of the square output, a multiple of 16")
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    _check(args)
    # torch and MediaPipe take seconds to import; what is wrong with the arguments is said before
    from puppet.core.character import load_character
    from puppet.evaluate.clips import clip_files, load_clip
    from puppet.evaluate.report import Report
    from puppet.evaluate.systems import models

    paths = clip_files(args.clips)
    _check_names("clip", paths)
    _check_names("portrait", args.portraits)
    embed = None if args.regions else _embedder()
    weights = [] if args.baselines else args.weights or ["shipped"]
    generators = models(args.model, weights, args.device, args.seed)
    characters = {path.stem: load_character(path, args.size, "original") for path in args.portraits}
    quiet = args.json or None  # None: only on a terminal
    clips = [
        load_clip(path, args.size, args.seconds)
        for path in tqdm(paths, "tracking", unit="clip", leave=False, disable=quiet)
    ]
    report = Report(generators, embed, args.size, args.out, quiet, args.regions)
    report.self_reenactment(clips)
    if characters:
        report.cross_reenactment(characters, clips)
    if args.minutes:
        report.rollout(clips[0], args.minutes)
    figures = report.figures()
    if args.out:
        (args.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    arguments.answer(args, figures, report.markdown())


def _check(args: argparse.Namespace) -> None:
    arguments.check_positive(args, "seconds", "minutes")
    if args.regions and (args.portraits or args.minutes):
        raise PuppetError("--regions compares with the clip's own frames: leave --portraits and --minutes out")
    PictureSize.of(args.size, "--size")
    if args.out:
        arguments.make_folder(args.out, "give --out another name")
        if args.minutes:
            with extra_needed("the picture of --minutes needs matplotlib", "evaluate"):
                import matplotlib  # noqa: F401


def _check_names(what: str, paths: list[Path]) -> None:
    names = [path.stem for path in paths]
    for path in paths:
        if not path.is_file():
            raise PuppetError(f"{what} {path} does not exist: give the path of a file")
        if names.count(path.stem) > 1:
            raise PuppetError(f"two {what}s are called {path.stem}: rename one, the tables go by that name")


def _embedder():
    """None, with a word on stderr, where the extra is missing: everything else can be measured without it."""
    from puppet.evaluate.identity import FaceEmbedder

    try:
        return FaceEmbedder()
    except PuppetError as error:
        print(f"puppet: warning: {error}; identity stays empty", file=sys.stderr)
        return None
