"""Stage 3, student forcing: the generator runs exactly as at inference and is judged by what it makes (AAPT, 3.3).

The same trainer serves the reconstruction stage (losses against the truth alone) and the adversarial ones, and with
`forcing="teacher"` the comparison in which the recycled latent is the truth's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from generator.portrait.conditions import Conditions
from generator.portrait.surroundings import around_face
from generator.model import VideoModel
from generator.training.autoencoder import PixelLoss
from generator.training.critics import CropCritic, CropCriticConfig, LatentCritic, LatentCriticConfig, Rollout
from generator.training.data import Augmentation, Batch, BatchShape
from generator.training.distributed import Workers
from generator.training.optim import Learner, OptimizerConfig
from generator.training.regions import pixel_weights

UNDRAWN = 0.1  # weight of latents that nobody sees: they are recycled like all others and must not run away


@dataclass(frozen=True)
class RolloutStage:
    share: float = 0.6  # of the run's time
    shape: BatchShape = BatchShape(size=8, latents=3, crop=128, prefix=(0, 4))
    forcing: Literal["student", "teacher"] = "student"
    segment: int | None = None  # latent frames between two cuts of the graph; None: all that have a truth at once
    cache_gradient: bool = True  # through the keys and values to earlier frames of the segment
    latent: float = 1.0  # weight of the latent's distance to the truth's
    pixel: float = 2.0  # weight of the decoded frames' distance
    loss: PixelLoss = field(default_factory=PixelLoss)
    decoder: bool = True  # train the decoder too
    critic: CropCriticConfig | LatentCriticConfig | None = None
    adversarial: float | None = 1.0  # gradient norm relative to the reconstruction's where the two meet; None: as it is
    largest_weight: float = 0.5  # of the adversarial gradient, when its norm is matched
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(wander=0.0))  # only faces are drawn


def train_generator(generator: VideoModel, decoder: bool) -> None:
    """Gradients for control, network and, if asked, the decoder; the latent space itself stays as it is."""
    generator.requires_grad_(True)
    for part in (generator.codec.encoder, generator.codec.linear_in):
        part.requires_grad_(False)
    if not decoder:
        generator.codec.requires_grad_(False)


def generator_learner(config: OptimizerConfig, generator: VideoModel, workers: Workers) -> Learner:
    """A learner that leaves those parameters in float32 that the transformer wants so."""
    keep = generator.transformer.keep_fp32
    return Learner(generator, config, workers.parameter_dtype, lambda name: any(part in name for part in keep))


class RolloutTrainer:
    """`origin`: the weights that a latent discriminator starts from, a generator of its own."""

    def __init__(
        self, config: RolloutStage, generator: VideoModel, workers: Workers, origin: VideoModel | None = None
    ):
        self.config, self.generator = config, generator
        train_generator(generator, config.decoder)
        self.learners = {"generator": generator_learner(config.optimizer, generator, workers)}
        self.critic = None
        if isinstance(config.critic, CropCriticConfig):
            self.critic = CropCritic(config.critic, workers)
        elif isinstance(config.critic, LatentCriticConfig):
            self.critic = LatentCritic(config.critic, origin, workers)
        if self.critic:
            self.learners |= self.critic.learners

    def step(self, batch: Batch, random: torch.Generator, progress: float) -> dict[str, float]:
        config, generator = self.config, self.generator
        dtype = generator.codec.dtype
        with torch.no_grad():
            truth = batch.truth(dtype)
            z_truth = generator.codec.encode(truth.flatten(1, 2))
        weight = pixel_weights(batch, config.loss.regions, dtype)  # (B, N, F, 1, H, W)
        reach = generator.config.control.reach
        if reach is not None:  # what is not drawn does not count
            weight = weight * around_face(batch.conditions(batch.prefix, dtype=dtype).guide, reach)
        count = batch.frames.shape[1]
        length = config.segment or count
        metrics: dict[str, float] = {}
        make = self._student if config.forcing == "student" else self._teacher
        made = z_truth[:, :0]  # of the segments before
        for z, z_before, z_reference in make(batch, z_truth, length, random):
            terms = self._backward(batch, z, made, z_before, z_reference, z_truth, truth, weight, random, progress)
            for key, value in terms.items():
                metrics[key] = metrics.get(key, 0.0) + value * z.shape[1] / count
            made = torch.cat([made, z.detach()], 1)
        metrics["gradient"] = self.learners["generator"].step(progress)
        return metrics

    def _student(self, batch: Batch, z_truth: Tensor, length: int, random: torch.Generator):
        """Segments of a rollout, each with its graph: (z (B, n, C, h, w), latent before it, portrait's latent).
        Latent frames before those with a truth are rolled out without a gradient."""
        generator, dtype = self.generator, z_truth.dtype
        count = z_truth.shape[1]
        state = generator.lock(batch.reference_video(dtype), batch.reference_conditions(dtype))
        z_reference = z_last = state.previous.detach()

        def noise() -> Tensor:
            made = torch.randn(z_reference.shape, generator=random, device=z_reference.device)
            return made.to(dtype)[None, :, None]

        if batch.prefix:
            with torch.no_grad():
                observation = generator.observe(batch.conditions(0, batch.prefix, dtype))
                for i in range(batch.prefix):
                    z, state = generator.advance(observation.frames(i, i + 1), state, noise())
                    z_last = z[:, 0]
        for start in range(0, count, length):
            stop = min(start + length, count)
            observation = generator.observe(batch.conditions(batch.prefix + start, batch.prefix + stop, dtype))
            made, before = [], z_last
            for i in range(stop - start):
                z, state = generator.advance(observation.frames(i, i + 1), state, noise())
                z_last = z[:, 0]
                made.append(z_last)
                if not self.config.cache_gradient:
                    state = state.detach()
            yield torch.stack(made, 1), before, z_reference
            state, z_last = state.detach(), z_last.detach()

    def _teacher(self, batch: Batch, z_truth: Tensor, length: int, random: torch.Generator):
        """All frames at once from noise, each with the truth of the one before it."""
        generator, dtype = self.generator, z_truth.dtype
        with torch.no_grad():
            z_reference = generator.codec.encode(batch.reference_video(dtype))
        sequence, conditions = with_reference(batch, z_reference, z_truth)
        noise = torch.randn(sequence.shape, generator=random, device=sequence.device).to(dtype)
        t = torch.ones(len(sequence), device=sequence.device)
        with torch.no_grad():
            base = generator.observe(conditions).base
        v = generator.velocity(noise, sequence, conditions, t)
        z = generator.space.to_z(noise - v, base)[:, 1:]
        yield z, z_reference[:, 0], z_reference[:, 0]

    def _backward(
        self, batch: Batch, z: Tensor, made: Tensor, z_before: Tensor, z_reference: Tensor, z_truth: Tensor,
        truth: Tensor, weight: Tensor, random: torch.Generator, progress: float,
    ) -> dict[str, float]:
        """Gradients of the segment z, which follows the frames `made`; they meet at the latents and at the decoded
        frames, where their sizes can be compared."""
        config, critic = self.config, self.critic
        part = slice(made.shape[1], made.shape[1] + z.shape[1])
        segment, truth, weight = _segment(batch, part), truth[:, part], weight[:, part]
        leaf = z.detach().requires_grad_()
        cells = F.avg_pool2d(weight.mean(2).flatten(0, 1), 8).unflatten(0, z.shape[:2]) + UNDRAWN  # (B, N, 1, h, w)
        distance = F.smooth_l1_loss(leaf, z_truth[:, part], beta=0.5, reduction="none").mean(2, keepdim=True)
        latent = (distance * cells).mean(dtype=torch.float32)
        metrics = {"latent": latent.item()}
        outputs, gradients = [z], [*torch.autograd.grad(config.latent * latent, leaf)]
        video = truth
        if config.pixel or isinstance(critic, CropCritic):
            conditions = segment.conditions(dtype=z.dtype)
            codec, control = self.generator.codec, self.generator.control
            video = codec.decode(z, control.side(conditions), codec.initial_state(z_before.detach()[:, None]))
            video = control.finish(video, conditions).view_as(truth)
            leaf = video.detach().requires_grad_()
            pixel = config.loss(leaf, truth, weight)
            metrics["pixel"] = pixel.item()
            outputs.append(video)
            gradients += torch.autograd.grad(config.pixel * pixel, leaf)
        if critic:
            past = min(critic.overlap, part.start)
            seen = slice(part.start - past, part.stop)
            z_seen = torch.cat([made[:, part.start - past :], z.detach()], 1)
            rollout = Rollout(_segment(batch, seen), z_reference, z_seen, z_truth[:, seen], video.detach(), truth)
            gradient, terms = critic(rollout, random, progress)
            place = 1 if isinstance(critic, CropCritic) else 0
            gradient = gradient[:, past:]
            share = 1.0
            if config.adversarial is not None:
                ratio = gradients[place].float().norm() / gradient.float().norm().clamp_min(1e-12)
                share = min(config.adversarial * ratio.item(), config.largest_weight)
            gradients[place] = gradients[place] + share * gradient
            metrics |= {**terms, "adversarial_weight": share}
        torch.autograd.backward(outputs, gradients)
        return metrics


def with_reference(batch: Batch, z_reference: Tensor, z_truth: Tensor) -> tuple[Tensor, Conditions]:
    """The portrait as frame 0 before the frames that have a truth: latents (B, 1 + N, C, h, w) and their conditions."""
    reference = batch.reference_conditions(z_truth.dtype)
    present = batch.conditions(batch.prefix, dtype=z_truth.dtype)
    conditions = Conditions(
        torch.cat([reference.warp, present.warp], 1), torch.cat([reference.guide, present.guide], 1)
    )
    return torch.cat([z_reference, z_truth], 1), conditions


def _segment(batch: Batch, part: slice) -> Batch:
    """Those of the frames with a truth, without the latents before them."""
    maps = slice(batch.prefix + part.start, batch.prefix + part.stop)
    return Batch(
        batch.frames[:, part], batch.warp[:, maps], batch.guide[:, maps],
        batch.reference, batch.reference_warp, batch.reference_guide, batch.boxes[:, part],
    )
