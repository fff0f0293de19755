"""Training clips: one moving person with its portrait, turned into the maps and the truth that training reads.

`puppet actors` and `puppet prepare` write them, `generator.training.data` reads them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from safetensors.numpy import load_file, save_file

from pose.tracking.landmarks import LEFT_EYE_RING, LIPS_OUTER, RIGHT_EYE_RING, PoseFrame
from pose.warp.conditioning import Conditioner
from puppet.core.look import PictureSize
from puppet.errors import PuppetError
from puppet.media.alpha import checkerboard, composite

BOX_MARGIN = 4 / 256  # of the picture's size, around the landmarks of mouth and eyes
LEAST_FACE = 16  # pixels, two latent cells
SHEET_FRAMES = 6  # frames of a clip on a contact sheet
LEAST_CROP = 128  # pixels of a clip each way: a crop of the training
SIDE_STEP = 16  # pixels, of which the sides of a clip are multiples


def check_shape(size: int, frames: int, face: int) -> None:
    """`PuppetError` unless clips of `frames` pictures of size x size pixels with faces of `face` are possible."""
    PictureSize.of(size, "--size")
    if frames % 4 or frames < 4:
        raise PuppetError(f"--frames {frames} is not possible: choose a multiple of 4")
    if face < LEAST_FACE:
        raise PuppetError(f"--face {face} is too small to learn from: choose at least {LEAST_FACE} pixels")


def clip_path(folder: Path, index: int) -> Path:
    return folder / f"clip_{index:06d}.safetensors"


def feature_boxes(pose: PoseFrame) -> np.ndarray:
    """(3, 4) int16: x0, y0, x1, y1 in pixels of mouth, left eye and right eye, inside the picture and never empty."""
    width, height = pose.size
    boxes = []
    for ring in (LIPS_OUTER, LEFT_EYE_RING, RIGHT_EYE_RING):
        points = pose.face[list(ring), :2]
        margin = BOX_MARGIN * width
        low = np.clip(np.floor(points.min(0) - margin), 0, [width - 1, height - 1])
        high = np.clip(np.ceil(points.max(0) + margin), low + 1, [width, height])
        boxes.append([*low, *high])
    return np.array(boxes, np.int16)


def make_clip(
    frames: np.ndarray, poses: Sequence[PoseFrame], portrait: np.ndarray, portrait_pose: PoseFrame
) -> dict[str, np.ndarray]:
    """The tensors of one training clip.

    frames: (T, S, S, 4) uint8 premultiplied RGBA; poses: the T poses in them, each with a face. portrait: (S, S, 4)
    uint8 premultiplied RGBA of the same person, with its pose. T is a multiple of 4, S of 16.
    """
    conditioner = Conditioner(portrait, portrait_pose)
    maps = [conditioner.maps(pose) for pose in poses]
    own = conditioner.maps(portrait_pose)
    return {
        "frames": np.ascontiguousarray(frames),
        "warp": np.stack([m.warp for m in maps]),
        "guide": np.stack([m.guide for m in maps]),
        "reference": np.ascontiguousarray(portrait),
        "reference_warp": own.warp,
        "reference_guide": own.guide,
        "boxes": np.stack([feature_boxes(pose) for pose in poses]),
    }


def as_seen(clip: dict[str, np.ndarray], face: int | None) -> dict[str, np.ndarray]:
    """The tensors of a training clip, shrunk where the portrait's face is larger than `face` pixels (None: as it is).

    The warp is drawn at full size and shrunk after that, as `PortraitStream` does it.
    """
    from generator.portrait.scale import Scale  # brings torch

    size = clip["frames"].shape[1]
    seen = Scale.of(size, clip["reference_guide"][None], face, SIDE_STEP).seen
    scale = Scale(size, min(max(seen, LEAST_CROP), size))
    videos = {name: scale.shrink(clip[name]) for name in ("frames", "warp", "guide")}
    stills = {name: scale.shrink(clip[name][None])[0] for name in clip if name.startswith("reference")}
    boxes = np.round(clip["boxes"] * (scale.seen / size)).astype(np.int16)
    return {name: np.ascontiguousarray(array) for name, array in (videos | stills).items()} | {"boxes": boxes}


def save_clip(path: Path, clip: dict[str, np.ndarray], source: str | None = None) -> None:
    """Write a clip so that a file of this name is always a whole one.

    source: the video that it was cut from; training holds out whole sources. None: the clip is one of its own.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        save_file(clip, partial, metadata={"source": source} if source else None)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def contact_sheet(paths: Sequence[Path], out: Path, rows: int = 8) -> None:
    """A picture of up to `rows` clips: portrait, then truth over warp over guide for frames spread over the clip."""
    strips = [_strip(load_file(path)) for path in paths[:: max(len(paths) // rows, 1)][:rows]]
    width = max(strip.shape[1] for strip in strips)
    strips = [np.pad(strip, ((0, 6), (0, width - strip.shape[1]), (0, 0))) for strip in strips]
    sheet = Image.fromarray(np.concatenate(strips))
    ImageDraw.Draw(sheet).text((4, 4), "portrait | truth, warp, guide", fill=(255, 255, 255))
    sheet.save(out, quality=90)


def _strip(clip: dict[str, np.ndarray]) -> np.ndarray:
    """(3S, (1 + SHEET_FRAMES) S, 3) uint8."""
    size = clip["frames"].shape[1]
    chosen = np.linspace(0, len(clip["frames"]) - 1, SHEET_FRAMES).round().astype(int)
    checks = checkerboard((size, size), 8, (96, 144))

    def over_checks(rgba: np.ndarray) -> np.ndarray:
        return composite(rgba, checks)[..., :3]

    def guide_colours(guide: np.ndarray) -> np.ndarray:
        colours = np.maximum(guide[..., :3], guide[..., [4, 5, 6]]) // 2 + guide[..., 7:] // 2
        return colours.repeat(2, 0).repeat(2, 1)

    portrait = np.concatenate([over_checks(clip["reference"]), np.zeros((2 * size, size, 3), np.uint8)])
    columns = [
        np.concatenate([over_checks(clip["frames"][i]), over_checks(clip["warp"][i]), guide_colours(clip["guide"][i])])
        for i in chosen
    ]
    return np.concatenate([portrait, *columns], 1)
