"""The person on a picture of another shape."""

from __future__ import annotations

import cv2
import numpy as np

from puppet.core.background import Background
from puppet.media.alpha import composite
from puppet.outputs.base import Picture


class Canvas:
    """Fits pictures into (height, width): centred, as large as possible, over the chosen background.

    Where the background is the portrait's own or blurred, the sides show it blurred; a chosen picture or chroma green
    goes on behind the person to both sides; "transparent" leaves the sides empty.
    """

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self._area = np.s_[:0, :0]  # of the canvas, that the picture takes
        self._scene: Background | None = None
        self._wide: np.ndarray | None = None  # (height, width, 4)
        self._behind: np.ndarray | None = None  # (h, w, 3): its middle

    def __call__(self, picture: Picture) -> np.ndarray:
        """(height, width, 4) uint8 premultiplied RGBA; the caller may keep it."""
        if picture.background is not self._scene:
            self._prepare(picture.background, picture.person.shape[:2])
        source = picture.person if picture.background.extends else picture.framed
        canvas = self._wide.copy()
        area = canvas[self._area]
        method = cv2.INTER_AREA if area.shape[0] < source.shape[0] else cv2.INTER_LINEAR
        area[:] = composite(cv2.resize(source, area.shape[1::-1], interpolation=method), self._behind)
        return canvas

    def _prepare(self, background: Background, shape: tuple[int, int]) -> None:
        self._scene = background
        scale = min(self.height / shape[0], self.width / shape[1])
        tall, across = min(round(shape[0] * scale), self.height), min(round(shape[1] * scale), self.width)
        top, left = (self.height - tall) // 2, (self.width - across) // 2
        self._area = np.s_[top : top + tall, left : left + across]
        wide = background.wide(self.width, self.height)
        if wide is None:
            self._wide, self._behind = np.zeros((self.height, self.width, 4), np.uint8), None
            return
        self._wide = cv2.cvtColor(wide, cv2.COLOR_RGB2RGBA)
        self._behind = np.ascontiguousarray(wide[self._area])
