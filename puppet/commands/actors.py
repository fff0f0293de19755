"""`puppet actors`: render synthetic people with exact landmarks and alpha, as training clips."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tqdm import tqdm

from pose.tracking.landmarks import PoseFrame
from puppet.commands import arguments
from puppet.core.signals import leave_terminal_signals_to_parent
from puppet.errors import PuppetError, extra_needed
from puppet.footage.clips import as_seen, check_shape, clip_path, contact_sheet, make_clip, save_clip
from puppet.footage.imitation import imitate_hands, imitate_matting, imitate_tracker
from puppet.footage.tracked import track_actor
from puppet.media.video_reader import FPS

if TYPE_CHECKING:
    from generator.actors.actor_clip import ActorClip

TRACKED = 0.7  # share of the clips that are tracked; in the others its faults are imitated

ICT_HELP = "the folder FaceXModel of https://github.com/ICT-VGL/ICT-FaceKit, or its cached .npz"
MAKEHUMAN_HELP = (
    "MakeHuman's data: the folders makehuman/data of https://github.com/makehumancommunity/makehuman and base of "
    "https://github.com/makehumancommunity/makehuman-assets, copied into one"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", type=Path, help="folder for the clips; clips that are already there are kept")
    parser.add_argument("--clips", type=int, required=True, help="number of clips that the folder shall hold")
    parser.add_argument("--ict", type=Path, required=True, help=ICT_HELP)
    parser.add_argument("--makehuman", type=Path, required=True, help=MAKEHUMAN_HELP)
    arguments.add(parser, "--size", type=int, default=192, metavar="N", help="pixels along each side, a multiple of 16")
    arguments.add(parser, "--frames", "--face")
    arguments.add(parser, "--seed", help="clip i of a seed is always the same clip")
    parser.add_argument(
        "--figures", type=float, default=0.75, metavar="SHARE",
        help="share of whole people with photographic skin, arms and hands; the rest are heads with painted skin",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that render")
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    if args.clips < 1 or args.workers < 1 or args.seed < 0:
        raise PuppetError("--clips and --workers must be at least 1, --seed at least 0")
    if not 0 <= args.figures <= 1:
        raise PuppetError(f"--figures {args.figures:g} is no share: choose a number from 0 to 1")
    check_shape(args.size, args.frames, args.face)
    for option, path, wanted in (("--ict", args.ict, ICT_HELP), ("--makehuman", args.makehuman, MAKEHUMAN_HELP)):
        if not path.exists():
            raise PuppetError(f"{option} {path} does not exist: give {wanted}")
    with extra_needed("puppet actors needs moderngl", "actors"):
        import moderngl  # noqa: F401
    arguments.make_folder(args.out)
    missing = [index for index in range(args.clips) if not clip_path(args.out, index).exists()]
    render_all(args, missing)
    paths = [clip_path(args.out, index) for index in range(args.clips)]
    sheet = args.out / "contact_sheet.png"
    contact_sheet(paths, sheet)
    arguments.answer(
        args, {"clips": args.clips, "rendered": len(missing), "folder": str(args.out), "sheet": str(sheet)},
        f"{args.out}: {args.clips} clips, {len(missing)} of them new; to look at: {sheet}",
    )  # fmt: skip


def render_all(args: argparse.Namespace, indices: list[int]) -> None:
    """Render the clips of these indices in several processes. Raises PuppetError with the first failure."""
    if not indices:
        return
    # spawned, not forked: a GL context does not survive a fork
    context = multiprocessing.get_context("spawn")
    pending, results = context.Queue(), context.Queue()
    workers = min(args.workers, len(indices))
    for index in [*indices, *[None] * workers]:
        pending.put(index)
    processes = [context.Process(target=_work, args=(args, pending, results), daemon=True) for _ in range(workers)]
    for process in processes:
        process.start()
    try:
        for _ in tqdm(indices, unit="clip", disable=args.json or None):
            failure = _next_result(results, processes)
            if failure:
                raise PuppetError(failure)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _next_result(results, processes) -> str | None:
    """Wait for one clip: None when it is written, else what failed."""
    while True:
        try:
            return results.get(timeout=1)
        except queue.Empty:
            if any(process.exitcode not in (None, 0) for process in processes):
                return "a rendering process died; is there enough memory? --workers 1 needs the least"


def _work(args: argparse.Namespace, pending, results) -> None:
    """One process: its own GL context, clips until the queue says None. Reports None for each clip, or what failed."""
    leave_terminal_signals_to_parent()
    import cv2

    from generator.actors.clips import ActorAssets, sample_clip
    from generator.actors.ict import ActorAssetError
    from generator.actors.renderer import NoGraphics

    cv2.setNumThreads(1)
    try:
        assets = ActorAssets(args.ict, args.makehuman)
        parent = multiprocessing.parent_process()  # killed, it cannot end its workers
        while parent.is_alive() and (index := pending.get()) is not None:
            rng = np.random.default_rng([args.seed, index])
            actor = sample_clip(rng, assets, args.size, args.frames, figures=args.figures)
            save_clip(clip_path(args.out, index), as_seen(training_clip(actor, rng), args.face))
            results.put(None)
    except (ActorAssetError, NoGraphics) as error:
        results.put(str(error))
    except OSError as error:
        results.put(f"cannot write to {args.out}: {error.strerror or error}")


def training_clip(actor: ActorClip, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The tensors of a training clip of an `ActorClip`, with a tracker's landmarks and a photograph's matte."""
    height, width = actor.frames.shape[1:3]
    size = (width, height)
    tracked = track_actor(actor) if rng.random() < TRACKED else None
    faces, own = tracked or imitate_tracker(rng, actor.face, actor.portrait_face)
    hands = own_hands = None
    if actor.hands is not None:
        *hands, own_hands = imitate_hands(rng, np.concatenate([actor.hands, actor.portrait_hands[None]]))
    poses = [
        PoseFrame(face, body, *_seen(hands[t] if hands else None), size=size, time=t / FPS)
        for t, (face, body) in enumerate(zip(faces, actor.body, strict=True))
    ]
    portrait_pose = PoseFrame(own, actor.portrait_body, *_seen(own_hands), size=size, time=0.0)
    portrait = imitate_matting(rng, actor.portrait, actor.background)
    return make_clip(actor.frames, poses, portrait, portrait_pose)


def _seen(hands: np.ndarray | None) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Left and right hand of (2, 21, 3), None for one that is not in the picture."""
    if hands is None:
        return None, None
    left, right = (hand if np.isfinite(hand).all() else None for hand in hands)
    return left, right
