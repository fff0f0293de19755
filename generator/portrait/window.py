"""Generating only the part of the picture that is drawn (`PortraitControlConfig.reach`); elsewhere the warp stays.

A window follows the face like a camera. Its size is that of the portrait's own face and some room; it grows when a
face no longer fits, and shrinks again to what the last seconds needed. To the network the window is the whole picture,
as the crops of its training were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .layout import CANONICAL, SPATIAL_FACTOR
from .surroundings import soft_edge

CELL = SPATIAL_FACTOR // 2  # pixels of the guide in a latent cell
PATIENCE = 60  # steps (10 s) after which a window that grew is fitted anew
ROOM = 1  # cells that the face may at least move before the window does


@dataclass(frozen=True)
class Window:
    """Rows and columns of latent cells."""

    top: int
    left: int
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        return self.height, self.width

    def of(self, per_cell: int) -> tuple[slice, slice]:
        """The same rectangle in a picture of so many pixels a cell."""
        return (
            slice(self.top * per_cell, (self.top + self.height) * per_cell),
            slice(self.left * per_cell, (self.left + self.width) * per_cell),
        )

    def contains(self, other: Window) -> bool:
        return all(
            start <= begin and begin + length <= start + extent
            for start, extent, begin, length in (
                (self.top, self.height, other.top, other.height),
                (self.left, self.width, other.left, other.width),
            )
        )


@dataclass(frozen=True)
class Framing:
    """How windows are chosen in a picture of cells x cells. patch: cells of a token, each way; reach: of the model in
    pixels, None: always the whole picture."""

    cells: int
    patch: int
    reach: int | None

    @property
    def whole(self) -> Window:
        return Window(0, 0, self.cells, self.cells)

    def drawn(self, guide_FhwC: np.ndarray) -> Window | None:
        """The cells that four video frames change, from their guide (F, H/2, W/2, 8) uint8; None without a face."""
        if self.reach is None:
            return self.whole
        face = guide_FhwC[..., CANONICAL].any(axis=(0, 3))
        if not face.any():
            return None
        spread = soft_edge(self.reach)
        spans = []
        for axis in (1, 0):
            filled = np.flatnonzero(face.any(axis=axis))
            first, last = max(filled[0] - spread, 0) // CELL, min((filled[-1] + spread) // CELL + 1, self.cells)
            spans.append((int(first), int(last - first)))
        (top, height), (left, width) = spans
        return Window(top, left, height, width)

    def around(self, drawn: Window, least: tuple[int, int] = (0, 0)) -> Window:
        """A window of whole tokens, at least as large as `least`, with `drawn` and some room in its middle."""
        spans = []
        for first, length, smallest in zip((drawn.top, drawn.left), drawn.size, least):
            extent = min(max(-(-(length + ROOM) // self.patch) * self.patch, smallest), self.cells)
            spans.append((min(max(first - (extent - length) // 2, 0), self.cells - extent), extent))
        (top, height), (left, width) = spans
        return Window(top, left, height, width)


class FaceCamera:
    """The window of a stream, from step to step."""

    def __init__(self, framing: Framing) -> None:
        self.framing = framing
        self._portrait = framing.whole
        self._begin()

    def lock(self, guide_FhwC: np.ndarray) -> None:
        """Begin with the portrait at its own pose."""
        self._portrait = self.framing.drawn(guide_FhwC) or self.framing.whole
        self._begin()

    def _begin(self) -> None:
        self.window = self._home = self.on_portrait()
        self._needed, self._steps = self._home.size, 0  # the largest size lately, and how lately

    def on_portrait(self, size: tuple[int, int] = (0, 0)) -> Window:
        """A window of at least this size, in which the portrait at its own pose is seen."""
        return self.framing.around(self._portrait, size)

    def follow(self, guide_FhwC: np.ndarray) -> Window | None:
        """The next window: the same one while what is drawn lies in it. None where there is no face."""
        drawn = self.framing.drawn(guide_FhwC)
        if drawn is None:
            return None
        if not self.window.contains(drawn):
            self.window = self.framing.around(drawn, self.window.size)
        fitting = self.framing.around(drawn, self._home.size)
        self._needed = tuple(map(max, self._needed, fitting.size))
        self._steps += 1
        if self._steps == PATIENCE:
            size = tuple(map(min, self._needed, self.window.size))
            if size != self.window.size:
                self.window = self.framing.around(drawn, size)
            self._needed, self._steps = self._home.size, 0
        return self.window


def moved(z_BChw: Tensor, before: Window, after: Window) -> Tensor:
    """What a window showed, seen in another one: (B, C, h', w'); its border goes on beyond it."""
    rows, columns = (
        (torch.arange(start, start + extent, device=z_BChw.device) - origin).clamp(0, limit - 1)
        for start, extent, origin, limit in (
            (after.top, after.height, before.top, before.height),
            (after.left, after.width, before.left, before.width),
        )
    )
    return z_BChw[..., rows, :][..., columns]
