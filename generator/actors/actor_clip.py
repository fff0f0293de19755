"""What a clip of a synthetic actor holds, whatever kind of actor it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class ActorClip:
    """T frames of one actor, pixels x right, y down.

    Attributes:
        frames: (T, S, S, 4) uint8 premultiplied RGBA, the person only, exact alpha.
        background: (S, S, 3) uint8.
        face: (T, 478, 3) float32 MediaPipe landmarks, px; z smaller = nearer.
        body: (T, 33, 4) float32 px and visibility in MediaPipe's pose order; points that are not known have 0.
        hands: (T, 2, 21, 3) px, left and right, NaN for a hand that is out of the picture; or None.
        portrait, portrait_face, portrait_body, portrait_hands: another moment of the same actor, near frontal; one
            frame's arrays.
    """

    frames: np.ndarray
    background: np.ndarray
    face: np.ndarray
    body: np.ndarray
    hands: np.ndarray | None
    portrait: np.ndarray
    portrait_face: np.ndarray
    portrait_body: np.ndarray
    portrait_hands: np.ndarray | None = None
