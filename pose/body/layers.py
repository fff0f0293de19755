"""The body of one portrait in layers: the person without arms, and over it the arms and hands of a target pose.

An arm that the portrait shows is cut out and moved; while it rests where the portrait has it, the portrait stays
untouched. An arm that the portrait does not show comes into the picture as a sleeve of its clothes with a hand of its
skin. From far to near: torso and head, upper arms and forearms, hands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from pose.geometry import smoothstep
from pose.tracking.landmarks import PoseFrame

from .cutout import ArmCutout, cut_arms, torso_without
from .hand_mesh import hand_mesh
from .hand_painter import hand_part
from .joints import SIDES, Arm, arm_of, relaxed_hand, shoulder_width
from .limb import START, Strip, strip_parts
from .own_hand import OwnHand
from .parts import Box, Part, box_of, lay_parts
from .sleeve import cloth_patch, make_sleeve
from .tone import skin_on_arm, skin_tone

# Shoulder widths that elbow or wrist leave their rest: below the first the arm rests, from the second on it is followed
# fully
LEAVES_REST = (0.04, 0.14)
# Shoulder widths that hand and wrist of an arm which the portrait does not show may lie below the picture
COMES_IN = (0.4, 0.15)
ELBOW_COMES_IN = (-0.1, 0.2)  # shoulder widths inside the picture, over which a sleeve grows up to the shoulder
SLEEVE_ALONE = 0.85  # along the limb: where a sleeve begins whose elbow is outside
MIDDLE = 9  # of the hand points, the knuckle of the middle finger
BELIEVED = (0.3, 0.6)  # the tracker's visibility of elbow and wrist


@dataclass(frozen=True, eq=False)
class PlacedArm:
    """An arm to be drawn. joints: (3, 3) shoulder, elbow, wrist in pixels; hand: (21, 3) whose wrist is there; begin:
    see `strip_parts`; shown: whether it is the portrait's own."""

    side: str
    joints: np.ndarray
    hand: np.ndarray
    strip: Strip
    begin: float
    opacity: float
    shown: bool
    own_hand: tuple[np.ndarray, float] | None = None  # its map, and how well it shows the hand

    @property
    def out_of_cuff(self) -> bool:
        """Whether the hand comes out of a made sleeve, which hides its end, rather than lie before it."""
        if self.shown:
            return False
        forearm, hand = (self.joints[2] - self.joints[1])[:2], (self.hand[MIDDLE] - self.hand[0])[:2]
        return bool(forearm @ hand > 0)


