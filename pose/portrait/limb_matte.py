"""The matte around arms: what lies between an arm and the body, or along the arm's outside, is background.

A segmentation network fills the narrow gap beside a hanging arm, and takes a dark frame behind a dark sleeve for a part
of it. While the arm rests nobody sees that; when it moves, it would carry the wall with it.
"""

from __future__ import annotations

import cv2
import numpy as np

from pose.body.joints import shoulder_width, shown_arms
from pose.body.regions import girth, hand_region, limb_coordinates, sleeve_of, torso_polygon
from pose.tracking.landmarks import FACE_OVAL, LEFT_SHOULDER, RIGHT_SHOULDER, PoseFrame

from .inpainting import SEEN_ALPHA, fill

WORK_SIDE = 384  # px
OPAQUE = 0.5  # of the matte
SURELY_ARM = 0.75  # half widths from the bone
WIDEST = 1.35  # half widths from the bone, to which an arm reaches at its outside
GAP_WITHIN = 5.0  # half widths from the bone, within which a gap beside the arm is looked for
OUTSIDE_WITHIN = 2.6  # the same for what lies along its outside
BELOW_SHOULDER = 0.2  # along the upper arm, where all of that begins
CORE = -0.12  # shoulder widths that the sure part of the torso is narrower than the expected one
AWAY = 3  # px from the matte where the background is free of the person's light
CLOSER = 0.5  # distance to the background's colour / to the person's nearest one, below which a pixel is background
UNLIKE = 12.0  # 8-bit Lab distance to the background's colour from which a pixel is none of it
DARKER = 0.5  # weight of brightness in that: a gap lies in the arm's shadow
SMALLEST_GAP = 12  # px of area
STREAK = 5  # px: what is thinner and stands out from an arm is a line of the wall
STREAK_ALPHA = 0.1  # of the matte, from which such a line is one
SOFT = 0.8  # px of blur at the new edges


def open_gaps(picture: np.ndarray, alpha: np.ndarray, pose: PoseFrame) -> np.ndarray:
    """The matte (H, H) 0..1 of a person without what is seen beside their arms. picture: (H, H, 3) uint8; pose: in
    it."""
    arms = shown_arms(pose)
    if not arms:
        return alpha
    factor = min(1.0, WORK_SIDE / len(alpha))
    size = round(len(alpha) * factor)
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    matte = cv2.resize(alpha, (size, size), interpolation=cv2.INTER_AREA)
    opaque = matte > OPAQUE
    width = shoulder_width(pose) * factor
    sleeve = sleeve_of(arms, opaque, width, factor)
    torso = cv2.resize(torso_polygon(pose, len(alpha), 0.0), (size, size), interpolation=cv2.INTER_AREA)
    core = cv2.resize(torso_polygon(pose, len(alpha), CORE), (size, size), interpolation=cv2.INTER_AREA) > 0.5
    middle = factor * float(pose.body[[LEFT_SHOULDER, RIGHT_SHOULDER], 0].mean())
    places, offsets, ratios, hands = [], [], [], []
    for arm in arms:
        along, across = limb_coordinates(arm.joints * factor, size)
        places.append(along)
        ratios.append(np.abs(across) / (girth(along) * width * sleeve))
        offsets.append(_outside(arm.joints * factor, along, middle))
        hands.append(hand_region(arm, size, factor, width))
    ratio, hand = np.min(ratios, 0), np.max(hands, 0)
    kept = (hand > 1) | core | _face(pose, size, factor)
    sure = opaque & (kept | (ratio < SURELY_ARM))
    background = _like_background(small, matte, sure)
    gone = np.zeros(opaque.shape, bool)
    for along, mine, outside in zip(places, ratios, offsets, strict=True):
        beside = opaque & (along > BELOW_SHOULDER) & (mine < GAP_WITHIN) & ~kept
        gone |= beside & (ratio > SURELY_ARM) & background
        beyond = (ratio > WIDEST) & (mine < OUTSIDE_WITHIN)
        gone |= beside & beyond & outside & (torso < 0.5) & (hand == 0)
    gone = cv2.morphologyEx(gone.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(gone)
    small_ones = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] < SMALLEST_GAP)
    gone[np.isin(labels, small_ones)] = 0
    # the pixels at its edge are half of the wall
    gone = (cv2.dilate(gone, np.ones((3, 3), np.uint8)) > 0) & ~sure
    opened = cv2.morphologyEx(matte, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (STREAK, STREAK)))
    near = np.any([(a > BELOW_SHOULDER) & (r < OUTSIDE_WITHIN) for a, r in zip(places, ratios, strict=True)], 0)
    gone |= (matte - opened > STREAK_ALPHA) & near & (hand == 0) & ~kept
    if not gone.any():
        return alpha
    weight = cv2.GaussianBlur(gone.astype(np.float32), (0, 0), SOFT)
    weight = cv2.resize(weight, alpha.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return (alpha * (1 - weight)).astype(np.float32)


def _like_background(picture: np.ndarray, matte: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """(S, S) bool: whose colour is rather that of the wall behind than of the arms and the body next to it."""
    around = cv2.dilate((matte > SEEN_ALPHA).astype(np.uint8), np.ones((2 * AWAY + 1,) * 2, np.uint8)) > 0
    if around.all() or not sure.any():
        return np.zeros(matte.shape, bool)
    weights = np.array([DARKER, 1, 1], np.float32)
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32) * weights
    wall = fill(picture, around).clip(0, 255).astype(np.uint8)
    to_wall = np.linalg.norm(lab - cv2.cvtColor(wall, cv2.COLOR_RGB2LAB).astype(np.float32) * weights, axis=2)
    # the nearest pixel that is surely the person's
    _, labels = cv2.distanceTransformWithLabels(
        (~sure).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    count = cv2.blur(sure.astype(np.float32), (5, 5))
    smooth = cv2.blur(lab * sure[..., None], (5, 5)) / np.maximum(count, 1e-3)[..., None]
    nearest = np.zeros((labels.max() + 1, 3), np.float32)
    nearest[labels[sure]] = smooth[sure]
    to_person = np.linalg.norm(lab - nearest[labels], axis=2)
    return (to_wall < UNLIKE) & (to_wall < CLOSER * to_person)


def _outside(joints_32: np.ndarray, along: np.ndarray, middle: float) -> np.ndarray:
    """(S, S) bool: farther from the body's middle than the arm's bone is."""
    bone = np.interp(along, (0, 1, 2), joints_32[:, 0])
    x = np.arange(along.shape[1], dtype=np.float32)[None] + 0.5
    return np.abs(x - middle) > np.abs(bone - middle)


def _face(pose: PoseFrame, size: int, factor: float) -> np.ndarray:
    """(S, S) bool: the face."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.rint(pose.face[list(FACE_OVAL), :2] * factor).astype(np.int32)], 1)
    return mask > 0
