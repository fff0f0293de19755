"""Condition encoder: the maps of four video frames become features at latent resolution."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ..convolutions import conv, side_by_side
from .layout import FRAMES_PER_LATENT, GUIDE_CHANNELS, WARP_CHANNELS


@dataclass(frozen=True)
class StemConfig:
    """Guide + warp of four video frames -> features at latent resolution."""

    frame_channels: int  # per video frame, at H/4
    channels: int  # per latent frame, at H/8


class ConditionStem(nn.Module):
    """Light strided encoder, stacked with the noise at the input (AAPT, after OmniHuman-1)."""

    def __init__(self, config: StemConfig) -> None:
        super().__init__()
        self.frame_conv = conv(GUIDE_CHANNELS + 4 * WARP_CHANNELS, config.frame_channels, stride=2)
        self.latent_conv = conv(FRAMES_PER_LATENT * config.frame_channels, config.channels, stride=2)

    def forward(self, warp_BTFCHW: Tensor, guide_BTFCHW: Tensor) -> Tensor:
        """Packed warp (B, T, 4, 16, H/2, W/2) and guide (B, T, 4, 8, H/2, W/2) -> (B, T, channels, H/8, W/8)."""
        B, T, frames = warp_BTFCHW.shape[:3]
        maps = side_by_side(guide_BTFCHW, warp_BTFCHW)
        x = F.silu(self.frame_conv(maps.flatten(0, 2).to(self.frame_conv.weight.dtype)))  # (B*T*F, C, H/4, W/4)
        x = x.movedim(1, -1).unflatten(0, (B * T, frames))  # (B*T, F, H/4, W/4, C)
        x = x.movedim(1, 3).flatten(-2).movedim(-1, 1)  # (B*T, F*C, H/4, W/4)
        return F.silu(self.latent_conv(x)).unflatten(0, (B, T))
