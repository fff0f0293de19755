"""Published weights -> one file of this program, strictly by name and one tensor at a time.

    import_weights(Path("Wan2.1-T2V-1.3B"), get_model("wan2.1-1.3b"), Path("wan.safetensors"))

A checkpoint fits a layout when it has exactly its names and shapes; nothing is left over and nothing is made up. Shapes
may differ by axes of length one (a convolution over one frame is ours over pictures).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import CONFIG_KEY
from ..config import ModelConfig
from ..model import VideoModel
from ..models.model import Model
from .families import PUBLISHED, CodecLayout, Layout, codec_layouts, layouts
from .source import Source, SourceError, StoredTensor, open_source
from .writer import Entry, write

READABLE = (torch.float32, torch.float16, torch.bfloat16)
CODEC_PATTERNS = ("vae/*.safetensors", "*VAE*.pth", "*VAE*.safetensors", "*vae*.safetensors")

OTHER_CODEC = "give the autoencoder of that model with --codec FILE"

Progress = Callable[[int, int], None]  # bytes written, bytes in all


class ImportFault(Exception):
    """Why a checkpoint was not imported; one line with cause and cure."""


@dataclass(frozen=True)
class Imported:
    """What was written."""

    config: ModelConfig
    parameters: int
    bytes: int
    inner: str | None  # which of several sets of weights in the source was taken


@dataclass(frozen=True)
class Item:
    """One tensor on its way: where it is, and what it becomes."""

    name: str
    stored: StoredTensor
    entry: Entry


def import_weights(
    source: Path,
    model: Model,
    out: Path,
    codec: Path | None = None,
    dtype: torch.dtype | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read a checkpoint and its autoencoder, and write them as a file that `checkpoint.load` takes.

    codec: the autoencoder's file, where it does not lie beside the source. dtype: of what is written; None: as it
    comes. Raises ImportFault; a file that was at `out` stays until the new one is complete.
    """
    try:
        network = open_source(source)
        instead = _instead(network, model.name)
        layout = _fitting(network, layouts(model.config), instead)
        items = _items(layout.config, network, layout.names, dtype, instead)
        codec_source = open_source(codec or _codec_beside(source, network.path, layout.config))
        codec_layout = _fitting(codec_source, codec_layouts(layout.config), OTHER_CODEC)
        config = replace(layout.config, codec=codec_layout.config)
        items += _items(config, codec_source, codec_layout.names, dtype, OTHER_CODEC)
        metadata = {CONFIG_KEY: json.dumps(config.to_dict()), "licence": model.licence, "source": network.path.name}
        write(out, {item.name: item.entry for item in items}, _converted(items, progress), metadata)
    except SourceError as error:
        raise ImportFault(str(error)) from None
    except OSError as error:
        reason = error.strerror or error
        raise ImportFault(f"cannot write {out}: {reason}; free some space or choose another place") from None
    parameters = sum(torch.Size(item.entry.shape).numel() for item in items)
    return Imported(config, parameters, sum(item.entry.bytes for item in items), network.inner)


def _codec_beside(given: Path, found: Path, config: ModelConfig) -> Path:
    """The autoencoder in the folder of the source."""
    for folder in dict.fromkeys((given if given.is_dir() else given.parent, found.parent, found.parent.parent)):
        for pattern in CODEC_PATTERNS:
            matches = sorted(folder.glob(pattern))
            if matches:
                return matches[0]
    release = "Wan2.2-TI2V-5B: Wan2.2_VAE.pth" if config.codec.patch > 1 else "Wan2.1-T2V-1.3B: Wan2.1_VAE.pth"
    raise ImportFault(
        f"no autoencoder lies beside {found}; give it with --codec FILE (Wan-AI/{release}, or a TAEW file)"
    )


def _fitting(source: Source, candidates: Iterable[Layout | CodecLayout], cure: str) -> Layout | CodecLayout:
    """The layout that a source has. Raises ImportFault, naming what speaks against the nearest one."""
    candidates = list(candidates)
    for layout in candidates:
        if layout.names.keys() == source.keys():
            return layout
    nearest = max(candidates, key=lambda layout: len(layout.names.keys() & source.keys()))
    missing = [name for name in nearest.names if name not in source]
    unknown = [name for name in source if name not in nearest.names]
    if len(missing) == len(nearest.names):
        raise ImportFault(f"{source.path} is no checkpoint of {nearest.title}: it has no tensor of it; {cure}")
    fault = (
        f"{len(missing)} tensor(s) are missing, {missing[0]!r} first" if missing
        else f"{len(unknown)} tensor(s) do not belong, {unknown[0]!r} first"
    )  # fmt: skip
    raise ImportFault(f"{source.path} does not fit {nearest.title}: {fault}; {cure}")


def _instead(source: Source, model: str) -> str:
    """Which model a source is of, by its names and the width of its tokens."""
    for other in PUBLISHED:
        for layout in layouts(other.config) if other.name != model else ():
            if layout.names.keys() == source.keys() and _width(source) == other.config.transformer.dim:
                return f"it looks like {other.name}: give --model {other.name}"
    return "give the checkpoint of that model, or the model of that checkpoint"


def _width(source: Source) -> int | None:
    stored = source.get("patch_embedding.bias")
    return stored.shape[0] if stored is not None else None


def _items(
    config: ModelConfig, source: Source, names: dict[str, str], dtype: torch.dtype | None, cure: str
) -> list[Item]:
    """What is to be written of a source, in the order in which it lies there. Raises ImportFault."""
    with torch.device("meta"):
        expected = {name: tuple(tensor.shape) for name, tensor in VideoModel(config).state_dict().items()}
    items = []
    for theirs, stored in source.items():
        shape = expected[names[theirs]]
        if _without_ones(stored.shape) != _without_ones(shape):
            raise ImportFault(
                f"{source.path} is not of {config.name}: {theirs!r} is {stored.shape} instead of {shape}; {cure}"
            )
        if stored.dtype not in READABLE:
            raise ImportFault(
                f"{theirs!r} of {source.path} is {str(stored.dtype).removeprefix('torch.')}; "
                "get the checkpoint in float32, float16 or bfloat16"
            )
        items.append(Item(names[theirs], stored, Entry(dtype or stored.dtype, shape)))
    return items


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(length for length in shape if length != 1)


def _converted(items: list[Item], progress: Progress | None) -> Iterator[tuple[str, Tensor]]:
    total, done = sum(item.entry.bytes for item in items), 0
    for item in items:
        tensor = item.stored.read().reshape(item.entry.shape).to(item.entry.dtype)
        if tensor.numel() and not torch.isfinite(torch.stack(torch.aminmax(tensor))).all():  # no copy of the tensor
            raise SourceError(
                f"{item.stored.file} holds numbers that are not finite in {item.name!r}; "
                "download it again, or keep its dtype"
            )
        yield item.name, tensor
        done += item.entry.bytes
        if progress is not None:
            progress(done, total)
