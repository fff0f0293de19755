"""A safetensors file written tensor by tensor: the header first, so that a large model never lies in memory whole."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
ALIGNMENT = 8  # bytes; the header is padded with spaces to a multiple of it


@dataclass(frozen=True)
class Entry:
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        return self.dtype.itemsize * torch.Size(self.shape).numel()


def write(
    path: Path, entries: Mapping[str, Entry], tensors: Iterable[tuple[str, Tensor]], metadata: Mapping[str, str]
) -> None:
    """Write `tensors`, which come in the order of `entries`. The file appears complete or not at all.

    Raises OSError where it cannot be written (the disk is full), ValueError for a tensor that is not as announced.
    """
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    end = 0
    for name, entry in entries.items():
        start, end = end, end + entry.bytes
        header[name] = {"dtype": DTYPES[entry.dtype], "shape": list(entry.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % ALIGNMENT)

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    announced = iter(entries.items())
    try:
        with open(temporary, "wb") as file:
            file.write(len(text).to_bytes(8, "little"))
            file.write(text)
            for name, tensor in tensors:
                expected, entry = next(announced, (None, None))
                if name != expected or tensor.dtype != entry.dtype or tuple(tensor.shape) != entry.shape:
                    found = f"{name!r} {tensor.dtype} {tuple(tensor.shape)}"
                    raise ValueError(f"{found} comes where {expected!r} was announced")
                file.write(memoryview(tensor.contiguous().view(-1).view(torch.uint8).numpy()))
            missing = next(announced, None)
            if missing is not None:
                raise ValueError(f"{missing[0]!r} was announced and did not come")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
