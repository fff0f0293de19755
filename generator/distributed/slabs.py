"""How a picture is divided among the processes of a group: each has a slab of neighbouring columns."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True)
class Slabs:
    """counts: columns (of tokens, or of latent cells) that each process has, from left to right."""

    counts: tuple[int, ...]
    rank: int
    group: dist.ProcessGroup | None = None  # None: all processes

    @staticmethod
    def of(columns: int, group: dist.ProcessGroup | None = None) -> Slabs:
        """As even as columns allow. Raises ValueError where a process would have none."""
        cards, rank = dist.get_world_size(group), dist.get_rank(group)
        if columns < cards:
            raise ValueError(f"{columns} columns cannot be divided among {cards} processes")
        return Slabs(tuple((columns + i) // cards for i in range(cards)), rank, group)

    @property
    def cards(self) -> int:
        return len(self.counts)

    @property
    def columns(self) -> int:
        return sum(self.counts)

    @property
    def first(self) -> int:
        """First column of this process's slab."""
        return sum(self.counts[: self.rank])

    def own(self, x: Tensor, dim: int = -1) -> Tensor:
        """This process's slab of a picture whose columns are `dim`; each column may be several entries wide."""
        width = x.shape[dim] // self.columns
        return x.narrow(dim, self.first * width, self.counts[self.rank] * width)

    def gather(self, x: Tensor, dim: int = -1) -> Tensor:
        """The picture put together from every process's slab, on every process. No gradient."""
        width = x.shape[dim] // self.counts[self.rank]
        x = x.movedim(dim, 0)
        padded = x.new_zeros(max(self.counts) * width, *x.shape[1:])  # all_gather wants equal sizes
        padded[: len(x)] = x
        parts = [torch.empty_like(padded) for _ in self.counts]
        dist.all_gather(parts, padded, self.group)
        return torch.cat([part[: count * width] for part, count in zip(parts, self.counts)]).movedim(0, dim)
