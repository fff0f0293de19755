"""A tiny fast video autoencoder of the TAEHV kind (Ollin Boer Bohan, github.com/madebyollin/taehv, MIT).

It stands in for Wan's own (TAEW2.1, TAEW2.2), at about a twenty-fifth of the work: plain 2D convolutions, and blocks
that also see their own input of one frame earlier.  A frame grows into two, or two are pooled into one, with a 1x1
convolution.  The first latent gives four frames like every other; three of them are dropped, so that 1 + k latents
stand for 1 + 4k frames.  The encoder counts from the front instead: latent k sees the frames 4k to 4k + 3, the last
frame repeated at the end, so that a stream that encodes runs three frames behind Wan's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RGB = 3
FRAMES_PER_LATENT = 4
DECODER_WIDTHS = (256, 128, 64, 64)  # channels, smallest pictures first
ENCODER_WIDTH = 64
BLOCKS = 3  # memory blocks per stage
LATENT_LIMIT = 3.0  # latents are squeezed softly into +-3 before decoding


@dataclass(frozen=True)
class TinyCodecConfig:
    """The defaults are TAEW2.1; TAEW2.2 has 48 channels and patches of 2."""

    channels: int = 16
    patch: int = 1  # pixels each way that are folded into channels before the encoder
    decoder_widths: tuple[int, int, int, int] = DECODER_WIDTHS
    encoder_width: int = ENCODER_WIDTH
    pool_in_time: tuple[bool, bool, bool] = (True, True, False)  # per step down
    grow_in_time: tuple[bool, bool, bool] = (False, True, True)  # per step up

    def __post_init__(self) -> None:
        if sum(self.pool_in_time) != 2 or sum(self.grow_in_time) != 2:
            raise ValueError("two steps each way pool and grow frames: one latent frame stands for four video frames")

    def build(self) -> TinyCodec:
        return TinyCodec(self)


TAEW21 = TinyCodecConfig()
TAEW22 = TinyCodecConfig(channels=48, patch=2)


@dataclass(frozen=True)
class TinyState:
    """Per memory block, its last input (B, C, H, W); () before the first latent."""

    inputs: tuple[Tensor, ...] = ()

    def detach(self) -> TinyState:
        return TinyState(tuple(x.detach() for x in self.inputs))


def conv(inputs: int, outputs: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=bias)


class MemoryBlock(nn.Module):
    """A residual block that is shown its own input one frame earlier."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = conv(2 * channels, channels), *(conv(channels, channels) for _ in range(2))

    def forward(self, x_BTCHW: Tensor, before_BCHW: Tensor) -> Tensor:
        past = torch.cat([before_BCHW[:, None], x_BTCHW[:, :-1]], dim=1)
        y = torch.cat([x_BTCHW, past], dim=2).flatten(0, 1)
        y = self.conv3(F.relu(self.conv2(F.relu(self.conv1(y)))))
        return F.relu(y.view_as(x_BTCHW) + x_BTCHW)


class Stage(nn.Module):
    """Down: pool in time, halve, blocks. Up: blocks, double, grow in time, convolution. Shapes (B, T, C, H, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(MemoryBlock(width) for _ in range(BLOCKS))

    def remember(self, x_BTCHW: Tensor, inputs: list[Tensor], kept: list[Tensor]) -> Tensor:
        """The blocks in turn; takes each one's past from the front of `inputs` and adds its last input to `kept`."""
        for block in self.blocks:
            before = inputs.pop(0) if inputs else torch.zeros_like(x_BTCHW[:, 0])
            kept.append(x_BTCHW[:, -1])
            x_BTCHW = block(x_BTCHW, before)
        return x_BTCHW


class Down(Stage):
    def __init__(self, width: int, in_time: bool) -> None:
        super().__init__(width)
        self.frames = 2 if in_time else 1
        self.pool = nn.Conv2d(self.frames * width, width, 1, bias=False)
        self.conv = conv(width, width, stride=2, bias=False)

    def forward(self, x_BTCHW: Tensor, inputs: list[Tensor], kept: list[Tensor]) -> Tensor:
        x = x_BTCHW.unflatten(1, (-1, self.frames)).flatten(2, 3)  # (B, T / frames, frames * C, H, W)
        x = self.conv(self.pool(x.flatten(0, 1))).unflatten(0, x.shape[:2])
        return self.remember(x, inputs, kept)


class Up(Stage):
    def __init__(self, inputs: int, outputs: int, in_time: bool) -> None:
        super().__init__(inputs)
        self.frames = 2 if in_time else 1
        self.grow = nn.Conv2d(inputs, self.frames * inputs, 1, bias=False)
        self.conv = conv(inputs, outputs, bias=False)

    def forward(self, x_BTCHW: Tensor, inputs: list[Tensor], kept: list[Tensor]) -> Tensor:
        x = self.remember(x_BTCHW, inputs, kept).flatten(0, 1)
        # a 1x1 convolution commutes with repeated pixels, and is a quarter of the work before them
        x = F.interpolate(self.grow(x), scale_factor=2, mode="nearest").unflatten(1, (self.frames, -1))
        return self.conv(x.flatten(0, 1)).unflatten(0, (x_BTCHW.shape[0], -1))


