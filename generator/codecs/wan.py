"""Wan's video autoencoders as latent codecs: 4x in time, the first frame alone, 8x (2.1) or 16x (2.2) in space.

    codec = WanCodec(WAN21)                          # 16 channels; WAN22 has 48
    z_BTChw = codec.encode(video_BFCHW)              # F = 1 + 4k frames in [-1, 1] -> T = 1 + k latents, normalised
    state = codec.initial_state()
    for z_BChw in z_BTChw.unbind(1):
        video_BFCHW, state = codec.decode_step(z_BChw, state)   # one frame, then four a latent

Sources: Wan, arXiv 2503.20314, section 4.1; weights and layout of Wan-AI's Wan2.1 and Wan2.2 releases (Apache-2.0).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .wan_layers import CausalConv3d, Down, Middle, Past, ResidualBlock, RMSNorm, Up, average_down, duplicate_up

RGB = 3
FRAMES_PER_LATENT = 4


@dataclass(frozen=True)
class WanCodecConfig:
    """Numbers of one Wan autoencoder; `mean` and `deviation` are those of its latents, a value a channel."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    encoder_width: int = 96  # channels at full size
    decoder_width: int = 96
    multiples: tuple[int, ...] = (1, 2, 4, 4)  # of the width, per stage, largest pictures first
    depth: int = 2  # residual blocks per stage of the encoder; the decoder has one more
    down_in_time: tuple[bool, ...] = (False, True, True)  # per step down: are pairs of frames merged too
    patch: int = 1  # pixels each way that are folded into channels before the encoder
    stage_shortcuts: bool = False  # Wan 2.2: shortcuts without parameters around each stage

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.deviation):
            raise ValueError("mean and deviation need one value per latent channel each")
        if len(self.down_in_time) != len(self.multiples) - 1:
            raise ValueError("down_in_time needs one value per step between two stages")
        if sum(self.down_in_time) != 2:
            raise ValueError("two steps of a Wan codec merge frames: one latent frame stands for four video frames")

    @property
    def channels(self) -> int:
        return len(self.mean)

    @property
    def space_factor(self) -> int:
        return self.patch * 2 ** len(self.down_in_time)

    def build(self) -> WanCodec:
        return WanCodec(self)


WAN21 = WanCodecConfig(
    mean=(
        -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517, -0.3632, -0.1922,
        -0.9497, 0.2503, -0.2921,
    ),
    deviation=(
        2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579, 1.6382, 1.1253,
        2.8251, 1.9160,
    ),
)  # fmt: skip
WAN22 = WanCodecConfig(
    mean=(
        -0.2289, -0.0052, -0.1323, -0.2339, -0.2799, 0.0174, 0.1838, 0.1557, -0.1382, 0.0542, 0.2813, 0.0891, 0.1570,
        -0.0098, 0.0375, -0.1825, -0.2246, -0.1207, -0.0698, 0.5109, 0.2665, -0.2108, -0.2158, 0.2502, -0.2055, -0.0322,
        0.1109, 0.1567, -0.0729, 0.0899, -0.2799, -0.1230, -0.0313, -0.1649, 0.0117, 0.0723, -0.2839, -0.2083, -0.0520,
        0.3748, 0.0152, 0.1957, 0.1433, -0.2944, 0.3573, -0.0548, -0.1681, -0.0667,
    ),
    deviation=(
        0.4765, 1.0364, 0.4514, 1.1677, 0.5313, 0.4990, 0.4818, 0.5013, 0.8158, 1.0344, 0.5894, 1.0901, 0.6885, 0.6165,
        0.8454, 0.4978, 0.5759, 0.3523, 0.7135, 0.6804, 0.5833, 1.4146, 0.8986, 0.5659, 0.7069, 0.5338, 0.4889, 0.4917,
        0.4069, 0.4999, 0.6866, 0.4093, 0.5709, 0.6065, 0.6415, 0.4944, 0.5726, 1.2042, 0.5458, 1.6887, 0.3971, 1.0600,
        0.3943, 0.5537, 0.5444, 0.4089, 0.7468, 0.7744,
    ),
    encoder_width=160,
    decoder_width=256,
    patch=2,
    stage_shortcuts=True,
)  # fmt: skip


@dataclass(frozen=True)
class WanState:
    """What a chunk needs of the past: the last input frames of every causal layer; () before the first chunk."""

    frames: tuple[Tensor, ...] = ()

    def detach(self) -> WanState:
        return WanState(tuple(frames.detach() for frames in self.frames))


