import torch

from generator.training.muon import Muon, orthogonalise
from generator.training.regions import outline


def test_orthogonalised_matrices_keep_their_directions_and_lose_their_sizes():
    torch.manual_seed(0)
    for shape in ((16, 48), (48, 16)):
        matrix = torch.randn(shape)
        u, _, vt = torch.linalg.svd(matrix, full_matrices=False)
        spread = torch.diagonal(u.T @ orthogonalise(matrix, torch.float32) @ vt.T)
        assert spread.min() > 0.5 and spread.max() < 1.5


def test_muon_agrees_with_torchs_in_bfloat16():
    torch.manual_seed(0)
    start, gradients = torch.randn(24, 64), torch.randn(3, 24, 64)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    one = Muon([ours], 1e-2, 0.01)
    other = torch.optim.Muon([theirs], 1e-2, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for gradient in gradients:
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        one.step()
        other.step()
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)


def test_the_outline_is_where_the_coverage_ends():
    alpha = torch.zeros(1, 1, 1, 40, 40)
    alpha[..., 20:, :] = 1
    band = outline(alpha)[0, 0, 0, :, 20]
    assert band[17:23].min() == 1 and band[:12].max() == 0 and band[28:].max() == 0
