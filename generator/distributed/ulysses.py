"""Sequence parallelism: each process has the tokens of a slab of columns, and in attention all tokens of its share of
heads (DeepSpeed-Ulysses, arXiv 2309.14509; the parallelism of AAPT, arXiv 2506.09350, appendix A).

A wrapper around the plain transformer: it cuts the input, lends the transformer a view of the caller's cache and a
kernel that exchange tokens for heads on the way in and back on the way out, and puts the output together. The caller's
cache then holds this process's heads of all tokens.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as funcol
from torch import Tensor, nn

from ..transformer.attention import Attention
from ..transformer.cache import KVCache, Place, Seen
from ..transformer.config import TransformerConfig
from ..transformer.projective import Cameras
from ..transformer.rope import Rotary
from ..transformer.transformer import CausalTransformer, Text
from .slabs import Slabs


class Exchange:
    """Tokens of a slab with all heads <-> all tokens with a share of the heads. Gradient flows through both ways."""

    def __init__(self, slabs: Slabs, rows: int) -> None:
        self.slabs = slabs
        self.rows = rows  # of tokens
        self.counts = [rows * count for count in slabs.counts]  # tokens of a frame, by process

    @property
    def own(self) -> int:
        return self.counts[self.slabs.rank]

    @property
    def all(self) -> int:
        return sum(self.counts)

    def to_heads(self, x_BNHD: Tensor) -> Tensor:
        """(B, T * own tokens, H, D) -> (B, T * all tokens, H / P, D); the tokens of a frame in the order of the
        slabs."""
        cards = self.slabs.cards
        x = x_BNHD.unflatten(1, (-1, self.own)).unflatten(3, (cards, -1)).movedim(3, 0)  # (P, B, T, own, H/P, D)
        B, T, _, heads, D = x.shape[1:]
        sizes = [B * T * count for count in self.counts]
        y = self._all_to_all(x.flatten(0, 3), sizes, [B * T * self.own] * cards)
        parts = [part.view(B, T, -1, heads, D) for part in y.split(sizes)]
        return torch.cat(parts, 2).flatten(1, 2)

    def to_tokens(self, x_BNHD: Tensor) -> Tensor:
        """Inverse of `to_heads`."""
        cards = self.slabs.cards
        parts = x_BNHD.unflatten(1, (-1, self.all)).split(self.counts, 2)
        B, T, _, heads, D = parts[0].shape
        sizes = [B * T * count for count in self.counts]
        y = self._all_to_all(torch.cat([part.flatten(0, 2) for part in parts]), [B * T * self.own] * cards, sizes)
        return y.view(cards, B, T, self.own, heads, D).movedim(0, 3).flatten(3, 4).flatten(1, 2)

    def _all_to_all(self, x: Tensor, receive: list[int], send: list[int]) -> Tensor:
        group = self.slabs.group or dist.group.WORLD
        return funcol.all_to_all_single_autograd(x.contiguous(), receive, send, group)


class UlyssesCache(KVCache):
    """A view of another cache, through which a slab's keys and values come in and those of a share of the heads go
    out."""

    def __init__(self, inner: KVCache, exchange: Exchange) -> None:
        self.inner, self.exchange = inner, exchange

    def rotary(self, rows: int, columns: int, device: torch.device) -> Rotary:
        slabs = self.exchange.slabs
        return self.inner.rotary(rows, slabs.columns, device).columns(slabs.first, columns)

    def frames(self, count: int, device: torch.device) -> Tensor:
        return self.inner.frames(count, device)

    def plan(self, offset: int, count: int, tokens: int, rotary: Rotary, device: torch.device) -> Place:
        return self.inner.plan(offset, count, self.exchange.all, rotary, device)

    def update(self, layer: int, place: Place, key_BNHD: Tensor, value_BNHD: Tensor) -> Seen:
        return self.inner.update(layer, place, self.exchange.to_heads(key_BNHD), self.exchange.to_heads(value_BNHD))

    def advance(self, count: int) -> None:
        self.inner.advance(count)

    def passed(self, count: int) -> None:
        self.inner.passed(count)

    def scratch(self) -> UlyssesCache:
        return UlyssesCache(self.inner.scratch(), self.exchange)

    def detach(self) -> UlyssesCache:
        return UlyssesCache(self.inner.detach(), self.exchange)


class SequenceParallel(nn.Module):
    """Stands in for a transformer: called with whole pictures on every process, it gives whole outputs on every
    process.

    Raises ValueError where the heads cannot be divided among the processes.
    """

    def __init__(self, transformer: CausalTransformer, group: dist.ProcessGroup | None = None) -> None:
        super().__init__()
        heads, cards = transformer.config.heads, dist.get_world_size(group)
        if heads % cards:
            raise ValueError(f"{heads} heads cannot be divided among {cards} processes")
        self.transformer, self.group = transformer, group
        self.kernels: list[Attention] = [block.attention for block in transformer.blocks]

    @property
    def config(self) -> TransformerConfig:
        return self.transformer.config

    @property
    def dtype(self) -> torch.dtype:
        return self.transformer.dtype

    @property
    def skip(self) -> float:
        return self.transformer.skip

    def step(
        self,
        x_BTChw: Tensor,
        t_BT: Tensor,
        cache: KVCache,
        text: Text | None = None,
        added_BTLD: Tensor | None = None,
        prefix_BTLD: Tensor | None = None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        """As `CausalTransformer.step`. The cache is the caller's, and must be used with this group only."""
        rows, columns = (extent // self.config.patch for extent in x_BTChw.shape[-2:])
        slabs = Slabs.of(columns, self.group)
        exchange = Exchange(slabs, rows)
        for block, kernel in zip(self.transformer.blocks, self.kernels):
            block.attention = _between(exchange, kernel)

        def own(tokens_BTLD: Tensor | None) -> Tensor | None:
            if tokens_BTLD is None:
                return None
            return slabs.own(tokens_BTLD.unflatten(2, (rows, columns)), 3).flatten(2, 3)

        view = UlyssesCache(cache, exchange)
        out = self.transformer.step(slabs.own(x_BTChw), t_BT, view, text, own(added_BTLD), own(prefix_BTLD), cameras)
        return slabs.gather(out)


def _between(exchange: Exchange, kernel: Attention) -> Attention:
    """The kernel on all tokens of this process's heads; keys and values are those that the cache gave."""

    def attention(q_BLHD: Tensor, k_BNHD: Tensor, v_BNHD: Tensor, mask_N: Tensor | None = None) -> Tensor:
        return exchange.to_tokens(kernel(exchange.to_heads(q_BLHD), k_BNHD, v_BNHD, mask_N))

    return attention
