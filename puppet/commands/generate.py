"""`puppet generate`: a clip from a prompt, a picture, a control video and a camera's path."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from puppet.commands import arguments
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.media.pictures import read_picture
from puppet.media.video_writer import VideoWriter, check_output

if TYPE_CHECKING:
    import torch

    from generator.stream import Stream
    from puppet.core.video_signals import VideoSignals

LONGEST = 3600.0  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, metavar="NAME", help="a video model; docs/models.md lists them")
    parser.add_argument(
        "--weights", default="random", metavar="random|FILE", help="weights that puppet import made; random: noise"
    )
    parser.add_argument("--prompt", metavar="TEXT|FILE", help="what the clip shows, or the file of an embedding")
    parser.add_argument(
        "--then", nargs=2, action="append", default=[], metavar=("SECONDS", "TEXT"),
        help="another prompt from that second on; may be given several times",
    )  # fmt: skip
    parser.add_argument("--text-encoder", type=Path, metavar="DIR", help="folder of a Wan release with umT5")
    parser.add_argument(
        "--image", type=Path, metavar="FILE",
        help="picture that the clip begins with, or resembles where the model takes a reference (Fun-Control 1.1)",
    )  # fmt: skip
    parser.add_argument(
        "--control", type=Path, metavar="VIDEO",
        help="skeletons, depth or edges to follow frame by frame (wan2.1-1.3b-control); a shorter one stands still",
    )  # fmt: skip
    parser.add_argument(
        "--path", metavar="FILE|MOVES",
        help="where the camera goes: poses (.json, or .txt as RealEstate10K's), or moves of a latent frame each, as "
        "w*8,right*4: w s a d go forwards, back, left, right, u dn up and down; left right up down (j l i k) turn",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=5.0, metavar="N", help="length of the clip")
    parser.add_argument(
        "--size", type=arguments.height_and_width, metavar="WxH", help="pixels; the model's own if not given"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="video file to write")
    arguments.add(parser, "--device", "--seed", "--attention", "--json")


@dataclass(frozen=True)
class Prompt:
    second: float
    text: str


def run(args: argparse.Namespace) -> None:
    if not 0 < args.seconds <= LONGEST:
        raise PuppetError(f"--seconds {args.seconds:g} is not possible: choose more than 0 and at most {LONGEST:g}")
    given = tuple(path for path in (args.image, args.control) if path is not None)
    check_output(args.out, transparent=False, inputs=given)
    prompts = prompts_of(args)
    picture = None if args.image is None else read_picture(args.image, "image")

    from generator.stream import Stream
    from puppet.core.models import load_generator, moves_portrait
    from puppet.core.text import prompt_encoder
    from puppet.core.video_signals import video_signals

    if moves_portrait(args.model):
        raise PuppetError(f"model '{args.model}' moves a portrait: use puppet render --model {args.model}")
    with reported_as_puppet_error(ValueError):
        model = load_generator(args.model, args.weights, args.size)
        signals = video_signals(model, args.path, args.control, picture)
        if prompts and model.config.transformer.text_dim is None:
            raise PuppetError(f"model '{args.model}' knows no text: leave --prompt and --then out")
        stream = Stream(model, model.config.size, args.device, seed=args.seed, attention=args.attention)
        encode = prompt_encoder(args.text_encoder, model.config.transformer.text_dim or 0)
        began = time.perf_counter()
        height, width = model.config.size
        frames = max(1, round(args.seconds * model.config.fps))
        made = islice(frames_of(stream, signals, prompts, encode, picture), frames)
        bar = tqdm(made, "generating", frames, unit="frame", leave=False, disable=args.json or None)
        with VideoWriter(args.out, (width, height), fps=model.config.fps) as writer:
            for frame in bar:
                writer.write(frame)
    seconds = time.perf_counter() - began
    facts = {
        "model": args.model, "out": str(args.out), "frames": frames, "size": [width, height],
        "fps": model.config.fps, "seconds": round(seconds, 2), "device": str(stream.device),
    }  # fmt: skip
    text = f"{args.out}: {frames} frames, {frames / seconds:.1f} a second on {stream.device}"
    arguments.answer(args, facts, text)


def prompts_of(args: argparse.Namespace) -> list[Prompt]:
    """In the order of their time."""
    prompts = [] if args.prompt is None else [Prompt(0.0, args.prompt)]
    for second, text in args.then:
        try:
            prompts.append(Prompt(float(second), text))
        except ValueError:
            raise PuppetError(f"--then {second} is no number of seconds: write --then SECONDS TEXT") from None
    return sorted(prompts, key=lambda prompt: prompt.second)


def frames_of(
    stream: Stream, signals: VideoSignals, prompts: list[Prompt], encode: Callable[[str], torch.Tensor],
    picture: np.ndarray | None,
) -> Iterator[np.ndarray]:  # fmt: skip
    """(H, W, 3) uint8 without end. picture: that the clip begins with, or resembles."""
    from generator.codecs.codec import frame_count
    from puppet.core.video_signals import as_video, fitted

    codec, block = stream.model.codec, stream.model.config.transformer.block
    waiting, made = list(prompts), 0

    def speak() -> None:
        due = [prompt for prompt in waiting if prompt.second <= made / stream.model.config.fps]
        if due:
            stream.prompt(lambda: encode(due[-1].text)).result()
            del waiting[: len(due)]

    speak()
    if picture is None or not signals.begins:
        stream.lock()
    else:
        made = frame_count(codec, 1)
        stream.lock(as_video(picture, stream, made), signals.of(stream, 0, made, 1))
        yield from [fitted(picture, *stream.model.config.size)] * made
    while True:
        speak()
        count = frame_count(codec, block, beginning=made == 0)
        yield from as_pixels(stream.step(signals.of(stream, made, count, block)))
        made += count


def as_pixels(video_BFCHW: torch.Tensor) -> np.ndarray:
    """(F, H, W, 3) uint8."""
    video = video_BFCHW[0, :, :3].float().add(1).mul(127.5).round().clamp(0, 255)
    return video.byte().movedim(1, -1).cpu().numpy()
