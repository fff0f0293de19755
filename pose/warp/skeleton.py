"""Body and hands drawn as lines into one channel, the part of the guide that says where arms and fingers are."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.landmarks import BODY_BONES, HAND_BONES, PoseFrame

from .canvas import SKELETON, Canvas

# Each bone and each finger has a brightness of its own, so that a left arm cannot be taken for a right one.
BODY_BRIGHTNESS = (255, 220, 190, 90, 60, 130, 150)
FINGER_BRIGHTNESS = (110, 140, 170, 205, 240)
FRACTION_BITS = 4  # of OpenCV's fixed-point coordinates
UNSEEN, SEEN = 0.3, 0.7  # visibility below which a bone is not drawn, above which it is drawn in full


class SkeletonPainter:
    """Draws the skeleton of body and hands into the guide."""

    def paint(self, canvas: Canvas) -> None:
        if canvas.guide is not None:
            canvas.guide[..., SKELETON] = draw_skeleton(canvas.target, len(canvas.guide))


def draw_skeleton(pose: PoseFrame, size: int) -> np.ndarray:
    """(size, size) uint8: bones of the upper body and of both hands, black where there is nothing.

    Lines are anti-aliased, so they move by fractions of a pixel. Bones fade with the visibility of their ends.
    """
    canvas = np.zeros((size, size), np.uint8)
    scale = np.array([size / pose.size[0], size / pose.size[1]])
    thickness = max(1, round(size / 64))
    if pose.body is not None:
        points = _fixed_point(pose.body, scale)
        seen = np.clip((pose.body[:, 3] - UNSEEN) / (SEEN - UNSEEN), 0, 1).tolist()
        for (start, end), brightness in zip(BODY_BONES, BODY_BRIGHTNESS):
            shade = int(brightness * min(seen[start], seen[end]))
            if shade:
                cv2.line(canvas, points[start], points[end], shade, thickness, cv2.LINE_AA, FRACTION_BITS)
    thickness = max(1, round(size / 128))
    for hand in (pose.right_hand, pose.left_hand):
        if hand is None:
            continue
        points = _fixed_point(hand, scale)
        for bone, (start, end) in enumerate(HAND_BONES):
            shade = FINGER_BRIGHTNESS[bone // 4]
            cv2.line(canvas, points[start], points[end], shade, thickness, cv2.LINE_AA, FRACTION_BITS)
    return canvas


def _fixed_point(points: np.ndarray, scale: np.ndarray) -> list[tuple[int, int]]:
    """Pixel indices in OpenCV's fixed point; far outside is brought near, where the integers cannot overflow."""
    at = np.clip((points[:, :2] * scale - 0.5) * (1 << FRACTION_BITS), -1e6, 1e6)
    return [tuple(point) for point in np.rint(at).astype(int).tolist()]
