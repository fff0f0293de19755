"""torch.compile on the regions of static shape; what handles frame numbers and ring slots stays plain Python."""

from __future__ import annotations

import torch

from ..model import VideoModel


def compile_regions(model: VideoModel) -> VideoModel:
    """Compile control, codec and the two halves of each transformer block, in place (first calls are slow)."""
    for part in (*model.control.children(), *model.codec.children()):
        part.compile(dynamic=False)
    for block in model.transformer.blocks:
        block.before = torch.compile(block.before, dynamic=False)
        block.after = torch.compile(block.after, dynamic=False)
    return model
