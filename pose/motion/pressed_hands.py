"""Two hands that touch, of which the tracker knows one: it finds the same hand at both wrists, or none at the second.

Hands that lie against each other are nearly mirror images in the plane between their palms. The one that was not found
is the other's image, hung on its own wrist; the fingertips meet.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose.body.joints import JOINTS, SEEN, SIDES, shoulder_width
from pose.geometry import smoothstep
from pose.tracking.landmarks import PoseFrame

# In shoulder widths
ALIKE = (0.16, 0.08)  # mean distance of two hands' points: two hands, surely one hand found twice
OFF_WRIST = (0.03, 0.1)  # how much farther than the other a hand lies from its wrist: as good, surely not its own
TOGETHER = 0.3  # distance of the wrists below which an unseen hand is taken to lie against the seen one
WIDEST = 0.35  # of the offset between the wrists
AT_TIPS = 0.25  # of that offset, which is left at the fingertips: hands have a thickness
BEHIND = 0.02  # by which the unseen hand is farther away
PALM = (0, 5, 17)  # wrist and outer knuckles: the plane of a hand
TIP = 12  # of the middle finger


def part_hands(driver: PoseFrame) -> PoseFrame:
    """The pose with two hands where two touch, of which one was found."""
    if driver.body is None:
        return driver
    hands = {"left": driver.left_hand, "right": driver.right_hand}
    width = shoulder_width(driver)
    wrists = {side: driver.body[JOINTS[side][2]] for side in SIDES}
    found = [side for side in SIDES if hands[side] is not None]
    if len(found) == 2:
        off = {side: float(np.hypot(*(hands[side][0] - wrists[side][:3])[:2])) / width for side in SIDES}
        lost, seen = sorted(SIDES, key=off.__getitem__, reverse=True)
        apart = float(np.hypot(*(hands[lost] - hands[seen])[:, :2].T).mean()) / width
        doubt = float(smoothstep(apart, ALIKE) * smoothstep(off[lost] - off[seen], OFF_WRIST))
    elif len(found) == 1:
        seen = found[0]
        lost = "right" if seen == "left" else "left"
        near = np.hypot(*(wrists["left"] - wrists["right"])[:2]) < TOGETHER * width
        doubt = float(near and wrists[lost][3] > SEEN)
    else:
        return driver
    if doubt <= 0:
        return driver
    image = _image(hands[seen], wrists[lost][:2], width)
    own = image if hands[lost] is None else hands[lost]
    hand = (own + np.float32(doubt) * (image - own)).astype(np.float32)
    body = driver.body.copy()
    lost_wrist, seen_wrist = JOINTS[lost][2], JOINTS[seen][2]
    behind = max(float(body[lost_wrist, 2]), float(body[seen_wrist, 2]) + BEHIND * width)
    body[lost_wrist, 2] += np.float32(doubt) * (behind - body[lost_wrist, 2])
    return replace(driver, body=body, **{f"{lost}_hand": hand})


def _image(hand_213: np.ndarray, wrist_2: np.ndarray, width: float) -> np.ndarray:
    """(21, 3) the mirror image of a hand in its own palm, its wrist moved to `wrist_2`."""
    points = hand_213.astype(np.float64)
    wrist, index, little = points[list(PALM)]
    normal = np.cross(index - wrist, little - wrist)
    normal /= max(np.linalg.norm(normal), 1e-6)
    image = points - 2 * ((points - wrist) @ normal)[:, None] * normal
    offset = wrist_2 - wrist[:2]
    offset = offset * min(1.0, WIDEST * width / max(np.hypot(*offset), 1e-6))
    axis = (points[TIP] - wrist)[:2]
    along = np.clip((points - wrist)[:, :2] @ axis / max(axis @ axis, 1e-6), 0, 1)
    image[:, :2] += (1 - (1 - AT_TIPS) * along)[:, None] * offset
    return image
