"""Portraits one after another, driven by one video that is shown small beside them, as an animated picture:

    python examples/preview.py driver.mp4 out.webp portrait.png painting.jpg

docs/preview.webp is made so from the bundled ones. Twelve pictures a second keep it small.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from puppet import Puppet
from puppet.media import DRIVER, PORTRAITS
from puppet.media.video_reader import FPS, VideoReader, centre_square

SIDE, INSET, EDGE = 352, 104, 2  # px: the picture, the driver's in its corner, the white around that
STEP = 2  # frames of the video for one that is shown
QUALITY = 55  # of the WebP's pictures, 0 to 100

driver, out, *portraits = sys.argv[1:] or (DRIVER, "preview.webp")

frames = list(VideoReader(Path(driver)).frames())
pictures = []
for portrait in portraits or PORTRAITS:
    person = Puppet(portrait, size=SIDE, framing="bust")
    for index, rgba in enumerate(person.perform(frames)):
        if index % STEP:
            continue
        picture = rgba[..., :3].copy()
        small = cv2.resize(centre_square(frames[index]), (INSET, INSET), interpolation=cv2.INTER_AREA)
        small = np.pad(small, ((EDGE, EDGE), (EDGE, EDGE), (0, 0)), constant_values=255)
        picture[-len(small) - 8 : -8, 8 : 8 + len(small)] = small
        pictures.append(Image.fromarray(picture))
pictures[0].save(
    out, save_all=True, append_images=pictures[1:], duration=round(1000 * STEP / FPS), loop=0, quality=QUALITY, method=4
)
print(f"{out}: {len(pictures)} pictures, {Path(out).stat().st_size / 1e6:.1f} MB")
