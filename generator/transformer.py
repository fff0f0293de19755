"""The causal diffusion transformer: one code for the offline pass, the training rollout and the stream.

Shapes: B batch, T latent frames, L tokens per latent frame, D width, H heads.  Frames are processed in order; each
attends to the reference (frame 0), the last `window` frames and itself (AAPT, Lin et al. 2025, arXiv 2506.09350; block
layout of Wan, arXiv 2503.20314).  The past rides in the cache and in the recycled latent's channels: one forward pass
per latent frame.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Attention, sdpa
from .cache import KVCache, RolloutCache
from .config import TransformerConfig
from .layers import conv, depth_to_space, residual_blocks
from .rope import phases, rotate

Text = list[tuple[Tensor, Tensor]]  # per block: key and value (B, N, H, D) of the text


class RMSNorm(nn.Module):
    """Over the full width, before the split into heads; stays in the dtype of its input."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.eps).to(x.dtype)


class Projections(nn.Module):
    """Query, key, value and output projections of one attention."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.q, self.k, self.v, self.o = (nn.Linear(config.dim, config.dim) for _ in range(4))
        self.norm_q = RMSNorm(config.dim, config.eps)
        self.norm_k = RMSNorm(config.dim, config.eps)

    def query(self, x: Tensor) -> Tensor:
        return self.norm_q(self.q(x)).unflatten(-1, (self.heads, -1))

    def key_value(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.norm_k(self.k(x)).unflatten(-1, (self.heads, -1)), self.v(x).unflatten(-1, (self.heads, -1))


class Block(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.dim, self.eps = config.dim, config.eps
        self.modulation = nn.Parameter(torch.randn(6, config.dim) / config.dim**0.5)
        self.self_attn = Projections(config)
        if config.text_dim is not None:
            self.norm3 = nn.LayerNorm(config.dim, config.eps)
            self.cross_attn = Projections(config)
        self.ffn = nn.Sequential(
            nn.Linear(config.dim, config.ffn_dim), nn.GELU(approximate="tanh"), nn.Linear(config.ffn_dim, config.dim)
        )
        self.attention: Attention = sdpa

    def forward(
        self, x_BTLD: Tensor, time_BT6D: Tensor, turns: list[tuple[Tensor, Tensor]], cache: KVCache, layer: int,
        text: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        modulation = (self.modulation + time_BT6D).to(x_BTLD.dtype)[..., None, :]  # (B, T, 6, 1, D)
        q_BTLHD, k_BTLHD, v_BTLHD = self.before(x_BTLD, modulation)
        attended = []
        for index, (phase, sink_phase) in enumerate(turns):
            keys, values = cache.update(
                layer, cache.frame + index, k_BTLHD[:, index], v_BTLHD[:, index], phase, sink_phase
            )
            attended.append(self.attention(rotate(q_BTLHD[:, index], phase), keys, values))
        return self.after(x_BTLD, torch.stack(attended, dim=1).flatten(-2), modulation, text)

    def before(self, x_BTLD: Tensor, modulation_BT61D: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Everything up to the attention."""
        shift, scale = modulation_BT61D[:, :, 0], modulation_BT61D[:, :, 1]
        y = self.modulated(x_BTLD, shift, scale)
        return self.self_attn.query(y), *self.self_attn.key_value(y)

    def after(self, x_BTLD: Tensor, y_BTLD: Tensor, modulation_BT61D: Tensor, text) -> Tensor:
        """Everything behind the attention."""
        gate, shift, scale, ffn_gate = modulation_BT61D[:, :, 2:].unbind(2)
        x = x_BTLD + gate * self.self_attn.o(y_BTLD)
        if text is not None:
            q_BMHD = self.cross_attn.query(self.norm3(x)).flatten(1, 2)
            y = self.attention(q_BMHD, *text).flatten(-2).view_as(x)
            x = x + self.cross_attn.o(y)
        return x + ffn_gate * self.ffn(self.modulated(x, shift, scale))

    def modulated(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        return F.layer_norm(x, (self.dim,), eps=self.eps).to(x.dtype) * (1 + scale) + shift


class Head(nn.Module):
    def __init__(self, config: TransformerConfig, outputs: int) -> None:
        super().__init__()
        self.dim, self.eps = config.dim, config.eps
        self.modulation = nn.Parameter(torch.randn(2, config.dim) / config.dim**0.5)
        self.head = nn.Linear(config.dim, outputs)

    def forward(self, x_BTLD: Tensor, time_BTD: Tensor) -> Tensor:
        shift, scale = (self.modulation + time_BTD[:, :, None]).to(x_BTLD.dtype)[..., None, :].unbind(2)
        return self.head(F.layer_norm(x_BTLD, (self.dim,), eps=self.eps).to(x_BTLD.dtype) * (1 + scale) + shift)


class CausalTransformer(nn.Module):
    keep_fp32 = ("time_embedding", "time_projection", "modulation")  # small, and rounding them shifts every token

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        inputs = 2 * config.latent_channels + config.condition_channels
        width = config.trunk_channels or inputs
        if config.trunk_depth:
            self.trunk_in = nn.Sequential(conv(inputs, width, kernel=1), *residual_blocks(width, config.trunk_depth))
            self.trunk_out = nn.Sequential(
                *residual_blocks(width, config.trunk_depth), nn.SiLU(), conv(width, config.latent_channels, zero=True)
            )
        self.patch_embedding = conv(inputs if not config.trunk_depth else width, config.dim, config.patch, config.patch)
        self.time_embedding = nn.Sequential(
            nn.Linear(config.frequency_dim, config.dim), nn.SiLU(), nn.Linear(config.dim, config.dim)
        )
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(config.dim, 6 * config.dim))
        if config.text_dim is not None:
            self.text_embedding = nn.Sequential(
                nn.Linear(config.text_dim, config.dim), nn.GELU(approximate="tanh"), nn.Linear(config.dim, config.dim)
            )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        outputs = config.trunk_channels or config.latent_channels
        self.head = Head(config, config.patch**2 * outputs)

    def forward(
        self, x_BTChw: Tensor, previous_BTChw: Tensor, condition_BTChw: Tensor, t_B: Tensor, text: Text | None = None
    ) -> Tensor:
        """Offline: v of all frames at once, block-causal.  Frame 0 is the reference, always at t = 0."""
        t_BT = t_B[:, None].repeat(1, x_BTChw.shape[1])
        t_BT[:, 0] = 0
        return self.run(x_BTChw, previous_BTChw, condition_BTChw, t_BT, RolloutCache(self.config), text)

    def step(
        self, x_BChw: Tensor, previous_BChw: Tensor, condition_BChw: Tensor, t_B: Tensor, cache: KVCache,
        text: Text | None = None,
    ) -> Tensor:
        """v of the next frame; its keys and values are added to the cache, which moves on by one frame."""
        return self.run(
            x_BChw[:, None], previous_BChw[:, None], condition_BChw[:, None], t_B[:, None], cache, text
        )[:, 0]

    def encode_text(self, embedding_BND: Tensor) -> Text:
        """Keys and values of a prompt for every block; they hold for as long as the prompt does."""
        context = self.text_embedding(embedding_BND)
        return [block.cross_attn.key_value(context) for block in self.blocks]

    def run(
        self, x_BTChw: Tensor, previous_BTChw: Tensor, condition_BTChw: Tensor, t_BT: Tensor, cache: KVCache,
        text: Text | None,
    ) -> Tensor:
        """v of T consecutive frames that follow those in the cache."""
        B, T = x_BTChw.shape[:2]
        dtype = self.patch_embedding.weight.dtype
        x = torch.cat([part.to(dtype) for part in (condition_BTChw, x_BTChw, previous_BTChw)], dim=2).flatten(0, 1)
        x = x.contiguous(memory_format=torch.channels_last)
        trunk = self.trunk_in(x) if self.config.trunk_depth else x
        tokens = self.patch_embedding(trunk).movedim(1, -1)  # (B*T, rows, columns, D)
        rows, columns = tokens.shape[1:3]
        tokens_BTLD = tokens.flatten(1, 2).unflatten(0, (B, T))

        time_BTD = self.time_embedding(timestep_embedding(t_BT, self.config.frequency_dim).to(self._time_dtype))
        time_BT6D = self.time_projection(time_BTD).unflatten(-1, (6, -1))
        turns = self.turns(cache.frame, T, rows, columns, x.device)
        for layer, block in enumerate(self.blocks):
            tokens_BTLD = block(tokens_BTLD, time_BT6D, turns, cache, layer, text[layer] if text else None)
        cache.frame += T

        out = self.head(tokens_BTLD, time_BTD).unflatten(2, (rows, columns)).movedim(-1, 2)
        out = depth_to_space(out, self.config.patch)  # (B, T, C, h, w)
        if not self.config.trunk_depth:
            return out.to(x_BTChw.dtype)
        # v = x + f: at t = 1 the network itself need not reproduce the noise, and it starts at the warp.
        out = self.trunk_out(out.flatten(0, 1) + trunk).unflatten(0, (B, T))
        return x_BTChw + out.to(x_BTChw.dtype)

    @property
    def _time_dtype(self) -> torch.dtype:
        return self.time_embedding[0].weight.dtype

    def turns(
        self, first: int, count: int, rows: int, columns: int, device: torch.device
    ) -> list[tuple[Tensor, Tensor]]:
        """Per frame: rotary phases of its tokens, and of the reference's as seen from it (distance capped)."""
        config = self.config
        frames = torch.arange(first, first + count, device=device)
        sinks = (frames - config.sink_distance).clamp_min(0)
        turns = phases(torch.cat([frames, sinks]), rows, columns, config.head_dim, config.rope_theta).unbind(0)
        return list(zip(turns[:count], turns[count:]))


def timestep_embedding(t: Tensor, dim: int) -> Tensor:
    """Sinusoidal embedding of t in [0, 1] (Wan's scale: 1000 t), cosines first."""
    exact = torch.float32 if t.device.type == "mps" else torch.float64
    frequency = 10000.0 ** -(torch.arange(dim // 2, dtype=exact, device=t.device) / (dim // 2))
    angle = 1000 * t.to(exact)[..., None] * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=-1)
