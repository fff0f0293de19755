"""Arguments that several commands share, so that a flag means the same everywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from puppet.media import DRIVER, PORTRAIT


def add_portrait(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--portrait", type=Path, default=PORTRAIT, metavar="FILE", help="picture of one person")


def add_driver(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--driver", type=Path, default=DRIVER, metavar="FILE", help="video of the person who moves the portrait"
    )


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", default="pocket", metavar="NAME", help="preset of the generator; warp: no network")
    parser.add_argument(
        "--weights", default="shipped", metavar="shipped|random|FILE", help="weights of the model; a .safetensors file"
    )
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda|mps", help="where the generator runs")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the generator's noise")


def add_attention(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--attention",
        default="sdpa",
        metavar="sdpa|xformers|auto",
        help="kernel of the generator's attention: torch's own; xformers' (CUDA only, extra cuda), which is compared with "
        "torch's at the start; or xformers' where that works",
    )


def add_look(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--motion",
        default="relative",
        metavar="relative|absolute",
        help="relative: the driver's change since neutral moves the portrait's own face; absolute: the driver's face "
        "as it is, for people who drive their own portrait",
    )
    parser.add_argument(
        "--background",
        default="original",
        metavar="original|blur|chroma|transparent|FILE",
        help="what is behind the person",
    )
    add_size(parser)


def add_size(parser: argparse.ArgumentParser, default: int = 256) -> None:
    parser.add_argument(
        "--size", type=int, default=default, metavar="N", help="pixels of the square output, a multiple of 16"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout, no progress bar")
