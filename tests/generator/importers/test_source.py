"""Reading other people's checkpoints: one tensor at a time, nothing run, every fault in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generator.importers.source import SourceError, open_source
from generator.importers.writer import Entry, write
from tests.generator.importers.random_weights import random_tensor

TENSORS = {
    "blocks.0.q.weight": random_tensor((4, 6), 0),
    "blocks.0.modulation": random_tensor((1, 6, 4), 1).bfloat16(),
    "head.bias": random_tensor((5,), 2).half(),
    "scalar": torch.tensor(3.0),
}


def read_all(path: Path) -> dict[str, torch.Tensor]:
    source = open_source(path)
    return {name: stored.read() for name, stored in source.items()}


def assert_same(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert sorted(found) == sorted(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=0, rtol=0)


def write_shards(folder: Path) -> Path:
    names = sorted(TENSORS)
    parts = {"model-1-of-2.safetensors": names[:2], "model-2-of-2.safetensors": names[2:]}
    for file, part in parts.items():
        save_file({name: TENSORS[name] for name in part}, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {name: file for file, part in parts.items() for name in part}}))
    return index


def test_one_file(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "a.safetensors")
    assert_same(read_all(tmp_path / "a.safetensors"), TENSORS)
    assert_same(read_all(tmp_path), TENSORS)


def test_shards(tmp_path: Path) -> None:
    index = write_shards(tmp_path)
    assert_same(read_all(index), TENSORS)
    assert_same(read_all(tmp_path), TENSORS)


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_files_with_wrappers_around_the_weights(tmp_path: Path, zipped: bool) -> None:
    averaged = {f"model._fsdp_wrapped_module.{name}": tensor for name, tensor in TENSORS.items()}
    plain = {f"model.{name}": torch.zeros_like(tensor) for name, tensor in TENSORS.items()}
    path = tmp_path / "a.pt"
    torch.save({"generator": plain, "generator_ema": averaged, "step": 3}, path, _use_new_zipfile_serialization=zipped)
    assert_same(read_all(path), TENSORS)
    assert open_source(path).inner == "generator_ema"


def test_torch_tensors_that_are_views(tmp_path: Path) -> None:
    base = random_tensor((6, 8), 3)
    views = {"turned": base.t(), "part": base[2:4], "columns": base[:, 1:5:2]}
    torch.save(views, tmp_path / "a.pt")
    assert_same(read_all(tmp_path / "a.pt"), views)


def test_side_files_are_passed_over(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "diffusion_pytorch_model.safetensors")
    for name in ("Wan2.1_VAE.pth", "models_t5_umt5-xxl-enc-bf16.pth", "models_clip_open-clip.pth"):
        torch.save({}, tmp_path / name)
    assert_same(read_all(tmp_path), TENSORS)
    save_file(TENSORS, tmp_path / "another.safetensors")
    with pytest.raises(SourceError, match="several checkpoints .*another.safetensors.*give one of them"):
        open_source(tmp_path)


def test_missing_shard(tmp_path: Path) -> None:
    write_shards(tmp_path)
    (tmp_path / "model-2-of-2.safetensors").unlink()
    with pytest.raises(SourceError, match="1 of 2 shards .* missing .*model-2-of-2.safetensors.*download"):
        open_source(tmp_path)


def test_shard_without_a_promised_tensor(tmp_path: Path) -> None:
    index = write_shards(tmp_path)
    promised = json.loads(index.read_text())
    promised["weight_map"]["lost"] = "model-1-of-2.safetensors"
    index.write_text(json.dumps(promised))
    with pytest.raises(SourceError, match="model-1-of-2.safetensors lacks 'lost'"):
        open_source(index)


@pytest.mark.parametrize("keep", [4, 40, -3])
def test_truncated_safetensors(tmp_path: Path, keep: int) -> None:
    save_file(TENSORS, tmp_path / "a.safetensors")
    content = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(content[:keep])
    with pytest.raises(SourceError, match="truncated|no safetensors file"):
        open_source(tmp_path / "a.safetensors")


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("keep", [4, 100, -200])
def test_truncated_torch_file(tmp_path: Path, zipped: bool, keep: int) -> None:
    path = tmp_path / "a.pt"
    torch.save(TENSORS, path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(SourceError, match="truncated or no file of torch"):
        open_source(path)


class Command:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_torch_file_is_not_run(tmp_path: Path, zipped: bool) -> None:
    path, trace = tmp_path / "a.pt", tmp_path / "was run"
    torch.save({"a": torch.zeros(2), "b": Command(trace)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(SourceError, match="wants to run code .* refused"):
        open_source(path)
    assert not trace.exists()


def test_other_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file or folder at"):
        open_source(tmp_path / "nothing.pt")
    with pytest.raises(SourceError, match="no checkpoint in"):
        open_source(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(SourceError, match="is no checkpoint"):
        open_source(tmp_path / "notes.txt")


def test_written_file_is_plain_safetensors(tmp_path: Path) -> None:
    entries = {name: Entry(tensor.dtype, tuple(tensor.shape)) for name, tensor in TENSORS.items()}
    write(tmp_path / "a.safetensors", entries, TENSORS.items(), {"config": "{}"})
    assert_same(load_file(tmp_path / "a.safetensors"), TENSORS)


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"of value")
    entries = {name: Entry(tensor.dtype, tuple(tensor.shape)) for name, tensor in TENSORS.items()}
    with pytest.raises(ValueError, match="did not come"):
        write(path, entries, list(TENSORS.items())[:2], {})
    assert path.read_bytes() == b"of value"
    assert list(tmp_path.iterdir()) == [path]
