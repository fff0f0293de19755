"""A recording."""

from __future__ import annotations

from pathlib import Path

from puppet.outputs.base import Output, Picture
from puppet.video_out import VideoWriter, check_output


class File(Output):
    """Square pictures into .mp4, .mov, .mkv or .webm; .webm and .mov keep transparency. Whole only after `close`."""

    def __init__(self, path: Path, transparent: bool):
        check_output(path, transparent)
        self.path = path
        self.name = str(path)
        self._transparent = transparent
        self._writer: VideoWriter | None = None

    def open(self, size: int, fps: int) -> None:
        self._writer = VideoWriter(self.path, (size, size), self._transparent, fps=fps)
        self._writer.__enter__()

    def send(self, picture: Picture) -> None:
        self._writer.write(picture.framed)

    def close(self) -> None:
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.__exit__(None, None, None)
