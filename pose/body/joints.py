"""The two arms of a pose as shoulder, elbow, wrist and hand, and what is known of them where the tracker saw less."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.tracking.landmarks import (
    CHIN,
    LEFT_ELBOW,
    LEFT_SHOULDER,
    LEFT_WRIST,
    RIGHT_ELBOW,
    RIGHT_SHOULDER,
    RIGHT_WRIST,
    PoseFrame,
)
from pose.tracking.mesh import eye_distance

SHOULDERS_IN_EYES = 3.5  # shoulder width in eye distances, where no body was found
SHOULDERS_BELOW_CHIN = 1.1  # eye distances
SIDES = ("left", "right")
JOINTS = {
    "left": (LEFT_SHOULDER, LEFT_ELBOW, LEFT_WRIST),
    "right": (RIGHT_SHOULDER, RIGHT_ELBOW, RIGHT_WRIST),
}
HAND_POINTS = {"left": (17, 19, 21), "right": (18, 20, 22)}  # of the body
KNUCKLES = {"left": (17, 19), "right": (18, 20)}  # body points at the little finger and the index finger
SHOWN = 0.35  # of the upper arm that must be in the picture for the arm to count as shown
SEEN = 0.5  # the tracker's visibility from which a point counts
HAND_LENGTH = 0.27  # wrist to middle knuckle, in shoulder widths


@dataclass(frozen=True, eq=False)
class Arm:
    """One arm in pixels; z smaller = nearer.

    shoulder, elbow, wrist: (3,) float64; hand: (21, 3), the tracker's or None; seen: 0..1 how far elbow and wrist are
    to be believed; elbow_seen: the elbow alone.
    """

    side: str
    shoulder: np.ndarray
    elbow: np.ndarray
    wrist: np.ndarray
    hand: np.ndarray | None
    seen: float
    elbow_seen: float

    @property
    def joints(self) -> np.ndarray:
        """(3, 2) shoulder, elbow and wrist in the picture."""
        return np.stack([self.shoulder, self.elbow, self.wrist])[:, :2]


def arm_of(pose: PoseFrame, side: str) -> Arm | None:
    """The arm of a pose; None where no body was found. The wrist is the hand's where a hand was found."""
    if pose.body is None:
        return None
    shoulder, elbow, wrist = (pose.body[joint, :3].astype(np.float64) for joint in JOINTS[side])
    hand = pose.left_hand if side == "left" else pose.right_hand
    if hand is not None:
        wrist = np.array([*hand[0, :2], wrist[2]])
    # a hand that was found says as much of the wrist as the body's own point
    seen = float(pose.body[list(JOINTS[side][1 : 2 if hand is not None else 3]), 3].min())
    return Arm(side, shoulder, elbow, wrist, hand, seen, float(pose.body[JOINTS[side][1], 3]))


def is_shown(arm: Arm, size: tuple[int, int]) -> bool:
    """Whether a portrait of this size (width, height) shows enough of its arm for that to be cut out and moved.

    The tracker is never sure of a wrist at the picture's edge: one inside the picture counts, whatever its visibility.
    """
    edge = np.array(size) - 1
    wrist_inside = ((arm.wrist[:2] >= 1) & (arm.wrist[:2] <= edge)).all()
    if min(arm.elbow_seen, 1.0 if wrist_inside else arm.seen) < SEEN:
        return False
    places = np.linspace(0.05, 1, 20)[:, None]
    points = arm.joints[0] + places * (arm.joints[1] - arm.joints[0])
    inside = ((points >= 1) & (points <= edge)).all(1)
    return bool(inside.mean() >= SHOWN and inside[:3].all())


def shown_arms(pose: PoseFrame) -> list[Arm]:
    """The arms that a portrait with this pose shows."""
    return [arm for side in SIDES if (arm := arm_of(pose, side)) is not None and is_shown(arm, pose.size)]


def shoulder_width(pose: PoseFrame) -> float:
    """Pixels between the shoulders as they would be if the body faced the camera: the head tells where they do not."""
    by_head = SHOULDERS_IN_EYES * eye_distance(pose.face) if pose.face is not None else 0.0
    if pose.body is None:
        return max(by_head, 1.0)
    across = pose.body[LEFT_SHOULDER, :2] - pose.body[RIGHT_SHOULDER, :2]
    width = float(np.hypot(*across))
    return float(np.clip(width, 0.6 * by_head, 1.6 * by_head)) if by_head else max(width, 1.0)


def guessed_shoulders(face_478x3: np.ndarray) -> np.ndarray:
    """(2, 3) left and right shoulder under a face, where no body was found."""
    unit = eye_distance(face_478x3)
    middle = face_478x3[CHIN].astype(np.float64) + [0, SHOULDERS_BELOW_CHIN * unit, 0]
    half = np.array([SHOULDERS_IN_EYES / 2 * unit, 0, 0])
    return np.stack([middle + half, middle - half])


def relaxed_hand(points_213: np.ndarray, arm: Arm, pose: PoseFrame, width: float) -> np.ndarray:
    """(21, 3) a hand at rest on an arm whose hand was not found: `points_213` (wrist at 0, wrist to middle knuckle 1)
    turned as the body's own points of the hand say."""
    length = HAND_LENGTH * width
    little, index = (pose.body[k, :3].astype(np.float64) for k in KNUCKLES[arm.side])
    along = (little + index) / 2 - arm.wrist
    forearm = arm.wrist - arm.elbow
    if np.linalg.norm(along[:2]) < 0.3 * length:
        along = forearm
    across = index - little
    along = along / max(np.linalg.norm(along), 1e-6)
    across = across - (across @ along) * along
    if np.linalg.norm(across) < 0.1 * length:
        across = np.array([-along[1], along[0], 0.0])
    target = _frame(along, across / np.linalg.norm(across))
    own_along = points_213[9] - points_213[0]
    own_along = own_along / np.linalg.norm(own_along)
    own_across = points_213[5] - points_213[17]
    own_across = own_across - (own_across @ own_along) * own_along
    own = _frame(own_along, own_across / np.linalg.norm(own_across))
    return (points_213 @ (target @ own.T).T * length + arm.wrist).astype(np.float32)


def _frame(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    return np.stack([along, across, np.cross(along, across)], 1)
