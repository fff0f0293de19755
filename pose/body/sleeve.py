"""A sleeve for an arm that the portrait does not show, out of the cloth that it does show."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL, PoseFrame

from .joints import guessed_shoulders, shoulder_width
from .limb import END, START, Strip, texture_size
from .regions import girth

LOOSE = 1.2  # a sleeve's width / the bare arm's
EDGE = 1.1  # half widths to which the texture reaches
CUFF = 1.93  # along the limb, where the sleeve ends
PATCH = 0.42  # shoulder widths, side of the square of cloth
CONTRAST = 0.8  # of the cloth's pattern on the sleeve
# Of the typical distance from the cloth's colour, in 8-bit Lab at least the second value: what is farther is hair, a
# jewel or a shadow of something
STRANGE, LEAST_DISTANCE = 2.5, 6.0
SKIN_DISTANCE = 28.0  # 8-bit Lab distance from the skin's colour below which a pixel is no cloth
LENGTHS = (0.95, 0.8)  # upper arm and forearm in shoulder widths
ROUNDING = 0.5  # how dark a sleeve is at its edge
ROUNDING_POWER = 2.6


def rest_joints(pose: PoseFrame, side: str) -> np.ndarray:
    """(3, 2) an arm that hangs down where the portrait does not show it."""
    if pose.body is not None:
        shoulder = pose.body[11 if side == "left" else 12, :2].astype(np.float64)
    else:
        shoulder = guessed_shoulders(pose.face)[0 if side == "left" else 1, :2]
    width = shoulder_width(pose)
    out = 0.12 if side == "left" else -0.12
    elbow = shoulder + np.array([out, LENGTHS[0]]) * width
    return np.stack([shoulder, elbow, elbow + np.array([0, LENGTHS[1]]) * width])


def cloth_patch(person_SS4: np.ndarray, pose: PoseFrame, skin_rgb: np.ndarray) -> np.ndarray:
    """(n, n, 3) float32 RGB of the portrait's clothes, from below the face; its darkened skin where it wears none."""
    size = len(person_SS4)
    face = pose.face[list(FACE_OVAL), :2]
    chin = float(face[:, 1].max())
    width = shoulder_width(pose)
    lab = cv2.cvtColor(person_SS4[..., :3], cv2.COLOR_RGB2LAB).astype(np.float32)
    skin = cv2.cvtColor(np.uint8(skin_rgb)[None, None], cv2.COLOR_RGB2LAB)[0, 0].astype(np.float32)
    like_skin = np.linalg.norm((lab - skin) * [0.5, 1, 1], axis=2) < SKIN_DISTANCE
    rows = np.arange(size)[:, None]
    cloth = (person_SS4[..., 3] > 250) & ~like_skin & (rows > chin + 0.1 * width)
    side = max(8, int(PATCH * width))
    # the square that holds most cloth, the nearer to the shoulders the better
    share = cv2.boxFilter(cloth.astype(np.float32), -1, (side, side), anchor=(side // 2, side // 2),
                          borderType=cv2.BORDER_CONSTANT)  # fmt: skip
    middle = face[:, 0].mean()
    y, x = np.indices(cloth.shape, np.float32)
    away = np.hypot(np.abs(x - middle) - 0.35 * width, y - chin - 0.6 * width) / width
    best = np.unravel_index(int(np.argmax(share - 0.1 * away)), cloth.shape)
    top, left = (int(np.clip(k - side // 2, 0, size - side)) for k in best)
    patch = person_SS4[top : top + side, left : left + side, :3].astype(np.float32)
    kept = cloth[top : top + side, left : left + side]
    if kept.mean() < 0.1:
        return np.broadcast_to(skin_rgb.astype(np.float32) * 0.9, (8, 8, 3)).copy()
    colour = np.median(patch[kept], 0)
    lab = lab[top : top + side, left : left + side]
    away = np.linalg.norm(lab - np.median(lab[kept], 0), axis=2)
    strange = away > STRANGE * max(float(np.median(away[kept])), LEAST_DISTANCE)
    kept &= cv2.dilate(strange.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    return np.where(kept[..., None], patch, colour)


def make_sleeve(patch: np.ndarray, pose: PoseFrame, side: str, light_3: np.ndarray) -> Strip:
    """The strip of a dressed arm of this portrait. patch: see `cloth_patch`."""
    width = shoulder_width(pose)
    joints = rest_joints(pose, side)
    rows, columns = texture_size(joints, LOOSE * float(girth(np.zeros(1))[0]) * width)
    colour = np.median(patch.reshape(-1, 3), 0)
    # the shading of the chest is no part of the cloth
    flat = patch - cv2.GaussianBlur(patch, (0, 0), max(2.0, len(patch) / 5), borderType=cv2.BORDER_REFLECT)
    pattern = colour + CONTRAST * flat
    finer = cv2.resize(pattern, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    tile = np.concatenate([finer, finer[::-1]])
    tile = np.concatenate([tile, tile[:, ::-1]], 1)
    cloth = np.tile(tile, (rows // len(tile) + 1, columns // tile.shape[1] + 1, 1))[:rows, :columns]
    along = np.linspace(START, END, rows)[:, None]
    v = np.linspace(-EDGE, EDGE, columns)[None]
    # light from the side on something round, folds where the elbow bends
    way = light_3[0] if side == "left" else -light_3[0]
    shade = 1 - ROUNDING * np.clip(np.abs(v), 0, 1) ** ROUNDING_POWER + 0.18 * way * np.clip(v, -1, 1)
    folds = np.exp(-(((along - 1) / 0.22) ** 2)) * np.sin(2 * np.pi * (along * 9 + 0.35 * v))
    shade = shade * (1 + 0.07 * folds)
    shade = shade * (1 - 0.25 * np.exp(-(((along - CUFF) / 0.015) ** 2)))
    texel = 2 * EDGE / columns
    alpha = np.clip((1 - np.abs(v)) / (2 * texel) + 0.5, 0, 1) * np.clip((CUFF - along) / 0.02 + 0.5, 0, 1)
    alpha = alpha * np.clip((along - START) / 0.2, 0, 1)
    rgb = np.clip(cloth * shade[..., None], 0, 255) * alpha[..., None]
    texture = np.concatenate([rgb, 255 * alpha[..., None]], 2)
    return Strip(np.rint(texture).astype(np.uint8), EDGE * LOOSE * girth(along[:, 0]) * width)
