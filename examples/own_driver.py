"""A driver of one's own in place of a camera: the head follows the pointer, or whatever else gives two numbers.

    python examples/own_driver.py portrait.png seconds

A camera is an object with `open`, `read` and `close` whose pictures go through the tracker. What already knows the
motion speaks VMC to `--camera vmc` instead; this script is such a program, and starts the live loop for it.
"""

import math
import sys
import threading
import time
from pathlib import Path

from pythonosc.udp_client import SimpleUDPClient

from puppet.capture.sources import make_source
from puppet.live.config import LiveConfig
from puppet.live.session import Session
from puppet.media import PORTRAIT
from puppet.outputs.base import Output

PORT, RATE = 39650, 60  # of VMC; poses a second


def move(end: threading.Event) -> None:
    """Send a nodding, speaking head until the end."""
    client = SimpleUDPClient("127.0.0.1", PORT)
    while not end.wait(1 / RATE):
        now = time.perf_counter()
        yaw, jaw = math.radians(15) * math.sin(2 * now), max(0.0, math.sin(15 * now))
        turn = 0.0, math.sin(yaw / 2), 0.0, math.cos(yaw / 2)  # a quaternion
        client.send_message("/VMC/Ext/Bone/Pos", ["Head", 0.0, 0.0, 0.0, *turn])
        client.send_message("/VMC/Ext/Blend/Val", ["JawOpen", jaw])
        client.send_message("/VMC/Ext/Blend/Apply", [])


if __name__ == "__main__":  # the generator is a process of its own, which reads this file, too
    portrait, seconds = sys.argv[1:3] or (PORTRAIT, 5)
    end = threading.Event()
    threading.Thread(target=move, args=(end,), daemon=True).start()
    config = LiveConfig(Path(portrait), seconds=float(seconds))
    summary = Session(config, make_source(f"vmc:{PORT}"), [Output()], report=print).run()
    end.set()
    print(f"{summary['new_pictures_per_second']} new pictures a second, {summary['motion_latency_ms']} ms old")