class BodyLayers:
    """Arms and hands of one portrait.

    person_SS4: (S, S, 4) uint8 premultiplied RGBA; pose: the portrait's own, with a face.
    """

    def __init__(self, person_SS4: np.ndarray, pose: PoseFrame):
        self.person, self.pose = person_SS4, pose
        self._width = shoulder_width(pose)
        tone = skin_tone(person_SS4, pose.face)
        self._cut: dict[str, ArmCutout] = cut_arms(person_SS4, pose)
        # both hands of one person have one colour
        colours = [
            skin_on_arm(cut.strip.texture, hand_colour(person_SS4, cut.arm), tone.colour) for cut in self._cut.values()
        ]
        self._tone = replace(tone, colour=np.mean(colours, 0)) if colours else tone
        self._hands = {
            side: hand
            for side, cut in self._cut.items()
            if (hand := OwnHand.cut(person_SS4, cut.hand_mask, cut.arm)) is not None
        }
        # all of them now: the first raised arm must not wait for one
        self._torsos = {
            frozenset(sides): self._without(sides)
            for count in range(1, len(self._cut) + 1)
            for sides in combinations(self._cut, count)
        }
        hidden = [side for side in SIDES if side not in self._cut]
        cloth = cloth_patch(person_SS4, pose, tone.colour) if hidden else None
        self._sleeves = {side: make_sleeve(cloth, pose, side, tone.light) for side in hidden}

    @property
    def shown(self) -> tuple[str, ...]:
        """The sides whose arm the portrait shows."""
        return tuple(self._cut)

    def place(self, target: PoseFrame, moved: Callable[[np.ndarray], np.ndarray]) -> list[PlacedArm]:
        """The arms of a target pose that have to be drawn, far to near; none while they rest or are out of the picture.

        moved: where a point (2,) of the portrait's torso is in the target's picture.
        """
        placed = []
        for side in SIDES:
            arm = arm_of(target, side)
            if arm is None:
                continue
            one = self._place_own(arm, target, moved) if side in self._cut else self._place_sleeve(arm, target)
            if one is not None:
                placed.append(one)
        return sorted(placed, key=lambda arm: -arm.joints[2, 2])

    def _without(self, sides: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, Box]:
        """What `torso` returns."""
        masks = [self._cut[side].mask for side in sides]
        torso = torso_without(self.person, self.pose, masks)
        weight = np.rint(255 * np.clip(np.max(masks, 0), 0, 1)).astype(np.uint8)
        weight[(torso[..., 3] == 0) & (self.person[..., 3] > 0)] = 255  # what hung on an arm
        share = weight[..., None].astype(np.float32) / 255
        return np.rint(torso * share).astype(np.uint8), weight, box_of(weight) or (slice(0, 0), slice(0, 0))

    def torso(self, sides: frozenset[str]) -> tuple[np.ndarray, np.ndarray, Box]:
        """(S, S, 4) uint8 the person without the arms of these sides, times (S, S) uint8 where that differs, and a box
        around it."""
        return self._torsos[sides]

    def draw(self, picture_SS4: np.ndarray, placed: list[PlacedArm]) -> Box | None:
        """Lay the arms over a premultiplied picture, in place; where, None for nowhere."""
        parts = []
        for arm in placed:
            hand = self._shaded_hand(arm, fades=False) if arm.out_of_cuff else None
            parts += strip_parts(arm.strip, arm.joints, arm.begin, arm.opacity, hand)
        for arm in placed:
            place, own = arm.own_hand or (None, 0.0)
            if own < 1 and not arm.out_of_cuff:
                parts.append(self._shaded_hand(arm))
            if own > 0:
                parts.append(self._hands[arm.side].part(place, own * arm.opacity))
        return lay_parts(picture_SS4, parts)

    def _shaded_hand(self, arm: PlacedArm, fades: bool = True) -> Part:
        # the body's depth is not the hand's, and the forearm is drawn flat
        elbow = np.array([*arm.joints[1, :2], arm.hand[0, 2]])
        return hand_part(hand_mesh(arm.side == "left"), arm.hand, elbow, self._tone, arm.opacity, fades)

    def _place_own(self, arm: Arm, target: PoseFrame, moved: Callable[[np.ndarray], np.ndarray]) -> PlacedArm | None:
        rest = self._cut[arm.side].arm
        shift = np.array([*(moved(rest.shoulder[:2]) - rest.shoulder[:2]), 0.0])
        shoulder, elbow, wrist = rest.shoulder + shift, rest.elbow + shift, rest.wrist + shift
        away = max(np.hypot(*(arm.elbow - elbow)[:2]), np.hypot(*(arm.wrist - wrist)[:2])) / self._width
        follow = float(smoothstep(away, LEAVES_REST) * smoothstep(arm.seen, BELIEVED))
        if follow <= 0:
            return None
        joints = np.stack([shoulder, elbow + follow * (arm.elbow - elbow), wrist + follow * (arm.wrist - wrist)])
        hand = self._hand(arm, target, joints[2])
        own = None
        if arm.side in self._hands:
            own = self._hands[arm.side].placed(None if arm.hand is None else hand, joints[:, :2])
        return PlacedArm(arm.side, joints, hand, self._cut[arm.side].strip, START, 1.0, True, own)

    def _place_sleeve(self, arm: Arm, target: PoseFrame) -> PlacedArm | None:
        size = len(self.person)
        highest = arm.wrist[1] if arm.hand is None else min(arm.wrist[1], float(arm.hand[:, 1].min()))
        below = (highest - size) / self._width
        opacity = float((1 - smoothstep(below, COMES_IN[::-1])) * smoothstep(arm.seen, BELIEVED))
        if opacity <= 0.02:
            return None
        inside = min(arm.elbow[0], size - arm.elbow[0], size - arm.elbow[1]) / self._width
        begin = SLEEVE_ALONE + (START - SLEEVE_ALONE) * float(smoothstep(inside, ELBOW_COMES_IN))
        joints = np.stack([arm.shoulder, arm.elbow, arm.wrist])
        return PlacedArm(
            arm.side, joints, self._hand(arm, target, arm.wrist), self._sleeves[arm.side], begin, opacity, False
        )

    def _hand(self, arm: Arm, target: PoseFrame, wrist: np.ndarray) -> np.ndarray:
        hand = arm.hand
        if hand is None:
            mesh = hand_mesh(arm.side == "left")
            hand = relaxed_hand(mesh.points[:21], arm, target, self._width)
        move = np.array([*(wrist[:2] - hand[0, :2]), 0.0])
        return (hand + move).astype(np.float32)


def hand_colour(person_SS4: np.ndarray, arm: Arm) -> np.ndarray | None:
    """(3,) median colour of a hand that the portrait shows."""
    if arm.hand is None:
        return None
    x, y = np.floor(arm.hand[:, :2].T).astype(int)
    inside = (x >= 0) & (y >= 0) & (x < len(person_SS4)) & (y < len(person_SS4))
    colours = person_SS4[y[inside], x[inside]]
    colours = colours[colours[:, 3] > 250, :3]
    return np.median(colours, 0) if len(colours) >= 6 else None


def resting(pose: PoseFrame, portrait: PoseFrame) -> PoseFrame:
    """The pose with the portrait's own arms and hands."""
    return replace(pose, body=portrait.body, left_hand=portrait.left_hand, right_hand=portrait.right_hand)
