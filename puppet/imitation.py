"""The faults of real portraits, imitated on synthetic ones: what training does not show, the model cannot bear later."""

from __future__ import annotations

import cv2
import numpy as np

EXACT = 0.15  # share of the portraits that keep their exact matte


def imitate_matting(rng: np.random.Generator, person: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The person cut out of a photograph by a fallible matting instead of rendered alone.

    person (S, S, 4) uint8 premultiplied RGBA, background (S, S, 3) uint8 -> (S, S, 4) uint8 premultiplied: the outline
    wanders by a few pixels, softer or harder than it is, and carries along what lies behind it.
    """
    if rng.random() < EXACT:
        return person
    size = person.shape[0]
    alpha = person[..., 3].astype(np.float32) / 255
    photograph = person[..., :3] + background * (1 - alpha[..., None])
    softness = size / 192 * rng.uniform(0.6, 2.6)
    soft = cv2.GaussianBlur(alpha, (0, 0), softness)
    # moving the threshold of the blurred outline moves the outline; a smooth field moves it differently everywhere
    field = rng.normal(size=(9, 9)).astype(np.float32)
    threshold = 0.5 + 0.12 * rng.normal() + 0.13 * cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC)
    width = rng.uniform(0.12, 0.45)
    matte = np.clip((soft - np.clip(threshold, 0.15, 0.85)) / width + 0.5, 0, 1)
    matte = np.where(soft > 0.98, 1, np.where(soft < 0.02, 0, matte))[..., None]
    return np.round(np.concatenate([photograph * matte, 255 * matte], -1)).astype(np.uint8)
