import contextlib
import math
from dataclasses import replace

import pytest
import torch

from generator import checkpoint
from generator.model import VideoModel
from generator.models import MODELS, get_model
from generator.training import loop, recipe
from generator.training.adversarial import RolloutStage
from generator.training.critics import CropCriticConfig, LatentCriticConfig
from generator.training.data import BatchShape, Clips, make_batch
from generator.training.distributed import Workers
from generator.training.loop import Pace
from generator.training.optim import Learner, OptimizerConfig, schedule
from generator.training.recipe import POCKET, make_trainer, train
from generator.training.state import Interrupted, Log

SMALL = BatchShape(size=2, latents=2, crop=48)


@pytest.fixture(scope="module")
def clips(clip_folder):
    return Clips(clip_folder)


@pytest.fixture()
def generator():
    torch.manual_seed(0)
    return VideoModel(get_model("tiny").config)


def run(stage, generator, clips, tmp_path, dtype=None, steps=2):
    checkpoint.save(tmp_path / "diffusion.safetensors", generator, torch.float32)
    workers = Workers(torch.device("cpu"), dtype)
    trainer = make_trainer(stage, generator, tmp_path / "diffusion.safetensors", tmp_path, workers)
    before = {
        key: {k: v.clone() for k, v in learner.state_dict().items()} for key, learner in trainer.learners.items()
    }
    for i in range(steps):
        metrics = trainer.step(make_batch(clips.training, stage.shape, (0, i)), torch.Generator().manual_seed(i), 0.1)
        assert all(math.isfinite(value) for value in metrics.values()), metrics
    return trainer, before


STAGES = {
    **{name: replace(stage, shape=SMALL) for name, stage in POCKET.stages.items()},
    "prefix": RolloutStage(shape=replace(SMALL, prefix=(2, 2)), cache_gradient=False),
    "segments": RolloutStage(shape=replace(SMALL, latents=4), segment=2),
    "overlap": RolloutStage(
        shape=replace(SMALL, latents=4), segment=2, critic=LatentCriticConfig(overlap=1), pixel=0.0
    ),
    "teacher": RolloutStage(shape=SMALL, forcing="teacher"),
    "paper": RolloutStage(
        shape=SMALL, critic=LatentCriticConfig(), latent=0.0, pixel=0.0, adversarial=None, decoder=False
    ),
}


@pytest.mark.parametrize("name", STAGES)
def test_two_steps_change_what_is_trained_and_nothing_else(name, generator, clips, tmp_path):
    stage = replace(STAGES[name], optimizer=replace(STAGES[name].optimizer, warmup=0))
    trainer, before = run(stage, generator, clips, tmp_path)
    for key, learner in trainer.learners.items():
        after = learner.state_dict()
        changed = {k for k, v in after.items() if not torch.equal(v, before[key][k])}
        assert changed or key == "windows"
        assert changed <= set(learner.trained)
        assert all(p.grad is None for p in learner.parameters.values())
    frozen = [n for n in trainer.learners["generator"].parameters if n.startswith("codec.encoder")]
    if name != "autoencoder":
        assert not set(frozen) & set(trainer.learners["generator"].trained)


def test_bfloat16_keeps_float32_masters(generator, clips, tmp_path):
    stage = replace(POCKET.stages["adversarial"], shape=SMALL, critic=CropCriticConfig())
    trainer, before = run(stage, generator, clips, tmp_path, torch.bfloat16, steps=1)
    assert generator.transformer.blocks[0].ffn[0].weight.dtype == torch.bfloat16
    assert all(v.dtype == torch.float32 for v in trainer.learners["generator"].state_dict().values())
    assert trainer.learners["crops"].module.head.weight.dtype == torch.float32


