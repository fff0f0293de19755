"""The square person on a wide picture."""

from __future__ import annotations

import cv2
import numpy as np

from puppet.core.background import Background
from puppet.media.alpha import composite
from puppet.outputs.base import Picture


class Canvas:
    """Fits square pictures into (height, width): centred, as large as possible, over the chosen background.

    Where the background is the portrait's own or blurred, the sides show it blurred; a chosen picture or chroma green
    goes on behind the person to both sides; "transparent" leaves the sides empty.
    """

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self._side = min(width, height)
        self._left, self._top = (width - self._side) // 2, (height - self._side) // 2
        self._scene: Background | None = None
        self._wide: np.ndarray | None = None  # (height, width, 4)
        self._behind: np.ndarray | None = None  # (side, side, 3): its middle

    def __call__(self, picture: Picture) -> np.ndarray:
        """(height, width, 4) uint8 premultiplied RGBA; the caller may keep it."""
        if picture.background is not self._scene:
            self._prepare(picture.background)
        source = picture.person if picture.background.extends else picture.framed
        method = cv2.INTER_AREA if self._side < source.shape[0] else cv2.INTER_LINEAR
        square = cv2.resize(source, (self._side, self._side), interpolation=method)
        canvas = self._wide.copy()
        area = canvas[self._top : self._top + self._side, self._left : self._left + self._side]
        area[:] = composite(square, self._behind)
        return canvas

    def _prepare(self, background: Background) -> None:
        self._scene = background
        wide = background.wide(self.width, self.height)
        if wide is None:
            self._wide, self._behind = np.zeros((self.height, self.width, 4), np.uint8), None
            return
        self._wide = cv2.cvtColor(wide, cv2.COLOR_RGB2RGBA)
        self._behind = np.ascontiguousarray(
            wide[self._top : self._top + self._side, self._left : self._left + self._side]
        )
