from dataclasses import replace

import pytest
import torch

from generator.conditions import Conditions, around_face, coarse, soft_edge
from generator.generator import Generator
from generator.presets import get_preset

FRAMES, SIZE = 4, 32


def build():
    torch.manual_seed(0)
    generator = Generator(replace(get_preset("tiny"), size=SIZE))
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
        z = torch.cat([generator.autoencoder.encode(reference[:, None]), torch.randn_like(noise)[:, 1:]], dim=1)
        offline = generator.velocity(noise, z, conditions, torch.ones(1))
        state = generator.lock(reference, conditions.frames(0, 1))
        for frame in range(1, FRAMES):
            observation = generator.observe(conditions.frames(frame, frame + 1))
            made, state = generator.advance(observation, state, noise[:, frame])
            expected = generator.to_z(noise[:, frame] - offline[:, frame], observation.z_warp[:, 0])
            torch.testing.assert_close(made, expected, atol=1e-5, rtol=0)
            state = replace(state, previous=generator.recycled(z[:, frame], observation.z_warp[:, 0]))


def test_rollout_trains_every_part_and_reaches_back_through_the_cache():
    generator, conditions = build(), footage()
    state = generator.lock(footage(seed=5).warp[:, 0], footage(seed=5).frames(0, 1))
    first_noise = generator.noise(1, SIZE).requires_grad_()
    z, state = generator.step(conditions.frames(0, 1), state, first_noise)
    assert not state.previous.requires_grad  # the recycled latent is detached
    z, state = generator.step(conditions.frames(1, 2), state, generator.noise(1, SIZE))
    video, state = generator.decode(z, conditions.frames(1, 2), state)
    video.square().mean().backward()
    assert first_noise.grad.abs().max() > 0
    missing = [n for n, p in generator.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert all(name.startswith("autoencoder.linear_in") for name in missing)
    z, _ = generator.step(conditions.frames(2, 3), state.detach(), generator.noise(1, SIZE))
    assert z.requires_grad


def test_recycling_leaks_towards_the_warp():
    generator = build()
    z, z_warp = torch.randn(2, 1, 16, 4, 4).unbind(0)
    torch.testing.assert_close(generator.recycled(z, z_warp), (z + z_warp) / 2)
    torch.testing.assert_close(generator.to_z(generator.to_x(z, z_warp), z_warp), z)


@pytest.mark.parametrize("size", [20, 100])
def test_size_must_fit_the_tokens(size):
    with pytest.raises(ValueError, match="multiple of 16"):
        replace(get_preset("tiny"), size=size)


@pytest.mark.parametrize("reach", [1, 2, 4, 7, 12])
def test_nothing_is_drawn_beyond_the_soft_edge(reach):
    guide = torch.zeros(1, 1, 1, 8, 48, 48)
    guide[..., :3, 20:30, 23:25] = 0.5
    drawn = around_face(guide, reach)[0, 0, 0, 0] > 0
    edge = soft_edge(reach)
    assert not drawn[:, : 2 * (23 - edge)].any() and not drawn[2 * (30 + edge) :].any()
    assert drawn[:, 2 * (25 + edge - 2) :].any() and drawn[: 2 * (20 - edge + 2)].any()


def opaque_grey():
    video = torch.zeros(1, FRAMES, 4, 4, SIZE, SIZE)
    video[..., 3, :, :] = 1
    return video


def test_known_skin_keeps_the_detail_of_the_portrait():
    conditions, video, generator = footage(), opaque_grey(), build()
    guide = torch.zeros_like(conditions.guide)
    guide[..., :3, :, :] = 0.5  # a face everywhere
    shown = (..., slice(3), slice(8, 24), slice(8, 24))
    unknown = generator.keep_surroundings(video, replace(conditions, guide=guide))
    assert unknown[shown].abs().max() < 1e-5
    guide[..., 3, :, :] = 1
    known = generator.keep_surroundings(video, replace(conditions, guide=guide))
    fine = lambda picture: picture - coarse(picture)  # noqa: E731
    torch.testing.assert_close(fine(known)[shown], fine(conditions.warp)[shown], atol=0.25, rtol=0)  # of about 1
    assert coarse(known)[shown].abs().max() < 0.2 < coarse(conditions.warp)[shown].abs().max()
    guide[..., 5, 6:10, 6:10] = 1  # an eye
    eye = generator.keep_surroundings(video, replace(conditions, guide=guide))
    assert eye[..., :3, 13:19, 13:19].abs().max() < 1e-5


def test_the_person_gets_no_holes():
    conditions, video, generator = footage(), opaque_grey(), build()
    guide = torch.zeros_like(conditions.guide)
    guide[..., :3, :, :] = 0.5
    conditions = replace(conditions, guide=guide)
    video[..., :, 10:14, 10:14] = -1  # nobody there
    kept = generator.keep_surroundings(video, conditions)
    assert torch.equal(kept[..., 10:14, 10:14], conditions.warp[..., 10:14, 10:14])
    assert kept[..., :3, 16:22, 16:22].abs().max() < 1e-5


def test_only_the_face_and_its_surroundings_are_drawn():
    conditions, video = footage(), opaque_grey()
    guide = torch.zeros_like(conditions.guide)
    guide[..., :3, 2:5, 2:5] = 0.5
    conditions = replace(conditions, guide=guide)
    share = around_face(guide, reach=2)
    assert share.shape == (1, FRAMES, 4, 1, SIZE, SIZE)
    assert share[..., 4:10, 4:10].min() > 0.9 and share.min() == 0
    generator = build()
    kept = generator.keep_surroundings(video, conditions)
    assert torch.equal(kept[..., 20:, :], conditions.warp[..., 20:, :])
    assert kept[..., :3, 5:9, 5:9].abs().max() < 0.2
    guide[..., 4, 3, 3] = 1  # an open mouth in the face
    assert around_face(guide, reach=2)[..., 6:8, 6:8].max() < share[..., 6:8, 6:8].min()
    conditions.warp[..., 3, :, 7:] = -1  # the person ends there: a hard edge, which stays the warp's
    kept = generator.keep_surroundings(video, conditions)
    assert torch.equal(kept[..., 5:], conditions.warp[..., 5:])
    assert kept[..., :3, 5:9, 3].abs().max() < conditions.warp[..., :3, 5:9, 3].abs().max()
    everywhere = Generator(replace(generator.config, reach=None))
    assert torch.equal(everywhere.keep_surroundings(video, conditions), video)
