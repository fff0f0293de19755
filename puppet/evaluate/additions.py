"""What a network adds to the warp that it is given, region by region, over some clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from puppet.evaluate.clips import EvaluationClip
from puppet.evaluate.gain import CLIPS_ENOUGH, Gain, paired_gain
from puppet.evaluate.measures import mean
from puppet.evaluate.regions import REGIONS, RegionCurves, part_maps, region_curves
from puppet.evaluate.table import aligned, shown

FORMATS = {"psnr": (".2f", "+.2f"), "sharpness": (".2f", "+.2f")}  # of a level, of a difference
UNITS = {"psnr": "dB", "sharpness": "of the truth's"}
NOTE = (
    f"In brackets the 95 % interval of the paired difference: over clips where at least {CLIPS_ENOUGH} show the "
    "region, else (marked s) over half-second segments within the clips, which speaks of these clips alone."
)


class Additions:
    """Collects clips; the levels of every system, and the others' gains over the one called `base`."""

    def __init__(self, base: str):
        self._base = base
        self._truths: dict[str, RegionCurves] = {}  # by clip
        self._curves: dict[str, dict[str, RegionCurves]] = {}  # by system and clip

    def add(self, clip: EvaluationClip, frames: dict[str, np.ndarray]) -> None:
        """frames: {system: (T, S, S, 3) uint8}, the clip's frames as the systems make them."""
        maps = part_maps(clip)
        self._truths[clip.name] = region_curves(clip.frames, clip.frames, maps)
        for system, made in frames.items():
            self._curves.setdefault(system, {})[clip.name] = region_curves(made, clip.frames, maps)

    def figures(self) -> dict:
        """For JSON: levels by system, region and measure; gains over the base likewise."""
        return {
            "levels": {system: _by_region(self._level, system) for system in self._curves},
            "gains": {
                system: _by_region(lambda *which: asdict(self._gain(*which)), system) for system in self._others()
            },
            "base": self._base,
            "by_clip": {
                system: {clip: _by_region(self._value, system, clip) for clip in clips}
                for system, clips in self._curves.items()
            },
        }

    def markdown(self) -> list[str]:
        """Titles, tables and a note."""
        if not self._curves:
            return []
        parts = []
        for name, (level, _) in FORMATS.items():
            cells = [["", self._base]]
            for system in self._others():
                cells[0] += [system, f"minus {self._base}"]
            for region in REGIONS:
                row = [region, shown(self._level(self._base, region, name), level)]
                for system in self._others():
                    row += [shown(self._level(system, region, name), level), self._words(system, region, name)]
                cells.append(row)
            clips = f"{len(self._truths)} clip{'s' if len(self._truths) > 1 else ''}"
            parts += [f"## Region by region, {clips}: {name}, {UNITS[name]}", aligned(cells)]
        return [*parts, NOTE]

    def _others(self) -> list[str]:
        return [system for system in self._curves if system != self._base]

    def _level(self, system: str, region: str, name: str) -> float:
        return mean([self._value(system, clip, region, name) for clip in self._truths])

    def _rows(self, system: str, clip: str, region: str, name: str) -> tuple[np.ndarray, np.ndarray]:
        """(T,) values of a clip's frames, and what they are measured in."""
        curves = self._curves[system][clip]
        if name == "psnr":
            return curves.psnr[region], np.ones(len(curves.psnr[region]))
        return curves.detail[region], self._truths[clip].detail[region]

    def _value(self, system: str, clip: str, region: str, name: str) -> float:
        values, units = self._rows(system, clip, region, name)
        known = np.isfinite(values) & np.isfinite(units)
        return float(values[known].sum() / max(units[known].sum(), 1e-9)) if known.any() else np.nan

    def _gain(self, system: str, region: str, name: str) -> Gain:
        ours = [self._rows(system, clip, region, name) for clip in self._truths]
        base = [self._rows(self._base, clip, region, name) for clip in self._truths]
        with np.errstate(invalid="ignore"):  # both infinite: no difference is known
            differences = [values - others for (values, _), (others, _) in zip(ours, base)]
        return paired_gain(differences, [units for _, units in ours])

    def _words(self, system: str, region: str, name: str) -> str:
        gain = self._gain(system, region, name)
        if not gain.clips:
            return "–"
        pattern = FORMATS[name][1]
        low, high = shown(gain.low, pattern), shown(gain.high, pattern)
        return f"{shown(gain.mean, pattern)} [{low}, {high}]{'s' if gain.over == 'segments' else ' '}"


def _by_region(figure: Callable, *which: str) -> dict[str, dict]:
    """figure(*which, region, measure), by region and measure."""
    return {region: {name: figure(*which, region, name) for name in FORMATS} for region in REGIONS}
