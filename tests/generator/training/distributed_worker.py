"""Run by test_distributed, alone and under torchrun: three steps of three stages, results to a JSON file."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from generator import checkpoint
from generator.training.adversarial import RolloutStage
from generator.training.critics import CropCriticConfig, LatentCriticConfig
from generator.training.data import BatchShape, Clips, make_batch
from generator.training.diffusion import DiffusionStage
from generator.training.distributed import join
from generator.training.optim import OptimizerConfig
from generator.training.recipe import make_trainer


def check_turns(trainer, workers, clips: Clips, shape: BatchShape) -> None:
    """With random numbers of their own, as in a real run, all workers still train the same discriminator in a step."""
    turns = []
    for number, key in enumerate(("crops", "windows")):
        learner = trainer.critic.learners[key]
        step = learner.step
        learner.step = lambda progress, number=number, step=step: turns.append(float(number)) or step(progress)
    trainer.critic.config = replace(trainer.critic.config, windows=0.5)
    for i in range(6):
        random = torch.Generator().manual_seed(10 * workers.rank + i)
        trainer.step(make_batch(clips.training, shape, (0, i)), random, 0.0)
    assert workers.agree(turns) == turns and set(turns) == {0.0, 1.0}, turns


def main(folder: Path, clips: Path, result: Path) -> None:
    torch.set_num_threads(1)
    shape = BatchShape(size=2, latents=2, crop=48)
    optimizer = OptimizerConfig(warmup=0)
    stages = {
        "diffusion": DiffusionStage(shape=shape, optimizer=optimizer),
        "crops": RolloutStage(shape=shape, critic=CropCriticConfig(), optimizer=optimizer),
        "latent": RolloutStage(shape=shape, critic=LatentCriticConfig(), optimizer=optimizer),
    }
    losses = {}
    with join(torch.device("cpu"), torch.float32) as workers:
        for name, stage in stages.items():
            torch.manual_seed(0)
            weights = folder / "diffusion.safetensors"
            generator = workers.place(checkpoint.load(weights))
            trainer = make_trainer(stage, generator, weights, folder, workers)
            losses[name] = [
                trainer.step(make_batch(Clips(clips).training, shape, (0, i)), torch.Generator().manual_seed(i), 0.0)
                for i in range(3)
            ]
            if name == "crops":
                check_turns(trainer, workers, Clips(clips), shape)
        state = trainer.learners["generator"].state_dict()
        total = sum(value.double().abs().sum().item() for value in state.values())
        sharded = any(hasattr(p, "full_tensor") for p in generator.parameters())
        # saving and resuming go through whole tensors
        optimizer_state = trainer.learners["generator"].optimizer_tensors()
        trainer.learners["generator"].load_state_dict(state)
        trainer.learners["generator"].load_optimizer_tensors(optimizer_state)
        if workers.main:
            record = {"processes": workers.count, "sharded": sharded, "losses": losses, "weights": total}
            result.write_text(json.dumps(record))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
