"""Rotary position embedding over time, rows and columns for an unbounded stream.

Su et al. 2021, arXiv 2104.09864; the split of a head's channels among the axes is Wan's, arXiv 2503.20314. Cosines and
sines are real tables, computed once in float64; a frame number becomes its angle by looking up and adding two table
rows, so that a step needs no double precision, no host synchronisation, and is as exact after days as at the beginning.
"""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor

FINE = 1024  # latent frames in the fine table; the coarse one counts in so many
COARSE = 4096  # rows: together 4 million latent frames, eight days at six a second; then time begins anew


class Turn(NamedTuple):
    """Cosine and sine (..., pairs) of the angles by which neighbouring channel pairs are turned, float32."""

    cos: Tensor
    sin: Tensor

    def then(self, other: Turn) -> Turn:
        """Both turns after one another."""
        return Turn(self.cos * other.cos - self.sin * other.sin, self.sin * other.cos + self.cos * other.sin)


def axis_split(head_dim: int) -> tuple[int, int, int]:
    """Channels of a head that turn with time, row and column; 128 -> (44, 42, 42)."""
    space = 2 * (head_dim // 6)
    return head_dim - 2 * space, space, space


def turn_table(positions: Tensor, width: int, theta: float, device: torch.device | str) -> Turn:
    """Turns of `width` channels at these positions (N,), any numbers: (N, width / 2)."""
    frequency = theta ** -(torch.arange(0, width, 2, dtype=torch.float64) / max(width, 1))
    angle = positions.double()[:, None] * frequency
    return Turn(angle.cos().float().to(device), angle.sin().float().to(device))


class Rotary:
    """The turns of the tokens of a picture of rows x columns tokens.

    origin: row and column of its first token, fractions too, where it is a window in a larger picture.
    grid: rows and columns that training saw; a larger picture has its tokens closer together (AAPT, appendix A).
    """

    def __init__(
        self,
        head_dim: int,
        rows: int,
        columns: int,
        device: torch.device | str = "cpu",
        theta: float = 10000.0,
        origin: tuple[float, float] = (0.0, 0.0),
        grid: tuple[int, int] | None = None,
    ) -> None:
        time_width, *space_widths = axis_split(head_dim)
        self.shape = rows, columns
        self._fine = turn_table(torch.arange(FINE), time_width, theta, device)
        self._coarse = turn_table(FINE * torch.arange(COARSE), time_width, theta, device)
        axes = []
        for axis, (count, width) in enumerate(zip((rows, columns), space_widths)):
            step = min(1.0, grid[axis] / count) if grid else 1.0
            axes.append(turn_table((torch.arange(count) + origin[axis]) * step, width, theta, device))
        self._space = Turn(
            *(  # (rows * columns, pairs)
                torch.cat([row[:, None].expand(rows, columns, -1), column[None].expand(rows, columns, -1)], -1).flatten(
                    0, 1
                )
                for row, column in zip(*axes)
            )
        )

    def columns(self, first: int, count: int) -> Rotary:
        """The turns of the tokens of neighbouring columns of the same picture."""
        part = copy.copy(self)
        part.shape = self.shape[0], count
        part._space = Turn(
            *(table.unflatten(0, self.shape)[:, first : first + count].flatten(0, 1) for table in self._space)
        )
        return part

    def time(self, frames_T: Tensor) -> Turn:
        """(T, pairs of the time axis) of latent frame numbers, integers."""
        fine, coarse = frames_T % FINE, frames_T // FINE % COARSE
        pick = lambda table, rows: Turn(table.cos[rows], table.sin[rows])  # noqa: E731
        return pick(self._fine, fine).then(pick(self._coarse, coarse))

    def __call__(self, frames_T: Tensor) -> Turn:
        """(T, L, 1, head_dim / 2) for the tokens of these latent frames."""
        return Turn(
            *(
                torch.cat([time[:, None].expand(-1, len(space), -1), space.expand(len(frames_T), -1, -1)], -1)[
                    :, :, None
                ]
                for time, space in zip(self.time(frames_T), self._space)
            )
        )


def rotate(x_BLHD: Tensor, turn: Turn) -> Tensor:
    """Turn the channel pairs of queries or keys, in float32; keeps the dtype. The turn broadcasts from the right: with
    fewer pairs than x has, the first ones (those of time) are turned and the others stay."""
    pairs = turn.cos.shape[-1]
    even, odd = x_BLHD[..., : 2 * pairs].float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([even * turn.cos - odd * turn.sin, even * turn.sin + odd * turn.cos], -1)
    turned = turned.flatten(-2).to(x_BLHD.dtype)
    return turned if 2 * pairs == x_BLHD.shape[-1] else torch.cat([turned, x_BLHD[..., 2 * pairs :]], -1)
