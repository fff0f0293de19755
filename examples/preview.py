"""Portraits driven by one video, to show around: an animated picture, one portrait after another with the driver small
beside them, or a sheet of moments.

    python examples/preview.py driver.mp4 out.webp portrait.png painting.jpg
    python examples/preview.py driver.mp4 out.jpg portrait.png painting.jpg

docs/preview.webp and docs/puppet.jpg are made so from the bundled ones.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from puppet import Puppet
from puppet.media import DRIVER, PORTRAITS
from puppet.media.pictures import read_picture
from puppet.media.video_reader import FPS, VideoReader, centre_square

SIDE, INSET, EDGE = 352, 104, 2  # px: a picture, the driver's in its corner, the white around that
STEP = 2  # frames of the video for one that is shown: twelve a second keep the file small
QUALITY = 55  # of a WebP's pictures, 0 to 100
MOMENTS = (0.8, 1.5, 2.2, 3.8, 4.8, 5.8)  # s of a sheet's columns
SHEET = 256  # px of its pictures


def scaled(picture: np.ndarray, side: int) -> np.ndarray:
    """The centred square of a picture, or of an RGBA one over grey."""
    square = centre_square(picture).astype(np.float32)
    if square.shape[2] == 4:
        square = square[..., :3] * (square[..., 3:] / 255) + 128 * (1 - square[..., 3:] / 255)
    return cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA).astype(np.uint8)


def animate(portraits: list[Path], frames: list[np.ndarray], out: Path) -> None:
    pictures = []
    for portrait in portraits:
        for index, rgba in enumerate(Puppet(portrait, size=SIDE).perform(frames)):
            if index % STEP:
                continue
            small = np.pad(scaled(frames[index], INSET), ((EDGE, EDGE), (EDGE, EDGE), (0, 0)), constant_values=255)
            picture = rgba[..., :3].copy()
            picture[-len(small) - 8 : -8, 8 : 8 + len(small)] = small
            pictures.append(Image.fromarray(picture))
    first, *rest = pictures
    first.save(out, save_all=True, append_images=rest, duration=round(1000 * STEP / FPS), loop=0, quality=QUALITY)


def lay_out(portraits: list[Path], frames: list[np.ndarray], out: Path) -> None:
    moments = [round(second * FPS) for second in MOMENTS if second * FPS < len(frames)]
    rows = [[np.full((SHEET, SHEET, 3), 255, np.uint8), *(scaled(frames[moment], SHEET) for moment in moments)]]
    for portrait in portraits:
        made = list(Puppet(portrait, size=2 * SHEET).perform(frames))
        own = scaled(read_picture(portrait, "portrait", keep_alpha=True), SHEET)
        rows.append([own, *(scaled(made[moment][..., :3], SHEET) for moment in moments)])
    Image.fromarray(np.concatenate([np.concatenate(row, 1) for row in rows])).save(out, quality=85)


driver, out, *portraits = map(Path, sys.argv[1:] or (DRIVER, "preview.webp"))
make = animate if out.suffix == ".webp" else lay_out
make(portraits or list(PORTRAITS), list(VideoReader(driver).frames()), out)
print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")
