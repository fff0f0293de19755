"""Recipes by name: which stages, in which order, with which numbers.

`paper`        AAPT (Lin et al. 2025, arXiv 2506.09350, appendix B), for a model whose weights come from a large
diffusion model
`paper-small`  the same stages for a small model that begins with nothing
`shipped`      what the shipped weights of `pocket` were trained by: regression, no part of AAPT
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from generator.training.adversarial import AdversarialStage
from generator.training.autoencoder import AutoencoderStage
from generator.training.consistency import ConsistencyStage
from generator.training.crops import CropCriticConfig
from generator.training.data import BatchShape
from generator.training.diffusion import DiffusionStage
from generator.training.losses import Objective
from generator.training.optim import OptimizerConfig
from generator.training.portrait_clips import Augmentation
from generator.training.reconstruction import ReconstructionStage

StageConfig = AutoencoderStage | DiffusionStage | ConsistencyStage | ReconstructionStage | AdversarialStage


@dataclass(frozen=True)
class Recipe:
    """Stages in order, and those of them that are taken when none are asked for (None: all)."""

    stages: dict[str, StageConfig]
    default: tuple[str, ...] | None = None
    portraits_only: bool = False  # its losses know mouth and eyes, its codec is shown the warped portrait

    def select(self, names: Sequence[str] | None) -> dict[str, StageConfig]:
        names = tuple(names or self.default or self.stages)
        for name in names:
            if name not in self.stages:
                raise ValueError(f"no training stage {name!r}; the stages are {', '.join(self.stages)}")
        return {name: stage for name, stage in self.stages.items() if name in names}


def _adamw(lr: float) -> OptimizerConfig:
    return OptimizerConfig(
        lr=lr, matrix_lr=None, betas=(0.9, 0.999), weight_decay=0.01, warmup=0, final=1.0, clip=math.inf
    )


def _rmsprop(lr: float) -> OptimizerConfig:
    """alpha 0.9, no decay, no clipping; the average is APT's (arXiv 2501.08316)."""
    return OptimizerConfig(
        lr=lr,
        matrix_lr=None,
        betas=(0.0, 0.9),
        weight_decay=0.0,
        warmup=0,
        final=1.0,
        clip=math.inf,
        average=0.995,
        rule="rmsprop",
    )


# Sizes are those of one of 32 processes (16 for the long stages); 6 latent frames are a second. Steps in the paper: 30
# 000, 5 000, 500, 500; those of the last stage are not told. The discriminator has the generator's optimizer in every
# stage.
PAPER = Recipe(
    {
        "autoencoder": AutoencoderStage(share=0.1),  # only where a codec that is trained here has no weights yet
        "diffusion": DiffusionStage(
            share=0.5,
            shape=BatchShape(size=8, latents=30, crop=736),
            shift=24.0,
            optimizer=_adamw(1e-5),
            recompute=True,
        ),
        "consistency": ConsistencyStage(
            share=0.1,
            shape=BatchShape(size=1, latents=90, crop=736),
            shift=24.0,
            distance="mse",
            optimizer=_adamw(1e-5),
            recompute=True,
        ),
        "adversarial": AdversarialStage(
            share=0.1, shape=BatchShape(size=8, latents=60, crop=736), optimizer=_rmsprop(3e-6), recompute=True
        ),
        "long": AdversarialStage(
            share=0.1,
            shape=BatchShape(size=4, latents=108, crop=736, segment=54),
            overlap=6,
            optimizer=_rmsprop(1e-5),
            recompute=True,
        ),
        "longest": AdversarialStage(
            share=0.2,
            shape=BatchShape(size=4, latents=324, crop=736, segment=54),
            overlap=6,
            optimizer=_rmsprop(1e-5),
            recompute=True,
        ),
    }
)

_SMALL_ADVERSARIAL = replace(_rmsprop(2e-4), clip=10.0)
_SMALL_OBJECTIVE = Objective(penalty=100.0, sigma=0.1, centring=0.01)

PAPER_SMALL = Recipe(
    {
        "autoencoder": AutoencoderStage(share=0.15),  # as above
        "diffusion": DiffusionStage(share=0.35),
        "consistency": ConsistencyStage(share=0.1),
        "adversarial": AdversarialStage(
            share=0.25,
            shape=BatchShape(size=4, latents=8, crop=128),
            objective=_SMALL_OBJECTIVE,
            optimizer=_SMALL_ADVERSARIAL,
        ),
        "long": AdversarialStage(
            share=0.15,
            shape=BatchShape(size=4, latents=24, crop=128, segment=6),
            overlap=2,
            objective=_SMALL_OBJECTIVE,
            optimizer=_SMALL_ADVERSARIAL,
        ),
    }
)

# What the weights in generator/weights were trained by, as far as one recipe can say it: they were trained on and on,
# over changes of the decoder, of the losses, of the warp and of the actors, and cut from six blocks to four in between,
# which no code here does (weights/README.md). No diffusion, no distillation, no discriminator took part: `crops` was
# tried and left out.
SHIPPED = Recipe(
    {
        "autoencoder": AutoencoderStage(share=0.2),
        "reconstruction": ReconstructionStage(share=0.8),
        "crops": ReconstructionStage(
            share=0.3,
            critic=CropCriticConfig(),
            optimizer=OptimizerConfig(lr=2e-4, matrix_lr=2e-4, betas=(0.5, 0.95), weight_decay=0.0, average=0.995),
        ),
        # of one person, by `puppet fit`: nobody is mirrored, for faces are not even; small batches, for steps are few
        "fit": ReconstructionStage(
            share=1.0,
            shape=BatchShape(size=4, latents=3, crop=112, prefix=(0, 4)),
            optimizer=OptimizerConfig(lr=7e-4, matrix_lr=7e-4, warmup=20),
            augmentation=Augmentation(flip=0.0, wander=0.0, still=0.1),
        ),
    },
    default=("autoencoder", "reconstruction"),
    portraits_only=True,
)

RECIPES: dict[str, Recipe] = {"paper": PAPER, "paper-small": PAPER_SMALL, "shipped": SHIPPED}


def get_recipe(name: str) -> Recipe:
    """The recipe of that name. Raises ValueError, naming the nearest one, when there is none."""
    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(name, RECIPES, n=1, cutoff=0.0)
    raise ValueError(f"no recipe named {name!r}; did you mean {near[0]!r}? Known: {', '.join(RECIPES)}")
