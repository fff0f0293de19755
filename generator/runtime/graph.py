"""CUDA graphs: a step recorded once and replayed, so that the GPU never waits for Python to launch its kernels."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ..controls.control import Observation
from ..model import RolloutState, VideoModel
from ..transformer.transformer import Text

WARM_UP = 3  # plain steps before the recording: allocations, autotuning and compilation must be over


class GraphedAdvance:
    """Stands in for `VideoModel.advance`. A new cache (another portrait) or other shapes are recorded anew; a prompt, a
    signal and noise of the same shapes are copied to where the recording reads them."""

    def __init__(self, model: VideoModel) -> None:
        self._plain = model.advance
        self._begin(None, ())

    def _begin(self, cache: object, shapes: tuple) -> None:
        self._cache, self._shapes = cache, shapes
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(
        self, observation: Observation, state: RolloutState, noise_SBTChw: Tensor, text: Text | None = None
    ) -> tuple[Tensor, RolloutState]:
        given = [vars(observation), state.previous, noise_SBTChw, text]
        leaves, form = tree_flatten(given)
        shapes = tuple(leaf.shape if isinstance(leaf, Tensor) else leaf for leaf in leaves)
        if state.cache is not self._cache or shapes != self._shapes:
            self._begin(state.cache, shapes)
        if self._calls < WARM_UP:
            self._calls += 1
            with _side_stream():
                return self._plain(observation, state, noise_SBTChw, text)
        if self._graph is None:
            self._inputs = [leaf.clone() if isinstance(leaf, Tensor) else leaf for leaf in leaves]
            parts, previous, noise, held = tree_unflatten(self._inputs, form)
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):  # records; nothing runs yet
                z, after = self._plain(Observation(**parts), replace(state, previous=previous), noise, held)
            self._outputs = z, after.previous
        for place, leaf in zip(self._inputs, leaves):
            if isinstance(leaf, Tensor):
                place.copy_(leaf)
        self._graph.replay()
        z, previous = (None if out is None else out.clone() for out in self._outputs)
        return z, replace(state, previous=previous)


class _side_stream:
    """A stream of its own, as what is recorded later must have run off the default one."""

    def __enter__(self) -> None:
        self._stream = torch.cuda.Stream()
        self._stream.wait_stream(torch.cuda.current_stream())
        self._context = torch.cuda.stream(self._stream)
        self._context.__enter__()

    def __exit__(self, *error: object) -> None:
        self._context.__exit__(*error)
        torch.cuda.current_stream().wait_stream(self._stream)


def graph_model(model: VideoModel) -> VideoModel:
    """Record and replay the steps of a model on a CUDA device, in place. Raises ValueError elsewhere."""
    device = next(model.parameters()).device
    if device.type != "cuda":
        raise ValueError(f"CUDA graphs need a CUDA device, not {device}")
    model.advance = GraphedAdvance(model)
    return model
