"""Reading a picture file as it looks, turned by its EXIF tag, RGB; and cutting it to a shape."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from puppet.errors import PuppetError

LARGEST = 200_000_000  # pixels: beyond this a file is more likely an attack than a photograph


def check_file(path: Path, role: str, wanted: str) -> None:
    """`PuppetError` with the `role` of the file unless there is one with something in it; wanted: what it should be."""
    if not path.exists():
        raise PuppetError(f"{role} {path} does not exist: give the path of {wanted}")
    if path.is_dir():
        raise PuppetError(f"{role} {path} is a folder: give the path of {wanted}")
    if path.stat().st_size == 0:
        raise PuppetError(f"{role} {path} is empty: give {wanted}")


def read_picture(path: Path, role: str, keep_alpha: bool = False) -> np.ndarray:
    """(H, W, 3) uint8 RGB, white behind transparent parts; or (H, W, 4), straight alpha, if kept and there is any.

    `PuppetError` with the `role` of the file where it cannot be read.
    """
    check_file(path, role, "a picture (PNG, JPEG, WebP)")
    try:
        with Image.open(path) as image:
            if image.width * image.height > LARGEST:
                raise PuppetError(
                    f"{role} {path} is too large ({image.width} x {image.height}): reduce it to a few thousand pixels"
                )
            image = ImageOps.exif_transpose(image)
            if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                image = image.convert("RGBA")
                if keep_alpha:
                    return np.asarray(image)
                image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
            elif image.mode.startswith(("I", "F")):
                # 16-bit grey would be clipped to white by a plain conversion
                values = np.asarray(image, np.float64)
                image = Image.fromarray((values * (255 / max(values.max(), 255))).astype(np.uint8))
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError as error:
        raise PuppetError(f"{role} {path} is not a picture: give a PNG, JPEG or WebP file") from error
    except PermissionError as error:
        raise PuppetError(f"{role} {path} may not be read: change its permissions") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PuppetError(f"{role} {path} is broken ({error}): save it again or choose another picture") from error


def filling(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """(height, width, 3): the largest centred part of the picture that has this shape, scaled."""
    scale = min(picture.shape[1] / width, picture.shape[0] / height)
    across, tall = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (picture.shape[1] - across) // 2, (picture.shape[0] - tall) // 2
    part = np.ascontiguousarray(picture[top : top + tall, left : left + across])
    return cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC)
