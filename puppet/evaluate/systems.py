"""What is compared: baselines without a network, and models. All make their frames from the same maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pose.tracking.landmarks import PoseFrame
from puppet.core.batcher import Batch, batches
from puppet.core.character import Character
from puppet.core.puppeteer import Puppeteer
from puppet.core.renderer import Renderer
from puppet.core.timings import Timings
from puppet.core.warp_stream import WARP
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.evaluate.plain_warp import PlainWarp
from puppet.media.alpha import composite


@dataclass(frozen=True)
class Motion:
    """How the driver's poses become the portrait's. mode: "relative" or "absolute"; neutral: the driver at rest."""

    mode: str
    neutral: PoseFrame | None = None

    def batches(self, character: Character, poses: Iterable[PoseFrame]) -> Iterator[Batch]:
        puppeteer = Puppeteer(character.portrait.pose, self.neutral, self.mode, drawn=character.drawn)
        return batches(character, map(puppeteer, poses), Timings())


Performer = Callable[[Batch], np.ndarray]  # (F, S, S, 3) uint8 RGB, one frame for every target of the batch


@dataclass(frozen=True)
class Baseline:
    """performer: begins a performance; what it gives is called with all batches in their order."""

    name: str
    performer: Callable[[Character], Performer]


def _plain_warp(character: Character) -> Performer:
    warp = PlainWarp(character.portrait.picture, character.portrait.pose.face)
    return lambda batch: np.stack([warp(target.face) for target in batch.targets])


# The portrait held still.
STILL = Baseline("still", lambda character: lambda batch: np.stack([character.portrait.picture] * len(batch.targets)))
# The conventional warp of the whole picture.
PLAIN_WARP = Baseline("plain warp", _plain_warp)
# The warp that the network is given, with its painted teeth and eyes, over the portrait's background.
NETWORK_INPUT = Baseline(
    WARP, lambda character: lambda batch: _opaque([frame.picture for frame in batch.frames], character)
)


@dataclass(frozen=True)
class Model:
    """The generator. weights: as `puppet render` takes them."""

    name: str
    model: str
    weights: str
    device: str = "auto"
    seed: int = 0

    def performer(self, character: Character) -> Performer:
        from puppet.core.models import load_stream  # brings torch

        stream = load_stream(self.model, self.weights, character.size.side, self.device, self.seed)
        renderer = Renderer(stream, Timings())
        return lambda batch: _opaque(renderer(batch), character)


System = Baseline | Model


def perform(
    systems: Sequence[System], character: Character, poses: Iterable[PoseFrame], motion: Motion
) -> Iterator[tuple[np.ndarray, ...]]:
    """For every pose one (S, S, 3) uint8 RGB frame of each system."""
    performers = [system.performer(character) for system in systems]
    for batch in motion.batches(character, poses):
        yield from zip(*(performer(batch) for performer in performers), strict=True)


def _opaque(persons: Iterable[np.ndarray], character: Character) -> np.ndarray:
    return np.stack([composite(person, character.portrait.background)[..., :3] for person in persons])


def models(model: str, weights: Sequence[str], device: str, seed: int) -> list[Model]:
    """The models of a command line. model: the preset of weights that name none, as "shipped"; files say theirs.

    Raises PuppetError for weights that cannot be used.
    """
    from generator.checkpoint import WeightsError, load_config
    from puppet.core.models import load_generator, weights_path

    if model == WARP:  # which is a baseline of every table
        return []
    chosen: list[Model] = []
    for each in weights:
        name, preset = model, model
        if each not in ("shipped", "random"):
            with reported_as_puppet_error(WeightsError, about=f"--weights {each}"):
                preset = load_config(weights_path(model, each)).name
            path, taken = Path(each), [system.name for system in chosen]
            # with its folder's name where another is called the same
            name = f"{path.absolute().parent.name}/{path.stem}" if path.stem in taken else path.stem
        if any(name == system.name for system in chosen):
            raise PuppetError(f"--weights {each} is given twice")
        load_generator(preset, each, 256)  # what is wrong with the weights is said before an hour of work
        chosen.append(Model(name, preset, each, device, seed))
    return chosen
