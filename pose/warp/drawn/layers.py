"""Fetching and laying layers, at any places.

A feature is painted where it is seen, at as many places as the picture has pixels: places are (h, w) float32 x and y in
the pixels of the feature's layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

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
    """A layer's colours (h, w, 3) and alpha (h, w, 1), 0..1, both float32; nothing beyond its box."""
    pixels = cv2.remap(layer.pixels, at.x, at.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).astype(np.float32)
    return pixels[..., :3], pixels[..., 3:] * np.float32(1 / 255)


def curves_at(curves: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
    """Curves (w, N) float32, one value a column, at some columns (h, w): N of (h, w); as at their ends beyond them."""
    rows = np.zeros_like(x)
    count = curves.shape[1]
    found = [
        cv2.remap(curves[None, :, k : k + 4], x, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        for k in range(0, count, 4)
    ]
    return [part[..., k] if part.ndim == 3 else part for part in found for k in range(min(4, count) if part.ndim == 3 else 1)]


def ramp_at(distance: np.ndarray) -> np.ndarray:
    """Anti-aliased: 0 half a pixel outside, 1 half a pixel inside."""
    return np.minimum(np.maximum(distance + np.float32(0.5), 0), 1)


def over(alpha: np.ndarray, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Colours (h, w, 3) or (3,) laid over others by an alpha (h, w, 1)."""
    return below + alpha * (above - below)
