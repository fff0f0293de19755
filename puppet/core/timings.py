"""How long each stage takes, always measured: two clock readings per stage and frame cost nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

STAGES = ("track", "condition", "generate", "decode", "reproject", "composite")


class Timings:
    """Seconds and video frames per stage. Stages may run in different threads."""

    def __init__(self, stages: tuple[str, ...] = STAGES):
        self._lock, self._stages = threading.Lock(), stages
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._seconds = dict.fromkeys(self._stages, 0.0)
            self._frames = dict.fromkeys(self._stages, 0)

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count the block as a video frame's worth of a stage."""
        start = time.perf_counter()
        yield
        self.add(stage, time.perf_counter() - start)

    def add(self, stage: str, seconds: float, frames: int = 1) -> None:
        with self._lock:
            self._seconds[stage] += seconds
            self._frames[stage] += frames

    def milliseconds(self) -> dict[str, float]:
        """Mean of every stage per video frame."""
        with self._lock:
            return {stage: 1000 * self._seconds[stage] / max(self._frames[stage], 1) for stage in self._stages}
