"""The paper's stages where the network draws everything: no face, no warp, no files."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from generator.discriminator import LatentDiscriminator
from generator.model import VideoModel
from generator.training.adversarial import AdversarialStage, AdversarialTrainer, _anywhere
from generator.training.consistency import ConsistencyStage, ConsistencyTrainer
from generator.training.data import BatchShape
from generator.training.diffusion import DiffusionStage, DiffusionTrainer
from generator.training.distributed import Workers
from generator.training.optim import OptimizerConfig
from generator.training.recomputation import recompute
from generator.training.sequences import Rollout, encode_clip
from generator.training.sprites import SpriteWorld, sprite_model

ALONE = Workers(torch.device("cpu"))
WORLD = SpriteWorld()
SHAPE = BatchShape(size=2, latents=4, crop=32)
PLAIN = OptimizerConfig(lr=1e-4, matrix_lr=None, betas=(0.0, 0.9), weight_decay=0.0, warmup=0, rule="rmsprop")


def make_model(**kwargs) -> VideoModel:
    torch.manual_seed(0)
    model = VideoModel(sprite_model(dim=24, layers=3, width=16, **kwargs))
    torch.nn.init.normal_(model.network.after[-1].weight, std=0.05)
    return model


def make_judge(model: VideoModel, logits: str = "frame") -> LatentDiscriminator:
    origin = copy.deepcopy(model)
    return LatentDiscriminator(origin.network, origin.control, origin.space, model.codec, logits)


def make_trainer(**kwargs) -> AdversarialTrainer:
    model = make_model()
    stage = AdversarialStage(**{"shape": SHAPE, "optimizer": PLAIN, **kwargs})
    return AdversarialTrainer(stage, model, make_judge(model, stage.logits), ALONE)


def draw(trainer, step: int):
    return tuple(WORLD.batch(shape, (step, number)) for number, shape in enumerate(trainer.shapes))


def judged(model: VideoModel):
    """Latents, and what the model's control takes of them."""
    z, _, conditions = encode_clip(model, WORLD.batch(SHAPE, (0,)))
    return z, conditions


def test_all_three_stages_without_a_face():
    model = make_model()
    teacher = copy.deepcopy(model)
    trainers = [
        DiffusionTrainer(DiffusionStage(shape=SHAPE), model, ALONE),
        ConsistencyTrainer(ConsistencyStage(shape=SHAPE), model, teacher, ALONE),
        make_trainer(),
        make_trainer(forcing="teacher"),
        make_trainer(logits="clip"),
    ]
    for trainer in trainers:
        for step in range(2):
            metrics = trainer.step(draw(trainer, step), torch.Generator().manual_seed(step), 0.0)
            assert all(math.isfinite(value) for value in metrics.values()), metrics


def test_diffusion_learns_the_world():
    trainer = DiffusionTrainer(DiffusionStage(shape=SHAPE, optimizer=OptimizerConfig(warmup=0)), make_model(), ALONE)
    losses = [
        trainer.step(draw(trainer, step % 2), torch.Generator().manual_seed(0), 0.0)["loss"] for step in range(12)
    ]
    assert losses[-1] < 0.7 * losses[0]


def test_updates_are_one_to_one_and_the_judge_never_saw_the_rollout(monkeypatch):
    """After each segment of a long rollout both take a step; what the discriminator is fitted to is another rollout, of
    other clips, than the one that it judges for the generator."""
    trainer = make_trainer(shape=replace(SHAPE, latents=8, segment=2), overlap=1)
    order, fitted, judged_ones = [], [], []
    fit, judge = trainer._update_discriminator, trainer._update_generator

    def update_discriminator(fake, real, *rest):
        order.append("d")
        fitted.append(fake.z)
        assert not fake.z.requires_grad
        return fit(fake, real, *rest)

    def update_generator(fake, real, *rest):
        order.append("g")
        judged_ones.append(fake.z.detach())
        return judge(fake, real, *rest)

    monkeypatch.setattr(trainer, "_update_discriminator", update_discriminator)
    monkeypatch.setattr(trainer, "_update_generator", update_generator)
    trainer.step(draw(trainer, 0), torch.Generator().manual_seed(0), 0.0)
    assert order == ["d", "g"] * 4
    assert trainer.learners["generator"].steps == trainer.learners["discriminator"].steps == 4
    for seen in fitted:
        assert all(seen.shape != own.shape or (seen[:, 1:] - own[:, 1:]).abs().mean() > 1e-3 for own in judged_ones)
    # the reference, then the segment: the first alone, the later ones after the last frame of the one before
    assert [z.shape[1] for z in judged_ones] == [3, 4, 4, 4]
    assert torch.equal(judged_ones[1][:, 1], judged_ones[0][:, -1])


