"""Discriminators: the paper's causal one on latents, and a small convolutional one on enlarged pixel crops."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .controls.control import Control, Observation
from .model import stack


@dataclass(frozen=True)
class CropDiscriminatorConfig:
    frames: int = 2  # consecutive video frames that are judged together
    condition_channels: int = 12  # warp (4) and guide (8) of the last of them
    channels: tuple[int, ...] = (48, 96, 128, 128)


class CropDiscriminator(nn.Module):
    """Judges patches of pixels: each output logit sees about half of a 64 x 64 crop.

    forward(video (M, frames, 4, H, W), condition (M, 12, H, W)) -> logits (M, h, w) float32.
    The last layer is float32: in bfloat16 a logit of 30 has steps of 1/8, and the gradient penalty explodes.
    """

    def __init__(self, config: CropDiscriminatorConfig = CropDiscriminatorConfig()):
        super().__init__()
        width, *rest = config.channels
        layers: list[nn.Module] = [nn.Conv2d(4 * config.frames + config.condition_channels, width, 3, padding=1)]
        for wider in rest:
            layers += [nn.LeakyReLU(0.2), nn.Conv2d(width, wider, 4, stride=2, padding=1)]
            width = wider
        layers += [nn.LeakyReLU(0.2), nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.2)]
        self.features = nn.Sequential(*layers)
        self.head = nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, video: Tensor, condition: Tensor) -> Tensor:
        x = torch.cat([video.flatten(1, 2), condition.to(video.dtype)], 1)
        x = self.features(x.to(self.features[0].weight.dtype).contiguous(memory_format=torch.channels_last))
        return self.head(x.float())[:, 0]

    @staticmethod
    def in_float32(name: str) -> bool:
        """Parameters that must stay float32 when the rest is cast."""
        return name.startswith("head.")


class LogitHead(nn.Module):
    """One learned query per head reads the tokens of one latent frame by cross-attention (APT, section 3.2)."""

    def __init__(self, dim: int, heads: int):
        super().__init__()
        self.heads = heads
        self.query = nn.Parameter(0.02 * torch.randn(dim))
        self.norm, self.norm_q, self.norm_k = nn.LayerNorm(dim), nn.RMSNorm(dim), nn.RMSNorm(dim)
        self.q, self.k, self.v, self.o = (nn.Linear(dim, dim) for _ in range(4))
        self.mlp = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.SiLU(), nn.Linear(4 * dim, dim))

    def forward(self, tokens_NLD: Tensor) -> Tensor:
        """(N, L, D) -> (N, D)."""
        tokens = self.norm(tokens_NLD.float())
        query = self.norm_q(self.q(self.query)).expand(len(tokens), 1, -1)
        split = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in self._keys(query, tokens))
        y = self.o(F.scaled_dot_product_attention(*split).transpose(1, 2).flatten(-2))[:, 0]
        y = y + self.query
        return y + self.mlp(y)

    def _keys(self, query: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return query, self.norm_k(self.k(tokens)), self.v(tokens)


class LatentDiscriminator(nn.Module):
    """The paper's discriminator (AAPT, section 3.3): a causal network as the generator's, started from its diffusion
    weights, with the frame in place of the noise and of the previous latent, and one logit per latent frame.

    Frame 0 is always the reference, so that losing it is punished however long the rollout. The logit of frame i judges
    everything up to i. Heads read the tokens after the blocks at 1/3, 2/3 and all of the depth and are float32. It
    takes the network and the control over; `space` is that of the generator.
    """

    def __init__(self, network: nn.Module, control: Control, space):
        super().__init__()
        self.network, self.control, self.space = network, control, space
        config = network.transformer.config
        self.taps = sorted({max(1, round(config.layers * part / 3)) - 1 for part in (1, 2, 3)})
        self.heads = nn.ModuleList(LogitHead(config.dim, config.heads) for _ in self.taps)
        self.norm = nn.LayerNorm(len(self.taps) * config.dim)
        self.out = nn.Linear(len(self.taps) * config.dim, 1)

    def forward(self, z_BTChw: Tensor, observation: Observation, t_B: Tensor) -> Tensor:
        """Latents of the reference and K frames after it (T = 1 + K) and what `control` sees of them -> logits (B, K)
        float32."""
        T = z_BTChw.shape[1]
        x = torch.cat([z_BTChw[:, :1], self.space.to_x(z_BTChw, observation.base)[:, 1:]], 1)
        previous = z_BTChw if self.space.recycling else None
        t_BT = t_B[:, None].repeat(1, T)
        t_BT[:, 0] = 0
        features: list[Tensor] = []
        blocks = self.network.transformer.blocks
        hooks = [
            blocks[tap].register_forward_hook(lambda _module, _inputs, tokens: features.append(tokens))
            for tap in self.taps
        ]
        try:
            stacked = stack(self.network.dtype, x, observation.channels, previous)
            self.network(stacked, t_BT, None, [1] * T, *observation.beside)
        finally:
            for hook in hooks:
                hook.remove()
        summaries = [head(tokens[:, 1:].flatten(0, 1)) for head, tokens in zip(self.heads, features)]
        logits = self.out(self.norm(torch.cat(summaries, -1)))
        return logits.unflatten(0, (z_BTChw.shape[0], -1))[..., 0]

    def in_float32(self, name: str) -> bool:
        own = not name.startswith(("network.", "control."))
        return own or any(part in name for part in self.network.transformer.keep_fp32)
