"""Sizes of pictures on the command line: N for a square, WIDTHxHEIGHT for any other."""

from __future__ import annotations

import argparse
import re


def picture_size(text: str) -> tuple[int, int]:
    """ "256" -> (256, 256), "1280x720" -> (720, 1280): height and width in pixels, as arrays have them."""
    found = re.fullmatch(r"(\d+)(?:x(\d+))?", text.strip().lower())
    if found is None or not int(found[1]) or (found[2] and not int(found[2])):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write N for a square, or WIDTHxHEIGHT, as 1280x720")
    width, height = int(found[1]), int(found[2] or found[1])
    return height, width
