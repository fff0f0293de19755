"""What is on disk while a run is going: a resumable state per stage, a log, and a clean way to be interrupted.

A state is one safetensors file (weights, optimiser, and the progress as JSON in its metadata), written beside its
place and then moved there, so that a kill at any moment leaves the last whole one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor


@dataclass
class Progress:
    stage: str
    step: int = 0
    seconds: float = 0.0  # spent in this stage, over all its runs
    done: bool = False


def save_tensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """A file of this name is always a whole one."""
    temporary = path.with_suffix(".partial")
    # tensors that share memory are refused by safetensors, and views would drag their base along
    plain = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    save_file(plain, temporary, metadata=metadata)
    os.replace(temporary, path)


def save_state(path: Path, tensors: dict[str, Tensor], progress: Progress) -> None:
    save_tensors(path, tensors, {"progress": json.dumps(asdict(progress))})


def load_state(path: Path) -> tuple[dict[str, Tensor], Progress]:
    try:
        with safe_open(path, framework="pt") as file:
            progress = Progress(**json.loads((file.metadata() or {})["progress"]))
            return {name: file.get_tensor(name) for name in file.keys()}, progress
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not a training state ({error}); delete it to start the stage again") from error


def claim(folder: Path, stage: str, origin: dict[str, str | None]) -> None:
    """Note what a stage is trained on, before it begins. Raises ValueError where the folder holds this stage trained on
    something else: going on would return old weights as new ones."""
    path = folder / "origins.json"
    origins = json.loads(path.read_text()) if path.exists() else {}
    known = origins.setdefault(stage, origin)
    if known != origin:
        told = ", ".join(f"--{key} {value}" for key, value in known.items() if value)
        raise ValueError(f"{folder} already holds stage {stage}, trained with {told}: choose another folder with --out")
    temporary = path.with_suffix(f".{os.getpid()}")  # of several workers, all write the same
    temporary.write_text(json.dumps(origins, indent=1))
    os.replace(temporary, path)


def section(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The entries below `prefix.`, without it."""
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(prefix + ".")}


class Log:
    """One JSON object per line."""

    def __init__(self, path: Path):
        self.path = path

    def write(self, record: dict) -> None:
        clean = {key: round(value, 6) if isinstance(value, float) else value for key, value in record.items()}
        with self.path.open("a") as file:
            file.write(json.dumps(clean) + "\n")

    def read(self) -> list[dict]:
        if not self.path.exists():
            return []
        records = []
        for line in self.path.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # the last line of a killed run
                records.append(json.loads(line))
        return records


class Interrupted(Exception):
    """Ctrl-C or SIGTERM; the state has been saved."""


@contextlib.contextmanager
def stop_requests() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that a step can finish and be saved."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = {number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Every:
    """True once per interval of seconds."""

    def __init__(self, seconds: float):
        self.seconds, self._last = seconds, time.monotonic()

    def __call__(self) -> bool:
        now = time.monotonic()
        if now - self._last < self.seconds:
            return False
        self._last = now
        return True
