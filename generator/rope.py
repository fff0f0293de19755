"""Rotary position embedding over time, rows and columns for an unbounded stream.

Su et al. 2021, arXiv 2104.09864; the split of a head's channels among the axes is Wan's, arXiv 2503.20314.
"""

from __future__ import annotations

import torch
from torch import Tensor


def axis_split(head_dim: int) -> tuple[int, int, int]:
    """Channels of a head that turn with time, row and column; 128 -> (44, 42, 42)."""
    space = 2 * (head_dim // 6)
    return head_dim - 2 * space, space, space


def phases(positions_N: Tensor, rows: int, columns: int, head_dim: int, theta: float) -> Tensor:
    """Unit complex numbers (N, rows*columns, 1, head_dim/2) that turn the channel pairs of a latent frame's tokens.

    `positions_N` are N places in time.  Angles are taken in float64 and reduced before the conversion to complex64, so
    that hour-long streams stay exact.
    """
    device = positions_N.device
    exact = torch.float32 if device.type == "mps" else torch.float64  # Metal has no float64
    axes = (
        positions_N[:, None, None],
        torch.arange(rows, device=device)[None, :, None],
        torch.arange(columns, device=device)[None, None, :],
    )
    angles = []
    for position, width in zip(axes, axis_split(head_dim)):
        frequency = theta ** -(torch.arange(0, width, 2, dtype=exact, device=device) / max(width, 1))
        angle = position[..., None].to(exact) * frequency
        angles.append(angle.expand(len(positions_N), rows, columns, -1))
    angle = torch.cat(angles, dim=-1).remainder(2 * torch.pi).flatten(1, 2)[:, :, None].float()
    return torch.polar(torch.ones_like(angle), angle)


def rotate(x_BLHD: Tensor, phases_L1P: Tensor) -> Tensor:
    """Turn neighbouring channel pairs of queries or keys by their phases, in fp32; keeps the dtype."""
    pairs = torch.view_as_complex(x_BLHD.float().unflatten(-1, (-1, 2)).contiguous())
    return torch.view_as_real(pairs * phases_L1P).flatten(-2).to(x_BLHD.dtype)
