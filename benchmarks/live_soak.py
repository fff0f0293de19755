"""A long run of `puppet live` with everything that goes wrong on a stage, and one JSON object of what came of it.

    python benchmarks/live_soak.py --minutes 30 --fps 60 --portraits FOLDER

While the stream runs, the camera is unplugged and plugged in again three times, the driver leaves the picture six
times, the portrait is changed ten times, and a browser opens the stream and is killed twenty times. Exits with 1 if a
thread raised, the output's clock stood still for more than 0.1 s, or memory grew by more than 3 % from a tenth of the
time to the end.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from puppet.capture.sources import Source, VideoFile
from puppet.commands.live import report
from puppet.errors import PuppetError
from puppet.live.config import LiveConfig
from puppet.live.session import Session
from puppet.media import DRIVER
from puppet.outputs.base import Output
from puppet.outputs.browser import Browser

UNPLUGGED, LOST, CHANGES, CLIENTS = 3, 6, 10, 20
LARGEST_GAP, LARGEST_GROWTH = 100.0, 0.03  # ms, fraction


class Troubled(Source):
    """A driver on film whose camera can be unplugged and who can leave the picture."""

    def __init__(self, path: Path):
        self._film = VideoFile(path)
        self.name = self._film.name
        self.unplugged = self.empty = False

    def open(self) -> None:
        if self.unplugged:
            raise PuppetError("the camera is unplugged")
        self._film.open()

    def read(self) -> np.ndarray | None:
        if self.unplugged:
            return None
        image = self._film.read()
        return np.full_like(image, 90) if self.empty and image is not None else image

    def close(self) -> None:
        self._film.close()


class Troubles:
    """Carries the plan out in a thread of its own."""

    def __init__(self, session: Session, source: Troubled, port: int, seconds: float):
        self._session, self._source, self._port, self._seconds = session, source, port, seconds
        self.done = {"unplugged": 0, "lost": 0, "changes": 0, "clients": 0}
        self.rss_early: float | None = None
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()

    def _plan(self) -> list[tuple[float, Callable[[], None]]]:
        seconds = self._seconds
        plan = [(0.1 * seconds, self._remember)]
        for count, act in (
            (UNPLUGGED, self._unplug), (LOST, self._lose), (CHANGES, self._change), (CLIENTS, self._visit),
        ):  # fmt: skip
            plan += [(seconds * (0.05 + 0.85 * (k + 0.5) / count), act) for k in range(count)]
        return sorted(plan, key=lambda entry: entry[0])

    def _run(self) -> None:
        start = time.perf_counter()
        for moment, act in self._plan():
            if self._end.wait(max(0.0, start + moment - time.perf_counter())):
                return
            act()

    def _remember(self) -> None:
        self.rss_early = self._session.statistics.memory()

    def _unplug(self) -> None:
        self._source.unplugged = True
        self._end.wait(min(4.0, 0.02 * self._seconds))
        self._source.unplugged = False
        self.done["unplugged"] += 1

    def _lose(self) -> None:
        self._source.empty = True
        self._end.wait(min(3.0, 0.02 * self._seconds))
        self._source.empty = False
        self.done["lost"] += 1

    def _change(self) -> None:
        self._session.controls.run("next")
        self.done["changes"] += 1

    def _visit(self) -> None:
        """Open the stream, take some of it and die without a word."""
        with socket.create_connection(("127.0.0.1", self._port), 5) as client:
            client.sendall(f"GET /stream/person HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n\r\n".encode())
            taken, until = 0, time.perf_counter() + min(2.0, 0.005 * self._seconds)
            while time.perf_counter() < until:
                taken += len(client.recv(1 << 16))
            if taken < 1 << 18:
                raise RuntimeError(f"a browser got only {taken} bytes")
        self.done["clients"] += 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--portraits", type=Path, required=True, help="folder of at least two portraits")
    parser.add_argument("--driver", type=Path, default=DRIVER, help="video that plays the camera, over and over")
    parser.add_argument("--port", type=int, default=8399)
    parser.add_argument("--fps", type=int, default=60)
    own = parser.parse_args()
    failures: list[str] = []
    threading.excepthook = lambda failed: failures.append(f"{failed.exc_type.__name__}: {failed.exc_value}")
    config = LiveConfig(portraits=own.portraits, seconds=60 * own.minutes, port=own.port, fps=own.fps)
    source = Troubled(own.driver)
    session = Session(config, source, [Output(), Browser()], report)
    troubles = Troubles(session, source, own.port, 60 * own.minutes)
    troubles.start()
    summary = session.run()
    troubles.close()
    growth = summary["rss_mib"]["end"] / troubles.rss_early - 1
    print(json.dumps({
        **summary, "minutes": own.minutes, **troubles.done, "reconnected": session.camera.reconnected,
        "rss_early_mib": troubles.rss_early, "rss_growth": round(growth, 4), "failures": failures,
    }))  # fmt: skip
    return int(bool(failures) or summary["max_gap_ms"] > LARGEST_GAP or growth > LARGEST_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
