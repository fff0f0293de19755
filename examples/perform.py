"""A portrait performs a video, in three lines; the rest writes the frames to a file.

    python examples/perform.py portrait.png driver.mp4 out.mp4

Without arguments the bundled portrait and driver make perform.mp4.
"""

import sys
from pathlib import Path

import puppet
from puppet.media import DRIVER, PORTRAIT
from puppet.media.video_reader import VideoReader
from puppet.media.video_writer import VideoWriter

portrait, driver, out = sys.argv[1:4] or (PORTRAIT, DRIVER, "perform.mp4")

frames = VideoReader(driver).frames()  # (H, W, 3) uint8 RGB at 24 a second; any other source will do
person = puppet.Puppet(portrait)
performance = person.perform(frames)  # yields (256, 256, 4) uint8 RGBA

with VideoWriter(Path(out), (256, 256)) as video:
    for rgba in performance:
        video.write(rgba)