class TinyCodec(nn.Module):
    """Implements `LatentCodec`."""

    picture_channels = RGB
    time_factor = FRAMES_PER_LATENT
    first_frame_alone = True
    first_encoded = FRAMES_PER_LATENT

    def __init__(self, config: TinyCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.channels, self.space_factor = config.channels, 8 * config.patch
        pixels, width, widths = RGB * config.patch**2, config.encoder_width, config.decoder_widths
        self.encoder_in = conv(pixels, width)
        self.down = nn.ModuleList(Down(width, in_time) for in_time in config.pool_in_time)
        self.encoder_out = conv(width, config.channels)
        self.decoder_in = conv(config.channels, widths[0])
        self.up = nn.ModuleList(Up(*pair, in_time) for *pair, in_time in zip(widths, widths[1:], config.grow_in_time))
        self.decoder_out = conv(widths[-1], pixels)

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder_in.weight.dtype

    @property
    def decoder_layers(self) -> list[nn.Module]:
        """What `decode_step` runs: convolutions and layers of single pixels."""
        return [self.decoder_in, self.up, self.decoder_out]

    def initial_state(self, past_BTChw: Tensor | None = None) -> TinyState:
        """Before the first latent frame, or after latent frames that have been decoded already."""
        return TinyState() if past_BTChw is None else self._decode(past_BTChw, TinyState())[1]

    def encode(self, video_BFCHW: Tensor) -> Tensor:
        """Video (B, F, 3, H, W) in [-1, 1] -> latents (B, ceil(F / 4), C, h, w).

        Raises ValueError on a size that is no multiple of `space_factor`.
        """
        missing = -video_BFCHW.shape[1] % FRAMES_PER_LATENT
        repeated = video_BFCHW[:, -1:].expand(-1, missing, -1, -1, -1)
        return self._encode(torch.cat([video_BFCHW, repeated], 1), TinyState())[0]

    def encode_step(self, video_BFCHW: Tensor, state: TinyState | None = None) -> tuple[Tensor, TinyState]:
        """Four video frames, from the first one on (B, 4, 3, H, W) -> (latent (B, C, h, w), state for the next)."""
        if video_BFCHW.shape[1] != FRAMES_PER_LATENT:
            raise ValueError(f"a tiny codec encodes {FRAMES_PER_LATENT} video frames here, not {video_BFCHW.shape[1]}")
        z_BTChw, state = self._encode(video_BFCHW, state or TinyState())
        return z_BTChw[:, 0], state

    def _encode(self, video_BFCHW: Tensor, state: TinyState) -> tuple[Tensor, TinyState]:
        height, width = video_BFCHW.shape[-2:]
        if height % self.space_factor or width % self.space_factor:
            raise ValueError(f"{width}x{height} is no multiple of this codec's {self.space_factor} pixels")
        B, inputs, kept = video_BFCHW.shape[0], list(state.inputs), []
        x = F.pixel_unshuffle(video_BFCHW.to(self.dtype).flatten(0, 1).add(1).div(2), self.config.patch)
        x = F.relu(self.encoder_in(x)).unflatten(0, (B, -1))
        for stage in self.down:
            x = stage(x, inputs, kept)
        return self.encoder_out(x.flatten(0, 1)).unflatten(0, (B, -1)), TinyState(tuple(kept))

    def decode(self, z_BTChw: Tensor, side: None = None, state: TinyState | None = None) -> Tensor:
        """Latents (B, T, C, h, w) -> video (B, F, 3, H, W) in [-1, 1]; F = 1 + 4(T - 1) from the beginning, else 4T."""
        return self._decode(z_BTChw, state or TinyState())[0]

    def decode_step(self, z_BChw: Tensor, state: TinyState, side: None = None) -> tuple[Tensor, TinyState]:
        """One latent -> (one video frame for the first, four for every later one (B, F, 3, H, W), state)."""
        return self._decode(z_BChw[:, None], state)

    def _decode(self, z_BTChw: Tensor, state: TinyState) -> tuple[Tensor, TinyState]:
        B, inputs, kept = z_BTChw.shape[0], list(state.inputs), []
        z = torch.tanh(z_BTChw.to(self.dtype).flatten(0, 1) / LATENT_LIMIT) * LATENT_LIMIT
        x = F.relu(self.decoder_in(z)).unflatten(0, (B, -1))
        for stage in self.up:
            x = stage(x, inputs, kept)
        video = F.pixel_shuffle(self.decoder_out(F.relu(x.flatten(0, 1))), self.config.patch).unflatten(0, (B, -1))
        return (video * 2 - 1)[:, 0 if state.inputs else FRAMES_PER_LATENT - 1 :], TinyState(tuple(kept))
