"""Stage 1: the causal transformer learns flow matching under teacher forcing (AAPT, section 3.2 and appendix B).

One t for the whole clip; the recycled latent is the truth's. The loss is in the model's space: of latents, or of their
residual over the control's base.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from generator.model import VideoModel
from generator.training.data import Batch, BatchShape
from generator.training.distributed import Workers
from generator.training.losses import flow_matching, interpolate, shift_time
from generator.training.optim import Learner, OptimizerConfig
from generator.training.portrait_clips import Augmentation
from generator.training.recomputation import recompute
from generator.training.sequences import encode_clip


@dataclass(frozen=True)
class DiffusionStage:
    share: float = 0.3  # of the run's time
    shape: BatchShape = BatchShape(size=8, latents=4, crop=128)
    shift: float = 5.0  # of time towards noise; the paper's 24 is for sequences a hundred times as large
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    recompute: bool = False  # activations in the backward pass: needs less memory, takes a third longer


def freeze_codec(model: VideoModel) -> None:
    """Gradients for network and control; the latent space stays as it is."""
    model.requires_grad_(True)
    model.codec.requires_grad_(False)


class DiffusionTrainer:
    def __init__(self, config: DiffusionStage, model: VideoModel, workers: Workers):
        self.config, self.model, self.shapes = config, model, (config.shape,)
        freeze_codec(model)
        if config.recompute:
            recompute(model.transformer)
        self.learners = {"generator": Learner(model, config.optimizer, workers.parameter_dtype)}

    def step(self, batches: tuple[Batch], random: torch.Generator, progress: float) -> dict[str, float]:
        (batch,) = batches
        z, x, conditions = encode_clip(self.model, batch)
        noise = torch.randn(x.shape, generator=random, device=x.device).to(x.dtype)
        t = shift_time(torch.rand(len(x), generator=random, device=x.device), self.config.shift)
        v = self.model.velocity(interpolate(x, noise, t), z, conditions, t)
        loss = flow_matching(v[:, 1:], x[:, 1:], noise[:, 1:])
        loss.backward()
        return {"loss": loss.item(), "gradient": self.learners["generator"].step(progress)}
