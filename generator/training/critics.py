"""How a discriminator takes part in a training step: it learns from a rollout and returns its gradient on it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from generator.portrait.conditions import Conditions
from generator.discriminator import CropDiscriminator, CropDiscriminatorConfig, LatentDiscriminator
from generator.model import VideoModel
from generator.losses import (
    approximate_penalty,
    centring_penalty,
    relativistic_discriminator,
    relativistic_generator,
)
from generator.training.data import LEFT_EYE, MOUTH, RIGHT_EYE, Batch
from generator.training.distributed import Workers
from generator.training.optim import Learner, OptimizerConfig
from generator.training.regions import resample


@dataclass(frozen=True)
class Rollout:
    """What the generator made of the N latter latent frames of a batch, and the truth. Leaves of the graph."""

    batch: Batch
    z_reference: Tensor  # (B, C, h, w)
    z: Tensor  # (B, N, C, h, w)
    z_truth: Tensor
    video: Tensor  # (B, N, F, 4, H, W) in [-1, 1]
    truth: Tensor


@dataclass(frozen=True)
class Objective:
    """The discriminator's loss: pairing + strength (R1 + R2) + centring mean(D)^2."""

    penalty: float
    sigma: float
    centring: float

    def __call__(self, real: Tensor, fake: Tensor, real_disturbed: Tensor, fake_disturbed: Tensor) -> dict[str, Tensor]:
        pairing = relativistic_discriminator(real, fake)
        penalty = approximate_penalty(real, real_disturbed) + approximate_penalty(fake, fake_disturbed)
        centring = centring_penalty(real, fake)
        total = pairing + self.penalty * penalty + self.centring * centring
        return {"total": total, "pairing": pairing, "penalty": penalty, "mean": 0.5 * (real.mean() + fake.mean())}

    def disturb(self, x: Tensor, random: torch.Generator) -> Tensor:
        return x + self.sigma * torch.randn(x.shape, generator=random, device=x.device).to(x.dtype)


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
    mouth: float = 0.67  # share of crops at the mouth, the rest at an eye
    windows: float = 0.25  # share of steps that look at windows of the whole picture at its own scale instead
    pairs: int = 2  # crops per sample


class CropCritic:
    """Two discriminators of pixels: enlarged crops of mouth and eyes, and windows of the whole picture."""

    overlap = 0

    def __init__(self, config: CropCriticConfig, workers: Workers):
        self.config, self._workers = config, workers
        self.learners = {
            name: Learner(
                workers.place(CropDiscriminator(config.discriminator)),
                config.optimizer,
                workers.parameter_dtype,
                CropDiscriminator.in_float32,
            )
            for name in ("crops", "windows")
        }

    def __call__(self, rollout: Rollout, random: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """One update of a discriminator, then the gradient of the generator's loss on `rollout.video`."""
        config = self.config
        # every worker must turn to the same discriminator, for it is in pieces with all of them
        (drawn,) = self._workers.agree([torch.rand((), generator=random, device=random.device).item()])
        windows = drawn < config.windows
        learner = self.learners["windows" if windows else "crops"]
        last, boxes = self._places(rollout.batch, windows, random)
        real, condition = self._cut(rollout.truth, rollout.batch, last, boxes)
        leaf = rollout.video.detach().requires_grad_()
        fake, _ = self._cut(leaf, rollout.batch, last, boxes)

        held, objective = fake.detach(), config.objective
        inputs = torch.cat([real, held, objective.disturb(real, random), objective.disturb(held, random)])
        terms = objective(*learner.module(inputs, condition.repeat(4, 1, 1, 1)).chunk(4))
        terms["total"].backward()
        learner.step(progress)

        logits_real, logits_fake = learner.module(torch.cat([real, fake]), condition.repeat(2, 1, 1, 1)).chunk(2)
        loss = relativistic_generator(logits_fake, logits_real.detach())
        (gradient,) = torch.autograd.grad(loss, leaf)
        return gradient, {f"d_{key}": value.item() for key, value in terms.items() if key != "total"}

    def _places(self, batch: Batch, windows: bool, random: torch.Generator) -> tuple[Tensor, Tensor]:
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

    def _cut(self, video: Tensor, batch: Batch, last: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
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


@dataclass(frozen=True)
class LatentCriticConfig:
    overlap: int = 0  # latent frames of the segment before that are judged along, so that its continuation is
    objective: Objective = Objective(penalty=1000.0, sigma=0.1, centring=0.0)  # AAPT
    optimizer: OptimizerConfig = field(
        default_factory=lambda: OptimizerConfig(
            lr=1e-4, matrix_lr=None, betas=(0.0, 0.9), weight_decay=0.0, warmup=20, final=0.3
        )
    )


class LatentCritic:
    """The paper's discriminator. It takes over the network and the control of `origin`, a model of its own with the
    weights that it starts from (those of stage 1)."""

    def __init__(self, config: LatentCriticConfig, origin: VideoModel, workers: Workers):
        self.config, self.overlap = config, config.overlap
        module = LatentDiscriminator(origin.network, origin.control, origin.space).requires_grad_(True)
        for part in module.network.readout():  # only serves the velocity, has no part in a logit
            part.requires_grad_(False)
        self._codec = origin.codec.requires_grad_(False).to(workers.device)  # whole: it is called part by part
        workers.place(module)
        learner = Learner(module, config.optimizer, workers.parameter_dtype, module.in_float32)
        self.learners = {"latent": learner}

    def __call__(self, rollout: Rollout, random: torch.Generator, progress: float) -> tuple[Tensor, dict[str, float]]:
        """One update of the discriminator, then the gradient of the generator's loss on `rollout.z`."""
        learner, objective = self.learners["latent"], self.config.objective
        discriminator: LatentDiscriminator = learner.module
        batch, dtype = rollout.batch, rollout.z.dtype
        reference, present = batch.reference_conditions(dtype), batch.conditions(batch.prefix, dtype=dtype)
        conditions = Conditions(
            torch.cat([reference.warp, present.warp], 1), torch.cat([reference.guide, present.guide], 1)
        )
        t = torch.rand(len(rollout.z), generator=random, device=rollout.z.device)  # unshifted, one per sample

        def judge(*versions: Tensor) -> tuple[Tensor, ...]:
            observation = discriminator.control.observe(conditions, self._codec).repeat(len(versions))
            clips = [torch.cat([rollout.z_reference[:, None], z], 1) for z in versions]
            return discriminator(torch.cat(clips), observation, t.repeat(len(versions))).chunk(len(versions))

        real, held = rollout.z_truth, rollout.z.detach()
        terms = objective(*judge(real, held, objective.disturb(real, random), objective.disturb(held, random)))
        terms["total"].backward()
        learner.step(progress)

        leaf = held.requires_grad_()
        logits_real, logits_fake = judge(real, leaf)
        (gradient,) = torch.autograd.grad(relativistic_generator(logits_fake, logits_real.detach()), leaf)
        return gradient, {f"d_{key}": value.item() for key, value in terms.items() if key != "total"}
