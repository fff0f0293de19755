"""The privacy card: what is shown while nothing is to be seen."""

from __future__ import annotations

import time

import cv2
import numpy as np

from puppet.core.background import Background
from puppet.outputs.base import Picture

DARK, LIGHT = (38, 42, 50), (206, 212, 222)
TEXT = "back soon"


def card_picture(shape: tuple[int, int], background: Background) -> Picture:
    """An opaque card of shape (height, width), whatever the background is."""
    card = np.empty((*shape, 4), np.uint8)
    size = min(shape)
    card[:] = (*DARK, 255)
    font, scale, thickness = cv2.FONT_HERSHEY_SIMPLEX, size / 256, max(1, size // 160)
    (width, height), _ = cv2.getTextSize(TEXT, font, scale, thickness)
    place = ((shape[1] - width) // 2, (shape[0] + height) // 2)
    cv2.putText(card, TEXT, place, font, scale, (*LIGHT, 255), thickness, cv2.LINE_AA)
    return Picture(card, card, background, time.perf_counter(), live=False)
