"""Linears of the transformer's blocks in fp8, scaled by rows (torchao, extra `cuda`). Modulation, embeddings, patches
in and
out stay as they are: they are a hundredth of the work, and rounding them shifts every token."""

from __future__ import annotations

import torch
from torch import nn

from ..model import VideoModel

ALIGNMENT = 16  # what fp8 matrix units want of both widths
CAPABILITY = (8, 9)  # of the first NVIDIA cards with fp8 units (Ada)


def in_fp8(module: nn.Module, name: str) -> bool:
    """True for the linears that carry the work: those of attention and feed-forward inside the blocks."""
    inside = name.startswith("blocks.")
    return inside and isinstance(module, nn.Linear) and not any(n % ALIGNMENT for n in module.weight.shape)


def quantise(model: VideoModel) -> VideoModel:
    """In place; do it before compiling. Raises ValueError on a device without fp8 units, or without torchao."""
    device = next(model.parameters()).device
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < CAPABILITY:
        raise ValueError(f"fp8 needs an NVIDIA card of compute capability 8.9 or later, not {device}; leave --fp8 out")
    try:
        from torchao.quantization import Float8DynamicActivationFloat8WeightConfig, PerRow, quantize_
    except ImportError:
        raise ValueError("fp8 needs torchao: pip install 'puppet-live[cuda]'") from None
    quantize_(model.transformer, Float8DynamicActivationFloat8WeightConfig(granularity=PerRow()), in_fp8)
    return model