class EncoderStage(nn.Module):
    def __init__(self, config: WanCodecConfig, index: int) -> None:
        super().__init__()
        steps, widths = len(config.down_in_time), [config.encoder_width * m for m in (1, *config.multiples)]
        self.outputs = widths[index + 1]
        self.blocks = nn.ModuleList(
            ResidualBlock(widths[index] if i == 0 else self.outputs, self.outputs) for i in range(config.depth)
        )
        in_time = index < steps and config.down_in_time[index]
        self.resample = Down(self.outputs, in_time) if index < steps else None
        self.shortcut = (2 if in_time else 1, 2 if index < steps else 1) if config.stage_shortcuts else None

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        x = x_BCTHW
        for block in self.blocks:
            x = block(x, past)
        if self.resample is not None:
            x = self.resample(x, past)
        return x if self.shortcut is None else x + average_down(x_BCTHW, self.outputs, *self.shortcut)


class DecoderStage(nn.Module):
    def __init__(self, config: WanCodecConfig, index: int) -> None:
        super().__init__()
        steps, widths = len(config.down_in_time), [config.decoder_width * m for m in config.multiples[::-1]]
        inputs, self.outputs = widths[max(index - 1, 0)], widths[index]
        if index > 0 and not config.stage_shortcuts:  # Wan 2.1 halves the channels with each step up
            inputs //= 2
        self.blocks = nn.ModuleList(
            ResidualBlock(inputs if i == 0 else self.outputs, self.outputs) for i in range(config.depth + 1)
        )
        in_time = index < steps and config.down_in_time[::-1][index]
        upsampled = self.outputs if config.stage_shortcuts else self.outputs // 2
        self.resample = Up(self.outputs, upsampled, in_time) if index < steps else None
        self.shortcut = (2 if in_time else 1, 2) if config.stage_shortcuts and index < steps else None

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        x = x_BCTHW
        for block in self.blocks:
            x = block(x, past)
        if self.resample is not None:
            x = self.resample(x, past)
        return x if self.shortcut is None else x + duplicate_up(x_BCTHW, self.outputs, *self.shortcut, past.first_chunk)


class Encoder(nn.Module):
    def __init__(self, config: WanCodecConfig) -> None:
        super().__init__()
        self.conv_in = CausalConv3d(RGB * config.patch**2, config.encoder_width)
        self.stages = nn.ModuleList(EncoderStage(config, index) for index in range(len(config.multiples)))
        self.middle = Middle(self.stages[-1].outputs)
        self.norm_out = RMSNorm(self.stages[-1].outputs)
        self.conv_out = CausalConv3d(self.stages[-1].outputs, 2 * config.channels)

    def forward(self, x_BCTHW: Tensor, past: Past) -> Tensor:
        x = self.conv_in(x_BCTHW, past)
        for stage in self.stages:
            x = stage(x, past)
        x = self.middle(x, past)
        return self.conv_out(F.silu(self.norm_out(x)), past)


class Decoder(nn.Module):
    def __init__(self, config: WanCodecConfig) -> None:
        super().__init__()
        widest = config.decoder_width * config.multiples[-1]
        self.conv_in = CausalConv3d(config.channels, widest)
        self.middle = Middle(widest)
        self.stages = nn.ModuleList(DecoderStage(config, index) for index in range(len(config.multiples)))
        self.norm_out = RMSNorm(self.stages[-1].outputs)
        self.conv_out = CausalConv3d(self.stages[-1].outputs, RGB * config.patch**2)

    def forward(self, z_BCThw: Tensor, past: Past) -> Tensor:
        x = self.middle(self.conv_in(z_BCThw, past), past)
        for stage in self.stages:
            x = stage(x, past)
        return self.conv_out(F.silu(self.norm_out(x)), past)


