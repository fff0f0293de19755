"""Where a person's arms, hands and torso are expected in a picture, from the joints alone."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.landmarks import HAND_BONES, LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER, PoseFrame

from .joints import HAND_LENGTH, Arm, shoulder_width
from .limb import END, START, centre_line

# Half the width of a bare or tightly dressed arm, in shoulder widths, at places along it (0 shoulder, 1 elbow, 2 wrist)
GIRTH_AT = (-0.16, 0.0, 0.5, 1.0, 1.3, 1.7, 2.0, 2.1)
GIRTH = (0.15, 0.17, 0.155, 0.13, 0.125, 0.10, 0.08, 0.08)
SLEEVE = (0.85, 1.5)  # what a sleeve may be wider than that
WAIST, HIP = 0.06, 0.22  # shoulder widths that the torso is wider than shoulder joints and hip joints
ARMPIT = (0.15, 0.28)  # shoulder widths beside and below the shoulder, to which cloth reaches between arm and body
FLANK = 0.75  # shoulder widths below the shoulder, where that has come back to the torso's side
USUAL_SLEEVE = 1.1  # where no edge of it is seen


def girth(along: np.ndarray) -> np.ndarray:
    """Half width of an arm in shoulder widths."""
    return np.interp(along, GIRTH_AT, GIRTH).astype(np.float32)


def sleeve_width(joints_32: np.ndarray, opaque: np.ndarray, width: float) -> float:
    """How much wider the dressed arm is than a bare one, where its outer edge is seen against the background."""
    places = np.linspace(0.3, 1.8, 24)
    points, normals = centre_line(joints_32, places)
    found = []
    for way in (-1, 1):
        steps = np.arange(0.3, 2.0, 0.05)
        reach = steps[None] * girth(places)[:, None] * width
        at = points[:, None] + way * reach[..., None] * normals[:, None]
        x, y = np.floor(at).astype(int).transpose(2, 0, 1)
        inside = (x >= 0) & (y >= 0) & (x < len(opaque)) & (y < len(opaque))
        empty = inside & ~opaque[y.clip(0, len(opaque) - 1), x.clip(0, len(opaque) - 1)]
        for row in empty:
            if row.any() and not row[0]:
                found.append(steps[row.argmax()])
    return float(np.clip(np.median(found), *SLEEVE)) if len(found) >= 4 else USUAL_SLEEVE


def sleeve_of(arms: list[Arm], opaque: np.ndarray, width: float, factor: float) -> float:
    """The sleeves of one person are alike: where one seems wider, something lies behind it that is not its own.

    factor: pixels of `opaque` per pixel of the arms; width: shoulder width in pixels of `opaque`.
    """
    return min(sleeve_width(arm.joints * factor, opaque, width) for arm in arms)


def limb_coordinates(joints_32: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(size, size) place along the limb and signed distance from its line, for every pixel."""
    places = np.linspace(START, END, 96)
    points, normals = centre_line(joints_32, places)
    y, x = np.indices((size, size), np.float32) + 0.5
    nearest = np.full((size, size), np.inf, np.float32)
    index = np.zeros((size, size), np.intp)
    for k, (px, py) in enumerate(points):
        d = (x - px) ** 2 + (y - py) ** 2
        closer = d < nearest
        nearest[closer], index[closer] = d[closer], k
    away = (x - points[index, 0]) * normals[index, 0] + (y - points[index, 1]) * normals[index, 1]
    return places[index].astype(np.float32), (np.sqrt(nearest) * np.sign(away)).astype(np.float32)


def hand_region(arm: Arm, size: int, factor: float, width: float) -> np.ndarray:
    """(size, size) uint8: 2 surely, 1 perhaps the hand's, 0 not."""
    region = np.zeros((size, size), np.uint8)
    if arm.hand is None:
        fore = arm.joints[2] - arm.joints[1]
        fore = fore / max(np.hypot(*fore), 1e-6)
        begin, end = arm.joints[2] * factor, arm.joints[2] * factor + 1.9 * HAND_LENGTH * width * fore
        cv2.line(region, _pixel(begin), _pixel(end), 1, max(1, round(0.3 * width)), cv2.LINE_8)
        return region
    points = arm.hand[:, :2] * factor
    unit = max(np.linalg.norm(points[9] - points[0]), np.linalg.norm(points[5] - points[17]), 1.0)
    cv2.fillConvexPoly(region, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    region = cv2.dilate(region, disc(0.28 * unit))
    for a, b in HAND_BONES:
        cv2.line(region, _pixel(points[a]), _pixel(points[b]), 2, max(1, round(0.16 * unit)), cv2.LINE_8)
    return region


def torso_polygon(pose: PoseFrame, size: int, wider: float) -> np.ndarray:
    """(S, S) float32 1 where a torso without arms is expected; wider: shoulder widths more at each side."""
    mask = np.zeros((size, size), np.float32)
    body = pose.body
    width = shoulder_width(pose)
    shoulders = [body[k, :2].astype(np.float64) for k in (LEFT_SHOULDER, RIGHT_SHOULDER)]
    hips = [body[k, :2].astype(np.float64) for k in (LEFT_HIP, RIGHT_HIP)]
    across = shoulders[0] - shoulders[1]
    across = across / max(np.hypot(*across), 1e-6)
    down = (hips[0] + hips[1] - shoulders[0] - shoulders[1]) / 2
    down = down / max(np.hypot(*down), 1e-6)
    left_hip, right_hip = hips[0] + (HIP + wider) * width * across, hips[1] - (HIP + wider) * width * across
    outline = [
        shoulders[0] + (WAIST + wider) * width * across - 0.3 * width * down,
        left_hip, left_hip + 2 * width * down,
        right_hip + 2 * width * down, right_hip,
        shoulders[1] - (WAIST + wider) * width * across - 0.3 * width * down,
    ]  # fmt: skip
    cv2.fillPoly(mask, [np.rint(np.array(outline) * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    return mask


def armpits(pose: PoseFrame, size: int) -> np.ndarray:
    """(S, S) float32 1 where clothes go from the torso's sides over into raised sleeves."""
    mask = np.zeros((size, size), np.float32)
    width = shoulder_width(pose)
    joints = pose.body[[LEFT_SHOULDER, RIGHT_SHOULDER], :2].astype(np.float64)
    hips = pose.body[[LEFT_HIP, RIGHT_HIP], :2].astype(np.float64)
    across = joints[0] - joints[1]
    across = across / max(np.hypot(*across), 1e-6)
    for shoulder, hip, out in zip(joints, hips, (across, -across), strict=True):
        down = hip - shoulder
        down = down / max(np.hypot(*down), 1e-6)
        side, below = ARMPIT
        outline = [
            shoulder + width * WAIST * out, shoulder + width * (side * out + below * down),
            shoulder + width * (WAIST * out + FLANK * down), shoulder + width * FLANK * down, shoulder,
        ]  # fmt: skip
        cv2.fillPoly(mask, [np.rint(np.array(outline) * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    return mask


def _pixel(point: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(np.rint(point), -30000, 30000)
    return int(x), int(y)


def disc(radius: float) -> np.ndarray:
    r = max(1, round(radius))
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
