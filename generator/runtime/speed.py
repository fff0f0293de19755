"""Which wrappers of speed go around a model, in the order in which they must."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import VideoModel
from .compile import compile_model
from .fp8 import quantise
from .graph import graph_model


@dataclass(frozen=True)
class Speed:
    """The plain model is always valid; each of these makes it faster where it can be used."""

    fp8: bool = False
    compile: bool = False
    graph: bool = False

    def apply(self, model: VideoModel) -> VideoModel:
        """In place, on a model that is on its device already. Raises ValueError where a wrapper cannot be used."""
        for wanted, wrap in ((self.fp8, quantise), (self.compile, compile_model), (self.graph, graph_model)):
            if wanted:
                model = wrap(model)
        return model
