"""No driver at all: the portrait nods, looks around and speaks from numbers, frame by frame.

    python examples/own_motion.py portrait.png out.mp4

Whatever moves landmarks can drive a portrait: here a few sine waves move a copy of the portrait's own.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import puppet
from pose.tracking.landmarks import CHIN, LIPS_INNER_LOWER, LIPS_OUTER_LOWER
from pose.tracking.signals import angles_rotation, head_transform, to_head_frame
from puppet.media import PORTRAIT
from puppet.media.video_reader import FPS
from puppet.media.video_writer import VideoWriter

portrait, out = sys.argv[1:3] or (PORTRAIT, "own_motion.mp4")
person = puppet.Puppet(portrait, motion="absolute")
rest = person.portrait.pose
head = head_transform(rest.face)
shape = to_head_frame(rest.face, head)  # (478, 3) in eye distances, upright


def pose(time: float):
    """The portrait's pose after `time` seconds."""
    moved = shape.copy()
    opening = 0.12 * max(0.0, np.sin(2 * np.pi * 2.5 * time))
    moved[[*LIPS_INNER_LOWER, *LIPS_OUTER_LOWER, CHIN], 1] += opening
    turn = angles_rotation(12 * np.sin(2 * np.pi * 0.3 * time), 5 * np.sin(2 * np.pi * 0.5 * time), 0)
    face = head.scale * moved @ (turn @ head.rotation).T + head.translation
    return replace(rest, face=face.astype(np.float32), time=time)


with VideoWriter(Path(out), (256, 256)) as video:
    for rgba in person.animate(pose(index / FPS) for index in range(4 * FPS)):
        video.write(rgba)
