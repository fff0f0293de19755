"""Random weights that are the same on every machine: numpy's generator, tensors in the order of their names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def random_weights(shapes: Mapping[str, tuple[int, ...]], seed: int, gain: float = 1.0) -> dict[str, Tensor]:
    """Kernels change the variance of what passes them by about `gain` squared; vectors are small, norms about one."""
    random = np.random.RandomState(seed)
    weights = {}
    for name in sorted(shapes):
        shape = shapes[name]
        values = random.standard_normal(shape).astype(np.float32)
        norm = "norm" in name or "gamma" in name or ".residual.0." in name
        if len(shape) > 1 and max(shape[1:]) > 1 and not norm and "modulation" not in name:
            values *= gain * (2 / np.prod(shape[1:])) ** 0.5
        else:
            values = 0.1 * values + (norm and not name.endswith("bias"))
        weights[name] = torch.from_numpy(np.asarray(values, dtype=np.float32))
    return weights


def random_tensor(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape).astype(np.float32))
