"""One step of each of the paper's stages, with its own numbers, on a share of one batch: run under torchrun by
test_distributed, and by the test itself for all of it. Leaves every gradient as it is when the optimizer gets it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from generator.discriminator import LatentDiscriminator
from generator.model import VideoModel
from generator.training import optim
from generator.training.adversarial import AdversarialTrainer
from generator.training.consistency import ConsistencyTrainer
from generator.training.data import BatchShape
from generator.training.diffusion import DiffusionTrainer
from generator.training.distributed import Workers, join, whole
from generator.training.loop import Trainer
from generator.training.recipes import PAPER
from generator.training.sprites import SpriteBatch, SpriteWorld, sprite_model

CLIPS = 8  # of the whole batch
SHAPE = BatchShape(size=CLIPS, latents=4, crop=32, segment=2)
STAGES = ("diffusion", "consistency", "long")


def make_model() -> VideoModel:
    torch.manual_seed(0)
    model = VideoModel(sprite_model(dim=24, layers=3, width=16))
    torch.nn.init.normal_(model.network.after[-1].weight, std=0.05)
    return model


def make_trainer(name: str, workers: Workers) -> Trainer:
    model, other = make_model(), make_model()
    stage = replace(PAPER.stages[name], shape=SHAPE)
    if name == "diffusion":
        return DiffusionTrainer(stage, workers.place(model), workers)
    if name == "consistency":
        return ConsistencyTrainer(stage, workers.place(model), workers.place(other), workers)
    torch.manual_seed(1)
    judge = LatentDiscriminator(other.network, other.control, other.space, model.codec)
    return AdversarialTrainer(replace(stage, overlap=1), workers.place(model), workers.place(judge), workers)


def share_of(batch: SpriteBatch, workers: Workers) -> SpriteBatch:
    parts = {
        name: getattr(batch, name).chunk(workers.count)[workers.rank]
        for name in ("frames", "dots", "reference", "reference_dots")
    }
    return replace(batch, **parts)


def sharing(draw: Callable[..., Tensor], workers: Workers) -> Callable[..., Tensor]:
    """Random numbers for the whole batch, of which this process takes its share: those that one process would take."""
    share = CLIPS // workers.count

    def drawn(*args, **kwargs) -> Tensor:
        *limits, shape = args
        shape = [shape] if isinstance(shape, int) else list(shape)
        if share not in shape[:2]:
            return draw(*args, **kwargs)
        axis = shape.index(share)
        shape[axis] = CLIPS
        return draw(*limits, tuple(shape), **kwargs).chunk(workers.count, axis)[workers.rank]

    return drawn


def gradients(workers: Workers) -> dict[str, Tensor]:
    """Of every update of every stage, on every process."""
    found: dict[str, Tensor] = {}
    plain = {name: getattr(torch, name) for name in ("rand", "randn", "randint")}, optim.clip_gradients

    def note(parameters: list[Tensor], largest: float) -> float:
        update = len({key.rsplit(".", 1)[0] for key in found})
        for index, parameter in enumerate(parameters):
            if parameter.grad is not None:
                found[f"{stage}.{update}.{index}"] = whole(parameter.grad).clone()
        return plain[1](parameters, largest)

    optim.clip_gradients = note
    try:
        for stage in STAGES:
            trainer = make_trainer(stage, workers)
            batches = [SpriteWorld().batch(shape, (0, number)) for number, shape in enumerate(trainer.shapes)]
            for name, draw in plain[0].items():
                setattr(torch, name, sharing(draw, workers))
            shares = tuple(share_of(batch, workers) for batch in batches)
            trainer.step(shares, torch.Generator().manual_seed(0), 0.0)
            for name, draw in plain[0].items():
                setattr(torch, name, draw)
    finally:
        optim.clip_gradients = plain[1]
        for name, draw in plain[0].items():
            setattr(torch, name, draw)
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    with join(torch.device("cpu"), torch.float32) as workers:
        found = gradients(workers)
        if workers.main:
            save_file(found, Path(sys.argv[1]))
