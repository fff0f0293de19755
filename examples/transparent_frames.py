"""A transparent avatar as PNG files with straight alpha, for an editor or a game engine.

python examples/transparent_frames.py portrait.png driver.mp4 folder
"""

import sys
from pathlib import Path

from PIL import Image

import puppet
from puppet.media import DRIVER, PORTRAIT
from puppet.media.alpha import straight_alpha
from puppet.media.video_reader import VideoReader

portrait, driver, folder = sys.argv[1:4] or (PORTRAIT, DRIVER, "frames")
Path(folder).mkdir(exist_ok=True)

person = puppet.Puppet(portrait, background="transparent")
for index, rgba in enumerate(person.perform(VideoReader(driver).frames())):
    Image.fromarray(straight_alpha(rgba)).save(Path(folder) / f"{index:05d}.png")
