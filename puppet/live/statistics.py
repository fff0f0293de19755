"""What is always measured while the loop runs, in constant memory."""

from __future__ import annotations

import threading

import numpy as np

from puppet.core.memory import resident_mib
from puppet.core.timings import STAGES, Timings
from puppet.outputs.base import Picture

LONGEST = 10_000  # ms that an age is counted up to
# of what a sent picture shows: the driver's pose; the newest generated frame in it
AGES = ("motion", "appearance")


class Statistics:
    """Rate and evenness of the output, age of what it shows, time per stage, memory.

    `timings` are the stages' means: beside the work what a frame waits, "collect" (until its group of four is whole)
    and "wait" (until it is due). helpers: processes whose memory counts too.
    """

    def __init__(self, helpers: tuple[int, ...] = ()) -> None:
        self.timings = Timings(("collect", *STAGES, "wait"))
        self._helpers = helpers
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start counting now: what came before was warming up."""
        self.timings.reset()
        with self._lock:
            self.frames = 0  # sent
            self.repeated = 0  # of them the same picture again
            self._first = self._last = 0.0
            self._largest_gap = 0.0
            self._ages = {kind: np.zeros(LONGEST, np.int64) for kind in AGES}  # histograms of milliseconds
            self._rss_start: float | None = None  # when the first of the driver's pictures went out: all has run once

    def memory(self) -> float | None:
        """MiB of this process and its helpers (on Linux); None where the system does not say."""
        sizes = [resident_mib(), *(resident_mib(pid) for pid in self._helpers)]
        known = [size for size in sizes if size is not None]
        return round(sum(known), 1) if known else None

    def sent(self, now: float, new: Picture | None) -> None:
        """The sender put out a frame at `now`; `new` is the picture where it was shown for the first time."""
        with self._lock:
            if self.frames:
                self._largest_gap = max(self._largest_gap, now - self._last)
            else:
                self._first = now
            self.frames += 1
            self._last = now
            if new is None:
                self.repeated += 1
            elif new.live:
                if self._rss_start is None:
                    self._rss_start = self.memory()
                self._count("motion", now - new.time)
                if new.appearance is not None:
                    self._count("appearance", now - new.appearance)

    def latency(self, kind: str, percent: float) -> float | None:
        """Milliseconds of age, of "motion" or "appearance", that so many percent of the sent pictures stay within."""
        with self._lock:
            total = int(self._ages[kind].sum())
            if not total:
                return None
            return float(np.searchsorted(np.cumsum(self._ages[kind]), percent / 100 * total))

    def _count(self, kind: str, seconds: float) -> None:
        self._ages[kind][min(max(round(seconds * 1000), 0), LONGEST - 1)] += 1

    @property
    def fps(self) -> float:
        with self._lock:
            return (self.frames - 1) / (self._last - self._first) if self.frames > 1 else 0.0

    def summary(self) -> dict:
        """The object that `--json` prints; milliseconds are means per video frame."""
        rss = self.memory()
        return {
            "frames": self.frames,
            "fps": round(self.fps, 2),
            "max_gap_ms": round(1000 * self._largest_gap, 1),
            "new_pictures_per_second": round(self.fps * (1 - self.repeated / max(self.frames, 1)), 2),
            **{f"{kind}_latency_ms": {f"p{p}": self.latency(kind, p) for p in (50, 95)} for kind in AGES},
            "ms": {stage: round(ms, 2) for stage, ms in self.timings.milliseconds().items()},
            "rss_mib": {"start": rss if self._rss_start is None else self._rss_start, "end": rss},
        }
