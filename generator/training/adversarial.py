"""Stage 3: the generator runs on its own output and a discriminator judges what it makes (AAPT, adversarial training
and long-video training, appendix B).

    L_D = softplus(-(D(real) - D(fake))) + lambda (R1 + R2)        eq. 1, relativistic pairing, approximated penalties
    L_G = softplus(-(D(fake) - D(real)))

Each update of one is followed by one of the other, and each on a rollout of its own: the discriminator that judges the
generator has never seen this rollout. A long rollout is made, judged and learnt from segment by segment; segments
overlap, so that the continuation is judged, too. A segment is judged against any real clip: no long truth is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

import torch
from torch import Tensor

from generator.controls.control import Observation
from generator.discriminator import LatentDiscriminator
from generator.model import VideoModel
from generator.training.data import Batch, BatchShape
from generator.training.diffusion import freeze_codec
from generator.training.distributed import Workers
from generator.training.losses import Objective, relativistic_generator
from generator.training.optim import Learner, OptimizerConfig
from generator.training.portrait_clips import Augmentation
from generator.training.recomputation import recompute
from generator.training.sequences import Rollout, encode_clip, encode_reference, encode_truth


@dataclass(frozen=True)
class AdversarialStage:
    share: float = 0.3  # of the run's time
    shape: BatchShape = BatchShape(size=8, latents=8, crop=128)  # of a rollout; its segment is what is judged at once
    overlap: int = 0  # latent frames of the segment before that are judged along
    forcing: Literal["student", "teacher"] = "student"
    logits: Literal["frame", "clip"] = "frame"
    objective: Objective = Objective(penalty=1000.0, sigma=0.1, centring=0.0)  # AAPT, appendix B
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    discriminator_optimizer: OptimizerConfig | None = None  # None: as the generator's, which is the paper's choice
    augmentation: Augmentation = field(default_factory=Augmentation)
    recompute: bool = False  # as in the diffusion stage


@dataclass(frozen=True)
class Judged:
    """What the discriminator is shown of B clips: the reference, then K latent frames, and their conditions."""

    z: Tensor  # (B, 1 + K, C, h, w)
    conditions: Any
    past: Tensor | None = None  # (B, 1 + K, C, h, w) latents that each frame is the continuation of; None: z itself


class AdversarialTrainer:
    def __init__(
        self, config: AdversarialStage, model: VideoModel, discriminator: LatentDiscriminator, workers: Workers
    ):
        self.config, self.model, self.shapes = config, model, (config.shape, config.shape)
        freeze_codec(model)
        if config.recompute:
            recompute(model.transformer)
            recompute(discriminator.network.transformer)
        optimizer = replace(config.discriminator_optimizer or config.optimizer, average=None)
        self.learners = {
            "generator": Learner(model, config.optimizer, workers.parameter_dtype),
            "discriminator": Learner(discriminator, optimizer, workers.parameter_dtype),
        }
        self.discriminator = discriminator

    def step(self, batches: tuple[Batch, Batch], random: torch.Generator, progress: float) -> dict[str, float]:
        """One update of each per segment of a rollout. Metrics are means over the segments."""
        seen_by_d, seen_by_g = batches
        make = self._student if self.config.forcing == "student" else self._teacher
        segments = zip(make(seen_by_d, seen_by_g, random, train=False), make(seen_by_g, seen_by_d, random, train=True))
        records = []
        for (fake, real), (own_fake, own_real) in segments:
            terms = self._update_discriminator(fake, real, random, progress)
            records.append(terms | self._update_generator(own_fake, own_real, random, progress))
        return {key: sum(record[key] for record in records) / len(records) for key in records[0]}

    def _update_discriminator(
        self, fake: Judged, real: Judged, random: torch.Generator, progress: float
    ) -> dict[str, float]:
        objective, learner = self.config.objective, self.learners["discriminator"]
        disturbed = [Judged(objective.disturb(clip.z, random), clip.conditions, clip.past) for clip in (real, fake)]
        terms = objective(*self._judge([real, fake, *disturbed], random))
        terms["total"].backward()
        norm = learner.step(progress)
        return {f"d_{key}": value.item() for key, value in terms.items() if key != "total"} | {"d_gradient": norm}

    def _update_generator(
        self, fake: Judged, real: Judged, random: torch.Generator, progress: float
    ) -> dict[str, float]:
        """The discriminator's gradient stops at the latents and goes on from there, so that its weights take none."""
        leaf = fake.z.detach().requires_grad_()
        logits_real, logits_fake = self._judge([real, Judged(leaf, fake.conditions, fake.past)], random)
        loss = relativistic_generator(logits_fake, logits_real.detach())
        (gradient,) = torch.autograd.grad(loss, leaf)
        fake.z.backward(gradient)
        norm = self.learners["generator"].step(progress)
        return {"g_loss": loss.item(), "g_gradient": norm}

    def _judge(self, clips: list[Judged], random: torch.Generator) -> tuple[Tensor, ...]:
        """Logits of each of the clips, all with the same unshifted t ~ U(0, 1), one per sample (appendix B)."""
        batch, device = len(clips[0].z), clips[0].z.device
        t = torch.rand(batch, generator=random, device=device)
        observed = {id(clip.conditions): self.discriminator.observe(clip.conditions) for clip in clips}
        observation = together([observed[id(clip.conditions)] for clip in clips])
        z = torch.cat([clip.z for clip in clips])
        past = None if clips[0].past is None else torch.cat([clip.past for clip in clips])
        return self.discriminator(z, observation, t.repeat(len(clips)), past).chunk(len(clips))

    def _student(self, batch: Batch, other: Batch, random: torch.Generator, train: bool):
        """Segments of a rollout, each as (fake, real). The first has its own truth as partner, under the same
        conditions; the later ones any part of the clips of `other`."""
        count = batch.frames.shape[1]
        length = self.config.shape.segment or count
        codec = self.model.codec
        with torch.set_grad_enabled(train):
            rollout = Rollout(self.model, batch, random)
        z_reference = encode_reference(codec, batch)
        made = z_reference[:, :0]
        for start in range(0, count, length):
            stop = min(start + length, count)
            with torch.set_grad_enabled(train):
                z = rollout.extend(stop - start)
            past = 0 if start in batch.cuts else min(self.config.overlap, made.shape[1])
            seen = start - past, stop
            made = torch.cat([made, z.detach()], 1)
            fake = Judged(
                torch.cat([z_reference, made[:, seen[0] : start], z], 1),
                batch.sequence_conditions(*seen, z_reference.dtype),
            )
            partner, where = (batch, seen) if start == 0 else (other, _anywhere(other, stop - seen[0], random))
            real = Judged(
                torch.cat([encode_reference(codec, partner), encode_truth(codec, partner, *where)], 1),
                partner.sequence_conditions(*where, z_reference.dtype),
            )
            yield fake, real

    def _teacher(self, batch: Batch, other: Batch, random: torch.Generator, train: bool):
        """The comparison of appendix D: every frame is made, and judged, after the truth of the frames before it."""
        model = self.model
        z_truth, x_truth, conditions = encode_clip(model, batch)
        noise = torch.randn(x_truth.shape, generator=random, device=x_truth.device).to(x_truth.dtype)
        t = torch.ones(len(noise), device=noise.device)
        with torch.set_grad_enabled(train):
            v = model.velocity(noise, z_truth, conditions, t)
            z = model.space.to_z(noise - v, model.observe(conditions).base)
        fake = torch.cat([z_truth[:, :1], z[:, 1:]], 1)
        yield Judged(fake, conditions, z_truth), Judged(z_truth, conditions, z_truth)


def together(observations: list[Observation]) -> Observation:
    """One batch of all of them."""

    def joined(parts: Sequence[Any]) -> Any:
        if parts[0] is None:
            return None
        if isinstance(parts[0], Tensor):
            return torch.cat(list(parts))
        return type(parts[0])(*(torch.cat(matrices) for matrices in zip(*parts)))  # cameras

    return Observation(*(joined([getattr(o, each.name) for o in observations]) for each in fields(Observation)))


def _anywhere(batch: Batch, count: int, random: torch.Generator) -> tuple[int, int]:
    """Start and stop of `count` latent frames that follow one another without a cut."""
    total = batch.frames.shape[1]
    starts = [start for start in range(total - count + 1) if not any(start < cut < start + count for cut in batch.cuts)]
    if not starts:
        raise ValueError(
            f"no training clip has {count} latent frames in a row, a segment with its overlap: make longer clips "
            "(--frames of puppet actors and puppet prepare)"
        )
    chosen = int(torch.randint(len(starts), (), generator=random, device=random.device))
    return starts[chosen], starts[chosen] + count
