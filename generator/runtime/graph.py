"""CUDA graphs: a step recorded once and replayed, so that the GPU never waits for Python to launch its kernels."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..controls.control import Observation
from ..model import RolloutState, VideoModel
from ..transformer.cache import KVCache
from ..transformer.transformer import Text

WARM_UP = 3  # plain steps before the recording: allocations, autotuning and compilation must be over


class GraphedAdvance:
    """Stands in for `VideoModel.advance`. What a recording takes for granted is its ground: for another cache, another
    origin in it, a ring that is full now, or other shapes there is another recording; a prompt, a signal and noise of
    the same shapes are copied to where it reads them."""

    def __init__(self, model: VideoModel, device: torch.device) -> None:
        self._plain, self._device = model.advance, device
        self._side = torch.cuda.Stream(device)  # what is recorded later must have run off the default stream
        self._begin(None, ())

    def _begin(self, cache: KVCache | None, ground: tuple) -> None:
        self._cache, self._ground = cache, ground
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: list = []  # where the recording reads, and what it writes
        self._outputs: tuple[Tensor | None, ...] = ()

    def __call__(
        self, observation: Observation, state: RolloutState, noise_SBTChw: Tensor, text: Text | None = None
    ) -> tuple[Tensor, RolloutState]:
        given = [vars(observation), state.previous, noise_SBTChw, text]
        leaves, form = tree_flatten(given)
        shapes = tuple(leaf.shape if isinstance(leaf, Tensor) else leaf for leaf in leaves)
        ground = state.beginning, state.cache.full, state.cache.origin, shapes
        if state.cache is not self._cache or ground != self._ground:
            self._begin(state.cache, ground)
        with torch.cuda.device(self._device):
            return self._advance(observation, state, noise_SBTChw, text, leaves, form)

    def _advance(self, observation, state, noise_SBTChw, text, leaves, form) -> tuple[Tensor, RolloutState]:
        if self._calls < WARM_UP:
            self._calls += 1
            return self._beside(observation, state, noise_SBTChw, text)
        if self._graph is None:
            self._inputs = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
            parts, previous, noise, held = tree_unflatten(self._inputs, form)
            self._graph = torch.cuda.CUDAGraph()
            # records; nothing runs yet. A prompt may be encoded in its own thread meanwhile
            with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
                z, after = self._plain(Observation(**parts), replace(state, previous=previous), noise, held)
            self._outputs = z, after.previous
        else:
            state.cache.passed(observation.frame_count(noise_SBTChw.shape[2]))  # no Python runs in a replay
        for place, leaf in zip(self._inputs, leaves):
            if isinstance(leaf, Tensor):
                place.copy_(leaf)
        self._graph.replay()
        z, previous = (None if out is None else out.clone() for out in self._outputs)
        return z, replace(state, previous=previous, beginning=False)

    def _beside(self, *given) -> tuple[Tensor, RolloutState]:
        """A plain step on the side stream."""
        main = torch.cuda.current_stream()
        self._side.wait_stream(main)
        with torch.cuda.stream(self._side):
            made = self._plain(*given)
        main.wait_stream(self._side)
        return made


def graph_model(model: VideoModel) -> VideoModel:
    """Record and replay the steps of a model on a CUDA device, in place. Raises ValueError elsewhere."""
    device = next(model.parameters()).device
    if device.type != "cuda":
        raise ValueError(f"CUDA graphs need a CUDA device, not {device}")
    model.advance = GraphedAdvance(model, device)
    return model
