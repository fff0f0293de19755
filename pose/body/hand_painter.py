"""The shaded hand, in the portrait's skin colour and light."""

from __future__ import annotations

import numpy as np

from pose.raster import Coverage

from .hand_mesh import HandMesh
from .parts import Part
from .tone import SkinTone

SUPERSAMPLED = 2  # per pixel and side, against stairs at the outline


def hand_part(
    mesh: HandMesh, hand_213: np.ndarray, elbow_3: np.ndarray, tone: SkinTone, opacity: float = 1.0, fades: bool = True
) -> Part:
    """A posed hand. hand_213: its 21 points in pixels; elbow_3: where its forearm comes from; fades: whether it goes
    over into what is drawn of the forearm, rather than end with its mesh."""
    vertices, normals = mesh.posed(hand_213, elbow_3)
    corners = mesh.triangles.T
    (ax, bx, cx), (ay, by, cy) = (vertices[:, axis].take(corners) for axis in range(2))
    shown = mesh.triangles.take(np.flatnonzero((bx - ax) * (cy - ay) - (by - ay) * (cx - ax) < 0), 0)
    colours = np.empty((len(vertices), 4), np.float32)
    colours[:, :3] = tone.lit(normals, mesh.detail)
    colours[:, 3] = 255
    colours *= mesh.fade[:, None] * opacity if fades else opacity

    def paint(covered: Coverage) -> np.ndarray:
        drawn = np.full(4 * len(covered.triangles), 0.5, np.float32)  # rounds
        for corner, weight in zip(shown.T, covered.weights):
            drawn += colours.take(corner, 0).take(covered.triangles, 0).reshape(-1) * weight.repeat(4)
        return drawn.astype(np.uint8)

    a, b, c = vertices[:, 2].take(shown.T)
    return Part(vertices[:, :2], shown, a + b + c, SUPERSAMPLED, paint)
