"""A drawn person with arms of their own colour, whose pose is known exactly."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from tests.pose.faces import face

SIZE = 256
SKIN, SHIRT, SLEEVE = (220, 170, 140), (40, 90, 160), (190, 60, 40)
SHOULDERS = ((158.0, 110.0), (98.0, 110.0))  # left, right
WIDTH = 60.0


def arms_down(out=14.0, reach=1.0):
    """Elbows and wrists (left, right) of hanging arms."""
    elbows = [(SHOULDERS[0][0] + out, 110 + 55 * reach), (SHOULDERS[1][0] - out, 110 + 55 * reach)]
    wrists = [(SHOULDERS[0][0] + out + 4, 110 + 105 * reach), (SHOULDERS[1][0] - out - 4, 110 + 105 * reach)]
    return elbows, wrists


def body(elbows, wrists, seen=0.95):
    points = np.zeros((33, 4), np.float32)
    for side in (0, 1):
        for joint, (x, y), visible in (
            (11, SHOULDERS[side], 1.0), (13, elbows[side], seen), (15, wrists[side], seen),
            (23, (SHOULDERS[side][0] + (-8, 8)[side], 220.0), 1.0),
        ):  # fmt: skip
            points[joint + side] = (x, y, 0, visible)
        along = np.subtract(wrists[side], elbows[side]) / np.linalg.norm(np.subtract(wrists[side], elbows[side]))
        across = np.array([-along[1], along[0]]) * (1, -1)[side]
        for point, offset in ((17, -4), (19, 4), (21, 6)):
            points[point + side] = (*(wrists[side] + 12 * along + offset * across), 0, seen)
    return points


def pose(elbows, wrists, time=0.0, seen=0.95, hands=(None, None)):
    head = face(scale=24.0, at=(128.0, 60.0))
    return PoseFrame(head, body(elbows, wrists, seen), hands[0], hands[1], (SIZE, SIZE), time)


def person(at: PoseFrame, sleeve=SLEEVE, arms=(0, 1)) -> np.ndarray:
    """(S, S, 4) uint8 premultiplied RGBA."""
    image = np.zeros((SIZE, SIZE, 4), np.uint8)
    b = at.body
    torso = np.array([b[11, :2] + (2, -8), b[23, :2] + (8, 40), b[24, :2] + (-8, 40), b[12, :2] + (-2, -8)])
    cv2.fillPoly(image, [np.rint(torso).astype(np.int32)], (*SHIRT, 255))
    cv2.rectangle(image, (118, 80), (138, 110), (*SKIN, 255), -1)
    for side in arms:
        line = [tuple(int(v) for v in b[joint + side, :2]) for joint in (11, 13, 15)]
        cv2.line(image, line[0], line[1], (*sleeve, 255), 17)
        cv2.line(image, line[1], line[2], (*sleeve, 255), 14)
        cv2.circle(image, line[2], 7, (*SKIN, 255), -1)
    cv2.fillPoly(image, [np.rint(at.face[list(FACE_OVAL), :2]).astype(np.int32)], (*SKIN, 255))
    return image


def hand_points(wrist, size=16.0, left=True, up=(0.0, -1.0)):
    """(21, 3) an open hand of which the palm faces the viewer, its fingers along `up`."""
    from pose.body.hand_mesh import hand_mesh

    points = hand_mesh(left).points[:21].astype(np.float64)
    along, across = points[9] / np.linalg.norm(points[9]), points[5] - points[17]
    across = across - (across @ along) * along
    across /= np.linalg.norm(across)
    frame = np.stack([along, across, np.cross(along, across)], 1)
    y = np.array([*up, 0.0])
    x = np.array([-up[1], up[0], 0.0]) * (1 if left else -1)
    target = np.stack([y, x, np.cross(y, x)], 1)
    return (points @ (target @ frame.T).T * size + [*wrist, 0]).astype(np.float32)
