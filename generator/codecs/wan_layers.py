"""Layers of Wan's video autoencoders (Wan 2.1, arXiv 2503.20314; Wan 2.2 adds the parameter-free shortcuts).

Every layer is causal in time: what it needs of earlier frames comes from a `Past`, so that a video may be cut into
chunks of any length, and the pieces give what the whole gives.  Shapes: x_BCTHW, T video or latent frames.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONV_PAST = 2  # frames before its own that a convolution of kernel 3 in time sees
DOWN_PAST = 1  # the same for one of stride 2, after the first frame


class Past:
    """The last input frames of every causal layer, in the order in which the network visits them.

    `frames` is what `frames()` of the chunk before returned, or () before the first chunk.
    """

    def __init__(self, frames: tuple[Tensor, ...]) -> None:
        self.first_chunk = not frames
        self._old = iter(frames)
        self._new: list[Tensor] = []

    def extend(self, x_BCTHW: Tensor, count: int) -> Tensor:
        """`x` with the `count` frames before it in front; zeros before the first."""
        if self.first_chunk:
            x = F.pad(x_BCTHW, (0, 0, 0, 0, count, 0))
        else:
            x = torch.cat([next(self._old), x_BCTHW], dim=2)
        self.keep(x[:, :, -count:])
        return x

    def keep(self, frames_BCTHW: Tensor) -> None:
        """Set what the layer that is visited now will find in front of the next chunk."""
        self._new.append(frames_BCTHW.clone())  # a view would hold the whole chunk in memory

    def frames(self) -> tuple[Tensor, ...]:
        return tuple(self._new)


class CausalConv3d(nn.Conv3d):
    """Kernel 3 in time and space; the frames in front come from the past."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=(0, 1, 1))

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        return super().forward(past.extend(x_BCTHW, CONV_PAST))


class RMSNorm(nn.Module):
    """Over the channels of each pixel; computed in float32."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x_NCX: Tensor) -> Tensor:
        gamma = self.gamma.view(-1, *[1] * (x_NCX.ndim - 2))
        return F.normalize(x_NCX.float(), dim=1).to(x_NCX.dtype) * (gamma * self.gamma.numel() ** 0.5)


class ResidualBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = RMSNorm(inputs)
        self.conv1 = CausalConv3d(inputs, outputs)
        self.norm2 = RMSNorm(outputs)
        self.conv2 = CausalConv3d(outputs, outputs)
        self.shortcut = nn.Conv3d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        y = self.conv1(F.silu(self.norm1(x_BCTHW)), past)
        y = self.conv2(F.silu(self.norm2(y)), past)
        return y + self.shortcut(x_BCTHW)


class FrameAttention(nn.Module):
    """Attention of one head over the pixels of each frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = RMSNorm(channels)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.proj = nn.Conv2d(channels, channels, 1)
        self.attend = attend_to_pixels

    def forward(self, x_BCTHW: Tensor) -> Tensor:
        x = x_BCTHW.transpose(1, 2).flatten(0, 1)  # (B*T, C, H, W)
        y = self.proj(self.attend(*self.to_qkv(self.norm(x)).chunk(3, dim=1)))
        return x_BCTHW + y.unflatten(0, (x_BCTHW.shape[0], -1)).transpose(1, 2)


def attend_to_pixels(q_NCHW: Tensor, k_NCHW: Tensor, v_NCHW: Tensor) -> Tensor:
    """Each pixel of q attends to all pixels of k; the widths of q and k may differ. -> (N, C, H, W) of q."""
    q, k, v = (x.flatten(2).transpose(1, 2)[:, None] for x in (q_NCHW, k_NCHW, v_NCHW))  # (N, 1, H*W, C)
    return F.scaled_dot_product_attention(q, k, v)[:, 0].transpose(1, 2).unflatten(2, q_NCHW.shape[2:])


class Middle(nn.ModuleList):
    """Residual block, attention, residual block, at the smallest size."""

    def __init__(self, channels: int) -> None:
        before, after = (ResidualBlock(channels, channels) for _ in range(2))
        super().__init__([before, FrameAttention(channels), after])

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        before, attention, after = self
        return after(attention(before(x_BCTHW, past)), past)


class Down(nn.Module):
    """Half the height and width; with `in_time`, two frames become one, and the first frame stays alone."""

    def __init__(self, channels: int, in_time: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)
        self.time_conv = nn.Conv3d(channels, channels, (3, 1, 1), stride=(2, 1, 1)) if in_time else None

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        x = each_frame(lambda frames: self.conv(F.pad(frames, (0, 1, 0, 1))), x_BCTHW)
        if self.time_conv is None:
            return x
        if past.first_chunk:
            past.keep(x)
            return x
        return self.time_conv(past.extend(x, DOWN_PAST))


class Up(nn.Module):
    """Twice the height and width; with `in_time`, one frame becomes two, except the first.

    The first frame is no part of the time convolution's past either: the second sees zeros in front of it.
    """

    def __init__(self, inputs: int, outputs: int, in_time: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_conv = nn.Conv3d(inputs, 2 * inputs, (3, 1, 1)) if in_time else None

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        x = x_BCTHW
        if self.time_conv is not None:
            if past.first_chunk:
                past.keep(x.new_zeros(*x.shape[:2], CONV_PAST, *x.shape[3:]))
            else:
                x = self.time_conv(past.extend(x, CONV_PAST))
                x = x.unflatten(1, (2, -1)).movedim(1, 3).flatten(2, 3)  # (B, 2C, T, ...) -> (B, C, 2T, ...)
        return each_frame(lambda frames: self.conv(F.interpolate(frames, scale_factor=2, mode="nearest-exact")), x)


def each_frame(layer, x_BCTHW: Tensor) -> Tensor:
    """A layer of pictures, on every frame."""
    frames = layer(x_BCTHW.transpose(1, 2).flatten(0, 1))
    return frames.unflatten(0, (x_BCTHW.shape[0], -1)).transpose(1, 2)


def average_down(x_BCTHW: Tensor, channels: int, time: int, space: int) -> Tensor:
    """Wan 2.2's shortcut of `Down`: cells folded into channels, and groups of these averaged.

    A first frame that stays alone is averaged with zeros in front of it.
    """
    x = F.pad(x_BCTHW, (0, 0, 0, 0, -x_BCTHW.shape[2] % time, 0))
    x = x.unflatten(4, (-1, space)).unflatten(3, (-1, space)).unflatten(2, (-1, time))  # (B, C, T, t, H, y, W, x)
    x = x.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)
    return x.unflatten(1, (channels, -1)).mean(dim=2)


def duplicate_up(x_BCTHW: Tensor, channels: int, time: int, space: int, first_chunk: bool) -> Tensor:
    """Wan 2.2's shortcut of `Up`: channels repeated and unfolded into cells; the first frame gives one frame."""
    repeats = channels * time * space**2 // x_BCTHW.shape[1]
    x = x_BCTHW.repeat_interleave(repeats, dim=1).unflatten(1, (channels, time, space, space))
    x = x.permute(0, 1, 5, 2, 6, 3, 7, 4).flatten(6, 7).flatten(4, 5).flatten(2, 3)
    return x[:, :, time - 1 :] if first_chunk else x
