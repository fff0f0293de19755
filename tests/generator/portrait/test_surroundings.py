from dataclasses import replace

import pytest
import torch

from generator.controls.portrait import PortraitControlConfig
from generator.portrait.conditions import Conditions
from generator.portrait.stem import StemConfig
from generator.portrait.surroundings import around_face, keep_surroundings, soft_edge

FRAMES, SIZE, REACH = 4, 32, 2


def footage(seed=0, T=FRAMES):
    source = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randint(0, 256, shape, dtype=torch.uint8, generator=source)  # noqa: E731
    warp = draw(1, T, 4, SIZE, SIZE, 4)
    warp[..., 3] = 255  # the person everywhere
    return Conditions.from_uint8(warp, draw(1, T, 4, SIZE // 2, SIZE // 2, 8))


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


def test_training_sees_the_holes_that_it_has_to_close():
    """Where the network is far more transparent than the warp, a loss on what is shown still pulls at it."""
    conditions, control = footage(), PortraitControlConfig(StemConfig(4, 8), reach=REACH).build(16, 0)
    guide = torch.zeros_like(conditions.guide)
    guide[..., :3, :, :] = 0.5
    conditions = replace(conditions, guide=guide)
    hole = (..., slice(10, 14), slice(10, 14))
    video = opaque_grey().flatten(1, 2)
    video[hole] = -1  # nobody there
    video.requires_grad_()
    truth = conditions.warp.flatten(1, 2)
    (control.train().finish(video, conditions) - truth).abs().mean().backward()
    assert (video.grad[hole][:, :, 3] < 0).all()  # less loss with more coverage
    assert torch.equal(control.eval().finish(video, conditions)[hole], truth[hole])


def test_the_person_gets_no_holes():
    conditions, video = footage(), opaque_grey()
    guide = torch.zeros_like(conditions.guide)
    guide[..., :3, :, :] = 0.5
    conditions = replace(conditions, guide=guide)
    video[..., :, 10:14, 10:14] = -1  # nobody there
    kept = keep_surroundings(video, conditions, REACH)
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
    kept = keep_surroundings(video, conditions, REACH)
    assert torch.equal(kept[..., 20:, :], conditions.warp[..., 20:, :])
    assert kept[..., :3, 5:9, 5:9].abs().max() < 0.2
    guide[..., 4, 3, 3] = 1  # an open mouth in the face
    assert around_face(guide, reach=2)[..., 6:8, 6:8].max() < share[..., 6:8, 6:8].min()
    assert torch.equal(around_face(guide, reach=2, lips=True), share)  # of a person whom the network knows
    conditions.warp[..., 3, :, 7:] = -1  # the person ends there: a hard edge, which stays the warp's
    kept = keep_surroundings(video, conditions, REACH)
    assert torch.equal(kept[..., 5:], conditions.warp[..., 5:])
    assert kept[..., :3, 5:9, 3].abs().max() < conditions.warp[..., :3, 5:9, 3].abs().max()


def test_without_a_reach_everything_is_drawn():
    control = PortraitControlConfig(StemConfig(4, 8)).build(16, 0)
    video = opaque_grey().flatten(1, 2)
    assert torch.equal(control.finish(video, footage()), video)
