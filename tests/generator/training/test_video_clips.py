"""The paper's recipe for an open video model: a Wan codec, no recycling, no face, clips of nothing but frames."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from generator import checkpoint
from generator.codecs.wan import WanCodecConfig
from generator.config import ModelConfig
from generator.controls.camera import ProjectiveCameraConfig, RayCameraConfig
from generator.controls.none import NoControlConfig
from generator.controls.pictures import PicturesControlConfig
from generator.discriminator import LatentDiscriminator
from generator.model import VideoModel
from generator.models import MODELS, get_model
from generator.spaces import IdentitySpace
from generator.training.adversarial import AdversarialStage, AdversarialTrainer
from generator.training.consistency import ConsistencyStage, ConsistencyTrainer
from generator.training.data import BatchShape, Clips, Silent
from generator.training.diffusion import DiffusionStage, DiffusionTrainer
from generator.training.distributed import Workers
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


@pytest.mark.parametrize("control, channels, projective", [
    (PicturesControlConfig(), 8, False), (RayCameraConfig(), 24, False), (ProjectiveCameraConfig(), 0, True),
])
def test_a_control_that_clips_say_nothing_to(model, folder, control, channels, projective):
    """All three stages run for models with a control, too: no pictures to follow, a camera that stands still."""
    transformer = replace(model.config.transformer, in_channels=4 + channels, projective=projective)
    config = replace(model.config, transformer=transformer, control=control)
    workers = Workers(torch.device("cpu"))
    shape = BatchShape(size=2, latents=3, crop=32, segment=2)
    made = [VideoModel(config) for _ in range(3)]
    judge = LatentDiscriminator(made[2].network, made[2].control, made[2].space, made[0].codec)
    stages = (DiffusionStage(shape=shape), ConsistencyStage(shape=shape), AdversarialStage(shape=shape, overlap=1))
    trainers = (
        DiffusionTrainer(stages[0], made[0], workers), ConsistencyTrainer(stages[1], made[0], made[1], workers),
        AdversarialTrainer(stages[2], made[0], judge, workers),
    )
    source = Silent(Clips(folder, VideoClip).training, made[0])
    for trainer in trainers:
        batches = tuple(source.batch(each, (0, number)) for number, each in enumerate(trainer.shapes))
        metrics = trainer.step(batches, torch.Generator().manual_seed(0), 0.0)
        assert all(np.isfinite(value) for value in metrics.values()), metrics
