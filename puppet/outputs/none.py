"""Nowhere: for measuring."""

from __future__ import annotations

from puppet.outputs.base import Output, Picture


class Nowhere(Output):
    name = "none"

    def open(self, size: tuple[int, int], fps: int) -> None:
        pass

    def send(self, picture: Picture) -> None:
        pass

    def close(self) -> None:
        pass
