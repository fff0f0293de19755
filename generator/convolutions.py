"""Building blocks shared by the stem, the transformer's trunk and the autoencoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def space_to_depth(x: Tensor, factor: int) -> Tensor:
    """(..., C, H, W) -> (..., f*f*C, H/f, W/f); channel order (row, column, C).  Result is channels-last in memory."""
    *lead, C, H, W = x.shape
    rows = x.movedim(-3, -1).reshape(*lead, H // factor, factor, W // factor, factor * C)
    return torch.cat(rows.unbind(-3), dim=-1).movedim(-1, -3)


def depth_to_space(x: Tensor, factor: int) -> Tensor:
    """Inverse of `space_to_depth`."""
    *lead, C, h, w = x.shape
    cells = x.movedim(-3, -1).reshape(*lead, h, w, factor, C // factor)
    return cells.transpose(-3, -2).reshape(*lead, h * factor, w * factor, C // factor**2).movedim(-1, -3)


def side_by_side(*maps: Tensor) -> Tensor:
    """Maps (..., C, H, W) in one, channels one after the other; channels-last in memory."""
    return torch.cat([each.movedim(-3, -1) for each in maps], -1).movedim(-1, -3)


def pack(video: Tensor) -> Tensor:
    """Pictures (..., 4, H, W) -> (..., 16, H/2, W/2), the form in which all convolutions at full resolution work."""
    return space_to_depth(video, 2)


def unpack(packed: Tensor) -> Tensor:
    """Inverse of `pack`."""
    return depth_to_space(packed, 2)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1, zero: bool = False) -> nn.Conv2d:
    """Convolution that keeps the size (divided by the stride), Kaiming-initialised, or zero."""
    padding = 0 if kernel == stride else kernel // 2
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding)
    if zero:
        nn.init.zeros_(layer.weight)
    else:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x)))), without normalisation; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv(channels, channels)
        self.conv2 = conv(channels, channels, zero=True)

    def forward(self, x_NCHW: Tensor) -> Tensor:
        return self.conv2(F.silu(self.conv1(F.silu(x_NCHW)), inplace=True)).add_(x_NCHW)


def residual_blocks(channels: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(depth)))
