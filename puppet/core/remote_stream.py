"""The generator in a process of its own.

Python runs one thread of a process at a time. Warps and maps are a hundred small calls a frame and the generator is
hundreds a group; in two threads of one process each slows the other by a third, in two processes hardly.
"""

from __future__ import annotations

import multiprocessing
import warnings
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT, GUIDE_CHANNELS, WARP_CHANNELS
from puppet.core.precedence import give_way
from puppet.core.signals import leave_terminal_signals_to_parent
from puppet.core.warp_stream import WARP, WarpStream, check_warp
from puppet.errors import PuppetError

CLOSE_SECONDS = 5.0  # that the process is given to end by itself


@dataclass(frozen=True)
class StreamChoice:
    """What `Stream` is made of; as `puppet live` takes it."""

    model: str
    weights: str
    size: int
    device: str
    seed: int
    attention: str


def shared_layout(size: int) -> np.dtype:
    """The memory that both processes see: what goes in and what comes out, as one record."""
    picture, half = (size, size, WARP_CHANNELS), size // 2
    return np.dtype([
        ("person", np.uint8, picture),
        ("warp", np.uint8, (FRAMES_PER_LATENT, *picture)),
        ("guide", np.uint8, (FRAMES_PER_LATENT, half, half, GUIDE_CHANNELS)),
        ("frames", np.uint8, (FRAMES_PER_LATENT, *picture)),
    ])  # fmt: skip


def open_stream(choice: StreamChoice) -> RemoteStream | WarpStream:
    """The generator in a process of its own; the warp, which costs nothing, in this one."""
    if choice.model != WARP:
        return RemoteStream(choice)
    check_warp(choice.weights)
    return WarpStream(choice.size)


class RemoteStream:
    """As `generator.stream.Stream`, elsewhere. Begins to load at once; the first call waits until that is done.

    All calls raise PuppetError with what went wrong there.
    """

    def __init__(self, choice: StreamChoice):
        context = multiprocessing.get_context("spawn")
        layout = shared_layout(choice.size)
        memory = context.RawArray("B", layout.itemsize)
        self._buffers = np.frombuffer(memory, layout)[0]
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, memory, choice), name="puppet generator", daemon=True
        )
        self._process.start()
        theirs.close()
        self._loaded = False
        self.timings: dict[str, float] = {}  # milliseconds of the last step: "generate", "decode"

    @property
    def pids(self) -> tuple[int, ...]:
        return (self._process.pid,)

    def ready(self) -> None:
        """Wait until the generator is loaded."""
        if not self._loaded:
            self._answer()
            self._loaded = True

    def lock(self, person: np.ndarray, warp: np.ndarray, guide: np.ndarray) -> None:
        self._ask("lock", person=person, warp=warp, guide=guide)

    def step(self, warp: np.ndarray, guide: np.ndarray) -> np.ndarray:
        self.timings = self._ask("step", warp=warp, guide=guide)
        return self._buffers["frames"].copy()

    def close(self) -> None:
        """End the process. May be called more than once."""
        self._pipe.close()
        self._process.join(CLOSE_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, what: str, **arrays: np.ndarray) -> dict[str, float]:
        self.ready()
        for name, array in arrays.items():
            np.copyto(self._buffers[name], array, casting="no")
        try:
            self._pipe.send(what)
        except OSError as error:
            raise self._ended() from error
        return self._answer()

    def _answer(self) -> dict[str, float]:
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise self._ended() from error
        if isinstance(answer, str):
            raise PuppetError(answer)
        return answer

    def _ended(self) -> PuppetError:
        self._process.join(CLOSE_SECONDS)
        return PuppetError(
            f"the generator's process ended with code {self._process.exitcode}; was the memory used up? Close other "
            "programs, or choose a smaller --size"
        )


def _serve(pipe: Connection, memory, choice: StreamChoice) -> None:
    """The other process, which serves until its pipe is closed, as it is when the parent ends."""
    leave_terminal_signals_to_parent()
    give_way()
    warnings.simplefilter("ignore")
    buffers = np.frombuffer(memory, shared_layout(choice.size))[0]
    try:
        import torch

        from puppet.core.models import load_stream

        # a core is the tracker's: shared with it, every operation of the generator waits for its slowest part
        torch.set_num_threads(max(1, torch.get_num_threads() - 1))
        stream = load_stream(**asdict(choice))
        pipe.send({})
        while True:
            if pipe.recv() == "lock":
                stream.lock(buffers["person"], buffers["warp"], buffers["guide"])
                pipe.send({})
            else:
                buffers["frames"][:] = stream.step(buffers["warp"], buffers["guide"])
                pipe.send(stream.timings)
    except (EOFError, BrokenPipeError):
        pass  # the parent has ended
    except PuppetError as error:
        pipe.send(str(error))
    except Exception as error:
        pipe.send(f"the generator failed with {type(error).__name__}: {' '.join(str(error).split())}")
