"""`puppet bench` for a model without a portrait, and `puppet bench --plan` for any: the engine's cost of a step."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from tqdm import tqdm

from puppet.errors import PuppetError, reported_as_puppet_error

if TYPE_CHECKING:  # torch takes seconds to import
    from generator.config import ModelConfig
    from generator.runtime.plan import Plan
    from generator.stream import Stream

GIGA, TERA = 10**9, 10**12
STEPS = 50  # of a measurement


def planned(args: argparse.Namespace) -> None:
    """Print what a step needs and how fast accelerators could at best be."""
    from generator.models import get_model
    from generator.runtime.plan import plan

    with reported_as_puppet_error(ValueError):
        config = get_model(args.model).config
        height, width = args.size or config.size
        found = plan(config, height, width, args.gpus)
    if args.json:
        print(json.dumps(_as_data(args.model, height, width, found)))
        return
    print(
        f"{args.model} at {width}x{height} on {args.gpus} card(s): {found.parameters / GIGA:.3f}e9 parameters, "
        f"{found.video_frames} video frames a step"
    )
    print(f"{'part of a step':<16}{'TFLOP':>10}{'GB moved':>10}")
    for name, part in found.parts.items():
        print(f"{name:<16}{part.flop / TERA:>10.4f}{part.bytes / GIGA:>10.3f}")
    print(f"{'together':<16}{found.flop / TERA:>10.4f}{found.bytes / GIGA:>10.3f}")
    print(
        f"memory a card   {found.memory_bytes_a_card / GIGA:.2f} GB: weights {found.weight_bytes / GIGA:.2f}, "
        f"keys and values {found.cache_bytes / args.gpus / GIGA:.2f}, "
        f"activations {found.activation_bytes / args.gpus / GIGA:.2f}"
    )
    print(f"communication   {found.communication_bytes / GIGA:.3f} GB sent by each card a step")
    print(f"{'at best':<12}{'ms a step':>11}{'fps':>8}{'fps fp8':>9}")
    for name, bound in _bounds(found).items():
        note = "" if bound["fits"] else "  needs more memory than it has"
        print(f"{name:<12}{bound['step_ms']:>11.1f}{bound['fps']:>8.1f}{bound['fps_fp8']:>9.1f}{note}")


def measured(args: argparse.Namespace) -> None:
    """Run the engine with random weights where it is, and compare with the plan."""
    from generator.models import get_model
    from generator.runtime.measure import measure
    from generator.runtime.plan import plan

    if args.gpus != 1:
        raise PuppetError("puppet bench measures one card; more are planned with --plan")
    with reported_as_puppet_error(ValueError):
        config = get_model(args.model).config
        height, width = args.size or config.size
        bound = plan(config, height, width)
        stream = _stream(args, config, height, width)
        found = measure(stream, tqdm(range(STEPS), "measuring", unit="step", leave=False, disable=args.json or None))
    device, accelerator = _device(stream)
    best = bound.frames_a_second(accelerator, args.fp8) if accelerator else None
    result = {
        "model": args.model,
        "size": [width, height],
        "device": device,
        "dtype": str(stream.dtype).removeprefix("torch."),
        "attention": args.attention,
        "fps": round(found.frames_a_second, 2),
        "ms_a_step": {"generate": round(found.generate_ms, 2), "decode": round(found.decode_ms, 2)},
        "tflops": round(bound.flop / TERA / ((found.generate_ms + found.decode_ms) / 1000), 2),
        "memory_bytes": found.memory_bytes,
        "memory_growth_bytes": found.growth_bytes,
        "bound_fps": best and round(best, 1),
        "ratio": best and round(found.frames_a_second / best, 3),
    }
    if args.json:
        print(json.dumps(result))
        return
    print(f"{args.model} at {width}x{height} on {device}, {result['dtype']}, random weights")
    print(f"generate {found.generate_ms:.1f} ms, decode {found.decode_ms:.1f} ms a step: {result['fps']} fps")
    print(
        f"{result['tflops']} TFLOP a second"
        + (f", {result['ratio']:.0%} of the bound of {result['bound_fps']} fps" if accelerator else "")
    )


def _stream(args: argparse.Namespace, config: ModelConfig, height: int, width: int) -> Stream:
    import torch

    from generator.runtime.plan import TEXT_TOKENS
    from generator.runtime.precision import resolve_device, resolve_dtype
    from generator.runtime.random_weights import with_random_weights
    from generator.runtime.speed import Speed
    from generator.stream import Stream

    device = resolve_device(args.device)
    dtype = resolve_dtype("auto", device)
    model = with_random_weights(config.resized(height, width), device, dtype, args.seed)
    speed = Speed(args.fp8, args.compile, args.cuda_graph)
    stream = Stream(model, (height, width), device, dtype, args.seed, args.attention, speed)
    factory = {"device": stream.device, "dtype": stream.dtype}
    if config.transformer.text_dim is not None:
        stream.prompt(torch.zeros(1, TEXT_TOKENS, config.transformer.text_dim, **factory)).result()
    codec = stream.model.codec
    frames = 1 if codec.first_frame_alone else codec.time_factor
    reference = torch.zeros(1, frames, codec.picture_channels, height, width, **factory)
    stream.lock(reference, stream.model.control.blank(codec, 1, 1, height, width, **factory))
    return stream


def _device(stream: Stream):
    """Its name, and the accelerator of the plan that it is, if any."""
    import torch

    from generator.runtime.accelerators import ACCELERATORS
    from puppet.commands.bench import device_name

    name = device_name(str(stream.device))
    if stream.device.type != "cuda":
        return name, None
    card = torch.cuda.get_device_name(stream.device)
    return name, next((known for known in ACCELERATORS if known.name in card), None)


def _bounds(found: Plan) -> dict[str, dict]:
    from generator.runtime.accelerators import ACCELERATORS

    return {
        known.name: {
            "step_ms": round(1000 * found.seconds(known), 3),
            "fps": round(found.frames_a_second(known), 2),
            "fps_fp8": round(found.frames_a_second(known, fp8=True), 2),
            "fits": found.fits(known),
        }
        for known in ACCELERATORS
    }


def _as_data(model: str, height: int, width: int, found: Plan) -> dict:
    return {
        "model": model,
        "size": [width, height],
        "gpus": found.cards,
        "parameters": found.parameters,
        "tokens": found.tokens,
        "video_frames_a_step": found.video_frames,
        "flop": {"total": found.flop, **{name: part.flop for name, part in found.parts.items()}},
        "bytes": {"total": found.bytes, **{name: part.bytes for name, part in found.parts.items()}},
        "memory_bytes_a_card": {
            "total": found.memory_bytes_a_card,
            "weights": found.weight_bytes,
            "cache": found.cache_bytes // found.cards,
            "activations": found.activation_bytes // found.cards,
        },
        "communication_bytes_a_card": found.communication_bytes,
        "bounds": _bounds(found),
    }
