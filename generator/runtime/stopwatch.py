"""Milliseconds between moments of a step. On a GPU the moments are events in its own queue, so that nothing waits in
between."""

from __future__ import annotations

import time

import torch


class Stopwatch:
    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._moments: list[float | torch.cuda.Event] = []

    def mark(self) -> None:
        if self._device.type != "cuda":
            self._moments.append(time.perf_counter())
            return
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        self._moments.append(event)

    def read(self) -> list[float]:
        """Between each moment and the next; waits until the last one has come."""
        pairs = list(zip(self._moments, self._moments[1:]))
        if self._device.type != "cuda":
            return [1000 * (after - before) for before, after in pairs]
        self._moments[-1].synchronize()
        return [before.elapsed_time(after) for before, after in pairs]
