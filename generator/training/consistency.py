"""Stage 2: consistency distillation on a fixed grid (AAPT, appendix B; Song and Dhariwal 2024, arXiv 2310.14189).

The frozen stage-1 network makes one Euler step, without guidance; the student at the step's start has to agree with the
student at its end. The target carries no gradient and no averaging. At the first step of the grid the end is t = 0,
where the consistency function is the identity: the target there is the Euler step itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F

from generator.model import VideoModel
from generator.training.data import Batch, BatchShape
from generator.training.diffusion import freeze_codec
from generator.training.distributed import Workers
from generator.training.losses import clean, euler, interpolate, pseudo_huber, time_grid
from generator.training.optim import Learner, OptimizerConfig
from generator.training.portrait_clips import Augmentation
from generator.training.recomputation import recompute
from generator.training.sequences import encode_clip


@dataclass(frozen=True)
class ConsistencyStage:
    share: float = 0.15  # of the run's time
    shape: BatchShape = BatchShape(size=8, latents=4, crop=128)
    shift: float = 5.0  # as in the diffusion stage
    grid: int = 32
    distance: Literal["pseudo_huber", "mse"] = "pseudo_huber"
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(lr=3e-4, matrix_lr=3e-4))
    augmentation: Augmentation = field(default_factory=Augmentation)
    recompute: bool = False  # as in the diffusion stage


class ConsistencyTrainer:
    """`teacher`: the frozen model of stage 1."""

    def __init__(self, config: ConsistencyStage, model: VideoModel, teacher: VideoModel, workers: Workers):
        self.config, self.model, self.shapes = config, model, (config.shape,)
        freeze_codec(model)
        if config.recompute:
            recompute(model.transformer)
        self.learners = {"generator": Learner(model, config.optimizer, workers.parameter_dtype)}
        self.teacher = teacher.requires_grad_(False)
        Learner(teacher, config.optimizer, workers.parameter_dtype)  # for its cast: nothing in it is trained

    def step(self, batches: tuple[Batch], random: torch.Generator, progress: float) -> dict[str, float]:
        (batch,) = batches
        z, x, conditions = encode_clip(self.model, batch)
        noise = torch.randn(x.shape, generator=random, device=x.device).to(x.dtype)
        grid = time_grid(self.config.grid, self.config.shift, x.device)
        n = torch.randint(1, self.config.grid + 1, (len(x),), generator=random, device=x.device)
        t, t_next = grid[n], grid[n - 1]
        x_t = interpolate(x, noise, t)
        with torch.no_grad():
            x_next = euler(x_t, self.teacher.velocity(x_t, z, conditions, t), t, t_next)
            target = clean(x_next, self.model.velocity(x_next, z, conditions, t_next), t_next)
        prediction = clean(x_t, self.model.velocity(x_t, z, conditions, t), t)
        distance = pseudo_huber if self.config.distance == "pseudo_huber" else F.mse_loss
        loss = distance(prediction[:, 1:].float(), target[:, 1:].float())
        loss.backward()
        return {"loss": loss.item(), "gradient": self.learners["generator"].step(progress)}