class WanCodec(nn.Module):
    """Implements `LatentCodec`; its latents are normalised to about unit variance."""

    picture_channels = RGB
    time_factor = FRAMES_PER_LATENT
    first_frame_alone = True
    first_encoded = 1

    def __init__(self, config: WanCodecConfig) -> None:
        super().__init__()
        self.config = config
        self.channels, self.space_factor = config.channels, config.space_factor
        self.encoder = Encoder(config)
        self.quant = nn.Conv3d(2 * config.channels, 2 * config.channels, 1)  # -> mean and log variance
        self.post_quant = nn.Conv3d(config.channels, config.channels, 1)
        self.decoder = Decoder(config)
        for name in ("mean", "deviation"):
            # from the configuration, not from a file: there even where the weights have no memory yet
            values = torch.tensor(getattr(config, name), device="cpu", dtype=torch.float32).view(-1, 1, 1, 1)
            self.register_buffer(name, values, persistent=False)

    @property
    def dtype(self) -> torch.dtype:
        return self.quant.weight.dtype

    @property
    def decoder_layers(self) -> list[nn.Module]:
        """What `decode_step` runs: convolutions, layers of single pixels and `FrameAttention`."""
        return [self.post_quant, self.decoder]

    def initial_state(self, past_BTChw: Tensor | None = None) -> WanState:
        """Before the first latent frame, or after latent frames that have been decoded already."""
        state = WanState()
        for z_BChw in () if past_BTChw is None else past_BTChw.unbind(1):
            _, state = self.decode_step(z_BChw, state)
        return state

    def encode(self, video_BFCHW: Tensor) -> Tensor:
        """Video (B, 1 + 4k, 3, H, W) in [-1, 1] -> normalised latents (B, 1 + k, C, h, w): the posterior's mean.

        Raises ValueError on another number of frames, or a size that is no multiple of `space_factor`.
        """
        frames = video_BFCHW.shape[1]
        if frames % FRAMES_PER_LATENT != 1:
            raise ValueError(f"a Wan codec encodes 1 + 4k video frames, not {frames}")
        state, latents = None, []
        for chunk_BFCHW in video_BFCHW.split([1, *[FRAMES_PER_LATENT] * (frames // FRAMES_PER_LATENT)], dim=1):
            z_BChw, state = self.encode_step(chunk_BFCHW, state)
            latents.append(z_BChw)
        return torch.stack(latents, dim=1)

    def encode_step(self, video_BFCHW: Tensor, state: WanState | None = None) -> tuple[Tensor, WanState]:
        """The first video frame, or the next four (B, F, 3, H, W) -> (latent (B, C, h, w), state for the next)."""
        state = state or WanState()
        expected = FRAMES_PER_LATENT if state.frames else 1
        *_, frames, _, height, width = video_BFCHW.shape
        if frames != expected:
            raise ValueError(f"a Wan codec encodes {expected} video frame(s) here, not {frames}")
        if height % self.space_factor or width % self.space_factor:
            raise ValueError(f"{width}x{height} is no multiple of this codec's {self.space_factor} pixels")
        past = Past(state.frames)
        moments = self.quant(self.encoder(fold(video_BFCHW.transpose(1, 2).to(self.dtype), self.config.patch), past))
        z_BCThw = (moments.chunk(2, dim=1)[0] - self.mean) / self.deviation
        return z_BCThw[:, :, 0], WanState(past.frames())

    def decode(self, z_BTChw: Tensor, side: None = None, state: WanState | None = None) -> Tensor:
        """Latents (B, T, C, h, w) -> video (B, F, 3, H, W), about [-1, 1]; F = 1 + 4(T - 1) from the beginning, else
        4T.

        Latent by latent: the memory that it takes does not grow with the length.
        """
        state, video = state or WanState(), []
        for z_BChw in z_BTChw.unbind(1):
            frames_BFCHW, state = self.decode_step(z_BChw, state)
            video.append(frames_BFCHW)
        return torch.cat(video, dim=1)

    def decode_step(self, z_BChw: Tensor, state: WanState, side: None = None) -> tuple[Tensor, WanState]:
        """One latent -> (one video frame for the first, four for every later one (B, F, 3, H, W), state)."""
        past = Past(state.frames)
        z_BCThw = (z_BChw[:, :, None] * self.deviation + self.mean).to(self.dtype)
        x = unfold(self.decoder(self.post_quant(z_BCThw), past), self.config.patch)
        return x.transpose(1, 2), WanState(past.frames())


def fold(x_BCTHW: Tensor, patch: int) -> Tensor:
    """Pixels of a patch -> channels, in the order (C, column, row) of Wan 2.2."""
    x = x_BCTHW.unflatten(4, (-1, patch)).unflatten(3, (-1, patch))  # (B, C, T, H, y, W, x)
    return x.permute(0, 1, 6, 4, 2, 3, 5).flatten(1, 3)


def unfold(x_BCTHW: Tensor, patch: int) -> Tensor:
    """Inverse of `fold`."""
    x = x_BCTHW.unflatten(1, (-1, patch, patch))  # (B, C, x, y, T, H, W)
    return x.permute(0, 1, 4, 5, 3, 6, 2).flatten(5, 6).flatten(3, 4)
