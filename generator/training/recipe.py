"""The order and the times of the stages, and `train`, which runs them.

    train("pocket", "data/", "runs/pocket", minutes=60)

leaves in `out`: `<stage>.safetensors` (the model after a stage), `<preset>.safetensors` (the newest usable model),
`<stage>.state.safetensors` (to go on from), `log.jsonl`, `loss.png` and `sheets/`. The same command again goes on where
the last one stopped, killed or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from generator import checkpoint
from generator.config import ModelConfig
from generator.model import VideoModel
from generator.models import get_model
from generator.training import sheets
from generator.training.adversarial import RolloutStage, RolloutTrainer
from generator.training.autoencoder import AutoencoderStage, AutoencoderTrainer
from generator.training.consistency import ConsistencyStage, ConsistencyTrainer
from generator.training.critics import CropCriticConfig, LatentCriticConfig
from generator.training.data import BatchShape, Clips
from generator.training.diffusion import DiffusionStage, DiffusionTrainer
from generator.training.distributed import Workers, join
from generator.training.loop import Budget, Pace, Trainer, run_stage
from generator.training.optim import OptimizerConfig, compute_dtype
from generator.training.state import Progress, claim

StageConfig = AutoencoderStage | DiffusionStage | ConsistencyStage | RolloutStage


@dataclass(frozen=True)
class Recipe:
    """All stages that a preset knows, in order, and those that it takes when none are asked for."""

    stages: dict[str, StageConfig]
    default: tuple[str, ...]

    def select(self, names: Sequence[str] | None) -> dict[str, StageConfig]:
        names = tuple(names or self.default)
        for name in names:
            if name not in self.stages:
                raise ValueError(f"no training stage {name!r}; the stages are {', '.join(self.stages)}")
        return {name: stage for name, stage in self.stages.items() if name in names}


ADVERSARIAL = OptimizerConfig(lr=2e-4, matrix_lr=2e-4, betas=(0.5, 0.95), weight_decay=0.0, average=0.995)

# The small model sees so much of the answer in its conditions that regression under student forcing comes first;
# adversarial training ends it. Diffusion and consistency, the paper's first stages, are there to be asked for.
POCKET = Recipe(
    stages={
        "autoencoder": AutoencoderStage(share=0.15),
        "diffusion": DiffusionStage(share=0.3),
        "consistency": ConsistencyStage(share=0.15),
        "reconstruction": RolloutStage(share=0.55),
        "adversarial": RolloutStage(share=0.3, critic=CropCriticConfig(), optimizer=ADVERSARIAL),
        "latent_adversarial": RolloutStage(
            share=0.3,
            shape=BatchShape(size=4, latents=4, crop=128, prefix=(0, 4)),
            critic=LatentCriticConfig(),
            optimizer=ADVERSARIAL,
        ),
    },
    default=("autoencoder", "reconstruction", "adversarial"),
)

# AAPT (Lin et al. 2025, arXiv 2506.09350) on a given latent space: no reconstruction terms, one-to-one updates.
PAPER = Recipe(
    stages={
        "diffusion": DiffusionStage(share=0.6, optimizer=OptimizerConfig(lr=1e-5, matrix_lr=None), shift=24.0),
        "consistency": ConsistencyStage(share=0.15, optimizer=OptimizerConfig(lr=1e-5, matrix_lr=None), shift=24.0),
        "latent_adversarial": RolloutStage(
            share=0.1,
            shape=BatchShape(size=8, latents=60, crop=256),
            latent=0.0,
            pixel=0.0,
            decoder=False,
            critic=LatentCriticConfig(),
            adversarial=None,
            optimizer=OptimizerConfig(lr=3e-6, matrix_lr=None, betas=(0.0, 0.9), weight_decay=0.0, clip=math.inf),
        ),
        "long": RolloutStage(
            share=0.15,
            shape=BatchShape(size=2, latents=324, crop=256),
            segment=54,
            latent=0.0,
            pixel=0.0,
            decoder=False,
            critic=LatentCriticConfig(overlap=6),
            adversarial=None,
            optimizer=OptimizerConfig(lr=1e-5, matrix_lr=None, betas=(0.0, 0.9), weight_decay=0.0, clip=math.inf),
        ),
    },
    default=("diffusion", "consistency", "latent_adversarial", "long"),
)


RECIPES = {"pocket": POCKET, "paper": PAPER}


def train(
    preset: str,
    data: Path | str,
    out: Path | str,
    minutes: float | None = None,
    stages: Sequence[str] | None = None,
    device: str = "cpu",
    steps: int | None = None,
    start: Path | str | None = None,
    seed: int = 0,
    threads: int | None = None,
    batch: int | None = None,
    crop: int | None = None,
    pace: Pace = Pace(),
    precision: torch.dtype | None = None,
) -> Path:
    """Train a preset on a folder of clips; returns the path of the finished model.

    minutes: of the whole run, shared out by the stages' `share`; steps: per stage, instead or besides. stages: names,
    all of the preset's default ones if None. start: weights to begin with (fine-tuning); the autoencoder then keeps its
    linear path; without it the first stage begins with what `out` already holds of the stages before it. batch, crop:
    override every stage's. precision: None takes bfloat16 where the device is faster in it.
    Raises ValueError on a wrong name, unusable data, a stage that has nothing to begin with, or an `out` whose stages
    were trained on something else, `Interrupted` after a clean stop.
    """
    if minutes is None and steps is None:
        raise ValueError("a training run needs minutes or steps")
    model = get_model(preset)
    config, everything = model.config, RECIPES[model.recipe]
    recipe = everything.select(stages)
    clips = Clips(data)
    out = Path(out)
    newest = Path(start) if start else _before(next(iter(recipe)), everything, out)
    out.mkdir(parents=True, exist_ok=True)
    origin = {"data": str(Path(data).resolve()), "from": str(Path(start).resolve()) if start else None}
    if threads:
        torch.set_num_threads(threads)
    place = torch.device(device)
    shares = sum(stage.share for stage in recipe.values())
    with join(place, precision or compute_dtype(place)) as workers:
        for name, stage in recipe.items():
            shape = replace(stage.shape, crop=clips.crop(crop or stage.shape.crop), size=batch or stage.shape.size)
            finished = out / f"{name}.safetensors"
            if newest is None and not isinstance(stage, AutoencoderStage):
                raise ValueError(
                    f"stage {name} begins with a trained autoencoder, and {out} holds none: train the stage autoencoder "
                    "first, or begin with finished weights (--from)"
                )
            claim(out, name, origin)
            if not finished.exists():
                budget = Budget(60 * minutes * stage.share / shares if minutes else math.inf, steps or Budget.steps)
                _run(name, replace(stage, shape=shape), config, newest, clips, out, budget, seed, workers, pace)
            newest = finished
    return newest


def _before(first: str, recipe: Recipe, out: Path) -> Path | None:
    """The weights of the last stage before `first` that `out` holds."""
    earlier = [out / f"{name}.safetensors" for name in list(recipe.stages)[: list(recipe.stages).index(first)]]
    return next((path for path in reversed(earlier) if path.exists()), None)


def _run(
    name: str, stage: StageConfig, config: ModelConfig, newest: Path | None, clips: Clips, out: Path, budget: Budget,
    seed: int, workers: Workers, pace: Pace,
) -> None:
    """One stage from the newest weights to its finished file."""
    state = out / f"{name}.state.safetensors"
    torch.manual_seed(seed)
    generator = _load(config, newest)
    if isinstance(stage, AutoencoderStage) and newest is None and not state.exists():
        AutoencoderTrainer.initialise(stage, generator, clips.training, seed)
    trainer = make_trainer(stage, workers.place(generator), newest, out, workers)

    def save(path: Path, dtype: torch.dtype) -> None:
        weights = trainer.learners["generator"].result()
        if workers.main:
            plain = VideoModel(config)
            plain.load_state_dict(weights)
            checkpoint.save(path, plain, dtype)

    def on_sheet(progress: Progress) -> dict[str, float]:
        latents = min(8, max(3, clips.held_out[0].length // 4))
        path = out / "sheets" / f"{name}_{progress.step:06d}.png" if workers.main else None
        save(out / f"{config.name}.safetensors", torch.float16)
        return sheets.evaluate(generator, clips.held_out[:5], latents, path, isinstance(stage, AutoencoderStage))

    run_stage(name, trainer, stage.shape, stage.augmentation, clips, out, budget, seed, workers, on_sheet, pace)
    save(out / f"{name}.safetensors", torch.float32)
    if workers.main:
        state.unlink()
    workers.agree([0.0])  # nobody reads the file before it is there


def make_trainer(
    stage: StageConfig, generator: VideoModel, newest: Path | None, out: Path, workers: Workers
) -> Trainer:
    """The trainer of a stage; a latent discriminator and a consistency teacher start from the diffusion stage."""
    if isinstance(stage, AutoencoderStage):
        return AutoencoderTrainer(stage, generator, workers)
    if isinstance(stage, DiffusionStage):
        return DiffusionTrainer(stage, generator, workers)
    diffusion = out / "diffusion.safetensors"
    if isinstance(stage, ConsistencyStage):
        if not diffusion.exists():
            raise ValueError(f"consistency distillation needs {diffusion}: train the diffusion stage first")
        return ConsistencyTrainer(stage, generator, workers.place(_load(generator.config, diffusion)), workers)
    origin = None
    if isinstance(stage.critic, LatentCriticConfig):
        origin = _load(generator.config, diffusion if diffusion.exists() else newest)
    return RolloutTrainer(stage, generator, workers, origin)


def _load(config: ModelConfig, path: Path | None) -> VideoModel:
    if path is None:
        return VideoModel(config)
    generator = checkpoint.load(path)
    if generator.config != config:
        raise ValueError(f"{path} holds another model than preset {config.name!r}")
    return generator.train()
