"""Tensors of somebody else's checkpoint: what is in it, and one tensor in memory at a time.

Safetensors files, alone or as shards with an index, and torch's `.pt`, which are opened with `weights_only`: nothing in
them is run. Every fault is a SourceError of one line.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

SAFETENSORS, TORCH = (".safetensors",), (".pt", ".pth", ".ckpt", ".bin")
INDEX = ".safetensors.index.json"
DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I64": torch.int64, "I32": torch.int32,
    "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
HEADER_LENGTH = 8  # bytes of the number in front of a safetensors header
LARGEST_HEADER = 100_000_000  # bytes; what the format allows
ZIP_START = b"PK\x03\x04"  # of a .pt file since torch 1.6
# Where training code keeps the weights among other things, the averaged ones first (Self-Forcing, Causal-Forcing,
# minWM)
INNER = ("generator_ema", "generator", "state_dict", "model", "module")
# What wrappers put in front of names
PREFIXES = ("_fsdp_wrapped_module.", "_orig_mod.", "model.diffusion_model.", "model.", "module.", "generator.")


class SourceError(Exception):
    """A checkpoint that cannot be read; one line with cause and cure."""


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies. `inner` is a tensor that is in memory already (torch's old format only)."""

    file: Path
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int = 0  # byte in the file
    stride: tuple[int, ...] | None = None  # in elements; None: contiguous
    inner: Tensor | None = None

    @property
    def bytes(self) -> int:
        return self.dtype.itemsize * torch.Size(self.shape).numel()

    def read(self) -> Tensor:
        if self.inner is not None:
            return self.inner
        if not self.bytes:
            return torch.zeros(self.shape, dtype=self.dtype)
        span = self.bytes
        if self.stride is not None:
            span = self.dtype.itemsize * (1 + sum((n - 1) * s for n, s in zip(self.shape, self.stride)))
        flat = torch.empty(span // self.dtype.itemsize, dtype=self.dtype)  # aligned as kernels like it
        with open(self.file, "rb") as file:
            file.seek(self.start)
            if file.readinto(flat.view(torch.uint8).numpy()) != span:
                raise _truncated(self.file)
        return flat.view(self.shape) if self.stride is None else flat.as_strided(self.shape, self.stride)


class Source(Mapping[str, StoredTensor]):
    """The tensors of a checkpoint by name, in the order of the files; wrappers' prefixes are taken off."""

    def __init__(self, path: Path, tensors: dict[str, StoredTensor], inner: str | None = None) -> None:
        self.path, self.inner = path, inner  # inner: which of several sets of weights in the file this is
        self._tensors = {bare(name): stored for name, stored in tensors.items()}
        if len(self._tensors) != len(tensors):
            raise SourceError(f"{path} holds two tensors of one name; it mixes several models: give one of them alone")

    def __getitem__(self, name: str) -> StoredTensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def bare(name: str) -> str:
    """A tensor's name without what wrappers put in front of it or between its parts."""
    name = name.replace("_fsdp_wrapped_module.", "").replace("_checkpoint_wrapped_module.", "")
    while prefix := next((prefix for prefix in PREFIXES if name.startswith(prefix)), None):
        name = name[len(prefix) :]
    return name


def open_source(path: Path) -> Source:
    """A file, an index of shards, or a folder with one of these. Raises SourceError."""
    if path.is_dir():
        path = _in_folder(path)
    if not path.is_file():
        raise SourceError(f"no file or folder at {path}; give a checkpoint that lies on this machine")
    if path.name.endswith(INDEX):
        return Source(path, _sharded(path))
    if path.suffix in SAFETENSORS:
        return Source(path, stored_tensors(path))
    if path.suffix in TORCH:
        return _torch(path)
    raise SourceError(f"{path} is no checkpoint: it must end in {', '.join((*SAFETENSORS, INDEX, *TORCH))}")


def _in_folder(folder: Path) -> Path:
    """The one transformer in a folder as Wan, diffusers or training code write it."""
    places = [folder, folder / "transformer"]
    for pattern in (f"*{INDEX}", "*.safetensors", *(f"*{suffix}" for suffix in TORCH)):
        found = [path for place in places for path in sorted(place.glob(pattern)) if not is_side_file(path)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(path.name for path in found[:3])
            more = ", ..." if found[3:] else ""
            raise SourceError(f"{folder} holds several checkpoints ({names}{more}); give one of them")
    raise SourceError(f"no checkpoint in {folder}; give the folder of the .safetensors or .pt files")


def is_side_file(path: Path) -> bool:
    """Autoencoders, text and image encoders, which lie beside the transformer."""
    name = path.name.lower()
    return any(part in name for part in ("vae", "taew", "t5", "clip"))


def _sharded(index: Path) -> dict[str, StoredTensor]:
    try:
        places = json.loads(index.read_text())["weight_map"]
        shards = sorted(set(places.values()))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(f"{index} is no index of shards; download it again") from None
    missing = [name for name in shards if not (index.parent / name).is_file()]
    if missing:
        raise SourceError(
            f"{len(missing)} of {len(shards)} shards of {index.name} are missing in {index.parent} "
            f"({missing[0]}{', ...' if missing[1:] else ''}); download them too"
        )
    tensors = {}
    for name in shards:
        tensors |= stored_tensors(index.parent / name)
    lost = sorted(set(places) - set(tensors))
    if lost:
        raise SourceError(f"{places[lost[0]]} lacks {lost[0]!r}, which {index.name} promises; download it again")
    return tensors


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """Those of a safetensors file, in the order in which they lie there. Raises SourceError."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(HEADER_LENGTH), "little")
        if size < HEADER_LENGTH or length > LARGEST_HEADER:
            raise SourceError(f"{path} is no safetensors file; download it again")
        text = file.read(length)
    first = HEADER_LENGTH + length
    if size < first:
        raise _truncated(path)
    try:
        header = json.loads(text)
        header.pop("__metadata__", None)
        ends = [entry["data_offsets"][1] for entry in header.values()]
        if first + max(ends, default=0) > size:
            raise _truncated(path, first + max(ends) - size)
        return {
            name: StoredTensor(path, _dtype(path, name, entry), tuple(entry["shape"]), first + entry["data_offsets"][0])
            for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"][0])
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SourceError(f"{path} is no safetensors file; download it again") from None


def _dtype(path: Path, name: str, entry: dict) -> torch.dtype:
    if entry["dtype"] not in DTYPES:
        raise SourceError(f"{name!r} of {path} is {entry['dtype']}; get the checkpoint in float32, float16 or bfloat16")
    return DTYPES[entry["dtype"]]


def _torch(path: Path) -> Source:
    with open(path, "rb") as file:
        in_pieces = file.read(len(ZIP_START)) == ZIP_START
    try:
        if in_pieces:  # only the places of the tensors are read; their content one by one, later
            with FakeTensorMode():
                content = torch.load(path, map_location="cpu", weights_only=True)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "weights_only" not in str(error).lower() and "weights only" not in str(error).lower():
            raise _damaged(path) from None
        raise SourceError(
            f"{path} wants to run code when it is opened, which is refused; "
            "get it as safetensors, or have its maker save the tensors alone"
        ) from None
    except (RuntimeError, EOFError, IndexError, KeyError, ValueError, TypeError, AttributeError, OSError):
        raise _damaged(path) from None
    inner = None
    while isinstance(content, Mapping):
        key = next((key for key in INNER if isinstance(content.get(key), Mapping)), None)
        if key is None:
            break
        inner, content = key, content[key]
    if not isinstance(content, Mapping):
        raise SourceError(f"{path} holds no tensors by name; get the checkpoint that its maker means for others")
    tensors = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    return Source(path, {name: _stored(path, tensor, in_pieces) for name, tensor in tensors.items()}, inner)


def _stored(path: Path, tensor: Tensor, in_pieces: bool) -> StoredTensor:
    dtype, shape = tensor.dtype, tuple(tensor.shape)
    if not in_pieces:
        return StoredTensor(path, dtype, shape, inner=tensor.detach())
    start = tensor.untyped_storage()._checkpoint_offset + tensor.storage_offset() * dtype.itemsize
    return StoredTensor(path, dtype, shape, start, None if tensor.is_contiguous() else tensor.stride())


def _truncated(path: Path, missing: int | None = None) -> SourceError:
    lack = "it ends too early" if missing is None else f"{missing} bytes are missing at its end"
    return SourceError(f"{path} is truncated, {lack}; download it again")


def _damaged(path: Path) -> SourceError:
    return SourceError(f"{path} is truncated or no file of torch; download it again")
