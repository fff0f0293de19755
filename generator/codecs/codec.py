"""What every codec offers, so that the engine needs to know none of them.

Letters: B batch, F video frames, T latent frames, C channels (of a picture: 3 RGB or 4 premultiplied RGBA; of a latent
`channels`), H and W pixels, h and w latent cells.

A codec is an nn.Module that holds weights only; whatever a stream remembers is in the state that is passed in and
comes back. Latents have about unit variance (Wan: already normalised by mean and standard deviation); pictures are in
[-1, 1].

    state = codec.initial_state()
    for z_BChw in latents:
        video_BFCHW, state = codec.decode_step(z_BChw, state)     # equals codec.decode(z_BTChw) to 1e-5 in float32
"""

from __future__ import annotations

from typing import Protocol, TypeVar

import torch
from torch import Tensor

State = TypeVar("State")


class LatentCodec(Protocol[State]):
    channels: int  # of a latent
    picture_channels: int  # 3 RGB, 4 premultiplied RGBA
    time_factor: int  # video frames that one latent frame stands for
    space_factor: int  # pixels of a latent cell, each way
    first_frame_alone: bool  # the first latent frame of a video stands for one video frame (Wan: 1 + 4 k frames)
    first_encoded: int  # video frames that `encode_step` takes at the beginning of a video; later ones: time_factor

    @property
    def dtype(self) -> torch.dtype:
        """The number format in which it computes; what is passed in is cast to it."""

    def encode(self, video_BFCHW: Tensor) -> Tensor:
        """A whole video -> z_BTChw. F is `frames(T)` of some T. No sampling: the mean of the posterior."""

    def encode_step(self, video_BFCHW: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The frames of one latent frame -> (z_BChw, state). state None: the beginning of a video."""

    def decode(self, z_BTChw: Tensor, side: Tensor | None = None, state: State | None = None) -> Tensor:
        """-> video_BFCHW, about [-1, 1], not clamped. state None: z begins a video, otherwise it goes on from there.

        side: what else the decoder is shown of the same latent frames, (B, T, ...); None for a codec that needs
        nothing.
        """

    def decode_step(self, z_BChw: Tensor, state: State, side: Tensor | None = None) -> tuple[Tensor, State]:
        """One latent frame of `decode`: (video_BFCHW, state). side (B, ...) is that of this latent frame."""

    def initial_state(self, past_BTChw: Tensor | None = None) -> State:
        """Before the first latent frame; or after latent frames that have been shown already (a reference)."""


def frame_count(codec: LatentCodec, latents: int, beginning: bool = True) -> int:
    """Video frames of so many latent frames; beginning: the first of them begins a video."""
    alone = codec.first_frame_alone and beginning and latents > 0
    return codec.time_factor * latents - (codec.time_factor - 1) * alone
