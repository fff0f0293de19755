"""Everything that one evaluation finds: runs the systems, keeps the figures, writes the pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pose.motion.neutral import find_neutral
from puppet.core.character import Character, load_character
from puppet.evaluate import arms, scores, sheets
from puppet.evaluate.additions import Additions
from puppet.evaluate.clips import EvaluationClip
from puppet.evaluate.identity import FaceEmbedder
from puppet.evaluate.scores import Performance, Progress, Rollout
from puppet.evaluate.systems import NETWORK_INPUT, PLAIN_WARP, STILL, Model, Motion, System
from puppet.evaluate.table import markdown

NO_ADDITIONS = (STILL.name, PLAIN_WARP.name)  # the rows that the regions leave out
LISTED = 12  # clips of which each has its own lines in the table; of more only the mean (the JSON has all)
Figures = dict[str, dict[str, dict[str, float]]]  # clip (and portrait): system: measure


@dataclass
class Report:
    """One evaluation of some models beside the baselines.

    embed: for the measure of identity, None to leave it out. out: existing folder for pictures, None for none.
    quiet: no progress bar; None for one on terminals only. regions_only: nothing but what the models add to the warp,
    region by region, in a third of the time: outputs are not tracked again.
    """

    models: Sequence[Model]
    embed: FaceEmbedder | None
    size: int
    out: Path | None
    quiet: bool | None
    regions_only: bool = False

    def __post_init__(self) -> None:
        self._additions = Additions(NETWORK_INPUT.name)
        self._self: Figures = {}
        self._cross: Figures = {}
        self._signals: dict[str, dict[str, dict[str, tuple[float, float]]]] = {}
        self._rollouts: list[Rollout] = []
        self._rollout_title = ""

    def self_reenactment(self, clips: Sequence[EvaluationClip]) -> None:
        """Each clip drives its own first frame, absolutely; the clip is the truth."""
        baselines: list[System] = [NETWORK_INPUT] if self.regions_only else [STILL, PLAIN_WARP, NETWORK_INPUT]
        for clip in clips:
            character, sheet = load_character(clip.picture, self.size, "original"), f"self_{clip.name}"
            systems = [*baselines, *self.models]
            made = self._perform(systems, character, clip, Motion("absolute"), clip.name, self._self, sheet)
            self._additions.add(clip, {name: made[name] for name in made if name not in NO_ADDITIONS})

    def cross_reenactment(self, characters: Mapping[str, Character], clips: Sequence[EvaluationClip]) -> None:
        """Every clip drives every other portrait, relatively."""
        systems: list[System] = [PLAIN_WARP, NETWORK_INPUT, *self.models]
        for clip in clips:
            motion = Motion("relative", find_neutral(clip.poses))
            for who, character in characters.items():
                name, sheet = f"{who} by {clip.name}", f"cross_{who}_{clip.name}"
                self._perform(systems, character, clip, motion, name, self._cross, sheet)

    def _perform(
        self, systems: Sequence[System], character: Character, clip: EvaluationClip, motion: Motion, name: str,
        figures: Figures, sheet: str,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """The frames of all systems; judged, their figures kept by `name`, and drawn."""
        made = scores.act(systems, character, clip, motion, self._progress(name))
        if self.regions_only:
            unknown = np.full_like(clip.faces, np.nan)
            done = [Performance(system, frames, unknown) for system, frames in made.items()]
        else:
            done = [scores.judge(each, frames, character, clip, motion, self.embed) for each, frames in made.items()]
            figures[name] = {performance.system: performance.scores for performance in done}
            self._signals[name] = {performance.system: performance.signals for performance in done}
        if self.out:
            sheets.contact_sheet(Performance("driver", clip.frames, clip.faces), done, self.out / f"{sheet}.png")
        return made

    def rollout(self, clip: EvaluationClip, minutes: float) -> None:
        """A long performance of the clip's first frame."""
        character = load_character(clip.picture, self.size, "original")
        self._rollout_title = f"{minutes:g} minutes of {clip.name} to and fro"
        systems: list[System] = [NETWORK_INPUT, *self.models]
        progress = self._progress(f"{minutes:g} min of {clip.name}")
        self._rollouts += scores.roll_out(systems, character, clip, minutes, self.embed, progress)
        if self.out:
            sheets.drift_curves(self._rollouts, self.out / "drift.png")

    def figures(self) -> dict:
        """All of it, for JSON: what could not be measured is null."""
        return _finite({
            "size": self.size,
            "models": {
                model.name: {"model": model.model, "weights": model.weights, "seed": model.seed}
                for model in self.models
            },
            "self": _means(self._self),
            "self_by_clip": self._self,
            "cross": _means(self._cross),
            "cross_by_clip": self._cross,
            "regions": self._additions.figures(),
            "signals": self._signals,
            "rollout": {
                rollout.system: {
                    **rollout.summary(), "curves": {name: list(curve) for name, curve in rollout.curves.items()},
                }
                for rollout in self._rollouts
            },
            "pictures": sorted(str(path) for path in self.out.glob("*.png")) if self.out else [],
        })  # fmt: skip

    def markdown(self) -> str:
        parts = _tables("Own first frame, absolute motion", self._self, scores.SELF_MEASURES)
        parts += self._additions.markdown()
        parts += _tables("Arms and hands, own first frame", _with_arms(self._self), arms.PLACES)
        parts += _tables("Other portraits, relative motion", self._cross, scores.CROSS_MEASURES)
        parts += _tables("Arms and hands, other portraits", _with_arms(self._cross), arms.MOTION)
        if self._rollouts:
            rows = {rollout.system: rollout.summary() for rollout in self._rollouts}
            parts += [f"## {self._rollout_title}: first and last sixth", markdown(rows, scores.ROLLOUT_COLUMNS)]
        return "\n\n".join(parts)

    def _progress(self, label: str) -> Progress:
        return lambda frames, count: tqdm(frames, label, count, unit="frame", leave=False, disable=self.quiet)


def _with_arms(figures: Figures) -> Figures:
    """Those of clips that show arms."""
    return {name: rows for name, rows in figures.items() if all("arm_follow" in row for row in rows.values())}


def _means(figures: Figures) -> dict[str, dict[str, float]]:
    systems = next(iter(figures.values()), ())
    return {system: scores.mean_scores([rows[system] for rows in figures.values()]) for system in systems}


def _tables(title: str, figures: Figures, columns: Sequence[str]) -> list[str]:
    if not figures:
        return []
    if len(figures) == 1:
        ((name, rows),) = figures.items()
        return [f"## {title}: {name}", markdown(rows, columns)]
    parts = [f"## {title}: mean of {len(figures)}", markdown(_means(figures), columns)]
    if len(figures) <= LISTED:
        every = {f"{name}, {system}": row for name, rows in figures.items() for system, row in rows.items()}
        parts += ["### Each", markdown(every, columns)]
    return parts


def _finite(value):
    """JSON has neither infinity nor NaN."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float):
        return round(float(value), 5) if math.isfinite(value) else None
    return value
