"""Finding a model by its name and its weights."""

from __future__ import annotations

from pathlib import Path

import torch

from generator.checkpoint import WeightsError, load, load_config, shipped
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


def load_generator(model: str, weights: str, size: int) -> VideoModel:
    """The generator of a preset for size x size pixels.

    weights: "shipped", "random", a name of own weights, or the path of a .safetensors file, which must be of the same
    preset.
    """
    with reported_as_puppet_error(ValueError, WeightsError):
        preset = get_model(model).config
        if weights == "random":
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)  # the same at every start
                return VideoModel(preset.resized(size, size)).eval().requires_grad_(False)
        path = weights_path(model, weights)
        found = load_config(path).name
        if found != model:
            raise PuppetError(f"weights {path} are of model '{found}', not '{model}': give --model {found}")
        generator = load(path, dtype=None)
        generator.config = generator.config.resized(size, size)
        return generator


def load_stream(model: str, weights: str, size: int, device: str, seed: int = 0, attention: str = "sdpa") -> AnyStream:
    """A stream of frames of `load_generator`'s model, or of the warp alone.

    Raises PuppetError for a device or attention that there is not.
    """
    if model == WARP:
        check_warp(weights)
        return WarpStream(size)
    with reported_as_puppet_error(ValueError):
        return PortraitStream(load_generator(model, weights, size), device, seed=seed, attention=attention)
