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
LEAST_ROOM = 0.2  # shoulder widths below the chin that a portrait is taken to show: there is a neck
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
        lift = active * self._lift(float(at_wrist[1]), driver)
        at_elbow[1], at_wrist[1] = at_elbow[1] - lift, at_wrist[1] - lift
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

    def _lift(self, wrist_y: float, driver: PoseFrame) -> float:
        """Pixels by which forearm and hand are raised where the portrait shows less below its chin than the driver's
        camera does: what comes into the driver's picture from below then comes into the portrait's.

        wrist_y: where the wrist would be. The depth below the chin is bent so that the driver's lower edge meets the
        portrait's; above the chin nothing changes, and forearm and hand keep direction and size.
        """
        chin = float(self.portrait.face[CHIN, 1])
        shown = max(self.portrait.size[1] - chin, LEAST_ROOM * shoulder_width(self.portrait))
        head = eye_distance(self.portrait.face) / max(eye_distance(self.neutral.face), 1e-6)
        seen = head * float(driver.size[1] - self.neutral.face[CHIN, 1])
        depth = wrist_y - chin
        if seen <= shown or depth <= 0:
            return 0.0
        return depth - depth / (1 + (1 / shown - 1 / seen) * depth)

    def _build(self, own: Arm) -> float:
        """Length of the portrait's arms / that of arms as its shoulders suggest."""
        bones = np.linalg.norm(np.diff(own.joints, axis=0), axis=1) / shoulder_width(self.portrait)
        return float(np.clip(bones.max() / USUAL_BONE, *BUILD))

    def _guessed_body(self) -> np.ndarray:
        body = np.zeros((BODY_POINTS, 4))
        body[[LEFT_SHOULDER, RIGHT_SHOULDER], :3] = guessed_shoulders(self.portrait.face)
        return body
