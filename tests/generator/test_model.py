from dataclasses import replace

import pytest
import torch

from generator.config import ModelConfig, SamplerConfig
from generator.controls.none import NoControlConfig
from generator.model import VideoModel
from generator.models import get_model
from generator.portrait.conditions import Conditions
from generator.spaces import IdentitySpace
from generator.transformer.cache import RolloutCache, StreamCache
from generator.transformer.config import TransformerConfig

FRAMES, SIZE = 4, 32


def build():
    torch.manual_seed(0)
    generator = VideoModel(get_model("tiny").config.resized(SIZE, SIZE))
    for parameter in generator.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return generator


def footage(seed=0, T=FRAMES):
    source = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randint(0, 256, shape, dtype=torch.uint8, generator=source)  # noqa: E731
    warp = draw(1, T, 4, SIZE, SIZE, 4)
    warp[..., 3] = 255  # the person everywhere
    return Conditions.from_uint8(warp, draw(1, T, 4, SIZE // 2, SIZE // 2, 8))


def test_conditions_from_bytes():
    conditions = footage()
    assert conditions.warp.shape == (1, FRAMES, 4, 4, SIZE, SIZE)
    assert conditions.guide.shape == (1, FRAMES, 4, 8, SIZE // 2, SIZE // 2)
    assert conditions.warp.min() >= -1 and conditions.warp.max() <= 1
    assert conditions.guide.min() >= 0 and conditions.guide.max() <= 1


def test_teacher_forced_pass_equals_steps_that_are_fed_the_truth():
    generator, conditions = build(), footage()
    noise = torch.randn(1, FRAMES, 16, SIZE // 8, SIZE // 8)
    with torch.no_grad():
        reference = footage(seed=5).warp[:, 0]
        z = torch.cat([generator.codec.encode(reference), torch.randn_like(noise)[:, 1:]], dim=1)
        offline = generator.velocity(noise, z, conditions, torch.ones(1))
        state = generator.lock(reference, conditions.frames(0, 1))
        for frame in range(1, FRAMES):
            observation = generator.observe(conditions.frames(frame, frame + 1))
            made, state = generator.advance(observation, state, noise[None, :, frame : frame + 1])
            expected = generator.space.to_z(noise[:, frame] - offline[:, frame], observation.base[:, 0])
            torch.testing.assert_close(made[:, 0], expected, atol=1e-5, rtol=0)
            state = replace(state, previous=generator.space.recycled(z[:, frame], observation.base[:, 0]))


def test_rollout_trains_every_part_and_reaches_back_through_the_cache():
    generator, conditions = build(), footage()
    state = generator.lock(footage(seed=5).warp[:, 0], footage(seed=5).frames(0, 1))
    first_noise = generator.noise(1, SIZE, SIZE).requires_grad_()
    z, state = generator.step(conditions.frames(0, 1), state, first_noise)
    assert not state.previous.requires_grad  # the recycled latent is detached
    z, state = generator.step(conditions.frames(1, 2), state, generator.noise(1, SIZE, SIZE))
    video, state = generator.decode(z, conditions.frames(1, 2), state)
    video.square().mean().backward()
    assert first_noise.grad.abs().max() > 0
    missing = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert all(name.startswith("codec.linear_in") for name in missing)
    z, _ = generator.step(conditions.frames(2, 3), state.detach(), generator.noise(1, SIZE, SIZE))
    assert z.requires_grad


def test_recycling_leaks_towards_the_base():
    generator = build()
    (z, base), space = torch.randn(2, 1, 16, 4, 4).unbind(0), generator.space
    torch.testing.assert_close(space.recycled(z, base), (z + base) / 2)
    torch.testing.assert_close(space.to_z(space.to_x(z, base), base), z)


@pytest.mark.parametrize("size", [(20, 32), (32, 100), (0, 32)])
def test_size_must_fit_the_tokens(size):
    with pytest.raises(ValueError, match="multiples of 16"):
        VideoModel(get_model("tiny").config.resized(*size))


def test_channels_must_fit_control_and_codec():
    config = get_model("tiny").config
    with pytest.raises(ValueError, match="must have 80 in_channels"):
        VideoModel(replace(config, trunk=replace(config.trunk, in_channels=64)))


PLAIN = ModelConfig(
    name="plain", size=(SIZE, 2 * SIZE), codec=get_model("tiny").config.codec, control=NoControlConfig(),
    space=IdentitySpace(),
    transformer=TransformerConfig(
        dim=32, layers=2, heads=2, ffn_dim=48, in_channels=32, out_channels=16, window=3, sink_distance=4,
        frequency_dim=16, text_dim=6,
    ),
)


def test_blocks_of_several_steps_leave_the_clean_blocks_keys():
    """Self-Forcing: the estimate is noised anew between steps; a last pass over the clean block fills the cache."""
    config = replace(
        PLAIN, transformer=replace(PLAIN.transformer, block=3, in_channels=16, sink=0, sink_distance=None),
        space=IdentitySpace(recycling=False), sampler=SamplerConfig(times=(1.0, 0.6, 0.3), clean_cache=0.0),
    )
    torch.manual_seed(0)
    model = VideoModel(config).eval().requires_grad_(False)
    text = model.encode_text(torch.randn(1, 4, 6))
    noise = torch.stack([model.noise(1, SIZE, 2 * SIZE) for _ in range(2)])
    made = []
    for cache in (RolloutCache(config.transformer), StreamCache(config.transformer)):
        state = model.lock(None, None, cache, text)
        made.append([])
        for part in noise:
            z, state = model.step(None, state, part, text)
            made[-1].append(z)
    torch.testing.assert_close(made[0][1], made[1][1], atol=1e-5, rtol=0)
    # the second block by hand, with the clean first one before it, offline
    first, x = made[0][0], noise[1][0]
    for step, t in enumerate(config.sampler.times):
        x_t = x if step == 0 else (1 - t) * x + t * noise[1][step]
        t_BT = torch.tensor([[0.0] * 3 + [t] * 3])
        x = x_t - t * model.network(torch.cat([first, x_t], 1), t_BT, text, groups=(3, 3))[:, 3:]
    torch.testing.assert_close(made[0][1], x, atol=1e-5, rtol=0)


@pytest.mark.parametrize("block, reference", [(1, True), (1, False), (3, False)])
def test_a_full_ring_needs_no_mask(block, reference):
    """Long after its window has filled, a stream makes what a list of all keys and values makes."""
    config = replace(PLAIN, transformer=replace(PLAIN.transformer, block=block, window=4))
    torch.manual_seed(0)
    model = VideoModel(config).eval().requires_grad_(False)
    noise = [model.noise(1, SIZE, 2 * SIZE) for _ in range(9)]
    given = torch.rand(1, 4, 4, SIZE, 2 * SIZE) if reference else None
    made, masks = [], []
    for cache in (RolloutCache(config.transformer), StreamCache(config.transformer)):
        state = model.lock(given, None, cache)
        plan = cache.plan
        cache.plan = lambda *frames, plan=plan: masks.append(plan(*frames)) or masks[-1]
        made.append([])
        for part in noise:
            z, state = model.step(None, state, part)
            made[-1].append(z)
    for expected, found in zip(*made):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    missing = [place.mask is not None for place in masks[9:]]
    assert missing == [reference + block * step < 5 for step in range(9)]  # sink and window


def test_the_first_block_may_take_more_steps_than_the_others():
    """Causal Forcing++: the first one as a model of three steps makes it, the second as one of a single step."""
    quick, slow, both = (
        SamplerConfig(times, clean_cache=0.0, first=first)
        for times, first in (((1.0,), None), ((1.0, 0.6, 0.3), None), ((1.0,), (1.0, 0.6, 0.3)))
    )
    torch.manual_seed(0)
    model = VideoModel(replace(PLAIN, sampler=both)).eval().requires_grad_(False)
    noise = [model.noise(1, SIZE, 2 * SIZE) for _ in range(2)]
    assert len(noise[0]) == 3

    def rollout(*samplers):
        state, made = model.lock(None, None), []
        for part, sampler in zip(noise, samplers):
            model.sampler = sampler
            z, state = model.step(None, state, part)
            made.append(z)
        return made

    found, expected, plain = rollout(both, both), rollout(slow, quick), rollout(quick, quick)
    assert all(torch.equal(a, b) for a, b in zip(found, expected))
    assert not torch.allclose(found[0], plain[0])


def test_a_model_without_reference_begins_from_noise_and_hears_its_text():
    torch.manual_seed(0)
    model = VideoModel(PLAIN).eval().requires_grad_(False)
    noise = [model.noise(1, SIZE, 2 * SIZE) for _ in range(3)]

    def rollout(*texts):
        state, made = model.lock(None, None), []
        for part, text in zip(noise, texts):
            z, state = model.step(None, state, part, text)
            made.append(z)
        return torch.cat(made, 1)

    one, other = (model.encode_text(torch.randn(1, 4, 6)) for _ in range(2))
    same, changed = rollout(one, one, one), rollout(one, other, other)
    assert same.shape == (1, 3, 16, SIZE // 8, SIZE // 4)
    assert torch.equal(same[:, 0], changed[:, 0]) and (same[:, 1:] - changed[:, 1:]).abs().max() > 1e-3


def test_a_prompt_for_a_model_without_text_is_refused():
    with pytest.raises(ValueError, match="knows no text"):
        build().encode_text(torch.zeros(1, 4, 6))


def test_nothing_of_the_noise_is_left_where_the_network_predicts_the_sample():
    """bfloat16 noise - (noise + f) has the noise's rounding error in it, far more than that of f."""
    model = build()
    noise, output = torch.randn(1, 1, 16, 4, 4).bfloat16(), 1e-3 * torch.randn(1, 1, 16, 4, 4).bfloat16()
    assert torch.equal(model.clean(noise, output, torch.ones(1, 1)), -output)
