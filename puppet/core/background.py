"""What is behind the person: square as the portrait, and wide as a virtual camera."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from puppet.errors import PuppetError
from puppet.media.pictures import filling, read_picture

CHROMA_GREEN = (0, 255, 0)
KINDS = ("original", "blur", "chroma", "transparent")
BLUR = 1 / 32  # of the square's side: standard deviation of "blur"
SIDES_BLUR = 0.04  # of the wide picture's width: what fills the sides of a square is not to be looked at


class Background:
    """The background of one character.

    choice: one of KINDS, or the path of a picture, of which the largest centred part of that shape is taken.
    original: (H, W, 3) uint8, what is behind the person in the portrait.
    """

    def __init__(self, choice: str, original: np.ndarray):
        self.choice = choice
        self.square = _square(choice, original)  # (H, W, 3) uint8, None: transparent

    @property
    def extends(self) -> bool:
        """Whether a wide picture shows the same behind the person as beside the square."""
        return self.choice not in ("original", "blur")

    def wide(self, width: int, height: int) -> np.ndarray | None:
        """(height, width, 3) uint8 to put the person (or, unless it `extends`, the framed square) on."""
        if self.square is None:
            return None
        if self.choice == "chroma":
            return np.full((height, width, 3), CHROMA_GREEN, np.uint8)
        if self.choice in KINDS:
            return cv2.GaussianBlur(filling(self.square, width, height), (0, 0), SIDES_BLUR * width)
        return filling(read_picture(Path(self.choice), "background"), width, height)


def check_background(choice: str) -> None:
    """`PuppetError` unless `choice` is one of KINDS or a picture that can be read."""
    if choice in KINDS:
        return
    if not Path(choice).exists():
        raise PuppetError(f"background '{choice}' is neither {', '.join(KINDS)} nor a file that exists")
    read_picture(Path(choice), "background")


def _square(choice: str, original: np.ndarray) -> np.ndarray | None:
    height, width = original.shape[:2]
    if choice == "original":
        return original
    if choice == "blur":
        return cv2.GaussianBlur(original, (0, 0), max(height, width) * BLUR)
    if choice == "chroma":
        return np.full_like(original, CHROMA_GREEN)
    if choice == "transparent":
        return None
    return filling(read_picture(Path(choice), "background"), width, height)
