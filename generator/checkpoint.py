"""Weights on disk: one safetensors file with the model's configuration in its metadata, loaded strictly."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .config import ModelConfig
from .importers.source import SourceError, stored_tensors
from .model import VideoModel
from .models.components import COMPONENTS

CONFIG_KEY = "config"


class WeightsError(Exception):
    """A weights file that cannot be used; the message is one line with cause and cure."""


def shipped(name: str) -> Path:
    """Where the weights that come with the package lie."""
    return Path(__file__).parent / "weights" / f"{name}.safetensors"


def save(path: str | os.PathLike, model: VideoModel, dtype: torch.dtype = torch.float16) -> None:
    """Write the weights in `dtype` and the configuration; the file appears complete or not at all.

    Half precision is fit for use; training that goes on later saves float32.
    """
    path = Path(path)
    tensors = {}
    for name, tensor in model.state_dict().items():
        stored = tensor.detach().to("cpu", dtype).contiguous()
        if not torch.isfinite(stored).all():
            raise WeightsError(f"cannot save {path}: {name} is not finite in {dtype}; the training has diverged")
        tensors[name] = stored
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        save_file(tensors, temporary, metadata={CONFIG_KEY: json.dumps(model.config.to_dict())})
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: str | os.PathLike, dtype: torch.dtype | None = torch.float32) -> VideoModel:
    """The model of a weights file on the CPU, in `dtype`; None: in that of each tensor on disk, for a stream, which
    casts it anyway. Takes the memory of the model and of one tensor.  Raises WeightsError."""
    path = Path(path)
    config = load_config(path)
    try:
        with torch.device("meta"):  # no memory, no random numbers
            model = VideoModel(config)
    except ValueError as error:
        raise WeightsError(f"{path} was written for another version of this program: {error}") from None
    expected = model.state_dict()
    try:
        stored = stored_tensors(path)
        for name in sorted(expected.keys() | stored.keys()):
            if name not in stored:
                raise WeightsError(f"{path} does not fit model {config.name!r}: tensor {name!r} is missing from it")
            if name not in expected:
                raise WeightsError(f"{path} does not fit model {config.name!r}: tensor {name!r} is unknown to it")
            if expected[name].shape != stored[name].shape:
                found, wanted = stored[name].shape, tuple(expected[name].shape)
                raise WeightsError(
                    f"{path} does not fit model {config.name!r}: {name!r} is {found} instead of {wanted}"
                )
        tensors = {name: each.read().to(dtype or each.dtype) for name, each in stored.items()}
    except (SourceError, OSError) as error:
        raise _damaged(path, error) from None
    model.load_state_dict(tensors, strict=True, assign=True)
    return model.eval()


def load_config(path: str | os.PathLike) -> ModelConfig:
    """The configuration a weights file was saved with.  Raises WeightsError."""
    path = Path(path)
    if not path.is_file():
        raise WeightsError(f"no weights file at {path}; give the path of a .safetensors file of this program")
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get(CONFIG_KEY)
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from None
    if text is None:
        raise WeightsError(f"{path} holds no model configuration; it was not written by this program")
    try:
        return ModelConfig.from_dict(json.loads(text), COMPONENTS)
    except ValueError as error:
        raise WeightsError(f"{path} was written for another version of this program: {error}") from None


def _damaged(path: Path, error: Exception) -> WeightsError:
    return WeightsError(f"{path} is damaged or no safetensors file ({error}); copy or download it again")
