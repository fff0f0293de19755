"""What is compared: baselines without a network, and models. Each makes frames of a portrait and a driver's poses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from pose.portrait.preparation import Portrait
from pose.tracking.landmarks import PoseFrame
from pose.warp.conditioning import Conditioner
from puppet.core.character import load_portrait
from puppet.core.puppeteer import Puppeteer
from puppet.core.warp_stream import WARP
from puppet.errors import reported_as_puppet_error
from puppet.evaluate.plain_warp import PlainWarp
from puppet.media.alpha import composite


@dataclass(frozen=True, eq=False)
class Subject:
    """A portrait to be driven. source: path of a picture, or (H, W, 3) uint8 RGB; size: pixels of the square output."""

    name: str
    source: Path | np.ndarray
    size: int

    @cached_property
    def portrait(self) -> Portrait:
        """As the generator gets it."""
        return load_portrait(self.source, self.size)


@dataclass(frozen=True)
class Motion:
    """How the driver's poses become the portrait's. mode: "relative" or "absolute"; neutral: the driver at rest."""

    mode: str
    neutral: PoseFrame | None = None

    def targets(self, subject: Subject, poses: Iterable[PoseFrame]) -> Iterator[PoseFrame]:
        portrait = subject.portrait
        puppeteer = Puppeteer(portrait.pose, self.neutral, self.mode, drawn=portrait.drawing is not None)
        return map(puppeteer, poses)


class System(Protocol):
    @property
    def name(self) -> str: ...

    def render(self, subject: Subject, poses: Sequence[PoseFrame], motion: Motion) -> Iterator[np.ndarray]:
        """One (S, S, 3) uint8 RGB frame for every pose."""


@dataclass(frozen=True)
class Still:
    """The portrait held still."""

    name: str = "still"

    def render(self, subject: Subject, poses: Iterable[PoseFrame], motion: Motion) -> Iterator[np.ndarray]:
        return (subject.portrait.picture for _ in poses)


@dataclass(frozen=True)
class MeshWarp:
    """The conventional warp of the whole picture."""

    name: str = "plain warp"

    def render(self, subject: Subject, poses: Iterable[PoseFrame], motion: Motion) -> Iterator[np.ndarray]:
        warp = PlainWarp(subject.portrait.picture, subject.portrait.pose.face)
        return (warp(target.face) for target in motion.targets(subject, poses))


@dataclass(frozen=True)
class NetworkInput:
    """The warp that the network is given, with its painted teeth and eyes, over the portrait's background."""

    name: str = "warp"

    def render(self, subject: Subject, poses: Iterable[PoseFrame], motion: Motion) -> Iterator[np.ndarray]:
        portrait = subject.portrait
        conditioner = Conditioner(portrait.person, portrait.pose, portrait.drawing)
        for target in motion.targets(subject, poses):
            yield composite(conditioner.warp(target), portrait.background)[..., :3]


@dataclass(frozen=True)
class Model:
    """The generator. weights: as `puppet render` takes them."""

    name: str
    model: str
    weights: str
    device: str = "auto"
    seed: int = 0

    def render(self, subject: Subject, poses: Iterable[PoseFrame], motion: Motion) -> Iterator[np.ndarray]:
        from puppet.core.puppet import Puppet  # brings torch

        puppet = Puppet(
            subject.source, self.model, self.weights, self.device, subject.size, motion.mode, seed=self.seed,
            framing="portrait",
        )  # fmt: skip
        return (frame[..., :3] for frame in puppet.animate(poses, motion.neutral))


def models(model: str, weights: str | None, compare: Path | None, device: str, seed: int) -> list[Model]:
    """The models of a command line: the main one unless its weights are None, and one to compare with."""
    from generator.checkpoint import WeightsError, load_config
    from puppet.core.models import load_generator

    chosen = []
    if weights is not None and model != WARP:  # which is a baseline of every table
        chosen.append(Model(model if weights == "shipped" else Path(weights).stem, model, weights, device, seed))
    if compare is not None:
        with reported_as_puppet_error(WeightsError, about="--compare"):
            other = load_config(compare).name
        taken = any(system.name == compare.stem for system in chosen)
        name = f"{compare.absolute().parent.name}/{compare.stem}" if taken else compare.stem
        chosen.append(Model(name, other, str(compare), device, seed))
    for system in chosen:  # what is wrong with the weights is said before an hour of work
        load_generator(system.model, system.weights, 256)
    return chosen
