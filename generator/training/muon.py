"""Muon (Jordan et al. 2024): momentum whose matrices are made orthogonal before they are applied.

The update is scaled to the size of AdamW's (Liu et al. 2025, arXiv 2502.16982).  torch.optim.Muon iterates in bfloat16
everywhere, which takes most of a step on processors that emulate it; here the iteration's number format is a choice.
"""

from __future__ import annotations

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration, steepest at zero (Jordan et al. 2024)
ITERATIONS = 5


def orthogonalise(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """(m, n) -> its singular values pushed to about 1 (0.5 to 1.5) by Newton-Schulz iterations in `dtype`."""
    a, b, c = COEFFICIENTS
    wide = matrix.shape[0] <= matrix.shape[1]
    x = (matrix if wide else matrix.T).to(dtype)
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x if wide else x.T


class Muon(torch.optim.Optimizer):
    """For 2-D parameters only. `iterate_in`: number format of the orthogonalisation."""

    def __init__(
        self,
        parameters: list[Tensor],
        lr: float,
        weight_decay: float,
        momentum: float = 0.95,
        iterate_in: torch.dtype = torch.bfloat16,
    ):
        self._dtype = iterate_in
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                average = state["momentum_buffer"].lerp_(parameter.grad, 1 - group["momentum"])
                direction = orthogonalise(parameter.grad.lerp(average, group["momentum"]), self._dtype)
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(direction, alpha=-group["lr"] * 0.2 * max(parameter.shape) ** 0.5)
