import contextlib
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from generator import checkpoint
from generator.model import VideoModel
from generator.models import MODELS, get_model
from generator.training import loop, run
from generator.training.adversarial import AdversarialStage
from generator.training.consistency import ConsistencyStage
from generator.training.data import BatchShape, Clips
from generator.training.diffusion import DiffusionStage
from generator.training.distributed import Workers
from generator.training.loop import Pace
from generator.training.optim import Learner, OptimizerConfig, schedule
from generator.training.recipes import PAPER, PAPER_SMALL, RECIPES, SHIPPED, get_recipe
from generator.training.reconstruction import ReconstructionStage
from generator.training.run import make_trainer, train
from generator.training.state import Interrupted, Log

SMALL = BatchShape(size=2, latents=2, crop=48)


@pytest.fixture(scope="module")
def clips(clip_folder):
    return Clips(clip_folder)


@pytest.fixture()
def generator():
    torch.manual_seed(0)
    return VideoModel(get_model("tiny").config)


def run_steps(stage, generator, clips, tmp_path, dtype=None, steps=2):
    checkpoint.save(tmp_path / "diffusion.safetensors", generator, torch.float32)
    workers = Workers(torch.device("cpu"), dtype)
    trainer = make_trainer(stage, generator, tmp_path / "diffusion.safetensors", tmp_path, workers)
    before = {
        key: {k: v.clone() for k, v in learner.state_dict().items()} for key, learner in trainer.learners.items()
    }
    for i in range(steps):
        metrics = trainer.step(draw(trainer, clips, i), torch.Generator().manual_seed(i), 0.1)
        assert all(math.isfinite(value) for value in metrics.values()), metrics
    return trainer, before


def draw(trainer, clips, step):
    return tuple(clips.training.batch(shape, (0, step, number)) for number, shape in enumerate(trainer.shapes))


STAGES = {
    **{name: replace(stage, shape=SMALL) for name, stage in (*SHIPPED.stages.items(), *PAPER_SMALL.stages.items())},
    "prefix": ReconstructionStage(shape=replace(SMALL, latents=1, prefix=(2, 2))),
    "regression_teacher": ReconstructionStage(shape=SMALL, forcing="teacher"),
    "long": replace(PAPER_SMALL.stages["long"], shape=replace(SMALL, latents=4, segment=1), overlap=1),
    "teacher": AdversarialStage(shape=SMALL, forcing="teacher"),
    "clip": AdversarialStage(shape=SMALL, logits="clip"),
}


@pytest.mark.parametrize("name", STAGES)
def test_two_steps_change_what_is_trained_and_nothing_else(name, generator, clips, tmp_path):
    stage = replace(STAGES[name], optimizer=replace(STAGES[name].optimizer, warmup=0))
    trainer, before = run_steps(stage, generator, clips, tmp_path)
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
    stage = replace(SHIPPED.stages["crops"], shape=replace(SMALL, size=1, latents=1))
    trainer, _ = run_steps(stage, generator, clips, tmp_path, torch.bfloat16, steps=1)
    assert generator.transformer.blocks[0].ffn[0].weight.dtype == torch.bfloat16
    assert all(v.dtype == torch.float32 for v in trainer.learners["generator"].state_dict().values())
    assert trainer.learners["crops"].module.head.weight.dtype == torch.float32
    for kept in (generator.transformer.blocks[0].modulation, generator.codec.linear_in.weight):
        assert kept.dtype == torch.float32  # as at inference


def test_perfect_memory_of_the_stage_weights(generator, clips, tmp_path):
    """At the first grid step the consistency target is the teacher's Euler step: identity at t = 0."""
    stage = replace(PAPER_SMALL.stages["consistency"], shape=SMALL, grid=1, distance="mse")
    trainer, _ = run_steps(stage, generator, clips, tmp_path, steps=0)
    # student = teacher and a single grid step from t = 1 to t = 0: prediction and target are the same Euler step
    metrics = trainer.step(draw(trainer, clips, 0), torch.Generator().manual_seed(0), 0.0)
    assert metrics["loss"] < 1e-10