def test_perfect_memory_of_the_stage_weights(generator, clips, tmp_path):
    """At the first grid step the consistency target is the teacher's Euler step: identity at t = 0."""
    stage = replace(POCKET.stages["consistency"], shape=SMALL, grid=1, distance="mse")
    trainer, _ = run(stage, generator, clips, tmp_path, steps=0)
    # student = teacher and a single grid step from t = 1 to t = 0: prediction and target are the same Euler step
    metrics = trainer.step(make_batch(clips.training, SMALL, (0,)), torch.Generator().manual_seed(0), 0.0)
    assert metrics["loss"] < 1e-10


def test_gradient_reaches_the_portrait_and_earlier_frames(generator, clips):
    """Student forcing: the loss on the last frame alone trains through the cache, the recycled latent is cut."""
    generator.requires_grad_(True)
    torch.nn.init.normal_(generator.network.after[-1].weight, std=0.1)
    batch = make_batch(clips.training, SMALL, (0,))
    state = generator.lock(batch.reference_video(), batch.reference_conditions())
    warp = batch.conditions().warp.requires_grad_()
    guide = batch.conditions().guide.requires_grad_()
    observation = generator.observe(type(batch.conditions())(warp, guide))
    for i in range(2):
        noise = torch.randn_like(state.previous)[None, :, None]
        z, state = generator.advance(observation.frames(i, i + 1), state, noise)
    z.square().mean().backward()
    assert guide.grad[:, 0].abs().max() > 0
    assert not state.previous.requires_grad


def test_resumed_run_equals_the_uninterrupted_one(generator, clip_folder, tmp_path, monkeypatch):
    checkpoint.save(tmp_path / "start.safetensors", generator, torch.float32)
    arguments = dict(
        start=tmp_path / "start.safetensors", data=clip_folder, stages=["reconstruction", "adversarial"], batch=2, crop=48, precision=torch.float32,
        pace=Pace(save=1e9, sheet=1e9),
    )  # fmt: skip
    whole = train("tiny", out=tmp_path / "whole", steps=4, **arguments)

    class StopAt:
        """Asks for a stop in the middle of the second stage."""

        count = 0

        def is_set(self):
            StopAt.count += 1
            return StopAt.count == 6

    @contextlib.contextmanager
    def stop_requests():
        yield StopAt()

    with monkeypatch.context() as patch:
        patch.setattr(loop, "stop_requests", stop_requests)
        with pytest.raises(Interrupted):
            train("tiny", out=tmp_path / "parts", steps=4, **arguments)
    parts = train("tiny", out=tmp_path / "parts", steps=4, **arguments)
    a, b = checkpoint.load(whole).state_dict(), checkpoint.load(parts).state_dict()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert (tmp_path / "parts" / "tiny.safetensors").exists()
    assert list((tmp_path / "parts" / "sheets").glob("*.png"))
    logged = {record["stage"] for record in Log(tmp_path / "parts" / "log.jsonl").read()}
    assert logged == {"reconstruction", "adversarial"}


def test_autoencoder_learns(clip_folder, tmp_path):
    train(
        "tiny", clip_folder, tmp_path, steps=12, stages=["autoencoder"], batch=2, crop=48, precision=torch.float32,
        pace=Pace(save=1e9, sheet=1e9, log=0),
    )  # fmt: skip
    losses = [r["loss"] for r in Log(tmp_path / "log.jsonl").read() if "loss" in r]
    assert losses[-1] < losses[0]


def test_wrong_names_are_told(clip_folder, tmp_path):
    with pytest.raises(ValueError, match="autoencoder"):
        train("tiny", clip_folder, tmp_path, steps=1, stages=["diffusio"])
    with pytest.raises(ValueError, match="minutes or steps"):
        train("tiny", clip_folder, tmp_path)
    with pytest.raises(ValueError, match="autoencoder"):
        train("tiny", clip_folder, tmp_path, steps=1, stages=["reconstruction"])


