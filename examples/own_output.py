"""A live portrait into an output of one's own: here it counts the pictures and keeps the last one as a file.

    python examples/own_output.py portrait.png seconds

Anything with `open`, `send` and `close` can be an output: a socket, a game engine's texture, a LED wall.
"""

import sys
from pathlib import Path

from PIL import Image

from puppet.capture.sources import make_source
from puppet.live.config import LiveConfig
from puppet.live.session import Session
from puppet.media import PORTRAIT
from puppet.media.alpha import straight_alpha
from puppet.outputs.base import Output, Picture


class LastPicture(Output):
    name = "last picture"

    def open(self, size, fps: int) -> None:
        self.count, self.last = 0, None

    def send(self, picture: Picture) -> None:
        """Called `fps` times a second, from a thread of this output's own: a slow one holds up nobody."""
        self.count, self.last = self.count + 1, picture

    def close(self) -> None:
        if self.last is not None:
            Image.fromarray(straight_alpha(self.last.person)).save("last.png")
        print(f"{self.count} pictures, the last one is in last.png")


if __name__ == "__main__":  # the generator is a process of its own, which reads this file, too
    portrait, seconds = sys.argv[1:3] or (PORTRAIT, 5)
    config = LiveConfig(Path(portrait), seconds=float(seconds), background="transparent")
    camera = make_source("synthetic")  # or "0", the name of a webcam, a video file, "vmc"
    summary = Session(config, camera, [LastPicture()], report=print).run()
    print(summary["motion_latency_ms"], summary["appearance_latency_ms"])
