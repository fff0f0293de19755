"""Prompts through umT5: against Wan's own encoder at random weights, from both kinds of folder, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from generator.text import TOKENS, TextEncoder, TextError, wan_encoder
from tests.generator.text_release import umt5_weights, write_text_release

pytest.importorskip("transformers")

PUBLISHED = Path(__file__).parent / "importers/data/umt5.safetensors"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_text_release(tmp_path)


def test_parity_with_wans_encoder(release: Path) -> None:
    encoder = TextEncoder.open(release, dtype=torch.float32)
    embedding = encoder("boat  lake on a")
    assert embedding.shape == (1, TOKENS, 24)
    expected = load_file(PUBLISHED)["embedding"]  # of tokens 5 9 2 33 1
    torch.testing.assert_close(embedding[:, :5], expected, atol=1e-5, rtol=0)
    assert not embedding[:, 5:].any() and expected.std() > 0.1


def test_folder_of_diffusers(release: Path, tmp_path: Path) -> None:
    wan_encoder(release / "models_t5_umt5-xxl-enc-bf16.pth", torch.float32).save_pretrained(tmp_path / "d/text_encoder")
    (release / "google/umt5-xxl").rename(tmp_path / "d/tokenizer")
    embedding = TextEncoder.open(tmp_path / "d", dtype=torch.float32)("boat lake on a")
    torch.testing.assert_close(embedding[:, :5], load_file(PUBLISHED)["embedding"], atol=1e-5, rtol=0)


def test_long_prompts_are_cut(release: Path) -> None:
    assert TextEncoder.open(release, dtype=torch.float32)("boat " * 600).shape == (1, TOKENS, 24)


def test_what_is_missing_is_named(release: Path, tmp_path: Path) -> None:
    with pytest.raises(TextError, match="no text encoder in .*give the folder of Wan-AI/Wan2.1-T2V-1.3B"):
        TextEncoder.open(tmp_path / "empty")
    (release / "google/umt5-xxl").rename(tmp_path / "elsewhere")
    with pytest.raises(TextError, match="the tokenizer .* is missing"):
        TextEncoder.open(release)
    (tmp_path / "elsewhere").rename(release / "google/umt5-xxl")
    weights = umt5_weights()
    del weights["norm.weight"]
    torch.save(weights, release / "models_t5_umt5-xxl-enc-bf16.pth")
    with pytest.raises(TextError, match="'norm.weight'"):
        TextEncoder.open(release)
