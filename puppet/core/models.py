"""Finding a model by its name and its weights."""

from __future__ import annotations

from pathlib import Path

import torch

from generator.checkpoint import WeightsError, load, load_config, shipped
from generator.controls.portrait import PortraitControlConfig
from generator.model import VideoModel
from generator.models import get_model
from generator.portrait.stream import PortraitStream
from puppet.core.warp_stream import WARP, WarpStream, check_warp
from puppet.core.weights import find_weights
from puppet.errors import PuppetError, reported_as_puppet_error

AnyStream = PortraitStream | WarpStream


def weights_path(model: str, weights: str) -> Path:
    """The file of "shipped" weights, of own ones by name, or the path itself. Raises PuppetError where there is
    none."""
    if weights != "shipped":
        return find_weights(weights)
    path = shipped(model)
    if not path.exists():
        raise PuppetError(
            f"no weights are shipped for model '{model}': train it (puppet train {model}) and give --weights FILE"
        )
    return path


def moves_portrait(model: str) -> bool:
    """Whether a model is driven by a portrait's maps. Raises PuppetError where there is no such model."""
    with reported_as_puppet_error(ValueError):
        return model == WARP or isinstance(get_model(model).config.control, PortraitControlConfig)


def load_generator(model: str, weights: str, size: int | tuple[int, int] | None) -> VideoModel:
    """The generator of a preset for size x size or (height, width) pixels; None: its own size.

    weights: "shipped", "random", a name of own weights, or the path of a .safetensors file, which must be of the same
    preset.
    """
    with reported_as_puppet_error(ValueError, WeightsError):
        config = get_model(model).config
        sides = (size, size) if isinstance(size, int) else size
        if weights == "random":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)  # the same at every start
                return VideoModel(config.resized(*sides) if sides else config).eval().requires_grad_(False)
        path = weights_path(model, weights)
        found = load_config(path).name
        if found != model:
            raise PuppetError(f"weights {path} are of model '{found}', not '{model}': give --model {found}")
        generator = load(path, dtype=None)
        if sides:
            generator.check_size(*sides)
            generator.config = generator.config.resized(*sides)
        return generator


def load_stream(model: str, weights: str, size: int, device: str, seed: int = 0, attention: str = "sdpa") -> AnyStream:
    """A stream of frames of `load_generator`'s model, or of the warp alone.

    Raises PuppetError for a device or attention that there is not.
    """
    if model == WARP:
        check_warp(weights)
        return WarpStream(size)
    return stream_of(load_generator(model, weights, size), device, seed, attention)


def stream_of(generator: VideoModel, device: str, seed: int, attention: str = "sdpa") -> PortraitStream:
    """A new stream; several may share a generator."""
    with reported_as_puppet_error(ValueError):
        return PortraitStream(generator, device, seed=seed, attention=attention)
