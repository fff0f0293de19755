"""Layers of the transformer: normalisation, projections, the modulated output, the embedding of time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import TransformerConfig
from .projective import Cameras, project
from .rope import Turn, rotate


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


class SelfProjections(Projections):
    """Those of the attention among the tokens. With cameras there are twice as many heads: those of the turned queries
    and keys, then the same ones in the frames of the cameras, which have an output of their own (minWM)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.prope_o = nn.Linear(config.dim, config.dim) if config.projective else None

    def forward(self, x_BTLD: Tensor, turn: Turn, cameras: Cameras | None) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value (B, T, L, H or 2H, head_dim)."""
        query, (key, value) = self.query(x_BTLD), self.key_value(x_BTLD)
        if self.prope_o is None:
            return rotate(query, turn), rotate(key, turn), value
        if cameras is None:
            raise ValueError("this model needs to know where the camera is: give it a path")
        return (
            torch.cat([rotate(query, turn), project(query, cameras.query)], -2),
            torch.cat([rotate(key, turn), project(key, cameras.key)], -2),
            torch.cat([value, project(value, cameras.key)], -2),
        )

    def output(self, y_BTLHD: Tensor, cameras: Cameras | None) -> Tensor:
        """What the attention gave -> (B, T, L, D)."""
        if self.prope_o is None:
            return self.o(y_BTLHD.flatten(-2))
        turned, seen = y_BTLHD.split(self.heads, -2)
        return self.o(turned.flatten(-2)) + self.prope_o(project(seen, cameras.out).flatten(-2))


class CrossProjections(Projections):
    """Those of the attention to a text, and to an image beside it (Wan's image-to-video models)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        if config.image_dim is not None:
            self.k_image, self.v_image = (nn.Linear(config.dim, config.dim) for _ in range(2))
            self.norm_k_image = RMSNorm(config.dim, config.eps)

    def image_key_value(self, x: Tensor) -> tuple[Tensor, Tensor]:
        key = self.norm_k_image(self.k_image(x))
        return key.unflatten(-1, (self.heads, -1)), self.v_image(x).unflatten(-1, (self.heads, -1))


class ImageEmbedding(nn.Module):
    """Image embeddings (B, N, image_dim) to the width of the transformer (Wan)."""

    def __init__(self, image_dim: int, dim: int) -> None:
        super().__init__()
        self.norm_in, self.norm_out = nn.LayerNorm(image_dim), nn.LayerNorm(dim)
        self.ffn = nn.Sequential(nn.Linear(image_dim, image_dim), nn.GELU(), nn.Linear(image_dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.norm_out(self.ffn(self.norm_in(x)))


def modulated(x: Tensor, shift: Tensor, scale: Tensor, eps: float, dtype: torch.dtype) -> Tensor:
    """LayerNorm without weights, then scale and shift in the dtype of x, rounded to `dtype` at the end."""
    return (F.layer_norm(x, x.shape[-1:], eps=eps).to(x.dtype) * (1 + scale) + shift).to(dtype)


class Head(nn.Module):
    def __init__(self, config: TransformerConfig, outputs: int) -> None:
        super().__init__()
        self.eps = config.eps
        self.modulation = nn.Parameter(torch.randn(2, config.dim) / config.dim**0.5)
        self.head = nn.Linear(config.dim, outputs)

    def forward(self, x_BTLD: Tensor, time_BTD: Tensor) -> Tensor:
        shift, scale = (self.modulation + time_BTD[:, :, None]).to(x_BTLD.dtype)[..., None, :].unbind(2)
        return self.head(modulated(x_BTLD, shift, scale, self.eps, self.head.weight.dtype))


def timestep_embedding(t: Tensor, dim: int) -> Tensor:
    """Sinusoidal embedding of t in [0, 1] (Wan's scale: 1000 t), cosines first."""
    exact = torch.float32 if t.device.type == "mps" else torch.float64  # Metal has no float64
    frequency = 10000.0 ** -(torch.arange(dim // 2, dtype=exact, device=t.device) / (dim // 2))
    angle = 1000 * t.to(exact)[..., None] * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=-1)
