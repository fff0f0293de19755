"""Laying one layer over another."""

from __future__ import annotations

import cv2
import numpy as np

from pose.portrait.drawn.colours import Layer


def over(alpha: np.ndarray, above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Two pictures (h, w, 3) uint8 blended by an alpha (h, w)."""
    alpha = alpha.astype(np.float32, copy=False)
    return cv2.blendLinear(above, below, alpha, 1 - alpha)


def sheet(picture: np.ndarray, *alphas: np.ndarray) -> np.ndarray:
    """(h, w, 4) uint8 a picture (h, w, 3) with what of it is to be seen: the most of some alphas (h, w)."""
    alpha = alphas[0]
    for other in alphas[1:]:
        alpha = np.maximum(alpha, other)
    return np.dstack([picture, np.rint(255 * np.minimum(alpha, 1)).astype(np.uint8)])


def shifted(layer: Layer, by: np.ndarray) -> Layer:
    """The layer moved by (2,) px."""
    h, w = layer.alpha.shape
    matrix = np.array([[1, 0, by[0]], [0, 1, by[1]]], np.float32)
    return Layer(cv2.warpAffine(layer.rgb, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
                 cv2.warpAffine(layer.alpha, matrix, (w, h), flags=cv2.INTER_LINEAR))
