"""Training: data, stages, optimisers, checkpoints. `train` runs a preset's recipe."""

from generator.training.recipe import train

__all__ = ["train"]
