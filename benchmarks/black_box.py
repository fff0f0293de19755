"""The latency of `puppet live` from outside: VMC in, the browser output's frames out, nothing of the program's own
figures.

    python benchmarks/black_box.py [--size 256] [--steps 60] [--live "--fps 60 --reprojection on"] [--json]

A process of `puppet live --camera vmc --output browser` runs; another program's tracker is played, which sends 60 poses
a second. The head turns in steps, at moments that know nothing of any clock; the latency of a step is the time until a
picture that shows at least half of it has been read whole from the browser's stream. Then the head swings all the time
and the pictures that differ from the one before are counted. Needs the extra `osc`.
"""

from __future__ import annotations

import argparse
import json
import math
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

POSE_RATE = 60  # a second
STEP = 10.0  # degrees of yaw, to and fro
SETTLED = 0.8  # s after a step, when its picture no longer changes
SWING_SECONDS, SWING_PERIOD = 10.0, 1.5  # s
START_SECONDS = 180.0  # that the program is given to send its first picture
HEADER = struct.Struct("<III")  # of the stream: width, height, number


class Tracker:
    """Another program that sends the head's yaw. `turn` sends it at once; it goes on being sent."""

    def __init__(self, port: int):
        self._address = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._yaw: Callable[[], float] = lambda: 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def turn(self, yaw: Callable[[], float]) -> float:
        """The moment at which the new yaw (degrees, asked for with every pose) was sent first."""
        self._yaw = yaw
        self._send()
        return time.perf_counter()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(1 / POSE_RATE):
            self._send()

    def _send(self) -> None:
        half = math.radians(self._yaw()) / 2
        bundle = OscBundleBuilder(IMMEDIATELY)
        for name, *values in (
            ("OK", 1),
            ("Bone/Pos", "Head", 0.0, 0.0, 0.0, 0.0, math.sin(half), 0.0, math.cos(half)),
            ("Blend/Val", "JawOpen", 0.0),
            ("Blend/Apply",),
        ):
            message = OscMessageBuilder(f"/VMC/Ext/{name}")
            for value in values:
                message.add_arg(value)
            bundle.add_content(message.build())
        self._socket.sendto(bundle.build().dgram, self._address)


class Browser:
    """Reads the stream of the browser output as a page does. `frames`: (moment, picture) of every frame."""

    def __init__(self, port: int):
        self._connection = connect(port)
        self._connection.sendall(f"GET /stream/picture HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        self._file = self._connection.makefile("rb")
        while self._file.readline().strip():
            pass
        self.frames: list[tuple[float, np.ndarray]] = []
        self.ended = False
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            while True:
                width, height, _ = HEADER.unpack(self._file.read(HEADER.size))
                data = self._file.read(4 * width * height)
                picture = np.frombuffer(data, np.uint8).reshape(height, width, 4)[::2, ::2, 1]
                self.frames.append((time.perf_counter(), picture.astype(np.int16)))
        except (OSError, ValueError, struct.error):
            self.ended = True

    def take(self) -> list[tuple[float, np.ndarray]]:
        """What was read since the last call."""
        frames, self.frames = self.frames, []
        return frames


def connect(port: int) -> socket.socket:
    end = time.perf_counter() + START_SECONDS
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            if time.perf_counter() > end:
                raise SystemExit("black_box: puppet live never opened its port") from None
            time.sleep(0.1)


def latency(sent: float, before: np.ndarray, frames: list[tuple[float, np.ndarray]]) -> float | None:
    """Seconds until a frame that shows half of the step; None where the step is not seen at all."""
    change = (frames[-1][1] - before).astype(np.float64)
    whole = float((change**2).sum())
    if np.abs(change).mean() < 0.5:
        return None
    for moment, picture in frames:
        if float(((picture - before) * change).sum()) >= whole / 2:
            return moment - sent
    return None


def measure(tracker: Tracker, browser: Browser, steps: int) -> tuple[list[float], int, float]:
    """The latencies of the steps that were seen, how many were not, and the new pictures a second of a swinging
    head."""
    random = np.random.default_rng(0)
    latencies, unseen = [], 0
    for step in range(steps):
        time.sleep(SETTLED + random.uniform(0, 0.1))
        before = browser.take()
        yaw = STEP if step % 2 == 0 else -STEP
        sent = tracker.turn(lambda yaw=yaw: yaw)
        time.sleep(SETTLED)
        seen = latency(sent, before[-1][1], [frame for frame in browser.take() if frame[0] > sent])
        if seen is None:
            unseen += 1
        else:
            latencies.append(seen)
    tracker.turn(lambda: STEP * math.sin(2 * math.pi * time.perf_counter() / SWING_PERIOD))
    time.sleep(1)
    browser.take()
    time.sleep(SWING_SECONDS)
    frames = browser.take()
    new = sum(not np.array_equal(a[1], b[1]) for a, b in zip(frames, frames[1:], strict=False))
    return latencies, unseen, new / (frames[-1][0] - frames[0][0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--vmc-port", type=int, default=39641)
    parser.add_argument("--port", type=int, default=8641)
    parser.add_argument("--live", default="", help="more flags of puppet live")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    command = [
        sys.executable, "-m", "puppet.cli", "live", "--camera", f"vmc:{args.vmc_port}", "--output", "browser",
        "--port", str(args.port), "--size", str(args.size), *shlex.split(args.live),
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    tracker = Tracker(args.vmc_port)
    try:
        browser = Browser(args.port)
        time.sleep(5)  # the first groups
        latencies, unseen, rate = measure(tracker, browser, args.steps)
    finally:
        tracker.close()
        process.terminate()
        process.wait(20)
    if not latencies:
        raise SystemExit("black_box: no step was seen")
    p50, p95 = (round(1000 * float(np.percentile(latencies, p)), 1) for p in (50, 95))
    report = {
        "size": args.size, "steps": len(latencies), "steps_unseen": unseen, "latency_ms": {"p50": p50, "p95": p95},
        "new_pictures_per_second": round(rate, 1),
    }  # fmt: skip
    if args.json:
        print(json.dumps(report))
    else:
        print(f"{len(latencies)} steps at {args.size}: p50 {p50} ms, p95 {p95} ms; {rate:.1f} new pictures a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
