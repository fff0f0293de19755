"""torch.compile on the regions of static shape; what handles frame numbers and ring slots stays plain Python."""

from __future__ import annotations

import torch

from ..generator import Generator


def compile_regions(generator: Generator) -> Generator:
    """Compile stem, trunk, the two halves of each transformer block, and decoder, in place (first calls are slow)."""
    transformer = generator.transformer
    generator.stem.compile(dynamic=False)
    generator.autoencoder.decoder.compile(dynamic=False)
    if transformer.config.trunk_depth:
        transformer.trunk_in.compile(dynamic=False)
        transformer.trunk_out.compile(dynamic=False)
    for block in transformer.blocks:
        block.before = torch.compile(block.before, dynamic=False)
        block.after = torch.compile(block.after, dynamic=False)
    return generator
