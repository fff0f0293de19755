"""From what a user typed after --output to outputs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from puppet.errors import PuppetError, nearest
from puppet.outputs.base import Output
from puppet.outputs.browser import Browser
from puppet.outputs.file import File
from puppet.outputs.virtual_camera import VirtualCamera
from puppet.outputs.window import Window

NAMES = ("virtual-camera", "window", "browser", "none")


def make_outputs(words: list[str], canvas: tuple[int, int], backend: str | None, transparent: bool) -> list[Output]:
    """The outputs, not yet open. Raises PuppetError for a word that is neither a name nor a video file."""
    makers: dict[str, Callable[[], Output]] = {
        "virtual-camera": lambda: VirtualCamera(*canvas, backend), "window": Window, "browser": Browser, "none": Output,
    }  # fmt: skip
    outputs: list[Output] = []
    for word in dict.fromkeys(words):
        if word not in makers and "." not in word:
            raise PuppetError(
                f"unknown output '{word}'{nearest(word, NAMES)}; choose {', '.join(NAMES)}, or the name of a video file"
            )
        outputs.append(makers[word]() if word in makers else File(Path(word), transparent))
    return outputs
