"""What the paper's stages share: clips as latents after a reference, and rollouts segment by segment.

Letters: B batch, N latent frames after the reference, C channels, h and w latent cells.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from generator.codecs.codec import LatentCodec
from generator.model import VideoModel
from generator.training.data import Batch


def reference_video(codec: LatentCodec, batch: Batch) -> Tensor:
    """(B, F, C, H, W): the video frames of the one latent frame that the reference is."""
    video = batch.reference_video(codec.dtype)
    return video[:, :1] if codec.first_frame_alone else video


@torch.no_grad()
def encode_reference(codec: LatentCodec, batch: Batch) -> Tensor:
    """(B, 1, C, h, w)."""
    return codec.encode(reference_video(codec, batch))


@torch.no_grad()
def encode_truth(codec: LatentCodec, batch: Batch, start: int = 0, stop: int | None = None) -> Tensor:
    """Latent frames start..stop of the truth, (B, n, C, h, w)."""
    video = batch.truth(start, stop, codec.dtype).flatten(1, 2)  # (B, F, C, H, W)
    if not codec.first_frame_alone:
        return codec.encode(video)
    # a latent that begins a video is of another kind; no frame after the reference is one
    return codec.encode(torch.cat([video[:, :1], video], 1))[:, 1:]


def encode_clip(model: VideoModel, batch: Batch) -> tuple[Tensor, Tensor, Any]:
    """A teacher-forced clip: clean latents z, reference first (B, 1 + N, C, h, w), the same in the model's space, and
    what its control takes."""
    z = torch.cat([encode_reference(model.codec, batch), encode_truth(model.codec, batch)], 1)
    conditions = batch.sequence_conditions(batch.prefix, dtype=z.dtype)
    with torch.no_grad():
        base = model.observe(conditions).base
    return z, model.space.to_x(z, base), conditions


class Rollout:
    """A model running on its own output over the conditions of a batch, as at inference: AAPT's student forcing."""

    def __init__(self, model: VideoModel, batch: Batch, random: torch.Generator):
        self.model, self.batch, self.frame = model, batch, 0
        self._random, self._spent = random, False
        dtype = model.codec.dtype
        self.state = model.lock(reference_video(model.codec, batch), batch.reference_conditions(dtype))

    def extend(self, count: int) -> Tensor:
        """The next `count` latent frames, (B, count, C, h, w). Gradient flows through the cache to the frames of the
        same call; the recycled latent and what earlier calls left in the cache are cut from the graph (section 3.5)."""
        model, dtype = self.model, self.model.codec.dtype
        if self._spent:
            self.state = self.state.detach()
        self._spent = torch.is_grad_enabled()  # its graph is gone once it has been used
        observation = model.observe(self.batch.conditions(self.frame, self.frame + count, dtype))
        block = model.config.transformer.block
        made = []
        for first in range(0, count, block):
            part = observation.frames(first, min(first + block, count))
            z, self.state = model.advance(part, self.state, self._noise(min(block, count - first), dtype))
            made.append(z)
        self.frame += count
        return torch.cat(made, 1)

    def _noise(self, frames: int, dtype: torch.dtype) -> Tensor:
        """(S, B, frames, C, h, w), S denoising steps."""
        model, (height, width) = self.model, self.batch.frames.shape[3:5]
        noise = model.noise(
            len(self.batch.frames), height, width, self._random, device=self._random.device, dtype=torch.float32
        )
        return noise[:, :, :frames].to(dtype)
