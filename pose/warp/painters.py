"""Which painters make a portrait's frames, and in what order."""

from __future__ import annotations

import numpy as np

from pose.tracking.features import EYES
from pose.tracking.landmarks import PoseFrame

from .canvas import Painter
from .eyes import EyePainter
from .head_warp import HeadWarp
from .lids import LidPainter
from .light import portrait_light
from .mouth import MouthPainter
from .skeleton import SkeletonPainter


def portrait_painters(person_SS4: np.ndarray, pose: PoseFrame) -> tuple[Painter, ...]:
    """The painters of one portrait, back to front. person_SS4: uint8 premultiplied RGBA; pose: with a face."""
    face = pose.face
    light = portrait_light(person_SS4, face)
    return (
        HeadWarp(person_SS4, pose),
        MouthPainter(person_SS4, face, light),
        *(EyePainter(person_SS4, face, eye, light) for eye in EYES),
        *(LidPainter(person_SS4, face, eye) for eye in EYES),
        SkeletonPainter(),
    )
