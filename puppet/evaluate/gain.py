"""What one system gains over another on the same frames, and how sure that is.

With clips enough, each clip gives one difference and the interval is Student's over them: it speaks of clips, and
people, that were not measured. With fewer, half seconds are drawn again and again with replacement within each clip
(Efron 1979): frames beside each other are alike, half seconds hardly; that interval speaks of these clips alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from puppet.media.video_reader import FPS

CLIPS_ENOUGH = 6  # for an interval over clips
SEGMENT = FPS // 2  # frames
DRAWS = 2000
NORMAL = 1.959964  # quantile of the normal distribution for 95 %


@dataclass(frozen=True)
class Gain:
    """mean of the clips; low and high: ends of its 95 % interval, NaN where nothing can be said.

    over: "clips" or "segments", what varies in the interval. clips: number of those that show the region.
    """

    mean: float
    low: float
    high: float
    over: str
    clips: int


def paired_gain(differences: Sequence[np.ndarray], units: Sequence[np.ndarray]) -> Gain:
    """Of clips, each with its (T,) differences and what they are measured in.

    A clip's value is the sum of its differences over the sum of its units, both where they are finite: units of 1 give
    the mean difference.
    """
    clips = [sums for sums in map(_segments, differences, units) if sums[:, 1].sum() > 0]
    if not clips:
        return Gain(float("nan"), float("nan"), float("nan"), "segments", 0)
    values = np.array([_ratio(sums) for sums in clips])
    mean = float(values.mean())
    if len(clips) >= CLIPS_ENOUGH:
        half = student(len(clips) - 1) * float(values.std(ddof=1)) / len(clips) ** 0.5
        return Gain(mean, mean - half, mean + half, "clips", len(clips))
    if min(map(len, clips)) < 2:
        return Gain(mean, float("nan"), float("nan"), "segments", len(clips))
    rng = np.random.default_rng(0)
    drawn = [_ratio(sums[rng.integers(0, len(sums), (DRAWS, len(sums)))]) for sums in clips]
    low, high = np.percentile(np.mean(drawn, 0), (2.5, 97.5))
    return Gain(mean, float(low), float(high), "segments", len(clips))


def student(freedom: int) -> float:
    """97.5 % quantile of Student's distribution, from 5 degrees of freedom on (Abramowitz and Stegun 26.7.5)."""
    z = NORMAL
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


def _segments(differences: np.ndarray, units: np.ndarray) -> np.ndarray:
    """(G, 2): sums over half seconds, of those that have any."""
    known = np.isfinite(differences) & np.isfinite(units)
    rows = np.stack([np.where(known, differences, 0), np.where(known, units, 0)], -1)
    starts = np.arange(0, len(rows), SEGMENT)
    sums = np.add.reduceat(rows, starts)
    return sums[sums[:, 1] > 0]


def _ratio(sums: np.ndarray) -> np.ndarray:
    """(..., G, 2) -> (...)."""
    difference, unit = np.moveaxis(sums.sum(-2), -1, 0)
    return difference / unit
