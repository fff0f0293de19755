"""The shaded hand, drawn over a picture in the portrait's skin colour and light."""

from __future__ import annotations

import cv2
import numpy as np

from pose.raster import rasterise

from .hand_mesh import HandMesh, vertex_normals
from .limb import lay_over
from .tone import SkinTone

SUPERSAMPLED = 2  # per pixel and side, against stairs at the outline


def draw_hand(
    picture_HW4: np.ndarray, mesh: HandMesh, hand_213: np.ndarray, elbow_3: np.ndarray, tone: SkinTone, alpha: float = 1.0
) -> None:
    """Draw a posed hand over a premultiplied picture, in place. hand_213: its 21 points in pixels."""
    height, width = picture_HW4.shape[:2]
    vertices = mesh.posed(hand_213, elbow_3)
    low = np.maximum(np.floor(vertices[:, :2].min(0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(vertices[:, :2].max(0)).astype(int) + 1, [width, height])
    if (high <= low).any():
        return
    triangles = mesh.triangles
    ax, ay, bx, by, cx, cy = (vertices[triangles[:, k], axis] for k in range(3) for axis in range(2))
    facing = np.flatnonzero((bx - ax) * (cy - ay) - (by - ay) * (cx - ax) < 0)
    if not len(facing):
        return
    shown = triangles[facing]
    finer = (vertices[:, :2] - low) * SUPERSAMPLED - 0.5
    wide, high_ = (SUPERSAMPLED * (high - low)).tolist()
    covered = rasterise(finer[shown], vertices[shown, 2].mean(1), high_, wide)
    if not len(covered.pixels):
        return
    shade = tone.shade(vertex_normals(vertices, triangles))
    colours = np.empty((len(vertices), 4), np.float32)
    colours[:, :3] = np.clip(tone.colour * mesh.detail * shade[:, None], 0, 255)
    colours[:, 3] = 255
    colours *= mesh.fade[:, None] * alpha
    corners = shown[covered.triangles]
    drawn = np.zeros((high_ * wide, 4), np.float32)
    drawn[covered.pixels] = sum(colours[corners[:, k]] * covered.weights[k][:, None] for k in range(3))
    drawn = drawn.reshape(high_, wide, 4)
    small = cv2.resize(drawn, (wide // SUPERSAMPLED, high_ // SUPERSAMPLED), interpolation=cv2.INTER_AREA)
    lay_over(picture_HW4[low[1] : high[1], low[0] : high[0]], np.rint(small).astype(np.uint8))
