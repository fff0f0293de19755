"""Control by a warped portrait: stem features of warp and guide maps, and the warp's own latent as base."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..codecs.patch import PatchCodec
from ..convolutions import side_by_side
from ..portrait.conditions import Conditions
from ..portrait.layout import FRAMES_PER_LATENT, GUIDE_CHANNELS, WARP_CHANNELS
from ..portrait.stem import ConditionStem, StemConfig
from ..portrait.surroundings import keep_surroundings
from .control import Observation


@dataclass(frozen=True)
class PortraitControlConfig:
    stem: StemConfig
    reach: int | None = None  # pixels around the face that are drawn, elsewhere the warp stays; None: all is drawn
    face: int | None = None  # pixels, the longer side of the largest face that the network sees: larger ones are shrunk
    lips: bool = False  # whether what is seen between the lips is drawn, too, or the warp stays there

    def build(self, latent_channels: int, dim: int) -> PortraitControl:
        return PortraitControl(self, latent_channels)


class PortraitControl(nn.Module):
    def __init__(self, config: PortraitControlConfig, latent_channels: int) -> None:
        super().__init__()
        self.config = config
        self.channels = config.stem.channels + latent_channels
        self.stem = ConditionStem(config.stem)

    def observe(self, signal: Conditions, codec: PatchCodec) -> Observation:
        with torch.no_grad():
            base = codec.project(signal.packed)
        features = self.stem(signal.packed, signal.guide)
        return Observation(torch.cat([features, base.to(features.dtype)], dim=2), base)

    def blank(self, codec: PatchCodec, batch: int, latents: int, height: int, width: int, **kwargs) -> Conditions:
        shape = batch, latents, FRAMES_PER_LATENT
        return Conditions(
            warp=torch.full((*shape, WARP_CHANNELS, height, width), -1.0, **kwargs),
            guide=torch.zeros(*shape, GUIDE_CHANNELS, height // 2, width // 2, **kwargs),
        )

    def side(self, signal: Conditions) -> Tensor:
        return side_by_side(signal.packed, signal.guide.to(signal.packed.dtype))

    def finish(self, video_BFCHW: Tensor, signal: Conditions) -> Tensor:
        """In training mode the network's holes stay in sight."""
        if self.config.reach is None:
            return video_BFCHW
        video_BTFCHW = video_BFCHW.unflatten(1, signal.warp.shape[1:3])
        return keep_surroundings(video_BTFCHW, signal, self.config.reach, self.config.lips, not self.training).flatten(
            1, 2
        )
