"""Arms on their way to where the portrait has them: switched off, or no longer seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pose.body.joints import HAND_POINTS, JOINTS, SIDES, arm_of, is_shown
from pose.tracking.landmarks import PoseFrame


def arms_towards_rest(pose: PoseFrame, portrait: PoseFrame, weight: float) -> PoseFrame:
    """The pose with its arms `weight` (0..1) of the way to the portrait's own; 1 leaves no hand of the driver's.

    Arms that the portrait does not show vanish instead.
    """
    if weight <= 0 or pose.body is None:
        return pose
    body = pose.body.copy()
    hands = {"left": pose.left_hand, "right": pose.right_hand}
    for side in SIDES:
        shoulder, elbow, wrist = JOINTS[side]
        own = arm_of(portrait, side)
        points = [elbow, wrist, *HAND_POINTS[side]]
        before = body[wrist, :2].copy()
        if own is not None and is_shown(own, portrait.size):
            rest = portrait.body[points].copy()
            rest[:, :3] += body[shoulder, :3] - portrait.body[shoulder, :3]
            body[points] += np.float32(weight) * (rest - body[points])
        else:
            body[points, 3] *= 1 - weight
        if weight >= 1:
            hands[side] = portrait.left_hand if side == "left" else portrait.right_hand
            if hands[side] is not None and portrait.body is not None:
                hands[side] = hands[side] + (body[shoulder, :3] - portrait.body[shoulder, :3])
        elif hands[side] is not None:
            hands[side] = hands[side].copy()
            hands[side][:, :2] += body[wrist, :2] - before
    return replace(pose, body=body, left_hand=hands["left"], right_hand=hands["right"])