def test_gradient_reaches_the_portrait_and_earlier_frames(generator, clips):
    """Student forcing: the loss on the last frame alone trains through the cache, the recycled latent is cut."""
    generator.requires_grad_(True)
    torch.nn.init.normal_(generator.network.after[-1].weight, std=0.1)
    batch = clips.training.batch(SMALL, (0,))
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
        start=tmp_path / "start.safetensors", data=clip_folder, recipe="paper-small", stages=["adversarial", "long"],
        batch=1, crop=48, precision=torch.float32,
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
    assert logged == {"adversarial", "long"}


def test_autoencoder_learns(clip_folder, tmp_path):
    train(
        "tiny", clip_folder, tmp_path, steps=36, stages=["autoencoder"], batch=2, crop=48, precision=torch.float32,
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
    load = run._load
    monkeypatch.setattr(run, "_load", lambda config, path: begun.append(path) or load(config, path))
    newest = train("tiny", clip_folder, tmp_path / "run", stages=["reconstruction"], **arguments)
    assert begun == [trained] and newest != trained
    with pytest.raises(ValueError, match="diffusion stage first"):
        train("tiny", clip_folder, tmp_path / "run", recipe="paper-small", stages=["consistency"], **arguments)
    assert train("tiny", clip_folder, tmp_path / "run", stages=["reconstruction"], **arguments) == newest  # is done
    with pytest.raises(ValueError, match="--out"):  # would return the old weights as fitted ones
        train("tiny", clip_folder, tmp_path / "run", stages=["reconstruction"], start=trained, **arguments)
    with pytest.raises(ValueError, match="holds model 'tiny', not 'pocket'"):
        train("pocket", clip_folder, tmp_path / "other", start=trained, **arguments)


@pytest.mark.parametrize("recipe", ["paper", "paper-small"])
def test_the_papers_stages_run_in_its_order(recipe, clip_folder, tmp_path, monkeypatch):
    """For a model without convolutions and one with; the discriminator goes on where the stage before left it."""
    name = "tiny"
    if recipe == "paper":
        name, tiny = "plain", get_model("tiny")
        transformer = replace(tiny.config.transformer, in_channels=80, out_channels=16)
        plain = replace(tiny.config, name="plain", trunk=None, transformer=transformer)
        monkeypatch.setitem(MODELS, "plain", replace(tiny, config=plain))
    start = tmp_path / "start.safetensors"
    checkpoint.save(start, VideoModel(MODELS[name].config), torch.float32)
    short = {  # as long as the clips, and in segments a little longer
        stage: replace(config, shape=replace(config.shape, latents=min(config.shape.latents, 4)))
        for stage, config in RECIPES[recipe].stages.items()
    }
    monkeypatch.setitem(RECIPES, recipe, replace(RECIPES[recipe], stages=short))
    begun = {}
    make = run.make_trainer

    def record(stage, model, newest, out, workers, discriminator=None):
        trainer = make(stage, model, newest, out, workers, discriminator)
        if "discriminator" in trainer.learners:
            state = trainer.learners["discriminator"].state_dict()
            begun[newest.stem] = {key: value.clone() for key, value in state.items()}
        return trainer

    monkeypatch.setattr(run, "make_trainer", record)
    finished = train(
        name, clip_folder, tmp_path / "run", recipe=recipe, steps=1, batch=1, crop=48, start=start,
        precision=torch.float32, pace=Pace(save=1e9, sheet=1e9, log=0),
    )  # fmt: skip
    records = [r for r in Log(tmp_path / "run" / "log.jsonl").read() if not r.get("held_out")]
    order = [stage for stage in RECIPES[recipe].stages if stage != "autoencoder"]
    assert [record["stage"] for record in records] == order and finished.stem == order[-1]
    kinds = [type(RECIPES[recipe].stages[stage]) for stage in order]
    assert kinds[:3] == [DiffusionStage, ConsistencyStage, AdversarialStage] and set(kinds[3:]) == {AdversarialStage}
    before, after = (checkpoint.load(path).state_dict() for path in (start, finished))
    changed = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"control", "network"}  # the latent space is given
    left = load_file(tmp_path / "run" / "adversarial.discriminator.safetensors")
    assert all(torch.equal(left[key], value) for key, value in begun["adversarial"].items())
    assert any(not torch.equal(left[key], value) for key, value in begun["consistency"].items())


