"""`puppet import`: what the user sees."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generator.importers import families
from puppet.cli import main
from tests.generator.importers.published import TEXT_DIM, TINY, write_release
from tests.generator.text_release import write_text_release


@pytest.fixture
def release(tmp_path: Path, monkeypatch) -> Path:
    """A release of a tiny family in the place of the published one."""
    monkeypatch.setattr(families, "PUBLISHED", tuple(TINY.values()))
    return write_release(tmp_path / "release", TINY["one-forcing"])


def test_says_what_it_wrote_and_under_which_licence(release: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "deep/out.safetensors"
    assert main(["import", str(release), "--model", "one-forcing", "--out", str(out)]) == 0
    first, licence = capsys.readouterr().out.splitlines()
    assert str(out) in first and "one-forcing" in first
    assert licence == f"licence of the weights: {TINY['one-forcing'].licence}"
    assert load_file(out)["network.head.head.weight"].dtype == torch.float32

    command = ["import", str(release), "--model", "one-forcing", "--out", str(out), "--dtype", "bfloat16", "--json"]
    assert main(command) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["model"] == "one-forcing" and facts["parameters"] > 0
    assert load_file(out)["network.head.head.weight"].dtype == torch.bfloat16


@pytest.mark.parametrize("change, message", [
    ({"--model": "one-forcin"}, "did you mean one-forcing?"),
    ({"--model": "wan2.2-5b"}, "does not fit wan2.2-5b|is not of wan2.2-5b"),
    ({"--model": "wan2.1-1.3b-control"}, "does not fit wan2.1-1.3b-control"),
    ({"--out": "out.pt"}, "must end in .safetensors"),
    ({"SOURCE": "nowhere"}, "no file or folder at"),
])
def test_bad_input_is_one_line(release: Path, tmp_path: Path, capsys, monkeypatch, change: dict, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    values = {"SOURCE": str(release), "--model": "one-forcing", "--out": "out.safetensors"} | change
    source = values.pop("SOURCE")
    assert main(["import", source, *(word for pair in values.items() for word in pair)]) == 1
    error = capsys.readouterr().err.strip()
    assert "\n" not in error and error.startswith("puppet: error: ")
    assert re.search(message, error), error
    assert not Path("out.safetensors").exists()


def test_from_a_release_to_a_clip(tmp_path: Path, monkeypatch, capsys) -> None:
    """Weights, codec, text encoder and tokenizer as they are published; a prompt that changes, a camera that turns."""
    pytest.importorskip("transformers")
    monkeypatch.setattr(families, "PUBLISHED", tuple(TINY.values()))
    release = write_release(tmp_path / "release", TINY["minwm-camera"])
    text = write_text_release(tmp_path / "text", TEXT_DIM, heads=2)
    weights, clip = tmp_path / "minwm.safetensors", tmp_path / "clip.mp4"
    assert main(["import", str(release), "--model", "minwm-camera", "--out", str(weights)]) == 0
    command = [
        "generate", "--model", "minwm-camera", "--weights", str(weights), "--text-encoder", str(text), "--seconds", "1",
        "--prompt", "a boat", "--then", "0.5", "a lake", "--path", "w*2,right*2", "--out", str(clip), "--json",
    ]  # fmt: skip
    capsys.readouterr()
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["frames"] > 0 and clip.stat().st_size > 0

    command[command.index(str(text))] = str(tmp_path / "nowhere")
    assert main(command) == 1
    assert "no text encoder in" in capsys.readouterr().err


class Harmful:
    """Unpickled, it would make a file."""

    def __reduce__(self):
        return Path.touch, (Path("harm"),)


def damaged(kind: str, folder: Path) -> Path:
    """The release of the fixture made unusable in one way."""
    path = folder / "diffusion_pytorch_model.safetensors"
    tensors = load_file(path)
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
        return folder
    if kind == "number format":
        save_file({name: tensor.to(torch.float8_e4m3fn) for name, tensor in tensors.items()}, path)
        return folder
    path.unlink()
    if kind == "code":
        torch.save({**tensors, "harm": Harmful()}, folder / "model.pt")
    if kind == "shard":
        first, second = (f"model-0000{number}-of-00002.safetensors" for number in (1, 2))
        save_file(tensors, folder / first)
        places = dict.fromkeys(tensors, first) | {"more": second}
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return folder


@pytest.mark.parametrize("kind, message", [
    ("truncated", "is truncated, 1000 bytes are missing at its end; download it again"),
    ("number format", "is float8_e4m3fn; get the checkpoint in float32, float16 or bfloat16"),
    ("code", "wants to run code when it is opened, which is refused; get it as safetensors"),
    ("shard", "1 of 2 shards of model.safetensors.index.json are missing .* download them too"),
])
def test_an_unusable_checkpoint_is_one_line(release: Path, tmp_path: Path, capsys, monkeypatch, kind, message) -> None:
    monkeypatch.chdir(tmp_path)
    source = damaged(kind, release)
    assert main(["import", str(source), "--model", "one-forcing", "--out", "out.safetensors"]) == 1
    error = capsys.readouterr().err.strip()
    assert "\n" not in error and error.startswith("puppet: error: ") and re.search(message, error), error
    assert not Path("out.safetensors").exists() and not Path("harm").exists()
