"""Which painters make a portrait's frames, and in what order."""

from __future__ import annotations

import numpy as np

from pose.portrait.drawn.analysis import Drawing
from pose.tracking.landmarks import PoseFrame

from .arms import ArmsPainter
from .canvas import HeadPainter, Painter
from .drawn.head import DrawnHead
from .drawn.painter import DrawnFeatures
from .eyes import EyePainter
from .folds import FoldPainter
from .head_warp import HeadWarp
from .lids import LidPainter
from .light import portrait_light
from .mouth import MouthPainter
from .mouth_corners import CornerPainter
from .skeleton import SkeletonPainter


def portrait_painters(
    person_SS4: np.ndarray, pose: PoseFrame, drawing: Drawing | None = None
) -> tuple[HeadPainter, tuple[Painter, ...]]:
    """The painters of one portrait, the head's and those that follow, back to front.

    person_SS4: uint8 premultiplied RGBA; pose: with a face; drawing: the layers of a drawn portrait.
    """
    face = pose.face
    if drawing is not None:
        return DrawnHead(person_SS4, pose), (DrawnFeatures(drawing, face), SkeletonPainter())
    light = portrait_light(person_SS4, face)
    return HeadWarp(person_SS4, pose), (
        CornerPainter(face),
        FoldPainter(face),
        MouthPainter(person_SS4, face, light),
        *(EyePainter(person_SS4, face, eye, light) for eye in light.eyes),
        *(LidPainter(person_SS4, face, eye) for eye in light.eyes),
        ArmsPainter(person_SS4, pose),
        SkeletonPainter(),
    )
