"""RGBA video autoencoder: 4 video frames of 8x8 pixels become one cell of 16 channels.

The linear path is a whitened PCA of the patches; convolutions add a residual on both sides.  The decoder is also shown
a side picture for every frame, one that is near to what is to be made: it moves it to where the latent says that things
are, and what the latent cannot carry of it, its fine detail, is added through a gate.  Maps of the same frames (what
a pixel shows) may come along with the side picture.  All start neutral: a latent equal to the side picture's decodes to
the side picture itself.  Every latent frame is encoded alone; the decoder looks back one latent, and that is all its
state.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..convolutions import conv, depth_to_space, pack, residual_blocks, side_by_side, space_to_depth, unpack

TIME_FACTOR, SPACE_FACTOR, PICTURE_CHANNELS = 4, 8, 4
PACKED = 4 * PICTURE_CHANNELS  # channels of a packed picture
PATCH = TIME_FACTOR * SPACE_FACTOR**2 * PICTURE_CHANNELS  # values that one latent cell stands for
GATE_BIAS = 1.0


@dataclass(frozen=True)
class PatchCodecConfig:
    encoder_channels: tuple[int, int, int]  # at H/2, H/4 (per video frame) and H/8 (per latent frame)
    decoder_channels: tuple[int, int, int]  # at H/8 (per latent frame), H/4 and H/2 (per video frame)
    decoder_depth: tuple[int, int, int]  # residual blocks at the same three resolutions
    latent_channels: int = 16
    maps: int = 0  # channels that come along with a packed side picture, for the decoder alone

    def build(self) -> PatchCodec:
        return PatchCodec(self)


@dataclass(frozen=True)
class DecoderState:
    """What decoding the next latent frame needs of the past."""

    z: Tensor | None  # (B, 16, h, w) the latent decoded last; None: the first one has itself before it

    def detach(self) -> DecoderState:
        return DecoderState(None if self.z is None else self.z.detach())


def to_patches(packed_BTFCHW: Tensor) -> Tensor:
    """Packed pictures (B, T, 4, 16, H/2, W/2) -> patch vectors (B, T, h, w, 1024)."""
    cells = space_to_depth(packed_BTFCHW, SPACE_FACTOR // 2)  # (B, T, F, 256, h, w)
    return cells.movedim(-3, -1).movedim(2, -2).flatten(-2)


def from_patches(patches_BThwP: Tensor) -> Tensor:
    """Inverse of `to_patches`."""
    cells = patches_BThwP.unflatten(-1, (TIME_FACTOR, -1)).movedim(-2, 2).movedim(-1, -3)
    return depth_to_space(cells, SPACE_FACTOR // 2)


def seamless(packed_BTFCHW: Tensor) -> Tensor:
    """Smooth what is added to the side picture over the seams of the patches, with a tent of ten pixels; its
    detail is the convolutions' to add."""
    x = packed_BTFCHW.flatten(0, 2)
    box = x.new_full((x.shape[1], 1, 3, 3), 1 / 9)
    for _ in range(2):  # means of 3x3; avg_pool2d takes five times as long
        x = F.conv2d(x, box, padding=1, groups=x.shape[1])
        for edge in (x[..., 0], x[..., -1], x[..., 0, :], x[..., -1, :]):
            edge.mul_(3 / 2)  # two thirds of its neighbours are there
    return x.view(packed_BTFCHW.shape)


def displace(packed_NCHW: Tensor, flow_N2hw: Tensor) -> Tensor:
    """Packed pictures (N, 16, H/2, W/2), each pixel fetched from `flow` (N, 2, any size; x, y in pixels) away."""
    pictures = unpack(packed_NCHW).float()
    height, width = pictures.shape[-2:]
    flow = flow_N2hw.float().contiguous()  # channels-last, two channels are enlarged at a quarter of the speed
    flow = F.interpolate(flow, size=(height, width), mode="bilinear", align_corners=False)
    x = torch.linspace(1 / width - 1, 1 - 1 / width, width, device=flow.device)
    y = torch.linspace(1 / height - 1, 1 - 1 / height, height, device=flow.device)[:, None]
    grid = torch.stack([x + flow[:, 0] * (2 / width), y + flow[:, 1] * (2 / height)], dim=-1)
    moved = F.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    return pack(moved.to(packed_NCHW.dtype))


