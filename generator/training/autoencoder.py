"""Stage 0: the autoencoder, from its principal-component start.

The decoder's input is disturbed by as much noise as the generator will later be wrong by, so that it learns to be
lenient; the encoder would answer by growing its latents, which a small penalty on their size prevents (the two
together are a variational autoencoder of fixed posterior width).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from generator.model import VideoModel
from generator.training.data import BatchShape, Source
from generator.training.distributed import Workers
from generator.training.losses import chroma_l1, gradient_l1, texture_l1, weighted_l1
from generator.training.optim import Learner, OptimizerConfig
from generator.training.portrait_clips import Augmentation, PortraitBatch
from generator.training.regions import RegionWeights, pixel_weights


@dataclass(frozen=True)
class PixelLoss:
    """Relative weights of the terms on decoded pixels."""

    gradient: float = 0.5
    chroma: float = 0.2
    texture: float = 0.5
    regions: RegionWeights = field(default_factory=RegionWeights)

    def __call__(self, video: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
        """video, truth (..., 4, H, W) in [-1, 1], weight (..., 1, H, W)."""
        error = (video - truth).contiguous()  # planar: the differences below then run along memory
        loss = weighted_l1(error, weight) + self.gradient * gradient_l1(error, weight)
        loss = loss + self.chroma * chroma_l1(error, weight)
        return loss + self.texture * texture_l1(video, truth, weight)


@dataclass(frozen=True)
class AutoencoderStage:
    share: float = 0.15  # of the run's time
    shape: BatchShape = BatchShape(size=8, latents=2, crop=128)
    noise: float = 0.15  # on the latent before the decoder; latents have about unit variance
    size_penalty: float = 1e-3
    loss: PixelLoss = field(default_factory=PixelLoss)
    optimizer: OptimizerConfig = field(default_factory=lambda: OptimizerConfig(matrix_lr=None))
    principal_groups: int = 384  # groups of four frames that the principal components come from
    augmentation: Augmentation = field(default_factory=Augmentation)


class AutoencoderTrainer:
    def __init__(self, config: AutoencoderStage, generator: VideoModel, workers: Workers):
        self.config, self.generator, self.shapes = config, generator, (config.shape,)
        generator.requires_grad_(False)
        generator.codec.requires_grad_(True)
        self.learners = {"generator": Learner(generator, config.optimizer, workers.parameter_dtype)}

    @staticmethod
    def initialise(config: AutoencoderStage, generator: VideoModel, clips: Source, seed: int) -> None:
        """Principal components of random crops, before the weights are cast or trained."""
        size = config.shape.latents * 8
        shape = BatchShape(8, config.shape.latents, config.shape.crop)
        count = max(1, config.principal_groups // size)
        batches = [clips.batch(shape, (seed, 1, i), config.augmentation) for i in range(count)]
        video = torch.cat([batch.truth().flatten(1, 2) for batch in batches])
        generator.codec.initialise_from_pca(video.to(next(generator.parameters()).device))

    def step(self, batches: tuple[PortraitBatch], random: torch.Generator, progress: float) -> dict[str, float]:
        (batch,) = batches
        learner, codec = self.learners["generator"], self.generator.codec
        dtype = codec.dtype
        truth = batch.truth(dtype=dtype)
        z = codec.encode(truth.flatten(1, 2))  # (B, N, C, h, w)
        noise = torch.randn(z.shape, generator=random, device=z.device).to(dtype)
        noisy = z + self.config.noise * noise
        with torch.no_grad():
            state = codec.initial_state(codec.encode(batch.reference_video(dtype)))
        side = self.generator.control.side(batch.conditions(dtype=dtype))
        video = codec.decode(noisy, side, state).view_as(truth)
        pixels = self.config.loss(video, truth, pixel_weights(batch, self.config.loss.regions, dtype))
        size = z.float().square().mean()
        (pixels + self.config.size_penalty * size).backward()
        norm = learner.step(progress)
        return {"loss": pixels.item(), "latent_std": size.item() ** 0.5, "gradient": norm}
