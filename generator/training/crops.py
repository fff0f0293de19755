"""Discriminators of pixels: enlarged crops of mouth and eyes, and windows of the whole picture. No part of AAPT."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from generator.discriminator import CropDiscriminator, CropDiscriminatorConfig
from generator.training.distributed import Workers
from generator.training.losses import Objective, relativistic_generator
from generator.training.optim import Learner, OptimizerConfig
from generator.training.portrait_clips import LEFT_EYE, MOUTH, RIGHT_EYE, PortraitBatch
from generator.training.regions import resample


@dataclass(frozen=True)
class CropCriticConfig:
    discriminator: CropDiscriminatorConfig = field(default_factory=CropDiscriminatorConfig)
    objective: Objective = Objective(penalty=10.0, sigma=0.05, centring=0.02)
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            lr=1e-4, matrix_lr=None, betas=(0.0, 0.95), weight_decay=0.0, warmup=20, final=0.3
        )
    )
    size: int = 64  # pixels of what the discriminator sees
    extent: float = 1.1  # of an enlarged crop, in distances of the eyes
    mouth: float = 0.67  # of the crops are at the mouth, the rest at an eye
    windows: float = 0.25  # of the steps look at windows of the whole picture at its own scale instead
    pairs: int = 2  # crops per sample


class CropCritic:
    """Two discriminators of pixels: enlarged crops of mouth and eyes, and windows of the whole picture."""

    def __init__(self, config: CropCriticConfig, workers: Workers):
        self.config, self._workers = config, workers
        self.learners = {
            name: Learner(
                workers.place(CropDiscriminator(config.discriminator)),
                config.optimizer,
                workers.parameter_dtype,
            )
            for name in ("crops", "windows")
        }

    def __call__(
        self, batch: PortraitBatch, video: Tensor, truth: Tensor, random: torch.Generator, progress: float
    ) -> tuple[Tensor, dict[str, float]]:
        """The gradient of the generator's loss on `video` (B, N, F, 4, H, W), then one update of a discriminator: it
        has not seen the rollout that it judges."""
        config, objective = self.config, self.config.objective
        # every worker must turn to the same discriminator, for its weights are spread over all of them
        (drawn,) = self._workers.agree([torch.rand((), generator=random, device=random.device).item()])
        learner = self.learners["windows" if drawn < config.windows else "crops"]
        last, boxes = self._places(batch, drawn < config.windows, random)
        real, condition = self._cut(truth, batch, last, boxes)
        leaf = video.detach().requires_grad_()
        fake, _ = self._cut(leaf, batch, last, boxes)

        logits_real, logits_fake = learner.module(torch.cat([real, fake]), condition.repeat(2, 1, 1, 1)).chunk(2)
        (gradient,) = torch.autograd.grad(relativistic_generator(logits_fake, logits_real.detach()), leaf)

        held = fake.detach()
        inputs = torch.cat([real, held, objective.disturb(real, random), objective.disturb(held, random)])
        terms = objective(*learner.module(inputs, condition.repeat(4, 1, 1, 1)).chunk(4))
        terms["total"].backward()
        learner.step(progress)
        return gradient, {f"d_{key}": value.item() for key, value in terms.items() if key != "total"}

    def _places(self, batch: PortraitBatch, windows: bool, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """For each of B * pairs crops the number of its last frame and its square: (M,), (M, 4)."""
        config, device = self.config, batch.boxes.device
        B, N, F = batch.frames.shape[:3]
        height, width = batch.frames.shape[3:5]
        count = config.discriminator.frames

        def uniform(*shape: int) -> Tensor:
            return torch.rand(shape, generator=random, device=device)

        last = (count - 1 + uniform(B * config.pairs) * (N * F - count + 1)).long().clamp_max(N * F - 1)
        if windows:
            x = (uniform(len(last)) * (width - config.size + 1)).floor()
            y = (uniform(len(last)) * (height - config.size + 1)).floor()
            return last, torch.stack([x, y, x + config.size, y + config.size], -1)
        boxes = batch.boxes.flatten(1, 2).repeat_interleave(config.pairs, 0)[torch.arange(len(last)), last].float()
        centres = (boxes[..., :2] + boxes[..., 2:]) / 2  # (M, 3, 2)
        eyes = (centres[:, LEFT_EYE] - centres[:, RIGHT_EYE]).norm(dim=-1)
        eye = torch.where(uniform(len(last)) < 0.5, LEFT_EYE, RIGHT_EYE)
        which = torch.where(uniform(len(last)) < config.mouth, torch.full_like(eye, MOUTH), eye)
        chosen = boxes[torch.arange(len(last)), which]
        side = (config.extent * (0.9 + 0.2 * uniform(len(last))) * eyes).clamp(16, min(height, width))
        shift = 0.1 * side[:, None] * (uniform(len(last), 2) - 0.5)
        centre = (chosen[:, :2] + chosen[:, 2:]) / 2 + shift
        return last, torch.cat([centre - side[:, None] / 2, centre + side[:, None] / 2], -1)

    def _cut(self, video: Tensor, batch: PortraitBatch, last: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
        """(M, frames, 4, s, s) and its condition (M, 12, s, s)."""
        config = self.config
        count, size = config.discriminator.frames, config.size
        sample = torch.arange(len(last), device=last.device) // config.pairs
        flat = video.flatten(1, 2)  # (B, N*F, 4, H, W)
        chosen = torch.cat([flat[sample, last - back] for back in reversed(range(count))], 1)
        crops = resample(chosen, boxes, size).unflatten(1, (count, 4))
        warp = batch.warp[:, batch.prefix :].flatten(1, 2)[sample, last].to(video.dtype) / 127.5 - 1
        guide = batch.guide[:, batch.prefix :].flatten(1, 2)[sample, last].to(video.dtype) / 255
        warp = resample(warp.movedim(-1, 1), boxes, size)
        return crops, torch.cat([warp, resample(guide.movedim(-1, 1), boxes / 2, size)], 1)
