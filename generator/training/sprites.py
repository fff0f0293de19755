"""A world for tests and ablations in which the network draws everything: nothing is given but two points.

A two-coloured disc moves and turns over a patterned ground as two control points say (its middle and its head, like a
skeleton of two joints); a small white ball flies and bounces on its own, and nothing tells where to. What disc and
ground look like is known from the reference frame alone. One latent frame is one video frame of 32x32 pixels.

    world = SpriteWorld()
    batch = world.batch(BatchShape(size=8, latents=8, crop=32), seed=(0,))
    model = VideoModel(sprite_model())
    state = model.lock(batch.reference_video(), batch.reference_conditions())
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from generator.codecs.codec import LatentCodec
from generator.config import ModelConfig
from generator.controls.control import Observation
from generator.portrait.trunk import TrunkConfig
from generator.spaces import IdentitySpace
from generator.training.data import BatchShape
from generator.transformer.config import TransformerConfig

SIDE = 32  # pixels
CELL = 4  # pixels of a latent cell, each way
DISC, BALL, DOT = 7.0, 3.0, 2.5  # radii, pixels
BALL_SPEED = (1.0, 2.0)  # least and most, pixels a frame
WHITE = 255  # of the ball, in all channels; nothing else is brighter than BRIGHTEST
BRIGHTEST = 200


@dataclass(frozen=True)
class StatelessDecoder:
    def detach(self) -> StatelessDecoder:
        return self


@dataclass(frozen=True)
class PixelCodecConfig:
    def build(self) -> PixelCodec:
        return PixelCodec()


class PixelCodec(nn.Module):
    """A `LatentCodec` without loss or weights: the pixels of a cell are its channels, spread to about unit variance."""

    channels, picture_channels = 3 * CELL**2, 3
    time_factor, space_factor = 1, CELL
    first_frame_alone = False
    first_encoded = 1
    spread = 2.0  # pictures in [-1, 1] have a standard deviation of about a half

    @property
    def dtype(self) -> torch.dtype:
        return torch.float32

    def encode(self, video_BFCHW: Tensor) -> Tensor:
        return F.pixel_unshuffle(self.spread * video_BFCHW.to(self.dtype), CELL)

    def encode_step(self, video_BFCHW: Tensor, state: None = None) -> tuple[Tensor, None]:
        return self.encode(video_BFCHW)[:, 0], None

    def initial_state(self, past_BTChw: Tensor | None = None) -> StatelessDecoder:
        return StatelessDecoder()

    def decode(self, z_BTChw: Tensor, side: Tensor | None = None, state: StatelessDecoder | None = None) -> Tensor:
        return F.pixel_shuffle(z_BTChw, CELL) / self.spread

    def decode_step(
        self, z_BChw: Tensor, state: StatelessDecoder, side: Tensor | None = None
    ) -> tuple[Tensor, StatelessDecoder]:
        return self.decode(z_BChw[:, None]), state


@dataclass(frozen=True)
class DotsControlConfig:
    def build(self, latent_channels: int, dim: int) -> DotsControl:
        return DotsControl()


class DotsControl(nn.Module):
    """Pictures of the two control points (B, T, 2, H, W) in [0, 1], their pixels as channels of the latent cells."""

    channels = 2 * CELL**2

    def observe(self, signal: Tensor, codec: LatentCodec) -> Observation:
        return Observation(channels=F.pixel_unshuffle(signal, CELL))

    def blank(self, codec: LatentCodec, batch: int, latents: int, height: int, width: int, **kwargs) -> Tensor:
        return torch.zeros(batch, latents, 2, height, width, **kwargs)

    def side(self, signal: Tensor) -> None:
        return None

    def finish(self, video_BFCHW: Tensor, signal: Tensor) -> Tensor:
        return video_BFCHW


def sprite_model(dim: int = 96, layers: int = 4, width: int = 64, window: int = 4) -> ModelConfig:
    """Three quarters of a million parameters, 16 tokens a frame. Tokens of 96 numbers cannot carry the noise of 192
    that a velocity contains: convolutions around the transformer make x alone (`skip`)."""
    transformer = TransformerConfig(
        dim=dim,
        layers=layers,
        heads=4,
        ffn_dim=4 * dim,
        in_channels=width,
        out_channels=width,
        window=window,
        sink_distance=window + 1,
        frequency_dim=64,
    )
    inputs = 2 * PixelCodec.channels + DotsControl.channels
    return ModelConfig(
        name="sprites",
        size=(SIDE, SIDE),
        transformer=transformer,
        codec=PixelCodecConfig(),
        control=DotsControlConfig(),
        space=IdentitySpace(recycling=True),
        trunk=TrunkConfig(in_channels=inputs, out_channels=PixelCodec.channels, depth=1),
    )


@dataclass(frozen=True)
class SpriteBatch:
    """A `Batch`. F = 1 video frame per latent frame."""

    frames: Tensor  # (B, N, 1, H, W, 3) uint8
    dots: Tensor  # (B, T, H, W, 2) uint8
    reference: Tensor  # (B, H, W, 3) uint8: the frame before the first one
    reference_dots: Tensor  # (B, H, W, 2) uint8
    cuts: tuple[int, ...] = ()

    @property
    def prefix(self) -> int:
        return self.dots.shape[1] - self.frames.shape[1]

    def to(self, device: torch.device | str) -> SpriteBatch:
        parts = ("frames", "dots", "reference", "reference_dots")
        return replace(self, **{name: getattr(self, name).to(device) for name in parts})

    def truth(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
        return _signed(self.frames[:, start:stop], dtype)

    def reference_video(self, dtype: torch.dtype = torch.float32) -> Tensor:
        return _signed(self.reference[:, None], dtype)

    def conditions(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
        return self.dots[:, start:stop].movedim(-1, -3).to(dtype) / 255

    def reference_conditions(self, dtype: torch.dtype = torch.float32) -> Tensor:
        return self.reference_dots[:, None].movedim(-1, -3).to(dtype) / 255

    def sequence_conditions(
        self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        return torch.cat([self.reference_conditions(dtype), self.conditions(start, stop, dtype)], 1)


def _signed(pixels: Tensor, dtype: torch.dtype) -> Tensor:
    return pixels.movedim(-1, -3).to(dtype) / 127.5 - 1


@dataclass(frozen=True)
class SpriteWorld:
    """A `Source` of endless clips; the seed decides."""

    def batch(self, shape: BatchShape, seed: Sequence[int], augment: object = None) -> SpriteBatch:
        rng = np.random.default_rng(list(seed))
        prefix = int(rng.integers(shape.prefix[0], shape.prefix[1] + 1))
        clips = [draw_clip(rng, 1 + prefix + shape.latents) for _ in range(shape.size)]
        frames, dots = (torch.from_numpy(np.stack(parts)) for parts in zip(*clips))
        return SpriteBatch(frames[:, 1 + prefix :, None], dots[:, 1:], frames[:, 0], dots[:, 0])


def draw_clip(rng: np.random.Generator, length: int) -> tuple[np.ndarray, np.ndarray]:
    """A clip of the world: frames (T, H, W, 3) and control points (T, H, W, 2), uint8."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    time = np.arange(length)

    def wave(low: float, high: float, slowest: float, quickest: float) -> np.ndarray:
        phase, period = rng.uniform(0, 2 * np.pi), rng.uniform(quickest, slowest)  # frames
        return low + (high - low) * (0.5 + 0.5 * np.sin(2 * np.pi * time / period + phase))

    middle_x, middle_y = wave(DISC, SIDE - DISC, 80, 30), wave(DISC, SIDE - DISC, 80, 30)
    angle = rng.uniform(0, 2 * np.pi) + wave(-3, 3, 120, 50)
    head_x, head_y = middle_x + 0.7 * DISC * np.cos(angle), middle_y + 0.7 * DISC * np.sin(angle)
    ball_x, ball_y = _bounce(rng, length)

    first, second = rng.uniform(0, BRIGHTEST, (2, 3))
    direction, frequency = rng.uniform(0, np.pi), rng.uniform(0.25, 0.6)  # radians a pixel
    stripes = np.sin(frequency * (x * np.cos(direction) + y * np.sin(direction)) + rng.uniform(0, 6))
    ground = first + (second - first) * (0.5 + 0.5 * stripes)[..., None]  # (H, W, 3)
    front, back = rng.uniform(0, BRIGHTEST, (2, 3))

    def disc(at_x: np.ndarray, at_y: np.ndarray, radius: float) -> np.ndarray:  # (T, H, W) coverage
        distance = np.hypot(x - at_x[:, None, None], y - at_y[:, None, None])
        return np.clip(radius - distance + 0.5, 0, 1)

    frames = np.broadcast_to(ground, (length, SIDE, SIDE, 3))
    ball = disc(ball_x, ball_y, BALL)[..., None]
    frames = frames * (1 - ball) + WHITE * ball
    ahead = (x - middle_x[:, None, None]) * np.cos(angle)[:, None, None]
    ahead = ahead + (y - middle_y[:, None, None]) * np.sin(angle)[:, None, None]
    half = np.clip(ahead + 0.5, 0, 1)[..., None]
    body = disc(middle_x, middle_y, DISC)[..., None]
    frames = frames * (1 - body) + (front * half + back * (1 - half)) * body
    dots = np.stack([disc(middle_x, middle_y, DOT), disc(head_x, head_y, DOT)], -1)
    return np.rint(frames).astype(np.uint8), np.rint(255 * dots).astype(np.uint8)


def _bounce(rng: np.random.Generator, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of the ball: straight on, and back from the walls."""
    speed, heading = rng.uniform(*BALL_SPEED), rng.uniform(0, 2 * np.pi)
    room = SIDE - 2 * BALL
    places = []
    for step in (speed * np.cos(heading), speed * np.sin(heading)):
        way = (rng.uniform(0, 2 * room) + step * np.arange(length)) % (2 * room)
        places.append(BALL + np.where(way < room, way, 2 * room - way))
    return places[0], places[1]
