"""`puppet bench`: what every stage costs on this machine, and what comes out at the end."""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import statistics
import time
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from puppet.commands import arguments, bench_engine
from puppet.core.batcher import batches
from puppet.core.memory import resident_mib
from puppet.core.puppeteer import Puppeteer
from puppet.core.remote_stream import StreamChoice, open_stream
from puppet.core.renderer import Renderer
from puppet.core.timings import Timings
from puppet.errors import PuppetError
from puppet.media.video_reader import FPS, VideoReader

if TYPE_CHECKING:  # torch takes seconds to import
    from puppet.core.puppet import Puppet

DRIVER_SECONDS = 10  # of the driver, shown to and fro
WARM_UP_FRAMES = 16
PORTRAIT_SIZE = 256  # pixels
STAGES = ("track", "condition", "generate", "decode", "composite")  # of a rendered frame: reprojection is live's
LIVE_BODY_EVERY = 4  # body and hands are looked for once per latent frame, as in live use
WINDOW_SECONDS = 10  # of the stream, whose steps are compared in --stream-minutes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=15, metavar="N", help="length of each measurement")
    parser.add_argument(
        "--stream-minutes",
        type=float,
        metavar="N",
        help="also generate this many minutes of stream and compare the cost "
        "of a step and the memory of its end with those after ten seconds",
    )
    arguments.add(parser, "--portrait", "--driver", *arguments.MODEL, "--attention")
    arguments.add(
        parser,
        "--size",
        type=arguments.height_and_width,
        default=None,
        metavar="N|WxH",
        help="pixels of the output (default: 256 for portraits, else the model's)",
    )
    parser.add_argument(
        "--plan",
        action="store_true",
        help="measure nothing: print what a step needs, and how fast accelerators could at best be",
    )
    parser.add_argument("--gpus", type=int, default=1, metavar="N", help="cards that share a step, with --plan")
    parser.add_argument("--compile", action="store_true", help="compile the model (models without a portrait)")
    parser.add_argument(
        "--cuda-graph", action="store_true", help="record a step as a CUDA graph (models without a portrait)"
    )
    parser.add_argument("--fp8", action="store_true", help="matrices in fp8 (models without a portrait; extra cuda)")
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    arguments.check_positive(args, "seconds", "stream_minutes")
    if args.plan:
        return bench_engine.planned(args)
    from puppet.core.models import moves_portrait

    if not moves_portrait(args.model):
        return bench_engine.measured(args)
    if args.size and args.size[0] != args.size[1]:
        raise PuppetError("puppet bench measures a portrait in a square: give --size N")
    args.size = args.size[0] if args.size else PORTRAIT_SIZE
    driver = list(itertools.islice(VideoReader(args.driver).frames(), DRIVER_SECONDS * FPS))
    import torch

    from generator.portrait.layout import FRAMES_PER_LATENT
    from puppet.core.puppet import Puppet

    puppet = Puppet(
        args.portrait, args.model, args.weights, args.device, args.size, seed=args.seed, body_every=LIVE_BODY_EVERY,
        attention=args.attention,
    )  # fmt: skip
    with closing(puppet.perform(_to_and_fro(driver))) as pictures:
        alone = _speed(pictures, args.seconds, puppet.timings)
    ms = puppet.timings.milliseconds()
    choice = StreamChoice(args.model, args.weights, args.size, args.device, args.seed, args.attention)
    apart = _speed_apart(puppet, choice, driver, args.seconds)
    # nothing for the warp alone, nor where a machine makes no four frames in --seconds
    group, step = FRAMES_PER_LATENT, ms["generate"] + ms["decode"]
    result = {
        "fps": round(max(alone, apart), 1),
        "fps_one_after_another": round(alone, 1),
        "fps_generator_apart": round(apart, 1),
        "fps_generator_and_decoder": round(1000 / step, 1) if step else None,
        "size": args.size,
        "ms": {stage: round(ms[stage], 2) for stage in STAGES},
        "ms_per_latent_frame": {stage: round(group * ms[stage], 2) for stage in STAGES},
        # the first frame of four waits for the other three; then the four go on together
        "latency_ms": round(
            1000 * (group - 1) / FPS
            + ms["track"]
            + group * sum(ms[s] for s in ("condition", "generate", "decode"))
            + ms["composite"]
        ),
        "model": args.model,
        "weights": args.weights,
        "device": device_name(puppet.device),
        "threads": torch.get_num_threads(),
    }
    if args.stream_minutes:
        result["stream"] = _long_stream(puppet, driver, args.stream_minutes, quiet=args.json or None)
    if args.json:
        print(json.dumps(result))
        return
    print(
        f"{args.model} at {args.size} x {args.size} on {result['device']}, "
        f"{result['threads']} threads, {args.weights} weights"
    )
    print(f"{'stage':<12}{'ms a frame':>12}{'ms for four':>14}")
    for stage in STAGES:
        print(f"{stage:<12}{ms[stage]:>12.2f}{group * ms[stage]:>14.2f}")
    print(
        f"end to end              {result['fps']:.1f} fps "
        f"(stages one after another {alone:.1f}, generator in a process of its own, as live, {apart:.1f})"
    )
    if step:
        print(f"generator and decoder   {result['fps_generator_and_decoder']:.1f} fps")
    print(f"latency                 {result['latency_ms']} ms from a frame to its picture, without camera and screen")
    if args.stream_minutes:
        stream = result["stream"]
        print(
            f"after {args.stream_minutes:g} min of stream   {stream['step_ms']['end']:.2f} ms a step "
            f"({stream['step_ms']['start']:.2f} after "
            f"{WINDOW_SECONDS} s), {stream['rss_mib']['end']} MiB ({stream['rss_mib']['start']})"
        )


