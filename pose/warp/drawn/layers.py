"""Fetching and laying layers, at any places.

A feature is painted where it is seen, at as many places as the picture has pixels there, given in the pixels of the
feature's layers. Colours are planes (3, h, w) float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.portrait.drawn.analysis import FINER
from pose.portrait.drawn.colours import Layer


@dataclass(frozen=True, eq=False)
class Places:
    """x, y: (h, w) float32."""

    x: np.ndarray
    y: np.ndarray

    def moved(self, by: np.ndarray) -> Places:
        """Where what is shifted by (2,) px is fetched from."""
        return Places(self.x - np.float32(by[0]), self.y - np.float32(by[1]))


def whole_box(layer: Layer) -> Places:
    """All places of a layer."""
    h, w = layer.alpha.shape
    x, y = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    return Places(x, y)


def fetched(layer: Layer, at: Places) -> tuple[np.ndarray, np.ndarray]:
    """A layer's colours (3, h, w) and alpha (h, w), 0..1, both float32; nothing beyond its box."""
    pixels = cv2.remap(layer.pixels, at.x, at.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32)
    return planes[:3], planes[3] * np.float32(1 / 255)


def curves_at(curves: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Curves (w, 4) float32, a value a column, at columns (h, w): (4, h, w); beyond their ends as there."""
    rows = np.zeros_like(x)
    found = cv2.remap(curves[None], x, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.ascontiguousarray(found.transpose(2, 0, 1))


def ramp_at(distance: np.ndarray) -> np.ndarray:
    """Anti-aliased for the pixels of the picture: 0 half of one outside, 1 half inside. distance: px of the layers."""
    return np.minimum(np.maximum(distance * np.float32(1 / FINER) + np.float32(0.5), 0), 1)


def over(alpha: np.ndarray, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Colours (3, h, w) or (3, 1, 1) laid over others by an alpha (h, w). Planes: NumPy is slow at short last axes."""
    return below + alpha * (above - below)
