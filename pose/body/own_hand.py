"""The portrait's own hand, moved as a whole: for as long as the driver's has nearly the shape that the portrait shows.

A picture of a hand can be turned, sheared and scaled a little. Fingers that bend, or a hand that turns over, need the
shaded hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.raster import Coverage

from .joints import Arm
from .limb import FINER, fetch
from .parts import Part

ALIKE = (0.1, 0.2)  # hand lengths by which the points miss an affine map: its own hand still, no longer
SCALES = (0.6, 1.6)  # that the map may have along any direction
STUMP = (0.01, 0.03)  # of the picture's side that the cut end of a hand may lie inside it: shown still, no longer
LEAST_PIXELS = 40  # of a hand in the portrait


@dataclass(frozen=True, eq=False)
class OwnHand:
    """texture: (h, w, 4) uint8 premultiplied RGBA, FINER times enlarged; corner: (2,) its upper left corner in the
    portrait; arm: at rest, its hand None where no points were found on it; cut_off: (N, 2) where the portrait's edge
    cuts the hand; size: pixels of the square picture."""

    texture: np.ndarray
    corner: np.ndarray
    arm: Arm
    cut_off: np.ndarray
    size: int

    @classmethod
    def cut(cls, person_SS4: np.ndarray, mask: np.ndarray, arm: Arm) -> OwnHand | None:
        """From the mask (S, S) 0..1 of a hand; None where the portrait shows too little of one."""
        ys, xs = np.nonzero(mask > 0.02)
        if (mask > 0.5).sum() < LEAST_PIXELS:
            return None
        size = len(mask)
        solid = np.argwhere(mask > 0.5)[:, ::-1] + 0.5
        cut_off = solid[((solid < 1) | (solid > size - 1)).any(1)]
        box = np.s_[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        layer = person_SS4[box].astype(np.float32) * mask[box][..., None]
        finer = cv2.resize(layer, None, fx=FINER, fy=FINER, interpolation=cv2.INTER_CUBIC).clip(0, 255)
        finer[..., :3] = np.minimum(finer[..., :3], finer[..., 3:])
        return cls(np.rint(finer).astype(np.uint8), np.array([xs.min(), ys.min()], np.float64), arm, cut_off, size)

    def placed(self, hand_213: np.ndarray | None, joints_32: np.ndarray) -> tuple[np.ndarray, float]:
        """(2, 3) the map from the portrait to where the hand is, and 0..1 how well that shows it.

        hand_213: the target's points, None where none were found: then the hand keeps its place on the forearm.
        joints_32: the target's shoulder, elbow and wrist.
        """
        rest = self.arm.joints
        if hand_213 is None:
            before, after = rest[2] - rest[1], joints_32[2] - joints_32[1]
            angle = np.arctan2(after[1], after[0]) - np.arctan2(before[1], before[0])
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            place = np.concatenate([turn, (joints_32[2] - turn @ rest[2])[:, None]], 1)
            return place, self._whole(place)
        if self.arm.hand is None:
            return np.eye(2, 3), 0.0
        target = hand_213[:, :2].astype(np.float64)
        system, inverse = self._system
        solved = inverse @ target
        off = system @ solved - target
        miss = np.sqrt((off * off).sum() / len(off))
        length = max(float(np.linalg.norm(np.ptp(target, axis=0))), 1.0)
        smallest, largest, turned_over = _scales(solved[:2])
        possible = not turned_over and SCALES[0] < smallest and largest < SCALES[1]
        alike = float(possible) * float(1 - smoothstep(float(miss) / length, ALIKE))
        return solved.T, alike * self._whole(solved.T)

    @cached_property
    def _system(self) -> tuple[np.ndarray, np.ndarray]:
        """(21, 3) its points as rows x, y, 1, and (3, 21) what gives the nearest affine map to other points."""
        own = self.arm.hand[:, :2].astype(np.float64)
        system = np.concatenate([own, np.ones((len(own), 1))], 1)
        return system, np.linalg.pinv(system)

    def _whole(self, place_23: np.ndarray) -> float:
        """0..1 whether what the portrait's edge cut off of the hand lies outside the picture again."""
        if not len(self.cut_off):
            return 1.0
        at = self.cut_off @ place_23[:, :2].T + place_23[:, 2]
        inside = np.minimum(at, self.size - at).min(1).max() / self.size
        return float(1 - smoothstep(inside, STUMP))

    def part(self, place_23: np.ndarray, opacity: float) -> Part:
        tall, wide = self.texture.shape[:2]
        texels = np.array([[0, 0], [wide, 0], [0, tall], [wide, tall]], np.float64)
        corners = (texels / FINER + self.corner) @ place_23[:, :2].T + place_23[:, 2]
        triangles = np.array([[0, 1, 2], [1, 3, 2]])
        at_texels = (texels.T - 0.5).astype(np.float32)

        def paint(covered: Coverage) -> np.ndarray:
            at = np.zeros((2, len(covered.triangles)), np.float32)
            for corner, weight in zip(triangles.T, covered.weights):
                at += at_texels.take(corner, 1).take(covered.triangles, 1) * weight
            drawn = fetch(self.texture, *at)
            return drawn if opacity >= 1 else cv2.multiply(drawn, (opacity,) * 4)

        return Part(corners, triangles, np.zeros(2, np.float32), 1, paint)


def _scales(map_22: np.ndarray) -> tuple[float, float, bool]:
    """The smallest and the largest factor by which a map changes lengths (its singular values), and whether it turns
    the picture over."""
    a, b, c, d = map_22.ravel().tolist()
    middle, half = math.hypot(a + d, b - c) / 2, math.hypot(a - d, b + c) / 2
    return abs(middle - half), middle + half, middle < half
