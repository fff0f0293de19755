"""No control: text or nothing decides."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ..codecs.codec import LatentCodec
from .control import Observation


@dataclass(frozen=True)
class NoControlConfig:
    def build(self, latent_channels: int, dim: int) -> NoControl:
        return NoControl()


class NoControl(nn.Module):
    """Takes any signal, usually None."""

    channels = 0

    def observe(self, signal: object, codec: LatentCodec) -> Observation:
        return Observation()

    def blank(self, codec: LatentCodec, batch: int, latents: int, height: int, width: int, **kwargs) -> None:
        return None

    def side(self, signal: object) -> None:
        return None

    def finish(self, video_BFCHW: Tensor, signal: object) -> Tensor:
        return video_BFCHW