def _to_and_fro(frames: list) -> Iterator:
    return itertools.cycle(frames + frames[-2:0:-1])


def ahead(items: Iterable) -> Generator:
    """The same items, the next one computed in another thread. The thread ends with the iterator."""
    source = iter(items)
    with ThreadPoolExecutor(1, "ahead") as thread:
        coming = thread.submit(next, source, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, source, None)
            yield item


def _speed(pictures: Iterator[np.ndarray], seconds: float, timings: Timings) -> float:
    """Video frames per second from the driver's picture to the composited one."""
    for _ in itertools.islice(pictures, WARM_UP_FRAMES):
        pass
    timings.reset()
    start, made = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        next(pictures)
        made += 1
    return made / (time.perf_counter() - start)


def _speed_apart(puppet: Puppet, choice: StreamChoice, driver: list[np.ndarray], seconds: float) -> float:
    """The same, arranged as in live use: tracking and maps in this process, the generator in one of its own."""
    with closing(open_stream(choice)) as stream:
        puppeteer = Puppeteer(puppet.portrait.pose, None, puppet.motion, drawn=puppet.character.drawn)
        targets = map(puppeteer, puppet.track(_to_and_fro(driver)))
        with closing(ahead(batches(puppet.character, targets, puppet.timings))) as source:
            pictures = Renderer(stream, puppet.timings).perform(puppet.character, source)
            return _speed(pictures, seconds, puppet.timings)


def _long_stream(puppet, driver: list[np.ndarray], minutes: float, quiet: bool | None) -> dict:
    """Cost of a step (conditions, generator, decoder) and memory, ten seconds after the start and at the end."""
    poses = list(puppet.track(driver))
    pictures = puppet.animate(_to_and_fro(poses))
    total = max(round(minutes * 60), 2 * WINDOW_SECONDS + 1)
    windows: dict[str, list[float]] = {"start": [], "end": []}
    rss = {}
    for second in tqdm(range(total), "streaming", unit="s", leave=False, disable=quiet):
        start = time.perf_counter()
        for _ in itertools.islice(pictures, FPS):
            pass
        step = (time.perf_counter() - start) * 1000 / (FPS / 4)
        begun = WINDOW_SECONDS <= second < 2 * WINDOW_SECONDS
        if begun or second >= total - WINDOW_SECONDS:
            name = "start" if begun else "end"
            windows[name].append(step)
            rss[name] = resident_mib()
    return {
        "minutes": minutes,
        "step_ms": {name: round(statistics.median(steps), 2) for name, steps in windows.items()},
        "rss_mib": rss,
    }


def device_name(device: str) -> str:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    if device != "cpu":
        return device
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return f"cpu ({next(named, None) or platform.processor() or platform.machine()})"
