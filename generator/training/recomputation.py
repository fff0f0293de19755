"""Memory for time: activations are computed again in the backward pass instead of kept (AAPT, appendix A: per block).

    recompute(model.network.transformer)

A cached frame's keys and values are kept once. Their copies, which attention wants in one piece for every frame anew,
are made again where they are needed: kept, they would grow with the square of the window.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.utils.checkpoint import checkpoint

from generator.transformer.cache import KVCache, RolloutCache
from generator.transformer.transformer import Block, CausalTransformer


def recompute(transformer: CausalTransformer) -> None:
    """From now on, in place. Results and gradients stay the same."""
    for block in transformer.blocks:
        _recompute_attention(block)
        _recompute_block(block)


def _recompute_attention(block: Block) -> None:
    attend = block.attend
    block.attend = lambda *inputs: checkpoint(attend, *inputs, use_reentrant=False)


def _recompute_block(block: Block) -> None:
    plain = block.forward

    def forward(x_BTLD: Tensor, *inputs: Any) -> Tensor:
        place = next(index for index, each in enumerate(inputs) if isinstance(each, KVCache))
        cache, layer = inputs[place], inputs[place + 1]
        if not isinstance(cache, RolloutCache):
            return plain(x_BTLD, *inputs)
        before = cache.scratch()  # the cache itself has gone on when the backward pass comes
        target: RolloutCache | None = cache

        def run(x_BTLD: Tensor, *inputs: Any) -> Tensor:
            written = before.scratch()
            out = plain(x_BTLD, *inputs[:place], written, *inputs[place + 1 :])
            if target is not None:
                target.sink[layer], target.recent[layer] = written.sink[layer], written.recent[layer]
            return out

        out = checkpoint(run, x_BTLD, *inputs, use_reentrant=False)
        target = None
        return out

    block.forward = forward
