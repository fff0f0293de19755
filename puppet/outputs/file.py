"""A recording."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from puppet.media.video_writer import VideoWriter, check_output
from puppet.outputs.base import MOST_WAITING, Output, Picture


class File(Output):
    """Square pictures into .mp4, .mov, .mkv or .webm; .webm and .mov keep transparency. Whole only after `close`.

    As long as the real time that it shows, for sound is recorded elsewhere: the sender's clock follows the camera's,
    and pictures are lost where the disk is slow.
    """

    close_seconds = None  # whatever it takes: what is not closed is lost

    def __init__(self, path: Path, transparent: bool, clock: Callable[[], float] = time.perf_counter):
        check_output(path, transparent)
        self.path = path
        self.name = str(path)
        self._transparent, self._clock = transparent, clock
        self._start: float | None = None
        self._next = 0  # number of the next frame
        self._writer: VideoWriter | None = None

    def open(self, size: tuple[int, int], fps: int) -> None:
        self._fps = fps
        self._writer = VideoWriter(self.path, size, self._transparent, fps=fps)
        self._writer.__enter__()

    def send(self, picture: Picture) -> None:
        now = self._clock()
        self._start = now if self._start is None else self._start
        due = round((now - self._start) * self._fps)
        if self._next > due + MOST_WAITING:
            return
        if self._next < due - MOST_WAITING:
            self._next = due
        self._writer.write(picture.framed, self._next)
        self._next += 1

    def close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.__exit__(None, None, None)
