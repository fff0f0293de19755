"""Student-forced regression for portraits: the generator runs on its own output and has to meet the truth, in latents
and pixels. No part of AAPT: it works where a control's base latent tells most of the answer, as a warped portrait does.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from generator.model import VideoModel
from generator.portrait.surroundings import around_face
from generator.training.autoencoder import PixelLoss
from generator.training.crops import CropCritic, CropCriticConfig
from generator.training.data import BatchShape
from generator.training.distributed import Workers
from generator.training.optim import Learner, OptimizerConfig
from generator.training.portrait_clips import Augmentation, PortraitBatch
from generator.training.regions import pixel_weights
from generator.training.sequences import Rollout, encode_reference, encode_truth

UNDRAWN = 0.1  # weight of latents that nobody sees: they are recycled like all others and must not run away


@dataclass(frozen=True)
class ReconstructionStage:
    share: float = 0.6  # of the run's time
    shape: BatchShape = BatchShape(size=8, latents=3, crop=128, prefix=(0, 4))
    forcing: str = "student"  # or "teacher", for comparison: the recycled latent is the truth's
    latent: float = 1.0  # weight of the latent's distance to the truth's
    pixel: float = 2.0  # weight of the decoded frames' distance
    loss: PixelLoss = field(default_factory=PixelLoss)
    critic: CropCriticConfig | None = None
    adversarial: float = 1.0  # norm of its gradient relative to the pixel loss's
    largest_weight: float = 0.5  # of the adversarial gradient
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    # only faces are drawn, so no crop wanders off
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(wander=0.0, still=0.3))


class ReconstructionTrainer:
    def __init__(self, config: ReconstructionStage, model: VideoModel, workers: Workers):
        self.config, self.model, self.shapes = config, model, (config.shape,)
        model.requires_grad_(True)  # the decoder learns too; the latent space stays as it is
        for part in (model.codec.encoder, model.codec.linear_in):
            part.requires_grad_(False)
        self.learners = {"generator": Learner(model, config.optimizer, workers.parameter_dtype)}
        self.critic = CropCritic(config.critic, workers) if config.critic else None
        if self.critic:
            self.learners |= self.critic.learners

    def step(self, batches: tuple[PortraitBatch], random: torch.Generator, progress: float) -> dict[str, float]:
        (batch,) = batches
        config, model, critic = self.config, self.model, self.critic
        dtype = model.codec.dtype
        z_truth, truth = encode_truth(model.codec, batch), batch.truth(dtype=dtype).contiguous()  # planar, as the video
        conditions = batch.conditions(batch.prefix, dtype=dtype)
        weight = pixel_weights(batch, config.loss.regions, dtype)  # (B, N, F, 1, H, W)
        drawn = model.control.config
        if drawn.reach is not None:  # what is not drawn does not count
            weight = weight * around_face(conditions.guide, drawn.reach, drawn.lips)
        make = self._student if config.forcing == "student" else self._teacher
        z, z_before = make(batch, z_truth, random)

        # the losses' gradients meet at the latents and at the decoded frames, where their sizes can be compared
        leaf = z.detach().requires_grad_()
        cells = F.avg_pool2d(weight.mean(2).flatten(0, 1), 8).unflatten(0, z.shape[:2]) + UNDRAWN  # (B, N, 1, h, w)
        distance = F.smooth_l1_loss(leaf, z_truth, beta=0.5, reduction="none").mean(2, keepdim=True)
        latent = (distance * cells).mean(dtype=torch.float32)
        (z_gradient,) = torch.autograd.grad(config.latent * latent, leaf)

        decoder = model.codec.initial_state(z_before.detach())
        video = model.control.finish(model.codec.decode(z, model.control.side(conditions), decoder), conditions)
        video = video.unflatten(1, truth.shape[1:3])  # (B, N, F, 4, H, W)
        leaf = video.detach().requires_grad_()
        pixel = config.loss(leaf, truth, weight)
        (gradient,) = torch.autograd.grad(config.pixel * pixel, leaf)
        metrics = {"latent": latent.item(), "pixel": pixel.item()}
        if critic:
            real = model.control.finish(truth.flatten(1, 2), conditions)  # true as far as the model draws
            real = real.unflatten(1, truth.shape[1:3])
            adversarial, terms = critic(batch, video.detach(), real, random, progress)
            ratio = gradient.float().norm() / adversarial.float().norm().clamp_min(1e-12)
            factor = min(config.adversarial * ratio.item(), config.largest_weight)
            gradient = gradient + factor * adversarial
            metrics |= {**terms, "adversarial_weight": factor}
        torch.autograd.backward([z, video], [z_gradient, gradient])
        metrics["gradient"] = self.learners["generator"].step(progress)
        return metrics

    def _student(self, batch: PortraitBatch, z_truth: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """A rollout (B, N, C, h, w) and the latent before it (B, 1, C, h, w). Latent frames before those with a truth
        are made without a gradient."""
        rollout = Rollout(self.model, batch, random)
        before = encode_reference(self.model.codec, batch)
        if batch.prefix:
            with torch.no_grad():
                before = rollout.extend(batch.prefix)[:, -1:]
        return rollout.extend(z_truth.shape[1]), before

    def _teacher(self, batch: PortraitBatch, z_truth: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """All frames at once from noise, each with the truth of the one before it."""
        model, reference = self.model, encode_reference(self.model.codec, batch)
        sequence = torch.cat([reference, z_truth], 1)
        conditions = batch.sequence_conditions(batch.prefix, dtype=sequence.dtype)
        noise = torch.randn(sequence.shape, generator=random, device=sequence.device).to(sequence.dtype)
        v = model.velocity(noise, sequence, conditions, torch.ones(len(sequence), device=sequence.device))
        return model.space.to_z(noise - v, model.observe(conditions).base)[:, 1:], reference
