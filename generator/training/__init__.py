"""Training: data, stages, recipes, optimisers, checkpoints. `train` takes a model through a recipe."""

from generator.training.run import train

__all__ = ["train"]
