"""Stage 1: the causal transformer learns flow matching under teacher forcing (AAPT, section 3.2 and appendix B).

One t for the whole clip; the recycled latent is the truth's. The target is the residual over the warp's latent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from generator.portrait.conditions import Conditions
from generator.model import VideoModel
from generator.losses import flow_matching, interpolate, shift_time
from generator.training.adversarial import generator_learner, train_generator, with_reference
from generator.training.data import Augmentation, Batch, BatchShape
from generator.training.distributed import Workers
from generator.training.optim import OptimizerConfig


@dataclass(frozen=True)
class DiffusionStage:
    share: float = 0.3
    shape: BatchShape = BatchShape(size=8, latents=4, crop=128)
    shift: float = 5.0  # of time towards noise; the paper's 24 is for sequences a hundred times as large
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)


@torch.no_grad()
def encode_clip(generator: VideoModel, batch: Batch) -> tuple[Tensor, Tensor, Conditions]:
    """A teacher-forced clip with the portrait as frame 0: clean latents z and their residuals x (B, 1 + N, C, h, w),
    and the conditions."""
    codec = generator.codec
    reference = codec.encode(batch.reference_video(codec.dtype))
    z, conditions = with_reference(batch, reference, codec.encode(batch.truth(codec.dtype).flatten(1, 2)))
    return z, generator.space.to_x(z, generator.observe(conditions).base), conditions


class DiffusionTrainer:
    def __init__(self, config: DiffusionStage, generator: VideoModel, workers: Workers):
        self.config, self.generator = config, generator
        train_generator(generator, decoder=False)
        self.learners = {"generator": generator_learner(config.optimizer, generator, workers)}

    def step(self, batch: Batch, random: torch.Generator, progress: float) -> dict[str, float]:
        z, x, conditions = encode_clip(self.generator, batch)
        noise = torch.randn(x.shape, generator=random, device=x.device).to(x.dtype)
        t = shift_time(torch.rand(len(x), generator=random, device=x.device), self.config.shift)
        v = self.generator.velocity(interpolate(x, noise, t), z, conditions, t)
        loss = flow_matching(v[:, 1:], x[:, 1:], noise[:, 1:])
        loss.backward()
        return {"loss": loss.item(), "gradient": self.learners["generator"].step(progress)}
