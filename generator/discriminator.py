"""Discriminators: the paper's causal one on latents, and a small convolutional one on enlarged pixel crops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .codecs.codec import LatentCodec
from .controls.control import Control, Observation
from .model import stack
from .transformer.cache import RolloutCache


@dataclass(frozen=True)
class CropDiscriminatorConfig:
    frames: int = 2  # consecutive video frames that are judged together
    condition_channels: int = 12  # of the pictures that the control has of the last of them
    channels: tuple[int, ...] = (48, 96, 128, 128)


class CropDiscriminator(nn.Module):
    """Judges patches of pixels: each output logit sees about half of a 64 x 64 crop.

    forward(video (M, frames, 4, H, W), condition (M, 12, H, W)) -> logits (M, h, w) float32.
    """

    keep_fp32 = ("head",)  # in bfloat16 a logit of 30 has steps of 1/8, and the gradient penalty explodes

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
        parts = query, self.norm_k(self.k(tokens)), self.v(tokens)
        split = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        y = self.o(F.scaled_dot_product_attention(*split).transpose(1, 2).flatten(-2))[:, 0]
        y = y + self.query
        return y + self.mlp(y)


class LatentDiscriminator(nn.Module):
    """The paper's discriminator (AAPT, arXiv 2506.09350): the generator's own kind of causal network, started from its
    diffusion weights, with the frame in place of the noise and of the previous latent.

    logits "frame": one per latent frame; that of frame i judges everything up to i (AAPT). "clip": one per clip, every
    frame attends to every other (AAD-1, arXiv 2606.03972). Block 0 is always the reference, so that losing the identity
    is punished however long the rollout. Heads read the tokens after the blocks at 1/3, 2/3 and all of the depth.

    network, control: modules of its own, which it trains; space, codec: the generator's.
    """

    keep_fp32 = ("heads", "logit")

    def __init__(
        self,
        network: nn.Module,
        control: Control,
        space: Any,
        codec: LatentCodec,
        logits: Literal["frame", "clip"] = "frame",
    ):
        super().__init__()
        self.network, self.control, self.space, self.logits = network, control, space, logits
        object.__setattr__(self, "codec", codec)  # the generator's: neither trained nor saved here
        config = network.transformer.config
        self.taps = sorted({max(1, round(config.layers * part / 3)) - 1 for part in (1, 2, 3)})
        self.heads = nn.ModuleList(LogitHead(config.dim, config.heads) for _ in self.taps)
        width = len(self.taps) * config.dim
        self.logit = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1))
        for module in network.readout():  # what only serves the velocity has no part in a logit
            module.requires_grad_(False)

    def observe(self, conditions: Any) -> Observation:
        """Conditions of the reference and K latent frames (T = 1 + K)."""
        return self.control.observe(conditions, self.codec)

    def forward(
        self, z_BTChw: Tensor, observation: Observation, t_B: Tensor, past_BTChw: Tensor | None = None
    ) -> Tensor:
        """Latents of the reference and K frames after it (T = 1 + K) -> logits (B, K), or (B, 1) per clip, float32.

        past: latents that stand in the past of every frame instead of z's own: each frame i of z is judged as the
        continuation of past's frames before i (AAPT, appendix D: the discriminator of teacher forcing).
        """
        if past_BTChw is None:
            tokens = self._sequence(z_BTChw, observation, t_B)
        else:
            tokens = self._continuations(z_BTChw, past_BTChw, observation, t_B)
        if self.logits == "clip":  # one query reads all frames
            summaries = [head(part[:, 1:].flatten(1, 2)) for head, part in zip(self.heads, tokens)]
            return self.logit(torch.cat(summaries, -1))
        summaries = [head(part[:, 1:].flatten(0, 1)) for head, part in zip(self.heads, tokens)]
        return self.logit(torch.cat(summaries, -1)).unflatten(0, (len(z_BTChw), -1))[..., 0]

    def _stacked(self, z_BTChw: Tensor, observation: Observation) -> Tensor:
        """The network's input: the frame in both slots, its conditions beside it. The reference is no residual."""
        x = torch.cat([z_BTChw[:, :1], self.space.to_x(z_BTChw, observation.base)[:, 1:]], 1)
        return stack(self.network.dtype, x, observation.channels, z_BTChw if self.space.recycling else None)

    def _sequence(self, z_BTChw: Tensor, observation: Observation, t_B: Tensor) -> list[Tensor]:
        """Tokens (B, T, L, D) behind each tapped block, all frames at once."""
        T = z_BTChw.shape[1]
        t_BT = t_B[:, None] * (torch.arange(T, device=t_B.device) > 0)  # the reference is always at t = 0
        groups = [1] * T if self.logits == "frame" else None
        with self._tapped() as tapped:
            self.network(self._stacked(z_BTChw, observation), t_BT, None, groups, *observation.beside)
        return tapped

    def _continuations(
        self, z_BTChw: Tensor, past_BTChw: Tensor, observation: Observation, t_B: Tensor
    ) -> list[Tensor]:
        """The same, each frame of z after the frames of `past` before it."""
        cache = RolloutCache(self.network.transformer.config)
        frames: list[list[Tensor]] = []
        x, past = self._stacked(z_BTChw, observation), self._stacked(past_BTChw, observation)
        for i in range(x.shape[1]):
            here = observation.frames(i, i + 1)
            t_BT = t_B[:, None] * (i > 0)
            with self._tapped() as tapped:
                self.network.step(x[:, i : i + 1], t_BT, cache.scratch(), None, *here.beside)
            frames.append(tapped)
            self.network.step(past[:, i : i + 1], t_BT, cache, None, *here.beside)
        return [torch.cat(parts, 1) for parts in zip(*frames)]

    @contextmanager
    def _tapped(self) -> Iterator[list[Tensor]]:
        """Collects the output of the tapped blocks."""
        tokens: list[Tensor] = []
        blocks: Sequence[nn.Module] = self.network.transformer.blocks
        hooks = [blocks[tap].register_forward_hook(lambda *call: tokens.append(call[-1])) for tap in self.taps]
        try:
            yield tokens
        finally:
            for hook in hooks:
                hook.remove()
