"""What a portrait's generator is conditioned on: the warped portrait and the guide maps of each video frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from ..convolutions import pack


@dataclass(frozen=True)
class Conditions:
    """Maps of T latent frames; F = 4 video frames each."""

    warp: Tensor  # (B, T, F, 4, H, W) premultiplied RGBA in [-1, 1]
    guide: Tensor  # (B, T, F, 8, H/2, W/2) in [0, 1]

    @cached_property
    def packed(self) -> Tensor:
        """(B, T, F, 16, H/2, W/2): the warp in the form that the convolutions take."""
        return pack(self.warp)

    @staticmethod
    def from_uint8(warp_BTFHWC: Tensor, guide_BTFHWC: Tensor, dtype: torch.dtype = torch.float32) -> Conditions:
        """From uint8 maps, channels last as they come from the rasteriser; no copy is made to reorder them."""
        return Conditions(
            warp=from_bytes(warp_BTFHWC, dtype).movedim(-1, -3),
            guide=guide_BTFHWC.to(dtype).mul_(1 / 255).movedim(-1, -3),
        )

    def frames(self, start: int, stop: int) -> Conditions:
        """Latent frames start..stop-1 of every sequence."""
        return Conditions(self.warp[:, start:stop], self.guide[:, start:stop])


def from_bytes(picture: Tensor, dtype: torch.dtype) -> Tensor:
    """uint8 0..255 -> [-1, 1]."""
    return picture.to(dtype).mul_(1 / 127.5).sub_(1)


def to_bytes(picture: Tensor) -> Tensor:
    """[-1, 1] -> uint8 0..255."""
    return picture.mul(127.5).add_(128).clamp_(0, 255).to(torch.uint8)
