"""`puppet import`: what the user sees."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from generator.importers import families
from puppet.cli import main
from tests.generator.importers.published import TINY, write_release


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