class Encoder(nn.Module):
    """Residual on top of the linear projection; starts at zero."""

    def __init__(self, config: PatchCodecConfig) -> None:
        super().__init__()
        half, quarter, eighth = config.encoder_channels
        self.conv_half = conv(PACKED, half)
        self.conv_quarter = conv(half, quarter, stride=2)
        self.quarter_block = residual_blocks(quarter, 1)
        self.conv_eighth = conv(quarter, quarter // 2, stride=2)
        self.merge = conv(TIME_FACTOR * (quarter // 2), eighth, kernel=1)
        self.eighth_block = residual_blocks(eighth, 1)
        self.out = conv(eighth, config.latent_channels, kernel=1, zero=True)

    def forward(self, packed_BTFCHW: Tensor) -> Tensor:
        B, T = packed_BTFCHW.shape[:2]
        x = F.silu(self.conv_half(packed_BTFCHW.flatten(0, 2)))  # (B*T*F, C, H/2, W/2)
        x = self.conv_eighth(F.silu(self.quarter_block(self.conv_quarter(x))))  # (B*T*F, C, h, w)
        x = self.merge(F.silu(x.unflatten(0, (B * T, -1)).flatten(1, 2)))  # (B*T, C, h, w)
        return self.out(F.silu(self.eighth_block(x))).unflatten(0, (B, T))


class Decoder(nn.Module):
    """[z_t, z_t - z_side, z_{t-1}] + side picture and its maps -> the side picture moved to where it fits, and per
    packed pixel a residual colour and the gate of the moved one's detail."""

    def __init__(self, config: PatchCodecConfig) -> None:
        super().__init__()
        eighth, quarter, half = config.decoder_channels
        depth_eighth, depth_quarter, depth_half = config.decoder_depth
        self.input = conv(3 * config.latent_channels, eighth)
        self.eighth_blocks = residual_blocks(eighth, depth_eighth)
        self.to_quarter = conv(eighth, TIME_FACTOR * 4 * quarter, kernel=1)
        # under these names the weights files have what takes in the side picture
        self.quarter_warp = conv(PACKED + config.maps, quarter, kernel=2, stride=2)
        self.quarter_blocks = residual_blocks(quarter, depth_quarter)
        self.flow = conv(quarter, 2, zero=True)
        self.to_half = conv(quarter, 4 * half, kernel=1)
        self.half_warp = conv(PACKED + config.maps, half)
        self.half_blocks = residual_blocks(half, depth_half)
        self.out = conv(half, PACKED + 4, zero=True)
        nn.init.constant_(self.out.bias[PACKED:], GATE_BIAS)

    def forward(self, latents_NChw: Tensor, side_NFCHW: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> moved (N*F, 16, H/2, W/2), residual (N*F, 16, H/2, W/2) and gate (N*F, 4, H/2, W/2)."""
        side = side_NFCHW.flatten(0, 1)
        x = self.eighth_blocks(self.input(latents_NChw))
        x = self.to_quarter(F.silu(x)).movedim(1, -1).unflatten(-1, (TIME_FACTOR, -1))  # (N, h, w, F, 4C)
        x = depth_to_space(x.movedim(-2, 1).movedim(-1, 2), 2).flatten(0, 1)  # (N*F, C, H/4, W/4)
        x = self.quarter_blocks(x + self.quarter_warp(side))
        picture, maps = side[:, :PACKED], side[:, PACKED:]
        moved = displace(picture, self.flow(F.silu(x)))
        x = depth_to_space(self.to_half(F.silu(x)), 2)  # (N*F, C, H/2, W/2)
        x = self.half_blocks(x + self.half_warp(side_by_side(moved, maps) if maps.shape[1] else moved))
        return moved, *self.out(F.silu(x)).split([PACKED, 4], dim=1)


class PatchCodec(nn.Module):
    """A `LatentCodec` whose decoder is shown packed side pictures with their maps: (B, T, 4, 16 + maps, H/2, W/2)."""

    keep_fp32 = ("linear_in", "linear_out")  # one step of a leading component in bfloat16 is a step of brightness
    picture_channels = PICTURE_CHANNELS
    time_factor, space_factor = TIME_FACTOR, SPACE_FACTOR
    first_frame_alone = False
    first_encoded = TIME_FACTOR

    def __init__(self, config: PatchCodecConfig) -> None:
        super().__init__()
        self.channels, self._seen = config.latent_channels, PACKED + config.maps
        self.linear_in = nn.Linear(PATCH, config.latent_channels)
        self.linear_out = nn.Linear(config.latent_channels, PATCH)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder.out.weight.dtype

    def encode(self, video_BFCHW: Tensor) -> Tensor:
        """Video (B, 4 T, 4, H, W) in [-1, 1] -> latents (B, T, 16, H/8, W/8), each from its own four frames."""
        packed = pack(video_BFCHW.to(self.dtype).unflatten(1, (-1, TIME_FACTOR)))
        return self.project(packed) + self.encoder(packed)

    def encode_step(self, video_BFCHW: Tensor, state: None = None) -> tuple[Tensor, None]:
        return self.encode(video_BFCHW)[:, 0], None

    def project(self, packed_BTFCHW: Tensor) -> Tensor:
        """The linear path alone, of packed pictures: cheap, and the same for every model; the latent of a side
        picture."""
        return self.linear_in(to_patches(packed_BTFCHW).to(self.linear_in.weight.dtype)).movedim(-1, -3)

    def initial_state(self, past_BTChw: Tensor | None = None) -> DecoderState:
        return DecoderState(None if past_BTChw is None else past_BTChw[:, -1])

    def decode(self, z_BTChw: Tensor, side: Tensor | None = None, state: DecoderState | None = None) -> Tensor:
        """Latents, and the packed side pictures of the same frames with their maps -> RGBA video (B, 4 T, 4, H, W),
        about [-1, 1], not clamped."""
        if side is None:
            raise ValueError("this codec decodes changes of a side picture: it needs the packed one")
        previous = None if state is None else state.z
        return unpack(self.decode_packed(z_BTChw, side.to(self.dtype), previous)).flatten(1, 2)

    def decode_packed(self, z_BTChw: Tensor, side_BTFCHW: Tensor, previous_BChw: Tensor | None) -> Tensor:
        """`decode` from packed side picture to packed video (B, T, 4, 16, H/2, W/2): the moved one's coarse part + gate
        * its detail + residual + the smoothed change from its latent to z."""
        side_BTFCHW = side_BTFCHW[..., : self._seen, :, :]
        z, z_side = z_BTChw.to(self.dtype), self.project(side_BTFCHW[..., :PACKED, :, :]).to(self.dtype)
        first = z[:, :1] if previous_BChw is None else previous_BChw[:, None].to(self.dtype)
        previous = torch.cat([first, z[:, :-1]], dim=1)
        latents = torch.cat([z, z - z_side, previous], dim=2)
        moved, residual, gate = self.decoder(latents.flatten(0, 1), side_BTFCHW.flatten(0, 1))
        gate = gate.movedim(1, -1)[..., None].expand(*[-1] * 4, PICTURE_CHANNELS).flatten(-2).movedim(-1, 1)
        moved, residual, gate = (x.unflatten(0, side_BTFCHW.shape[:3]) for x in (moved, residual, gate))
        coarse = self._patches(self.project(moved))  # what a latent keeps of the moved one
        change = seamless(self._patches(z_BTChw) - coarse)
        return torch.lerp(coarse, moved, gate).add_(residual).add_(change)

    def _patches(self, z_BTChw: Tensor) -> Tensor:
        """The linear path of the decoder: packed pictures (B, T, F, 16, H/2, W/2), each patch on its own."""
        patches = self.linear_out(z_BTChw.movedim(-3, -1).to(self.linear_out.weight.dtype))  # (B, T, h, w, 1024)
        return from_patches(patches.to(self.dtype))

    def decode_step(
        self, z_BChw: Tensor, state: DecoderState, side: Tensor | None = None
    ) -> tuple[Tensor, DecoderState]:
        """One latent frame of `decode`: (video (B, 4, 4, H, W), state for the next)."""
        video = self.decode(z_BChw[:, None], None if side is None else side[:, None], state)
        return video, DecoderState(z_BChw)

    @torch.no_grad()
    def initialise_from_pca(self, video_BFCHW: Tensor) -> float:
        """Set the linear path to a whitened PCA of the patches of this footage, in both directions.

        Returns the fraction of the variance that the 16 components explain.  Raises ValueError on too little footage.
        """
        patches = to_patches(pack(video_BFCHW.float().unflatten(1, (-1, TIME_FACTOR)))).reshape(-1, PATCH).double()
        channels = self.linear_in.out_features
        if patches.shape[0] <= channels:
            raise ValueError(f"PCA of {channels} components needs more than {patches.shape[0]} patches of footage")
        mean = patches.mean(dim=0)
        covariance = torch.cov(patches.T)
        values, vectors = torch.linalg.eigh(covariance)  # ascending
        values, vectors = values[-channels:].flip(0), vectors[:, -channels:].flip(1)
        deviation = values.clamp_min(1e-6).sqrt()
        encode = vectors.T / deviation[:, None]  # (16, 1024)
        self.linear_in.weight.copy_(encode)
        self.linear_in.bias.copy_(-encode @ mean)
        self.linear_out.weight.copy_(vectors * deviation)
        self.linear_out.bias.copy_(mean)
        return (values.sum() / covariance.diagonal().sum().clamp_min(1e-12)).item()
