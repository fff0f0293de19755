"""Train a small model on the people of a video, and let it perform.

    python examples/train.py FOLDER [STEPS] [VIDEO]

FOLDER gets the clips, the checkpoints and trained.mp4. Without a video it is the bundled driver. With more videos, the
model pocket and the recipe shipped it is how the shipped weights were made; see docs/training.md.
"""

import sys
from itertools import islice
from pathlib import Path

import puppet
from generator.training.run import train
from puppet.cli import main as command
from puppet.media import DRIVER, PORTRAIT
from puppet.media.video_reader import VideoReader
from puppet.media.video_writer import VideoWriter

SIZE = 64  # px

folder, steps, video = Path(sys.argv[1]), *(sys.argv[2:] + ["200", DRIVER][len(sys.argv) - 2 :])
clips = folder / "clips"
if not clips.exists() and command(["prepare", str(video), str(clips), "--size", str(SIZE), "--frames", "8"]) != 0:
    sys.exit(1)
weights = train("tiny", clips, folder / "run", steps=int(steps), recipe="shipped", batch=1)
person = puppet.Puppet(PORTRAIT, model="tiny", weights=str(weights), size=SIZE)
with VideoWriter(folder / "trained.mp4", (SIZE, SIZE)) as out:
    for rgba in person.perform(islice(VideoReader(DRIVER).frames(), 48)):
        out.write(rgba)
