"""`--model warp`: the warped portrait as it is, without a network: the baseline of every table, and for the slowest
machines."""

from __future__ import annotations

import numpy as np

from puppet.errors import PuppetError

WARP = "warp"  # the name that asks for it


class WarpStream:
    """Called as the generator's `PortraitStream` is; its pictures are the warps that it is given."""

    device = "cpu"
    pids: tuple[int, ...] = ()  # of processes of its own

    def __init__(self, size: int):
        self.size = size
        self.timings: dict[str, float] = {"generate": 0.0, "decode": 0.0}  # milliseconds

    def lock(self, person: np.ndarray, warp: np.ndarray, guide: np.ndarray) -> None:
        """Nothing of a person is kept."""

    def step(self, warp: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """(4, S, S, 4) uint8 premultiplied RGBA."""
        return warp.copy()

    def close(self) -> None:
        """Nothing is open."""


def check_warp(weights: str) -> None:
    if weights != "shipped":
        raise PuppetError("the warp has no weights: leave --weights out, or choose a model that has")