def test_long_rollouts_meet_real_clips_without_a_jump():
    batch = replace(WORLD.batch(replace(SHAPE, latents=12), (0,)), cuts=(4, 8))
    places = {_anywhere(batch, 3, torch.Generator().manual_seed(seed)) for seed in range(60)}
    assert places == {(0, 3), (1, 4), (4, 7), (5, 8), (8, 11), (9, 12)}
    with pytest.raises(ValueError, match="5 latent frames in a row"):
        _anywhere(batch, 5, torch.Generator())


def test_the_first_segment_is_paired_with_its_own_truth_and_later_ones_with_other_clips():
    trainer = make_trainer(shape=replace(SHAPE, latents=6, segment=3), overlap=1)
    mine, other = draw(trainer, 0)
    segments = list(trainer._student(mine, other, torch.Generator().manual_seed(0), train=False))
    truth, elsewhere = (encode_clip(trainer.model, batch)[0] for batch in (mine, other))
    (_, first), (_, second) = segments
    assert torch.equal(first.z, truth[:, :4])
    assert torch.equal(second.z[:, 0], elsewhere[:, 0])
    runs = [elsewhere[:, 1 + start : 5 + start] for start in range(3)]
    assert any(torch.equal(second.z[:, 1:], run) for run in runs)  # forwards, as it was


def test_frame_logits_are_causal_and_clip_logits_are_not():
    model = make_model()
    z, conditions = judged(model)
    t = torch.tensor([0.2, 0.7])
    changed = z.clone()
    changed[:, -1] += 1
    for logits, shape in (("frame", (2, 4)), ("clip", (2, 1))):
        judge = make_judge(model, logits)
        observation = judge.observe(conditions)
        before, after = judge(z, observation, t), judge(changed, observation, t)
        assert before.shape == shape and not torch.allclose(before[:, -1], after[:, -1])
        torch.testing.assert_close(before[:, :-1], after[:, :-1], atol=1e-5, rtol=0)


def test_a_frame_judged_after_itself_is_the_causal_pass():
    """With z as its own past, the discriminator of teacher forcing is the other one; and then the past decides."""
    model = make_model()
    judge = make_judge(model)
    z, conditions = judged(model)
    observation, t = judge.observe(conditions), torch.tensor([0.2, 0.7])
    torch.testing.assert_close(judge(z, observation, t, z), judge(z, observation, t), atol=1e-5, rtol=0)
    fake = z + torch.randn_like(z) * (torch.arange(z.shape[1]) > 0).view(1, -1, 1, 1, 1)
    last = torch.cat([z[:, :-1], fake[:, -1:]], 1)
    torch.testing.assert_close(
        judge(fake, observation, t, z)[:, -1], judge(last, observation, t)[:, -1], atol=1e-5, rtol=0
    )


def rolled_gradients(model: VideoModel, count: int = 5) -> dict[str, torch.Tensor]:
    rollout = Rollout(model, WORLD.batch(replace(SHAPE, latents=2 * count), (0,)), torch.Generator().manual_seed(0))
    for _ in range(2):
        rollout.extend(count).square().mean().backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def test_recomputation_changes_nothing():
    """Neither in a rollout, whose cache has gone on by the time of the backward pass, nor in the offline pass."""
    plain, spare = make_model(), make_model()
    recompute(spare.transformer)
    expected, found = rolled_gradients(plain), rolled_gradients(spare)
    assert expected.keys() == found.keys()
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=1e-6, rtol=1e-5)
    trainers = [DiffusionTrainer(DiffusionStage(shape=SHAPE), model, ALONE) for model in (plain, spare)]
    losses = [
        [trainer.step(draw(trainer, i), torch.Generator().manual_seed(i), 0.0) for i in range(2)]
        for trainer in trainers
    ]
    for before, after in zip(*losses):
        assert before == pytest.approx(after, rel=1e-4)


def kept_bytes(frames: int, spare: bool) -> int:
    """Bytes of all tensors that a rollout keeps for its backward pass, shared memory counted once."""
    model = make_model(window=32)
    if spare:
        recompute(model.transformer)
    batch = WORLD.batch(replace(SHAPE, latents=frames), (0,))
    storages: dict[int, torch.UntypedStorage] = {}

    def keep(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()  # held, so that no address comes twice
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        Rollout(model, batch, torch.Generator().manual_seed(0)).extend(frames)
    return sum(storage.nbytes() for storage in storages.values())


def test_kept_keys_and_values_grow_with_the_rollout_not_with_its_square():
    kept = [kept_bytes(frames, spare=True) for frames in (6, 12, 24)]
    assert kept[2] - kept[1] < 2.1 * (kept[1] - kept[0])
    copies = [kept_bytes(frames, spare=False) for frames in (6, 12, 24)]
    assert copies[2] - copies[1] > 2.5 * (copies[1] - copies[0])  # what is mended
    assert kept[2] < copies[2] / 3
