"""The top of a head that the edge of its picture cuts off: it shows as soon as the head moves down."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.landmarks import FOREHEAD
from pose.tracking.mesh import eye_distance

GAP = 0.25  # eye distances that may lie between two parts of one head's edge
HIGHEST = 0.6  # eye distances that the extension may rise above the picture
OPAQUE = 128


def extend_head(person_SS4: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, int]:
    """The person with rows above the picture, (rows + S, S, 4) uint8 premultiplied RGBA, and how many rows that are.

    Where the upper edge cuts the head, it is closed by the ellipse that its outline below suggests, in the mirrored
    colours of what is below; what else is cut (a hat's brim, a raised hand) goes on as it ends, and so does a head on
    the side on which the picture cuts it, too.
    """
    unit = eye_distance(face)
    gap = int(GAP * unit)  # strands of hair and a loose matte make some
    row = np.pad((person_SS4[:1, :, 3] > OPAQUE).astype(np.uint8), ((0, 0), (gap, gap)))
    closed = cv2.morphologyEx(row, cv2.MORPH_CLOSE, np.ones((1, 2 * (gap // 2) + 1), np.uint8))
    opaque = closed[0, gap : row.shape[1] - gap] > 0
    column = int(np.clip(face[FOREHEAD, 0], 0, len(opaque) - 1))
    if not opaque[column]:
        return person_SS4, 0
    ends = np.flatnonzero(~opaque)
    first = int(ends[ends < column].max(initial=-1)) + 1
    last = int(ends[ends > column].min(initial=len(opaque)))
    half = (last - first) / 2
    # the ellipse about the eyes that is as wide there as the head and as wide as the cut at the edge
    eyes = face[[33, 263], :2].mean(0)
    level = person_SS4[int(np.clip(eyes[1], 0, len(opaque) - 1)), :, 3] > OPAQUE
    widest = max(level[max(int(eyes[0] - 3 * half), 0) : int(eyes[0] + 3 * half)].sum() / 2, 1.02 * half)
    rows = int(np.ceil(HIGHEST * unit))
    up = np.arange(rows, 0, -1)[:, None] - 0.5  # above the edge
    to_top = max(eyes[1], 1) / np.sqrt(1 - (half / widest) ** 2)
    to_top = min(to_top, eyes[1] + rows)
    across = np.arange(len(opaque)) + 0.5 - (first + last) / 2
    # half the width that is left at each height, in pixels
    left = half * np.sqrt(np.clip((to_top - eyes[1] - up) / max(to_top - eyes[1], 1e-3), 0, 1))
    inside = np.clip(left - np.abs(across) + 0.5, 0, 1) * (left > 0)
    if first == 0:
        inside[:, across < 0] = 1
    if last == len(opaque):
        inside[:, across > 0] = 1
    mirrored = person_SS4[(up[:, 0] / 2).astype(int)]
    edge = person_SS4[:1]
    head = np.zeros(len(opaque), bool)
    head[first:last] = True
    extension = np.where(mirrored[..., 3:] > OPAQUE, mirrored, edge) * inside[..., None]
    above = np.where(head[:, None], extension, edge * opaque[:, None])
    if first > 0 and last < len(opaque):
        above[0, head] = 0  # what is beyond goes on as this row
    return np.concatenate([np.rint(above).astype(np.uint8), person_SS4]), rows
