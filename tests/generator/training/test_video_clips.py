"""The paper's recipe for an open video model: a Wan codec, no recycling, no face, clips of nothing but frames."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from generator import checkpoint
from generator.codecs.wan import WanCodecConfig
from generator.config import ModelConfig
from generator.controls.none import NoControlConfig
from generator.model import VideoModel
from generator.models import MODELS, get_model
from generator.spaces import IdentitySpace
from generator.training.data import BatchShape, Clips
from generator.training.loop import Pace
from generator.training.recipes import RECIPES
from generator.training.run import train
from generator.training.state import Log
from generator.training.video_clips import VideoClip
from generator.transformer.config import TransformerConfig

NAME = "small-wan"


@pytest.fixture()
def model(monkeypatch) -> VideoModel:
    codec = WanCodecConfig(mean=(0.0,) * 4, deviation=(1.0,) * 4, encoder_width=4, decoder_width=4)
    transformer = TransformerConfig(
        dim=24, layers=2, heads=2, ffn_dim=32, in_channels=4, out_channels=4, window=2, fp32_residual=True
    )
    config = ModelConfig(NAME, (32, 32), transformer, codec, NoControlConfig(), IdentitySpace(recycling=False))
    monkeypatch.setitem(MODELS, NAME, replace(get_model("tiny"), config=config, recipe="paper"))
    torch.manual_seed(0)
    return VideoModel(config)


@pytest.fixture()
def folder(tmp_path):
    """Frame i is of grey 10 i."""
    place = tmp_path / "clips"
    place.mkdir()
    for number in range(2):
        frames = np.broadcast_to(10 * np.arange(17, dtype=np.uint8)[:, None, None, None], (17, 40, 48, 3))
        save_file({"frames": np.ascontiguousarray(frames)}, place / f"clip_{number:06d}.safetensors")
    return place


def test_the_reference_is_the_frame_before(folder):
    clips = Clips(folder, VideoClip)
    batch = clips.training.batch(BatchShape(size=3, latents=2, crop=32, prefix=(1, 1)), (0,))
    assert batch.frames.shape == (3, 2, 4, 32, 32, 3) and batch.prefix == 1
    first = batch.reference[:, 0, 0, 0].int() // 10
    made = batch.frames[:, :, :, 0, 0, 0].flatten(1).int() // 10
    assert torch.equal(made, first[:, None] + 5 + torch.arange(8))


def test_the_papers_recipe_on_a_model_without_a_face(model, folder, tmp_path, monkeypatch):
    short = {
        name: replace(stage, shape=replace(stage.shape, latents=min(stage.shape.latents, 6)))
        for name, stage in RECIPES["paper"].stages.items()
    }
    monkeypatch.setitem(RECIPES, "paper", replace(RECIPES["paper"], stages=short))
    start = tmp_path / "start.safetensors"
    checkpoint.save(start, model, torch.float32)
    finished = train(
        NAME, folder, tmp_path / "run", steps=1, batch=1, start=start, precision=torch.float32,
        pace=Pace(save=1e9, sheet=1e9, log=0),
    )  # fmt: skip
    assert finished.stem == "longest"
    records = Log(tmp_path / "run" / "log.jsonl").read()
    assert [r["stage"] for r in records if not r.get("held_out")] == list(short)[1:]  # no autoencoder
    assert all(0 <= r["l1"] <= 255 for r in records if r.get("held_out"))
    assert (tmp_path / "run" / "sheets" / "longest_000001.png").exists()
    before, after = (checkpoint.load(path).state_dict() for path in (start, finished))
    assert {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])} == {"network"}


def test_a_recipe_for_portraits_is_refused(model, folder, tmp_path):
    with pytest.raises(ValueError, match="choose paper"):
        train(NAME, folder, tmp_path / "run", recipe="shipped", steps=1)
    with pytest.raises(ValueError, match="begin with weights"):
        train(NAME, folder, tmp_path / "run", steps=1)
