"""A preview on the screen."""

from __future__ import annotations

import os
import sys

import cv2
import numpy as np

from puppet.core.latest_value import LatestValue
from puppet.errors import PuppetError
from puppet.media.alpha import checkerboard, composite
from puppet.outputs.base import Output, Picture

TITLE = "Puppet"
SMALLEST = 512  # px; smaller pictures are shown enlarged
CHECKER = 16  # px of a field of the board that stands for transparency
ESCAPE = 27


class Window(Output):
    """Shows pictures and takes keys. `poll` has to be called by the program's main thread: systems insist on it."""

    name = "window"

    def __init__(self) -> None:
        self._pictures: LatestValue[Picture] = LatestValue()
        self._shown = False

    def open(self, size: tuple[int, int], fps: int) -> None:
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise PuppetError("there is no screen for --output window: use --output browser, virtual-camera or a file")
        self._scale = max(1, -(-SMALLEST // min(size)))

    def send(self, picture: Picture) -> None:
        self._pictures.put(picture)

    def close(self) -> None:
        self._pictures.close()

    def poll(self, lines: list[str]) -> str | None:
        """Draw the newest picture with some lines of text over it. The key that was pressed, "closed", or None."""
        try:
            picture = self._pictures.take(0.005)
            if picture is not None:
                if not self._shown:
                    cv2.namedWindow(TITLE, cv2.WINDOW_AUTOSIZE)
                    self._shown = True
                cv2.imshow(TITLE, self._drawn(picture, lines))
            if not self._shown:
                return None
            key = cv2.waitKey(1) & 0xFF
            if cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                return "closed"
        except cv2.error as error:
            raise PuppetError(
                f"no window can be shown ({error.err or error}): use --output browser, virtual-camera or a file"
            ) from error
        return None if key == 0xFF else "escape" if key == ESCAPE else chr(key)

    def destroy(self) -> None:
        """In the main thread, as `poll`."""
        if self._shown:
            cv2.destroyWindow(TITLE)
            self._shown = False

    def _drawn(self, picture: Picture, lines: list[str]) -> np.ndarray:
        image = picture.framed
        if picture.background.square is None:
            image = composite(image, checkerboard(image.shape[:2], CHECKER, (180, 220)))
        image = cv2.cvtColor(image, cv2.COLOR_RGBA2BGR)
        image = cv2.resize(image, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_LINEAR)
        for row, line in enumerate(lines):
            for grey, width in ((0, 3), (255, 1)):
                place = (10, 24 + 22 * row)
                cv2.putText(image, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (grey, grey, grey), width, cv2.LINE_AA)
        return image
