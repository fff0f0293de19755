"""Convolutions at latent resolution on both sides of a small transformer: detail that tokens of a few channels would
lose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..convolutions import conv, residual_blocks
from ..transformer.cache import KVCache, RolloutCache
from ..transformer.projective import Cameras
from ..transformer.transformer import CausalTransformer, Text


@dataclass(frozen=True)
class TrunkConfig:
    in_channels: int  # noise, control channels, previous latent
    out_channels: int
    depth: int  # residual blocks on each side; their width is the transformer's in_channels

    def build(self, transformer: CausalTransformer) -> Trunk:
        return Trunk(self, transformer)


class Trunk(nn.Module):
    """A transformer with residual blocks before and behind it, called as the transformer is.

    Its output is f = v - x_t: at t = 1, x = -f, so that the network need not reproduce the noise; untrained, x = 0.
    """

    skip = 1.0

    def __init__(self, config: TrunkConfig, transformer: CausalTransformer) -> None:
        super().__init__()
        width = transformer.config.in_channels
        if transformer.config.out_channels != width:
            raise ValueError(f"a transformer between convolutions needs {width} out_channels, as many as in_channels")
        self.config, self.transformer = config, transformer
        self.before = nn.Sequential(conv(config.in_channels, width, kernel=1), *residual_blocks(width, config.depth))
        self.after = nn.Sequential(
            *residual_blocks(width, config.depth), nn.SiLU(), conv(width, config.out_channels, zero=True)
        )

    @property
    def dtype(self) -> torch.dtype:
        return self.before[0].weight.dtype  # of a sharded network, only its own part is gathered when it is called

    def forward(
        self,
        x_BTChw: Tensor,
        t_BT: Tensor,
        text: Text | None = None,
        groups: Sequence[int] | None = None,
        added_BTLD: Tensor | None = None,
        prefix_BTLD: Tensor | None = None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        """As `CausalTransformer.forward`."""
        groups = (x_BTChw.shape[1],) if groups is None else groups
        cache = RolloutCache(self.transformer.config)
        return self.run(x_BTChw, t_BT, cache, text, groups, added_BTLD, prefix_BTLD, cameras)

    def step(
        self,
        x_BTChw: Tensor,
        t_BT: Tensor,
        cache: KVCache,
        text: Text | None = None,
        added_BTLD: Tensor | None = None,
        prefix_BTLD: Tensor | None = None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        """As `CausalTransformer.step`."""
        return self.run(x_BTChw, t_BT, cache, text, (x_BTChw.shape[1],), added_BTLD, prefix_BTLD, cameras)

    def run(
        self,
        x_BTChw: Tensor,
        t_BT: Tensor,
        cache: KVCache,
        text: Text | None,
        groups: Sequence[int],
        added_BTLD: Tensor | None = None,
        prefix_BTLD: Tensor | None = None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        B, T = x_BTChw.shape[:2]
        x = x_BTChw.to(self.dtype).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        features = self.before(x)
        inside = features.unflatten(0, (B, T))
        out = self.transformer.run(inside, t_BT, cache, text, groups, added_BTLD, prefix_BTLD, cameras)
        return self.after(out.flatten(0, 1) + features).unflatten(0, (B, T))

    def readout(self) -> list[nn.Module]:
        return [*self.transformer.readout(), self.after]
