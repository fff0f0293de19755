"""Control by pictures: a skeleton, depth or edge video that the made one follows frame by frame (Wan-Fun-Control,
Apache-2.0).

The control video goes through the model's own codec, and its latents are stacked with the noise, with those of a start
image behind them. A reference picture's latent becomes one more frame of tokens in front of the first, which the sink
keeps in sight. Codecs are causal, so a stream encodes its control video as it comes:

    latent_BChw, state = codec.encode_step(control_BFCHW, state)
    video = stream.step(Pictures(latent_BChw[:, None]))
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..codecs.codec import LatentCodec
from .control import Observation


@dataclass(frozen=True)
class Pictures:
    """Latents of the pictures that belong to T latent frames; None: no such picture."""

    control: Tensor  # (B, T, C, h, w)
    start: Tensor | None = None  # (B, 1, C, h, w) of the video's first frame; with the first latent frames only
    reference: Tensor | None = None  # (B, C, h, w); with the first latent frames only


@dataclass(frozen=True)
class PicturesControlConfig:
    reference: bool = True  # is there a way in for a reference (Fun-Control 1.1; 1.0 has none)
    patch: int = 2  # latent cells per token of the reference, each way: the transformer's

    def build(self, latent_channels: int, dim: int) -> PicturesControl:
        return PicturesControl(self, latent_channels, dim)


class PicturesControl(nn.Module):
    """Takes `Pictures`."""

    def __init__(self, config: PicturesControlConfig, latent_channels: int, dim: int) -> None:
        super().__init__()
        self.channels = 2 * latent_channels
        self.reference = nn.Conv2d(latent_channels, dim, config.patch, config.patch) if config.reference else None

    def observe(self, signal: Pictures, codec: LatentCodec) -> Observation:
        start = torch.zeros_like(signal.control)
        if signal.start is not None:
            start[:, :1] = signal.start
        return Observation(torch.cat([signal.control, start], dim=2), prefix=self._prefix(signal.reference))

    def _prefix(self, reference_BChw: Tensor | None) -> Tensor | None:
        """(B, 1, L, D)."""
        if reference_BChw is None:
            return None
        if self.reference is None:
            raise ValueError("this model knows no reference picture: leave it out, or import Fun-Control 1.1")
        tokens_BDhw = self.reference(reference_BChw.to(self.reference.weight.dtype))
        return tokens_BDhw.flatten(2).transpose(1, 2)[:, None]

    def blank(self, codec: LatentCodec, batch: int, latents: int, height: int, width: int, **kwargs) -> Pictures:
        """Pictures of nothing, for pictures of height x width; kwargs: device and dtype."""
        cells = height // codec.space_factor, width // codec.space_factor
        return Pictures(torch.zeros(batch, latents, self.channels // 2, *cells, **kwargs))

    def side(self, signal: Pictures) -> None:
        return None

    def finish(self, video_BFCHW: Tensor, signal: Pictures) -> Tensor:
        return video_BFCHW
