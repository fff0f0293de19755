"""The generated person over a background. Pictures are uint8, RGBA is premultiplied."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from puppet.errors import PuppetError
from puppet.pictures import read_picture
from puppet.video_in import centre_square

CHROMA_GREEN = (0, 255, 0)
KINDS = ("original", "blur", "chroma", "transparent")


def make_background(choice: str, original: np.ndarray) -> np.ndarray | None:
    """(S, S, 3) uint8 behind the person, or None for transparency.

    choice: one of KINDS or the path of a picture, of which the largest centred square is taken.
    original: (S, S, 3) uint8, what is behind the person in the portrait.
    """
    size = original.shape[0]
    if choice == "original":
        return original
    if choice == "blur":
        return cv2.GaussianBlur(original, (0, 0), size / 32)
    if choice == "chroma":
        return np.full_like(original, CHROMA_GREEN)
    if choice == "transparent":
        return None
    return cv2.resize(
        centre_square(read_picture(Path(choice), "background")), (size, size), interpolation=cv2.INTER_AREA
    )


def check_background(choice: str) -> None:
    """`PuppetError` unless `choice` is one of KINDS or a picture that can be read."""
    if choice in KINDS:
        return
    if not Path(choice).exists():
        raise PuppetError(f"background '{choice}' is neither {', '.join(KINDS)} nor a file that exists")
    read_picture(Path(choice), "background")


def composite(rgba: np.ndarray, background: np.ndarray | None) -> np.ndarray:
    """(S, S, 4) over (S, S, 3): an opaque picture; without a background the person as it is."""
    if background is None:
        return rgba
    hidden = cv2.merge([255 - rgba[..., 3]] * 3)
    shown = cv2.multiply(background, hidden, scale=1 / 255)
    return cv2.cvtColor(cv2.add(shown, cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)), cv2.COLOR_RGB2RGBA)  # alpha 255


def straight_alpha(rgba: np.ndarray) -> np.ndarray:
    """Premultiplied to straight alpha, for files that want it."""
    alpha = rgba[..., 3:].astype(np.uint16)
    colours = (rgba[..., :3].astype(np.uint16) * 255 + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(colours, 255).astype(np.uint8), rgba[..., 3:]], -1)
