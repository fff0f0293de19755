"""The driver's arms and hands on the portrait's own build.

Directions and foreshortening are the driver's, lengths the portrait's: its shoulder width tells them, and its own arms
where it shows them. An arm that the portrait shows keeps its own pose until the driver's leaves the place that it had
in the neutral frame; then it comes over to the driver's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.body.joints import HAND_POINTS, JOINTS, SIDES, Arm, arm_of, guessed_shoulders, is_shown, shoulder_width
from pose.geometry import smoothstep
from pose.tracking.landmarks import CHIN, LEFT_SHOULDER, RIGHT_SHOULDER, PoseFrame
from pose.tracking.mesh import eye_distance

BODY_POINTS = 33
USUAL_BONE = 0.85  # upper arm in shoulder widths
BUILD = (0.85, 1.3)  # limits of the portrait's arm length / the usual one: shorter ones are foreshortened
LEAVES_NEUTRAL = (0.08, 0.4)  # shoulder widths that elbow or wrist move, between its own pose and the driver's
RAISED = (50.0, 95.0)  # degrees between the forearm and straight down: a raised arm is the driver's from the beginning
HALF_HAND = 0.25  # shoulder widths from the middle of a hand to its end
HAND_INSIDE = 0.6  # of that, inside the portrait's edge, when the driver's hand is half out of their picture
LEAST_ROOM = 0.2  # shoulder widths about the chin in which a hand always has room
INWARD = 0.25  # shoulder widths that an elbow lies inside its shoulder, from which it is not pushed outward
KEPT = 0.7  # of the way from the chin to the portrait's edge, on which hands stay where they are
OFF_PLUMB = (20.0, 45.0)  # degrees between upper arm or forearm and straight down: an arm that hangs is at rest


@dataclass(frozen=True, eq=False)
class ArmTransfer:
    """Arms of one portrait led by one driver. portrait: with a face; neutral: the driver at rest."""

    portrait: PoseFrame
    neutral: PoseFrame

    def __call__(
        self, driver: PoseFrame, body_334: np.ndarray | None, scale: float
    ) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """Body (33, 4) with the driver's arms, left and right hand.

        driver: with a body. body_334: the portrait's after the driver's move of the torso, None where it has none.
        scale: pixels of the portrait per pixel of the driver.
        """
        body = self._guessed_body() if body_334 is None else body_334.copy()
        hands = {}
        for side in SIDES:
            hands[side] = self._move(driver, side, body, scale)
        return body.astype(np.float32), hands["left"], hands["right"]

    def _move(self, driver: PoseFrame, side: str, body: np.ndarray, scale: float) -> np.ndarray | None:
        arm = arm_of(driver, side)
        shoulder, elbow, wrist = JOINTS[side]
        own = arm_of(self.portrait, side)
        shown = own is not None and is_shown(own, self.portrait.size)
        build = scale * (self._build(own) if shown else 1.0)
        rest = body[[shoulder, elbow, wrist], :3].astype(np.float64)
        if shown:  # its wrist may be its hand's, which the tracker places more exactly
            rest[2, :2] += own.wrist[:2] - self.portrait.body[wrist, :2]
        at_elbow = rest[0] + build * (arm.elbow - arm.shoulder)
        at_wrist = at_elbow + build * (arm.wrist - arm.elbow)
        active = self._activity(arm, driver)
        seen = driver.body[[elbow, wrist], 3]
        if shown:
            at_elbow = rest[1] + active * (at_elbow - rest[1])
            at_wrist = rest[2] + active * (at_wrist - rest[2])
        else:  # it comes into the picture only while it does something
            seen = seen * active
        points = driver.body[list(HAND_POINTS[side])] if arm.hand is None else arm.hand
        middle = at_wrist[:2] + scale * (points[:, :2].mean(0) - arm.wrist[:2])
        shift = active * self._into_picture(middle, driver)
        at_wrist[:2] += shift
        at_elbow[:2] = self._elbow(side, rest[0, :2], at_elbow[:2], shift)
        body[elbow, :3], body[wrist, :3], body[[elbow, wrist], 3] = at_elbow, at_wrist, seen
        for point in HAND_POINTS[side]:
            body[point, :3] = at_wrist + scale * (driver.body[point, :3] - driver.body[wrist, :3])
            body[point, 3] = driver.body[point, 3]
        if arm.hand is None or not (shown or active):
            return None
        moved = scale * (arm.hand - arm.hand[0])
        return (moved + np.array([at_wrist[0], at_wrist[1], 0.0])).astype(np.float32)

    def _activity(self, arm: Arm, driver: PoseFrame) -> float:
        """0..1 how far the driver's arm is from where it rests."""
        width = shoulder_width(driver)
        bones = np.stack([arm.elbow - arm.shoulder, arm.wrist - arm.elbow])
        off_plumb = np.degrees(np.arctan2(np.abs(bones[:, 0]), bones[:, 1]))
        raised = float(smoothstep(off_plumb[1], RAISED))
        hanging = float(smoothstep(off_plumb.max(), OFF_PLUMB))
        neutral = arm_of(self.neutral, arm.side)
        if neutral is None or neutral.seen < 0.5:
            return max(raised, hanging)
        moved = np.stack([arm.elbow - arm.shoulder, arm.wrist - arm.shoulder])
        still = np.stack([neutral.elbow - neutral.shoulder, neutral.wrist - neutral.shoulder])
        away = np.linalg.norm((moved - still)[:, :2], axis=1).max() / width
        return max(raised, min(hanging, float(smoothstep(away, LEAVES_NEUTRAL))))

    def _into_picture(self, hand: np.ndarray, driver: PoseFrame) -> np.ndarray:
        """(2,) pixels by which forearm and hand move where the portrait shows less around its chin than the driver's
        camera does: what comes into the driver's picture at an edge then comes into the portrait's.

        hand: (2,) the middle of the hand as it would be. Near the chin nothing changes, and nothing above it is moved
        down; forearm and hand keep direction and size.
        """
        head = eye_distance(self.portrait.face) / max(eye_distance(self.neutral.face), 1e-6)
        chin, chin_of_driver = (pose.face[CHIN, :2].astype(np.float64) for pose in (self.portrait, self.neutral))
        width = shoulder_width(self.portrait)
        away = hand - chin
        ways = np.where(away > 0, 1.0, -1.0)
        shown = np.where(away > 0, self.portrait.size - chin, chin)
        seen = head * np.where(away > 0, driver.size - chin_of_driver, chin_of_driver)
        shift = np.zeros(2)
        for axis in range(2) if away[1] > 0 else range(1):
            depth = abs(away[axis])
            shift[axis] = ways[axis] * (_bent(depth, float(shown[axis]), float(seen[axis]), width) - depth)
        return shift

    def _elbow(self, side: str, shoulder: np.ndarray, elbow: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """(2,) the elbow moved with its hand by `shift`: where that brings it nearer to the shoulder it gives way
        outward, for the upper arm does not get shorter."""
        outward = 1.0 if side == "left" else -1.0
        before = elbow - shoulder
        length = np.hypot(*before)
        x, y = (before + shift) * [outward, 1]
        if x * x + y * y < length * length:
            apart = np.sqrt(length * length - y * y)
            inside = outward * before[0] / shoulder_width(self.portrait)
            x += (apart - x) * float(smoothstep(inside, (-INWARD, 0.0)))
        return shoulder + [outward * x, y]

    def _build(self, own: Arm) -> float:
        """Length of the portrait's arms / that of arms as its shoulders suggest."""
        bones = np.linalg.norm(np.diff(own.joints, axis=0), axis=1) / shoulder_width(self.portrait)
        return float(np.clip(bones.max() / USUAL_BONE, *BUILD))

    def _guessed_body(self) -> np.ndarray:
        body = np.zeros((BODY_POINTS, 4))
        body[[LEFT_SHOULDER, RIGHT_SHOULDER], :3] = guessed_shoulders(self.portrait.face)
        return body


def _bent(depth: float, shown: float, seen: float, width: float) -> float:
    """Distance of a hand from the chin along one axis, in a portrait that shows `shown` pixels there where the driver's
    camera sees `seen` of them; width: of the shoulders."""
    margin = HAND_INSIDE * HALF_HAND * width
    inner = max(shown - margin, LEAST_ROOM * width)
    begin = KEPT * inner
    if seen <= shown or depth <= begin:
        return depth
    room, extent = inner - begin, seen - begin
    beyond = max(depth - seen, 0.0)
    within = min(depth, seen) - begin
    # a hyperbola of slope 1 at the beginning; beyond the driver's edge out of the portrait as fast as a hand is long
    bent = begin + within / (1 + (1 / room - 1 / extent) * within)
    return bent + beyond * (HALF_HAND * width + margin) / (HALF_HAND * width)
