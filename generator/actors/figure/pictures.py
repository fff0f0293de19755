"""Texture pictures of MakeHuman's assets."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from generator.actors.ict import ActorAssetError

LARGEST = 1024  # px; the published pictures are up to four times as wide, far more than a clip can show


@lru_cache(maxsize=96)
def read_picture(path: Path) -> np.ndarray:
    """(H, W, 4) uint8 RGBA, first row at the bottom as texture coordinates count.

    Raises:
        ActorAssetError: the file is missing, or is a pointer of a clone without its large files.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as opened:
            picture = opened.convert("RGBA")
            if max(picture.size) > LARGEST:
                picture = picture.resize((LARGEST, LARGEST), Image.Resampling.LANCZOS)
            return np.ascontiguousarray(np.asarray(picture)[::-1])
    except FileNotFoundError as error:
        raise ActorAssetError(f"no picture at {path}: MakeHuman's folder base of makehuman-assets has it") from error
    except (UnidentifiedImageError, OSError) as error:
        raise ActorAssetError(
            f"{path} is not a picture; in a clone of makehuman-assets run `git lfs pull` to get its large files"
        ) from error


def filled(picture: np.ndarray) -> np.ndarray:
    """RGBA whose transparent texels have the colour of the nearest opaque ones, so that no dark rim bleeds in."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    colour, weight = picture[..., :3] * alpha, alpha
    out = picture[..., :3].astype(np.float32)
    done = alpha[..., 0] > 0.5
    size = picture.shape[1], picture.shape[0]
    while size[0] > 4:
        size = size[0] // 2, size[1] // 2
        small = [_resize(channel, size) for channel in np.moveaxis(np.concatenate([colour, weight], -1), -1, 0)]
        big = np.stack([_resize(c, (picture.shape[1], picture.shape[0])) for c in small], -1)
        usable = ~done & (big[..., 3] > 1e-3)
        out[usable] = big[usable, :3] / big[usable, 3:]
        done |= usable
    return np.concatenate([out.clip(0, 255).astype(np.uint8), picture[..., 3:]], -1)


def _resize(channel: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(channel, np.float32))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))