def test_the_papers_numbers():
    """Learning rates, optimizer, penalties and steps of AAPT, appendix B, for generator and discriminator alike."""
    adversarial = [stage for stage in PAPER.stages.values() if isinstance(stage, AdversarialStage)]
    assert [stage.optimizer.lr for stage in adversarial] == [3e-6, 1e-5, 1e-5]
    for stage in adversarial:
        assert stage.discriminator_optimizer is None and stage.forcing == "student" and stage.logits == "frame"
        assert (stage.objective.penalty, stage.objective.sigma, stage.objective.centring) == (1000.0, 0.1, 0.0)
        assert stage.optimizer.rule == "rmsprop" and stage.optimizer.betas[1] == 0.9
        assert stage.optimizer.weight_decay == 0 and math.isinf(stage.optimizer.clip)
        assert schedule(stage.optimizer, 0, 0.0) == schedule(stage.optimizer, 900, 1.0) == 1.0
    for name in ("diffusion", "consistency"):
        assert PAPER.stages[name].optimizer.lr == 1e-5 and PAPER.stages[name].shift == 24.0


def test_unknown_recipes_are_told():
    with pytest.raises(ValueError, match="did you mean 'paper'"):
        get_recipe("papre")
    assert all(model.recipe in RECIPES for model in MODELS.values())


def test_schedule_warms_up_and_ends_low():
    config = OptimizerConfig(warmup=10, final=0.1)
    assert abs(schedule(config, 0, 0.0) - 0.1) < 1e-9
    assert abs(schedule(config, 100, 0.0) - 1.0) < 1e-9
    assert abs(schedule(config, 100, 1.0) - 0.1) < 1e-9


def test_muon_takes_the_matrices_of_blocks_only(generator):
    learner = Learner(generator, OptimizerConfig())
    _, muon = learner.optimizers
    matrices = {id(p) for group in muon.param_groups for p in group["params"]}
    names = {name for name, p in generator.named_parameters() if id(p) in matrices}
    assert "network.transformer.blocks.0.ffn.0.weight" in names
    assert all(name.startswith("network.transformer.blocks.") for name in names)
    assert not any("modulation" in name for name in names)


def test_the_average_is_alive_from_the_first_steps_and_is_the_result(generator):
    """Of a steady drift it lags behind: a little at first, by 1 / (1 - decay) steps at last."""
    learner = Learner(generator, OptimizerConfig(warmup=0, final=1.0, average=0.9))
    name = "network.transformer.blocks.0.ffn.0.weight"
    values = [learner.state_dict()[name].clone()]
    for _ in range(120):
        with torch.no_grad():
            learner.trained[name] += 1.0
        for p in generator.parameters():
            p.grad = torch.zeros_like(p)
        learner.config = replace(learner.config, lr=0.0)
        learner.step(0.0)
        values.append(learner.state_dict()[name].clone())
        lag = (values[-1] - learner.result()[name]).mean().item()
        if learner.steps == 30:
            assert 0.1 < lag < 5, lag
    assert 7 < lag < 10, lag
    saved = learner.optimizer_tensors()
    averages, learner.averages = learner.averages, {}
    learner.load_optimizer_tensors(saved)
    assert torch.equal(learner.result()[name], averages[name])


def test_an_infinite_gradient_is_skipped(generator):
    learner = Learner(generator, OptimizerConfig())
    before = {name: p.detach().clone() for name, p in generator.named_parameters()}
    for p in generator.parameters():
        p.grad = torch.full_like(p, math.inf)
    learner.step(0.0)
    assert all(torch.equal(before[name], p) for name, p in generator.named_parameters())
