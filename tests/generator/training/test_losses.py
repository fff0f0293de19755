import math

import torch

from generator.training import losses


def test_relativistic_pairing_by_hand():
    real, fake = torch.tensor([1.0, -2.0]), torch.tensor([0.5, 1.0])
    expected_d = (math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(3.0))) / 2
    expected_g = (math.log(1 + math.exp(0.5)) + math.log(1 + math.exp(-3.0))) / 2
    assert abs(losses.relativistic_discriminator(real, fake).item() - expected_d) < 1e-6
    assert abs(losses.relativistic_generator(fake, real).item() - expected_g) < 1e-6


def test_penalties_by_hand():
    a, b = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 4.0])
    assert abs(losses.approximate_penalty(a, b).item() - 2.5) < 1e-6
    assert abs(losses.centring_penalty(a, b).item() - 0.5 * 3.5**2) < 1e-6


def test_flow_matching_is_zero_for_the_true_velocity():
    torch.manual_seed(0)
    x, noise, t = torch.randn(3, 2, 4, 5, 5), torch.randn(3, 2, 4, 5, 5), torch.rand(3)
    v = losses.velocity(x, noise)
    assert losses.flow_matching(v, x, noise).item() == 0
    x_t = losses.interpolate(x, noise, t)
    assert torch.allclose(losses.clean(x_t, v, t), x, atol=1e-6)
    assert torch.allclose(losses.euler(x_t, v, t, torch.zeros(3)), x, atol=1e-6)


def test_time_grid_of_the_paper():
    grid = losses.time_grid(32, 24.0)
    assert grid[0] == 0 and grid[-1] == 1
    assert torch.allclose(grid[[1, 2, 16]], torch.tensor([0.436, 0.615, 0.960]), atol=1e-3)


def test_consistency_function_is_the_identity_at_zero():
    x, v = torch.randn(2, 1, 3, 4, 4), torch.randn(2, 1, 3, 4, 4)
    assert torch.equal(losses.clean(x, v, torch.zeros(2)), x)


def test_pseudo_huber_is_linear_far_away():
    a = torch.zeros(1, 1, 4, 8, 8)
    assert losses.pseudo_huber(a, a).item() == 0
    assert abs(losses.pseudo_huber(a + 2, a).item() - 2) < 1e-2


def test_pixel_terms_by_hand():
    error = torch.zeros(1, 4, 4, 4)
    error[0, 0, 1, 1] = 1.0
    weight = torch.ones(1, 1, 4, 4)
    weight[0, 0, 1, 1] = 3.0
    assert abs(losses.weighted_l1(error, weight).item() - 3 / 64) < 1e-7
    # the step into the pixel has weight 3, the step out of it 1, in both directions
    assert abs(losses.gradient_l1(error, weight).item() - 2 * (3 + 1) / 48) < 1e-7
    assert abs(losses.chroma_l1(error, weight).item() - 3 / 32) < 1e-7


def test_texture_wants_sharpness_whatever_the_phase():
    stripes = torch.zeros(1, 1, 1, 4, 32, 32)
    stripes[..., ::4] = 1
    weight = torch.ones(1, 1, 1, 1, 32, 32)
    moved, blurred = stripes.roll(1, -1), torch.full_like(stripes, 0.25)
    # for l1 the blur is no worse than stripes in the wrong place; the texture term tells them apart
    assert losses.weighted_l1(blurred - stripes, weight) < losses.weighted_l1(moved - stripes, weight)
    assert losses.texture_l1(moved, stripes, weight) < 0.2 * losses.texture_l1(blurred, stripes, weight)
    assert losses.texture_l1(stripes, stripes, weight) == 0
