"""Seeing a large face smaller (`PortraitControlConfig.face`): the network works at the sizes of face that it was
trained on, and what it changes is enlarged onto the warp, whose detail is the portrait's own. A face twice as wide
would cost four times as much.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from .layout import CANONICAL, SPATIAL_FACTOR
from .window import Window

COLOURS = 4  # channels of an 8-bit picture that torch resizes at full speed


@dataclass(frozen=True)
class Scale:
    """Pictures of `size` pixels each way, seen at `seen`."""

    size: int
    seen: int

    @staticmethod
    def of(size: int, guide_FhwC: np.ndarray, largest: int | None, step: int) -> Scale:
        """For a portrait with this guide (F, S/2, S/2, 8) uint8, whose face is to be seen at `largest` pixels at most
        (None: as it is). What is seen is a multiple of `step` pixels."""
        face = guide_FhwC[..., CANONICAL].any(axis=(0, 3))
        if largest is None or not face.any():
            return Scale(size, size)
        extent = 2 * max(int(np.ptp(np.flatnonzero(face.any(axis)))) + 1 for axis in (0, 1))
        seen = int(size * largest / extent) // step * step
        return Scale(size, min(max(seen, step), size))

    def shrink(self, picture_FHWC: np.ndarray) -> np.ndarray:
        """Portraits, warps or guides, uint8 with a multiple of four channels, as they are seen."""
        if self.seen == self.size:
            return picture_FHWC
        height, width = (extent * self.seen // self.size for extent in picture_FHWC.shape[-3:-1])
        return resized(picture_FHWC, height, width).numpy()

    def put(self, drawn_FhwC: np.ndarray, window: Window, seen_FHWC: np.ndarray, frames_FHWC: np.ndarray) -> None:
        """Change the frames, which are the warp, as the window of the seen warp changes to what is drawn; all uint8,
        premultiplied."""
        rows, columns = window.of(SPATIAL_FACTOR)
        if self.seen == self.size:
            frames_FHWC[:, rows, columns] = drawn_FhwC
            return
        after = seen_FHWC.copy()
        after[:, rows, columns] = drawn_FhwC
        at = (
            slice(None),
            *(slice(p.start * self.size // self.seen, -(-p.stop * self.size // self.seen)) for p in (rows, columns)),
        )
        before, after = (resized(picture, self.size, self.size)[at] for picture in (seen_FHWC, after))
        frames = torch.from_numpy(frames_FHWC)[at]
        changed = (frames.short() + after - before).clamp_(0, 255).byte()
        torch.minimum(changed, changed[..., 3:], out=frames)


def resized(picture_FHWC: np.ndarray, height: int, width: int) -> Tensor:
    """8-bit pictures, bilinear, without aliasing where they become smaller."""
    pictures = torch.from_numpy(np.ascontiguousarray(picture_FHWC))
    parts = (part.contiguous().movedim(-1, -3) for part in pictures.split(COLOURS, -1))
    parts = [F.interpolate(part, (height, width), mode="bilinear", antialias=True) for part in parts]
    return torch.cat(parts, -3).movedim(-3, -1).contiguous() if len(parts) > 1 else parts[0].movedim(-3, -1)
