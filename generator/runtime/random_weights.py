"""A model with random weights, for measuring: made on the device and in the number format in which it will run, because
a large one would lie in memory twice as large first."""

from __future__ import annotations

import torch

from ..config import ModelConfig
from ..model import VideoModel


def with_random_weights(config: ModelConfig, device: torch.device, dtype: torch.dtype, seed: int = 0) -> VideoModel:
    """The same weights for the same seed, on one kind of device."""
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return VideoModel(config).eval()
    finally:
        torch.set_default_dtype(before)
