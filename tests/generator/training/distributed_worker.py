"""Run by test_distributed, alone and under torchrun: three steps of a stage of every kind, results to a JSON file."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch

from generator import checkpoint
from generator.training.adversarial import AdversarialStage
from generator.training.crops import CropCriticConfig
from generator.training.data import BatchShape, Clips
from generator.training.diffusion import DiffusionStage
from generator.training.distributed import join
from generator.training.optim import OptimizerConfig
from generator.training.recomputation import recompute
from generator.training.reconstruction import ReconstructionStage
from generator.training.run import make_trainer


def draw(trainer, clips: Clips, step: int):
    return tuple(clips.training.batch(shape, (0, step, number)) for number, shape in enumerate(trainer.shapes))


def check_turns(trainer, workers, clips: Clips) -> None:
    """With random numbers of their own, as in a real run, all workers still train the same discriminator in a step."""
    turns = []
    for number, key in enumerate(("crops", "windows")):
        learner = trainer.critic.learners[key]
        step = learner.step
        learner.step = lambda progress, number=number, step=step: turns.append(float(number)) or step(progress)
    trainer.critic.config = replace(trainer.critic.config, windows=0.5)
    for i in range(6):
        random = torch.Generator().manual_seed(10 * workers.rank + i)
        trainer.step(draw(trainer, clips, i), random, 0.0)
    assert workers.agree(turns) == turns and set(turns) == {0.0, 1.0}, turns


def main(folder: Path, clip_folder: Path, result: Path, precision: str) -> None:
    torch.set_num_threads(1)
    shape = BatchShape(size=2, latents=2, crop=48)
    optimizer = OptimizerConfig(warmup=0)
    plain = replace(optimizer, lr=3e-5, matrix_lr=None, betas=(0.0, 0.9), rule="rmsprop", clip=1.0)
    stages = {
        "diffusion": DiffusionStage(shape=shape, optimizer=optimizer),
        "crops": ReconstructionStage(shape=shape, critic=CropCriticConfig(), optimizer=optimizer),
        "adversarial": AdversarialStage(shape=replace(shape, segment=1), overlap=1, optimizer=plain),
    }
    if precision == "bfloat16":
        stages.pop("crops")
    losses = {}
    clips = Clips(clip_folder)
    with join(torch.device("cpu"), getattr(torch, precision)) as workers:
        for name, stage in stages.items():
            torch.manual_seed(0)
            weights = folder / "diffusion.safetensors"
            model = checkpoint.load(weights)
            recompute(model.transformer)
            trainer = make_trainer(stage, workers.place(model), weights, folder, workers)
            losses[name] = [
                trainer.step(draw(trainer, clips, i), torch.Generator().manual_seed(i), 0.0) for i in range(3)
            ]
            if name == "crops":
                check_turns(trainer, workers, clips)
        state = trainer.learners["generator"].state_dict()
        total = sum(value.double().abs().sum().item() for value in state.values())
        sharded = any(hasattr(p, "full_tensor") for p in model.parameters())
        block = model.transformer.blocks[0]
        exact = block.modulation.dtype == model.codec.linear_in.weight.dtype == torch.float32
        # saving and resuming go through whole tensors
        optimizer_state = trainer.learners["generator"].optimizer_tensors()
        trainer.learners["generator"].load_state_dict(state)
        trainer.learners["generator"].load_optimizer_tensors(optimizer_state)
        if workers.main:
            record = {
                "processes": workers.count, "sharded": sharded, "losses": losses, "weights": total,
                "exact": exact and not hasattr(block.modulation, "full_tensor"),
            }
            result.write_text(json.dumps(record))


if __name__ == "__main__":
    *paths, precision = sys.argv[1:]
    main(*(Path(argument) for argument in paths), precision)
