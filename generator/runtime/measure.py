"""What a step costs on the device that is there: the counterpart of a plan."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from ..codecs.codec import frame_count
from ..stream import Stream


@dataclass(frozen=True)
class Measurement:
    """Medians over the steps; milliseconds of a step, bytes of the device's memory."""

    generate_ms: float
    decode_ms: float
    frames_a_second: float
    memory_bytes: int | None  # most that was allocated; None on a CPU
    growth_bytes: int | None  # from the first measured step to the last


SETTLING = 8  # steps after the window has filled: compilers, recordings and allocators come to rest


def measure(stream: Stream, steps: Iterable[int], warm_up: int | None = None) -> Measurement:
    """Run a locked stream on signals that say nothing. steps: any iterable, as a progress bar over a range.

    warm_up: steps before the first that counts; None: until the window is full and all has settled.
    """
    model = stream.model
    settings = model.config.transformer
    block = settings.block
    if warm_up is None:
        warm_up = -(-(settings.sink + settings.window) // block) + SETTLING
    signal = model.control.blank(
        model.codec, 1, block, stream.height, stream.width, device=stream.device, dtype=stream.dtype
    )
    on_gpu = stream.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(stream.device)  # what building and casting took is not a step's
    for _ in range(warm_up):
        stream.step(signal)
    allocated = [torch.cuda.memory_allocated(stream.device)] if on_gpu else []
    timings = []
    for _ in steps:
        stream.step(signal)
        timings.append(dict(stream.timings))
    generate, decode = (statistics.median(timing[part] for timing in timings) for part in ("generate", "decode"))
    frames = frame_count(model.codec, block, beginning=False)
    return Measurement(
        generate_ms=generate,
        decode_ms=decode,
        frames_a_second=1000 * frames / (generate + decode),
        memory_bytes=torch.cuda.max_memory_allocated(stream.device) if on_gpu else None,
        growth_bytes=torch.cuda.memory_allocated(stream.device) - allocated[0] if on_gpu else None,
    )
