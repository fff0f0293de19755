"""`puppet train`: a model from training clips, or one fitted to somebody's own footage."""

from __future__ import annotations

import argparse
from pathlib import Path

from puppet.commands import arguments
from puppet.errors import PuppetError, reported_as_puppet_error


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help="preset to train, for example pocket")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="clips of puppet actors or puppet prepare"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="checkpoints, log and pictures; runs/MODEL if not given. The same "
        "command goes on where an interrupted one stopped",
    )
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="length of the whole run; needed unless --steps is given"
    )
    parser.add_argument("--steps", type=int, metavar="N", help="length of every stage in steps")
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help="paper: AAPT's three stages with its numbers, for a model that begins with weights of a large one; "
        "paper-small: the same for a small model that begins with nothing; shipped: what pocket's weights were trained "
        "by. The model's own if not given",
    )
    parser.add_argument(
        "--stage", action="append", metavar="NAME", help="train this stage only; may be given several times"
    )
    parser.add_argument(
        "--from", dest="start", metavar="shipped|FILE", help="weights to begin with, to fit a model to own clips"
    )
    arguments.add(parser, "--device", help="where to train")
    arguments.add(parser, "--threads")
    parser.add_argument("--batch", type=int, metavar="N", help="clips in a step, if another number than the recipe's")
    parser.add_argument(
        "--crop", type=int, metavar="N", help="pixels of the training crops, if other than the recipe's"
    )
    arguments.add(parser, "--seed", help="of everything random")
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    arguments.check_positive(args, "minutes", "steps", "threads", "batch")
    if not args.data.is_dir():
        raise PuppetError(f"--data {args.data} is not a folder: make one with puppet actors or puppet prepare")
    from generator.checkpoint import shipped
    from generator.models import get_model
    from generator.training.recipes import get_recipe

    with reported_as_puppet_error(ValueError):
        get_recipe(args.recipe or get_model(args.model).recipe)
    start = shipped(args.model) if args.start == "shipped" else args.start
    out = args.out or Path("runs") / args.model
    path = trained(
        args.model, args.data, out, args.device, minutes=args.minutes, recipe=args.recipe, stages=args.stage,
        steps=args.steps, start=start, seed=args.seed, threads=args.threads, batch=args.batch, crop=args.crop,
    )  # fmt: skip
    text = f"{path}: use it with puppet render --model {args.model} --weights {path}"
    arguments.answer(args, {"weights": str(path)}, text)


def trained(model: str, data: Path, folder: Path, device: str, **options) -> Path:
    """The weights. options: of `generator.training.run.train`. Raises PuppetError, and KeyboardInterrupt with how to go
    on."""
    from generator.checkpoint import WeightsError
    from generator.runtime.precision import resolve_device
    from generator.training.run import train
    from generator.training.state import Interrupted

    with reported_as_puppet_error(ValueError, WeightsError, OSError):
        try:
            return train(model, data, folder, device=str(resolve_device(device)), **options)
        except Interrupted as error:
            raise KeyboardInterrupt(str(error)) from None
