"""`train` takes a model through the stages of a recipe.

    train("pocket", "data/", "runs/pocket", minutes=60)

leaves in `out`: `<stage>.safetensors` (the model after a stage), `<stage>.discriminator.safetensors`,
`<model>.safetensors` (the newest usable model), `<stage>.state.safetensors` (to go on from), `log.jsonl`, `loss.png`
and `sheets/`. The same command again goes on where the last one stopped, killed or not.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file

from generator import checkpoint
from generator.codecs.patch import PatchCodecConfig
from generator.config import ModelConfig
from generator.discriminator import LatentDiscriminator
from generator.model import VideoModel
from generator.models import get_model
from generator.training import sheets, video_sheets
from generator.training.adversarial import AdversarialStage, AdversarialTrainer
from generator.training.autoencoder import AutoencoderStage, AutoencoderTrainer
from generator.training.consistency import ConsistencyStage, ConsistencyTrainer
from generator.training.data import BatchShape, Clips, Silent
from generator.training.diffusion import DiffusionStage, DiffusionTrainer
from generator.training.distributed import Workers, join
from generator.training.loop import Budget, Pace, Trainer, run_stage
from generator.training.optim import compute_dtype
from generator.training.portrait_clips import PortraitClip
from generator.training.recipes import Recipe, StageConfig, get_recipe
from generator.training.reconstruction import ReconstructionTrainer
from generator.training.state import Progress, claim, save_tensors
from generator.training.video_clips import VideoClip

DISCRIMINATOR = "discriminator.safetensors"


def train(
    model: str,
    data: Path | str,
    out: Path | str,
    minutes: float | None = None,
    recipe: str | None = None,
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
    """Train a model on a folder of clips; returns the path of the finished weights.

    recipe: a name of `recipes.RECIPES`; None: the model's own. minutes: of the whole run, divided by the stages'
    `share`; steps: per stage, instead or besides. stages: names, the recipe's default ones if None. start: weights to
    begin with (fine-tuning); without it the first stage begins with what `out` already holds of the stages before it.
    batch, crop: override every stage's. precision: None takes bfloat16 where the device is faster in it.
    Raises ValueError on a wrong name, unusable data, a stage that has nothing to begin with, or an `out` whose stages
    were trained on something else, `Interrupted` after a clean stop.
    """
    if minutes is None and steps is None:
        raise ValueError("a training run needs minutes or steps")
    entry = get_model(model)
    recipe = recipe or entry.recipe
    config, everything = _config(entry.config, start), get_recipe(recipe)
    portrait = isinstance(config.codec, PatchCodecConfig)  # the one codec that is trained here, and is shown the warp
    if everything.portraits_only and not portrait:
        raise ValueError(f"recipe {recipe!r} is for models of a warped portrait, and {model!r} is none: choose paper")
    chosen = everything.select(stages)
    clips = Clips(data, PortraitClip if portrait else VideoClip)
    out = Path(out)
    newest = Path(start) if start else _before(next(iter(chosen)), everything, out)
    if newest is not None or not portrait:
        chosen = {name: stage for name, stage in chosen.items() if stages or not isinstance(stage, AutoencoderStage)}
    out.mkdir(parents=True, exist_ok=True)
    origin = {"data": str(Path(data).resolve()), "from": str(Path(start).resolve()) if start else None}
    if threads:
        torch.set_num_threads(threads)
    place = torch.device(device)
    shares = sum(stage.share for stage in chosen.values())
    with join(place, precision or compute_dtype(place)) as workers:
        for name, stage in chosen.items():
            finished = out / f"{name}.safetensors"
            if newest is None and not isinstance(stage, AutoencoderStage):
                raise ValueError(
                    f"stage {name} begins with a trained codec (autoencoder), and {out} holds none: begin with weights "
                    "(--from), or where the recipe has a stage autoencoder, train that first"
                )
            claim(out, name, origin)
            if not finished.exists():
                shape = fit(stage.shape, clips, batch, crop)
                if workers.main and (shape.latents, shape.segment) != (stage.shape.latents, stage.shape.segment):
                    in_a_row = shape.segment or shape.latents
                    print(f"{name}: {in_a_row} latent frames in a row, all that every clip has", file=sys.stderr)
                budget = Budget(60 * minutes * stage.share / shares if minutes else math.inf, steps or Budget.steps)
                stage = replace(stage, shape=shape)
                _run(name, stage, everything, config, newest, clips, out, budget, seed, workers, pace)
            newest = finished
    return newest


def _config(preset: ModelConfig, start: Path | str | None) -> ModelConfig:
    """Weights say themselves what of a picture they draw."""
    if start is None:
        return preset
    config = checkpoint.load_config(start)
    if config.name != preset.name:
        raise ValueError(f"{start} holds model {config.name!r}, not {preset.name!r}")
    return config


def fit(shape: BatchShape, clips: Clips, batch: int | None = None, crop: int | None = None) -> BatchShape:
    """A stage's shape as far as the clips allow it. A rollout in segments may be longer than they are, a segment
    not."""
    in_a_row = clips.latents(shape.segment or shape.latents)
    lengths = {"segment": in_a_row} if shape.segment else {"latents": in_a_row}
    return replace(shape, crop=clips.crop(crop or shape.crop), size=batch or shape.size, **lengths)


def _before(first: str, recipe: Recipe, out: Path) -> Path | None:
    """The weights of the last stage before `first` that `out` holds."""
    earlier = [out / f"{name}.safetensors" for name in list(recipe.stages)[: list(recipe.stages).index(first)]]
    return next((path for path in reversed(earlier) if path.exists()), None)


def _run(
    name: str,
    stage: StageConfig,
    recipe: Recipe,
    config: ModelConfig,
    newest: Path | None,
    clips: Clips,
    out: Path,
    budget: Budget,
    seed: int,
    workers: Workers,
    pace: Pace,
) -> None:
    """One stage from the newest weights to its finished file."""
    state = out / f"{name}.state.safetensors"
    torch.manual_seed(seed)
    model = _load(config, newest)
    if isinstance(stage, AutoencoderStage) and newest is None and not state.exists():
        AutoencoderTrainer.initialise(stage, model, clips.training, seed)
    trainer = make_trainer(stage, workers.place(model), newest, out, workers, _discriminator_before(name, recipe, out))

    def save(path: Path, dtype: torch.dtype) -> None:
        weights = trainer.learners["generator"].result()
        if workers.main:
            plain = VideoModel(config)
            plain.load_state_dict(weights)
            checkpoint.save(path, plain, dtype)

    def on_sheet(progress: Progress) -> dict[str, float]:
        path = out / "sheets" / f"{name}_{progress.step:06d}.png" if workers.main else None
        save(out / f"{config.name}.safetensors", torch.float16)
        held_out = clips.held_out.clips[: sheets.ROWS]
        if isinstance(held_out[0], VideoClip):
            return video_sheets.evaluate(model, held_out, sheets.LATENTS, stage.shape.crop, path)
        return sheets.evaluate(model, held_out, sheets.LATENTS, path, isinstance(stage, AutoencoderStage))

    portrait = isinstance(config.codec, PatchCodecConfig)
    source = clips.training if portrait else Silent(clips.training, model)
    run_stage(name, trainer, stage.augmentation, source, out, budget, seed, workers, on_sheet, pace)
    if "discriminator" in trainer.learners:
        weights = trainer.learners["discriminator"].state_dict()
        if workers.main:
            save_tensors(out / f"{name}.{DISCRIMINATOR}", weights)
    save(out / f"{name}.safetensors", torch.float32)
    if workers.main:
        state.unlink()
    workers.agree([0.0])  # nobody reads the file before it is there


def _discriminator_before(name: str, recipe: Recipe, out: Path) -> Path | None:
    """The discriminator of the last adversarial stage before `name`, where `out` holds one."""
    names = list(recipe.stages)[: list(recipe.stages).index(name)]
    paths = [out / f"{earlier}.{DISCRIMINATOR}" for earlier in names]
    return next((path for path in reversed(paths) if path.exists()), None)


def make_trainer(
    stage: StageConfig,
    model: VideoModel,
    newest: Path | None,
    out: Path,
    workers: Workers,
    discriminator: Path | None = None,
) -> Trainer:
    """The trainer of a stage. A consistency teacher is the model after the diffusion stage, and so is the beginning of
    a discriminator that no earlier stage has trained (`discriminator`: its weights if one has)."""
    if isinstance(stage, AutoencoderStage):
        return AutoencoderTrainer(stage, model, workers)
    if isinstance(stage, DiffusionStage):
        return DiffusionTrainer(stage, model, workers)
    diffusion = out / "diffusion.safetensors"
    if isinstance(stage, ConsistencyStage):
        if not diffusion.exists():
            raise ValueError(f"consistency distillation needs {diffusion}: train the diffusion stage first")
        return ConsistencyTrainer(stage, model, workers.place(_load(model.config, diffusion)), workers)
    if isinstance(stage, AdversarialStage):
        origin = _load(model.config, diffusion if diffusion.exists() else newest)
        judge = LatentDiscriminator(origin.network, origin.control, origin.space, model.codec, stage.logits)
        if discriminator is not None:
            judge.load_state_dict(load_file(discriminator))
        return AdversarialTrainer(stage, model, workers.place(judge), workers)
    return ReconstructionTrainer(stage, model, workers)


def _load(config: ModelConfig, path: Path | None) -> VideoModel:
    if path is None:
        return VideoModel(config).train()
    model = checkpoint.load(path)
    if model.config != config:
        raise ValueError(f"{path} holds another model than {config.name!r}")
    return model.train()
