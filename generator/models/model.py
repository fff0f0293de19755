"""An entry of the registry."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import ModelConfig


@dataclass(frozen=True)
class Model:
    config: ModelConfig
    recipe: str  # of generator/training/recipes.py: how it is trained
    licence: str  # that binds its weights
    citation: str
    weights: str  # where they come from

    @property
    def name(self) -> str:
        return self.config.name
