"""`puppet fit`: the model fitted to one person, from a minute of video, and measured on a part that it has not seen."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from puppet.commands import arguments
from puppet.commands.train import trained
from puppet.core.weights import own_weights
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.media.video_reader import FPS, VideoReader

SIZE = 256  # pixels of clips and comparison: what the shipped model was trained on
CLIP_FRAMES = 20  # of a training clip: five latent frames, as the shipped model was trained on
SHOWN = 3  # portraits of each stretch of the video: the own one, and two against learning it by heart
LEAST_STRETCHES = 3  # of CLIP_FRAMES pictures
ASIDE_SHARE = 0.125  # of the stretches, the last ones, on which is judged whether the model draws between the lips
HELD_OUT_SHARE = 0.25  # of the video, its end, on which the result is measured
HELD_OUT_SECONDS = (3.0, 15.0)  # least and most of it
LEAST_SECONDS = 12.0  # of a video
GAIN = 0.2  # dB at mouth and eyes together, below which what there was may as well stay
LOSS = 0.1  # dB of the whole picture that may be lost
MEASURES = ("psnr", "mouth_psnr", "eyes_psnr")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "clip",
        type=Path,
        nargs="?",
        metavar="CLIP",
        help="video of the person, a minute long; without one it is recorded",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="FILE", help="weights to write; a .safetensors file")
    where.add_argument("--name", default="me", metavar="NAME", help="name to keep the weights by, for --weights NAME")
    parser.add_argument("--minutes", type=float, default=10, metavar="N", help="length of the training")
    arguments.add(parser, "--model", help="preset to fit")
    arguments.add(parser, "--weights", metavar="shipped|NAME|FILE", help="weights to begin with, and to compare with")
    parser.add_argument(
        "--camera", default="0", metavar="NAME|INDEX|FILE", help="camera that records where no clip is given"
    )
    arguments.add(parser, "--device", help="where to train")
    arguments.add(parser, "--threads")
    arguments.add(parser, "--seed", help="of everything random")
    arguments.add(parser, "--json")


def held_out_from(seconds: float) -> float:
    """Where the end begins, in a video of so many seconds, that is measured on and not trained on."""
    if seconds < LEAST_SECONDS:
        raise PuppetError(
            f"the clip is {seconds:.1f} seconds long: at least {LEAST_SECONDS:.0f} are needed, a minute is good"
        )
    least, most = HELD_OUT_SECONDS
    return seconds - min(max(HELD_OUT_SHARE * seconds, least), most)


def run(args: argparse.Namespace) -> None:
    arguments.check_positive(args, "minutes", "threads")
    out = _check_out(args.out or own_weights(args.name))
    _check_start(args)
    with tempfile.TemporaryDirectory(prefix="puppet-fit-") as folder:
        work = Path(folder)
        video = args.clip or _recorded(args.camera, out)
        length = _length(video)
        cut = held_out_from(length)
        portrait, clips, unseen = _cut(video, cut, work, args)
        fitted = _train(clips, work, args)
        try:
            _judge_lips(fitted, unseen)
            rows = _compare(video, portrait, cut, length, fitted, out, args)
        finally:  # ten minutes of work; not before, for `out` may be what it began with
            _keep(fitted, out)
            Image.fromarray(portrait).save(_portrait(out))
    rival = max(("warp alone", "before"), key=lambda name: _features(rows[name]))
    better = is_better(rows["fitted"], rows[rival])
    sheet = out.with_suffix(".png")
    if args.json:
        files = {"weights": str(out), "portrait": str(_portrait(out)), "sheet": str(sheet)}
        print(json.dumps(files | {"use": better, "figures": rows}))
        return
    print(f"The last {length - cut:.0f} seconds, which the training did not see, in dB (more is better):")
    print(f"{'':<12}{'picture':>9}{'mouth':>8}{'eyes':>8}")
    for name, row in rows.items():
        print(f"{name:<12}" + "".join(f"{row[measure]:>{width}.2f}" for measure, width in zip(MEASURES, (9, 8, 8))))
    print(f"Side by side: {sheet}")
    wanted = args.name if args.out is None else str(out)
    if better:
        print(
            f"Use it: puppet live {_portrait(out)} --weights {wanted}, and the same for puppet demo and puppet render"
        )
    else:
        stay = "--model warp" if rival == "warp alone" else f"--weights {args.weights}"
        print(
            f"It is hardly better than the row '{rival}': stay with {stay}, or give it a longer video or more "
            f"--minutes (written all the same: {out})"
        )


def is_better(fitted: dict[str, float], rival: dict[str, float]) -> bool:
    """Whether weights are worth the change, by the rows of the comparison."""
    return _features(fitted) - _features(rival) >= GAIN and fitted["psnr"] - rival["psnr"] >= -LOSS


def _features(row: dict[str, float]) -> float:
    return (row["mouth_psnr"] + row["eyes_psnr"]) / 2


def _check_start(args: argparse.Namespace) -> None:
    """Raises PuppetError for a model, weights or device that cannot be: asked before somebody is recorded."""
    from generator.runtime.precision import resolve_device
    from puppet.core.models import load_generator, weights_path

    load_generator(args.model, args.weights, SIZE)
    weights_path(args.model, args.weights)  # "random" is nothing to begin with
    with reported_as_puppet_error(ValueError):
        resolve_device(args.device)


def _check_out(out: Path) -> Path:
    """Asked before an hour of work."""
    if out.suffix != ".safetensors":
        raise PuppetError(f"--out {out}: end its name in .safetensors")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        probe = out.with_name(f".{out.name}.{os.getpid()}.partial")
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise PuppetError(f"cannot write to {out.parent} ({error.strerror}): choose another --out") from error
    return out


def _portrait(out: Path) -> Path:
    return out.with_suffix(".portrait.png")


def _recorded(camera: str, out: Path) -> Path:
    from puppet.capture.recording import record
    from puppet.capture.sources import Source, make_source

    path = out.with_suffix(".mkv")
    if path.exists():
        raise PuppetError(f"{path} exists already: fit to it (puppet fit {path}), or move it away to record anew")
    source = make_source(camera)
    if not isinstance(source, Source):
        raise PuppetError(f"--camera {camera} brings motion and no pictures to learn from: give a camera or a video")
    return record(source, path, partial(print, file=sys.stderr, flush=True))


def _length(video: Path) -> float:
    reader = VideoReader(video)
    frames = reader.expected_frames
    return (sum(1 for _ in reader.frames()) if frames is None else frames) / FPS


def _cut(video: Path, end: float, work: Path, args: argparse.Namespace) -> tuple[np.ndarray, Path, list[Path]]:
    """The person's portrait, (H, H, 3) uint8, the folder of clips from which the model learns, and clips of this
    portrait that are put aside to judge what it has learned."""
    from generator.models import get_model
    from puppet.footage.clips import clip_path, save_clip
    from puppet.footage.cutting import cut_clips, find_portraits

    face = get_model(args.model).config.control.face  # None where the model sees faces as they are
    folder, aside = work / "clips", work / "aside"
    folder.mkdir()
    aside.mkdir()
    rng, quiet = np.random.default_rng(args.seed), args.json or None
    portraits = find_portraits(video, rng, quiet, end)
    shown = min(SHOWN, len(portraits))
    paths: list[Path] = []
    for clip in cut_clips(video, portraits, shown, SIZE, CLIP_FRAMES, face, rng, quiet, end):
        paths.append(clip_path(folder, len(paths)))
        save_clip(paths[-1], clip, source=video.name)
    if not portraits or len(paths) < LEAST_STRETCHES * shown:
        raise PuppetError(
            f"{video} shows a face for less than {LEAST_STRETCHES * CLIP_FRAMES / FPS:.1f} seconds in a row: is it lit?"
        )
    stretches = max(1, round(ASIDE_SHARE * len(paths) / shown))
    unseen = [path.replace(aside / path.name) for path in paths[-stretches * shown :]]
    return portraits[0].image, folder, unseen[::shown]  # as it is used: with the own portrait


def _train(clips: Path, work: Path, args: argparse.Namespace) -> Path:
    from generator.checkpoint import WeightsError
    from puppet.core.models import weights_path

    start = work / "start.safetensors"
    with reported_as_puppet_error(WeightsError, OSError):
        _draw_lips(weights_path(args.model, args.weights), start, True)
    return trained(
        args.model, clips, work / "run", args.device, minutes=args.minutes, recipe="shipped", stages=("fit",),
        start=start, seed=args.seed, threads=args.threads,
    )  # fmt: skip


def _draw_lips(source: Path, out: Path, lips: bool) -> None:
    """Write weights as those of a model that draws between the lips, or leaves the warp there."""
    import torch

    from generator import checkpoint

    model = checkpoint.load(source)
    model.config = replace(model.config, control=replace(model.config.control, lips=lips))
    checkpoint.save(out, model, torch.float32)


def _judge_lips(fitted: Path, unseen: list[Path]) -> None:
    """The warp stays between the lips where the model has not learned to do better."""
    from generator import checkpoint
    from generator.training import lips

    if not lips.draws_lips_better(checkpoint.load(fitted), unseen):
        _draw_lips(fitted, fitted, False)


def _compare(
    video: Path, portrait: np.ndarray, begin: float, end: float, fitted: Path, out: Path, args: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """The measures of the warp alone, the weights before and the fitted ones, and a sheet of them beside the truth."""
    from tqdm import tqdm

    from puppet.core.character import load_character
    from puppet.evaluate.clips import load_clip
    from puppet.evaluate.scores import Performance, act, judge
    from puppet.evaluate.sheets import contact_sheet
    from puppet.evaluate.systems import NETWORK_INPUT, Model, Motion

    clip = load_clip(video, SIZE, end - begin, begin, begins_with_face=False)
    if all(pose.face is None for pose in clip.poses):
        raise PuppetError(f"the last seconds of {video} show no face to measure on: cut them off")
    character, motion = load_character(portrait, SIZE, "original"), Motion("absolute")
    systems = (
        replace(NETWORK_INPUT, name="warp alone"),
        Model("before", args.model, args.weights, args.device, args.seed),
        Model("fitted", args.model, str(fitted), args.device, args.seed),
    )

    def progress(frames, count):
        return tqdm(frames, "measuring", count, unit="frame", leave=False, disable=args.json or None)

    frames = act(systems, character, clip, motion, progress)
    made = [judge(name, each, character, clip, motion, None) for name, each in frames.items()]
    contact_sheet(Performance("truth", clip.frames, clip.faces), made, out.with_suffix(".png"))
    return {each.system: {name: round(float(each.scores[name]), 3) for name in MEASURES} for each in made}


def _keep(fitted: Path, out: Path) -> None:
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        shutil.copyfile(fitted, partial)
        os.replace(partial, out)
    finally:
        partial.unlink(missing_ok=True)