def test_stages_follow_one_another_and_a_folder_is_of_one_run(clip_folder, tmp_path, monkeypatch):
    arguments = dict(steps=1, batch=2, crop=48, precision=torch.float32, pace=Pace(save=1e9, sheet=1e9))
    trained = train("tiny", clip_folder, tmp_path / "run", stages=["autoencoder"], **arguments)
    begun = []
    load = recipe._load
    monkeypatch.setattr(recipe, "_load", lambda config, path: begun.append(path) or load(config, path))
    newest = train("tiny", clip_folder, tmp_path / "run", stages=["reconstruction"], **arguments)
    assert begun == [trained] and newest != trained
    with pytest.raises(ValueError, match="diffusion stage first"):
        train("tiny", clip_folder, tmp_path / "run", stages=["consistency"], **arguments)
    assert train("tiny", clip_folder, tmp_path / "run", stages=["reconstruction"], **arguments) == newest  # is done
    with pytest.raises(ValueError, match="--out"):  # would return the old weights as fitted ones
        train("tiny", clip_folder, tmp_path / "run", stages=["reconstruction"], start=trained, **arguments)


def test_a_model_of_the_papers_kind_is_trained_by_the_papers_stages(clip_folder, tmp_path, monkeypatch):
    tiny = get_model("tiny")
    transformer = replace(tiny.config.transformer, in_channels=80, out_channels=16)
    plain = replace(tiny.config, name="plain", trunk=None, transformer=transformer)
    monkeypatch.setitem(MODELS, "plain", replace(tiny, config=plain, recipe="paper"))
    checkpoint.save(tmp_path / "start.safetensors", VideoModel(plain), torch.float32)
    finished = train(
        "plain", clip_folder, tmp_path / "run", steps=1, batch=1, crop=48, start=tmp_path / "start.safetensors",
        precision=torch.float32, pace=Pace(save=1e9, sheet=1e9, log=0),
    )  # fmt: skip
    records = [r for r in Log(tmp_path / "run" / "log.jsonl").read() if not r.get("held_out")]
    assert [record["stage"] for record in records] == list(recipe.PAPER.stages) and finished.name == "long.safetensors"
    before, after = (checkpoint.load(path).state_dict() for path in (tmp_path / "start.safetensors", finished))
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"control", "network"}  # the latent space is given


def test_schedule_warms_up_and_ends_low():
    config = OptimizerConfig(warmup=10, final=0.1)
    assert abs(schedule(config, 0, 0.0) - 0.1) < 1e-9
    assert abs(schedule(config, 100, 0.0) - 1.0) < 1e-9
    assert abs(schedule(config, 100, 1.0) - 0.1) < 1e-9


def test_muon_takes_the_matrices_of_blocks_only(generator):
    learner = Learner(generator, OptimizerConfig())
    adamw, muon = learner.optimizers
    matrices = {id(p) for group in muon.param_groups for p in group["params"]}
    names = {name for name, p in generator.named_parameters() if id(p) in matrices}
    assert "network.transformer.blocks.0.ffn.0.weight" in names
    assert all(name.startswith("network.transformer.blocks.") for name in names)
    assert not any("modulation" in name for name in names)


def test_the_average_follows_slowly_and_is_the_result(generator):
    learner = Learner(generator, OptimizerConfig(warmup=0, average=0.9, average_from=2))
    name = "network.transformer.blocks.0.ffn.0.weight"
    values = []
    for _ in range(3):
        for p in generator.parameters():
            p.grad = torch.ones_like(p)
        learner.step(0.0)
        values.append(learner.state_dict()[name].clone())
    assert torch.allclose(learner.result()[name], 0.9 * values[1] + 0.1 * values[2], atol=1e-6)
    saved = learner.optimizer_tensors()
    learner.averages = {}
    learner.load_optimizer_tensors(saved)
    assert torch.allclose(learner.result()[name], 0.9 * values[1] + 0.1 * values[2], atol=1e-6)


def test_an_infinite_gradient_is_skipped(generator):
    learner = Learner(generator, OptimizerConfig())
    before = {name: p.detach().clone() for name, p in generator.named_parameters()}
    for p in generator.parameters():
        p.grad = torch.full_like(p, math.inf)
    learner.step(0.0)
    assert all(torch.equal(before[name], p) for name, p in generator.named_parameters())
