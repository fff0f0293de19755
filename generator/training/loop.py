"""Runs one stage within its time: batches in, steps, checkpoints, a log, sheets; stops and resumes anywhere."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from generator.training.data import Batch, BatchShape, Loader, Source
from generator.training.distributed import Workers
from generator.training.optim import Learner
from generator.training.portrait_clips import Augmentation
from generator.training.sheets import loss_curve
from generator.training.state import Every, Interrupted, Log, Progress, load_state, save_state, section, stop_requests

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed} {postfix}"


class Trainer(Protocol):
    learners: dict[str, Learner]  # "generator" is the model
    shapes: tuple[BatchShape, ...]  # of the batches of a step

    def step(self, batches: tuple[Batch, ...], random: torch.Generator, progress: float) -> dict[str, float]: ...


@dataclass(frozen=True)
class Budget:
    """A stage ends at whichever comes first; its learning rate follows the larger fraction of the two."""

    seconds: float = math.inf
    steps: int = sys.maxsize

    def fraction(self, progress: Progress) -> float:
        return max(progress.step / self.steps, progress.seconds / self.seconds)


@dataclass(frozen=True)
class Pace:
    """Seconds between the things that a run leaves behind."""

    save: float = 120.0
    sheet: float = 180.0
    log: float = 5.0


def run_stage(
    name: str,
    trainer: Trainer,
    augmentation: Augmentation,
    source: Source,
    folder: Path,
    budget: Budget,
    seed: int,
    workers: Workers,
    on_sheet: Callable[[Progress], dict[str, float]],
    pace: Pace = Pace(),
) -> None:
    """Train until the budget is spent. The state is at folder/<name>.state.safetensors; if it is there already, go on
    from it. Raises `Interrupted` after saving when Ctrl-C or SIGTERM comes."""
    from tqdm import tqdm  # only a run needs it

    path = folder / f"{name}.state.safetensors"
    progress = Progress(name)
    if path.exists():
        tensors, progress = load_state(path)
        for key, learner in trainer.learners.items():
            learner.load_state_dict(section(tensors, f"{key}.weights"))
            learner.load_optimizer_tensors(section(tensors, f"{key}.optimizer"))
        del tensors
    if progress.done:
        return
    stage_number = sum(name.encode())  # stages draw different batches
    loader = Loader(source, trainer.shapes, (seed, stage_number, workers.rank), progress.step, augmentation)
    log, save_now, sheet_now, log_now = Log(folder / "log.jsonl"), Every(pace.save), Every(pace.sheet), Every(pace.log)
    bar = tqdm(total=1000, desc=name, bar_format=BAR, file=sys.stderr, disable=not workers.main)
    means: dict[str, float] = {}

    def save() -> None:
        tensors = {}
        for key, learner in trainer.learners.items():
            tensors.update({f"{key}.weights.{k}": v for k, v in learner.state_dict().items()})
            tensors.update({f"{key}.optimizer.{k}": v for k, v in learner.optimizer_tensors().items()})
        if workers.main:
            save_state(path, tensors, progress)

    def sheet() -> None:
        figures = on_sheet(progress)
        if workers.main:
            log.write({"stage": name, "step": progress.step, "held_out": True, **figures})
            loss_curve(log.read(), folder / "loss.png")

    try:
        with stop_requests() as stop:
            while (fraction := workers.agree([budget.fraction(progress)])[0]) < 1:
                began = time.monotonic()
                number = hash((seed, stage_number, workers.rank, progress.step)) % 2**62
                random = torch.Generator(workers.device).manual_seed(number)
                batches = tuple(batch.to(workers.device) for batch in next(loader))
                waited = time.monotonic() - began
                metrics = trainer.step(batches, random, fraction)
                progress.step += 1
                for key, value in {**metrics, "wait": waited, "seconds": time.monotonic() - began}.items():
                    means[key] = value if key not in means else 0.95 * means[key] + 0.05 * value
                if workers.main and (log_now() or progress.step <= 2):
                    log.write({"stage": name, "step": progress.step, "time": round(progress.seconds, 1), **means})
                    bar.n = int(1000 * min(1.0, budget.fraction(progress)))
                    bar.set_postfix_str(f"step {progress.step} " + " ".join(f"{k} {v:.3g}" for k, v in means.items()))
                stopping, saving, showing = workers.agree([stop.is_set(), save_now(), sheet_now()])
                if stopping:
                    raise Interrupted(f"{name} stopped at step {progress.step}; the same command goes on from there")
                if saving:
                    save()
                if showing:
                    sheet()
                progress.seconds += time.monotonic() - began
        progress.done = True
        sheet()
        save()
    except Interrupted:
        save()
        raise
    finally:
        loader.close()
        bar.close()
