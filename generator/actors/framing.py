"""Where the camera stands: how large the head is in the picture and where."""

from __future__ import annotations

import numpy as np

from generator.actors.motion import Performance
from generator.actors.scene import Camera

WIDE_SHARE = (0.16, 0.30)  # of the picture that the face takes where arms and hands shall be seen


def frame_head(rng: np.random.Generator, face_width: float, act: Performance, size: int, wide: bool = False) -> Camera:
    """A long lens; the face takes 0.28 to 0.62 of a picture of 192 px, less of a larger one.

    The camera is placed for the performance's mean position of the head.

    Args:
        face_width: of the actor, cm.
        wide: the upper body is in the picture.
    """
    low, high = WIDE_SHARE if wide else (0.28, 0.62) if size <= 192 else (0.22, 0.55)
    share = low + (high - low) * rng.beta(1.4, 1.6)
    focal = 0.5 / np.tan(np.deg2rad(rng.uniform(15, 30)) / 2)
    # The head's middle is near x = 0, y = 2; the closer the picture, the less it may wander.
    slack = max(0.0, 0.5 - 0.62 * share)
    cx = 0.5 + rng.normal() * (0.12 if wide else 0.28) * slack
    head_y = 0.44 + 0.10 * share + np.clip(rng.normal() * 0.28, -0.5, 0.6) * slack
    if wide:
        head_y = rng.uniform(0.22, 0.34)
    distance = focal * face_width / share
    mean = act.translation.mean(0) + np.array([act.shoulders[:, 0].mean(), act.shoulders[:, 1].mean(), 0.0])
    # A turned face reaches to the side that it turns to.
    ahead = 9.0 * np.sin(act.rotation[:, :2]).mean(0)
    cx -= (mean[0] + 0.6 * ahead[0]) * focal / distance
    return Camera(focal, distance, float(cx), float(head_y + (2.0 + mean[1] + 0.4 * ahead[1]) * focal / distance))
