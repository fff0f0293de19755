"""From the driver's pose to a pose of the portrait.

Absolute: the driver's landmarks as they are, in the portrait's picture. Relative: what changed on the driver since a
neutral moment, applied to the portrait's own landmarks, so that another face keeps its proportions. The change is
split into the head's motion and, in the head's own frame, the expression; `expression_transfer` carries the latter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from pose.body.joints import shoulder_width
from pose.geometry import smoothstep
from pose.tracking.landmarks import (
    LEFT_SHOULDER,
    RIGHT_SHOULDER,
    PoseFrame,
    interpolate,
)
from pose.tracking.mesh import Similarity3D, eye_distance
from pose.tracking.signals import angles_rotation, head_transform, rotation_angles, to_head_frame

from .arm_rest import arms_towards_rest
from .arm_transfer import ArmTransfer
from .drawn_lids import DrawnLids
from .expression_transfer import ExpressionTransfer, settle_lids, settle_skin
from .neutral import NeutralSearch
from .pressed_hands import part_hands

MODES = ("relative", "absolute")
FREE_TURN, LARGEST_TURN = 35.0, 55.0  # degrees of yaw or pitch: followed exactly up to here, never beyond there
SCALE_LIMITS = (0.6, 1.7)  # of the head's size since neutral
NEUTRAL_EASE = 0.5  # s in which a better neutral replaces the provisional one
AROUND_REACH = 0.35  # eye distances, standard deviation of the mean over what hair and clothes do
ARMS_EASE = 0.5  # s in which arms that are switched off or not seen come to rest
SEEN = 0.5  # visibility from which a body point counts


@dataclass(frozen=True)
class _Neutral:
    """What relative motion needs of one neutral frame of the driver."""

    pose: PoseFrame
    head: Similarity3D
    transfer: ExpressionTransfer


class Retargeter:
    """Poses of one portrait, led by one driver.

    Args:
        portrait: the portrait's own pose, with a face, in its S x S picture.
        neutral: the driver at rest, looking ahead with the mouth closed and the eyes open. None: found by itself in the
            first second, starting from the first frame.
        mode: "relative" or "absolute".
        strength: factor on expression and head motion in relative mode, 1 = as much as the driver.
        hands: whether arms and hands follow; may be changed at any time, they then ease to the portrait's own or back.
        drawn: whether the portrait is a drawing, whose lids move as drawn ones do.
    Raises ValueError for an unknown mode, a portrait or a neutral frame without a face, a negative strength.
    """

    def __init__(
        self,
        portrait: PoseFrame,
        neutral: PoseFrame | None = None,
        mode: str = "relative",
        strength: float = 1.0,
        hands: bool = True,
        drawn: bool = False,
    ):
        if mode not in MODES:
            raise ValueError(f"motion is {' or '.join(MODES)}, not {mode!r}")
        if portrait.face is None:
            raise ValueError("the portrait's pose has no face; prepare the portrait first")
        if not 0 <= strength <= 3:
            raise ValueError(f"the strength of the motion is between 0 and 3, not {strength}")
        self.portrait, self.mode, self.strength = portrait, mode, float(strength)
        self._head = head_transform(portrait.face)
        self._lids = DrawnLids(to_head_frame(portrait.face, self._head)) if drawn else None
        self._last = portrait
        self._followed: PoseFrame | None = None  # the last pose made of a driver whose body was seen
        self.hands, self._arms_away = hands, 0.0 if hands else 1.0
        self.set_neutral(neutral)

    def set_neutral(self, neutral: PoseFrame | None) -> None:
        """Calibrate: take this frame of the driver as neutral, or search for one again (None)."""
        if neutral is not None and neutral.face is None:
            raise ValueError("the neutral frame shows no face; take one in which the driver looks into the camera")
        self._search = NeutralSearch() if neutral is None else None
        self._provisional: PoseFrame | None = None
        self._settled: PoseFrame | None = None
        self._settled_time = 0.0
        self._neutral = None if neutral is None else self._prepare(neutral)

    @property
    def neutral(self) -> PoseFrame | None:
        """The driver's neutral frame in use, None before the first face."""
        return None if self._neutral is None else self._neutral.pose

    @property
    def settled_neutral(self) -> PoseFrame | None:
        """The neutral frame once it no longer changes by itself, None before."""
        return None if self._search is not None or self._settled is not None else self.neutral

    def retarget(self, driver: PoseFrame) -> PoseFrame:
        """The portrait's pose for one driver frame; the last one again where the driver's face is lost."""
        if driver.face is None:
            return replace(self._last, time=driver.time)
        driver = part_hands(driver)
        if self.mode == "absolute":
            result = self._absolute(driver)
        else:
            self._update_neutral(driver)
            result = self._relative(driver)
        settle_skin(result.face, self.portrait.face)
        seen = _shoulders_seen(driver)
        if seen or self._followed is None:
            self._followed = result
        else:  # the body is held as it was last followed, so that arms do not jump to rest
            held = self._followed
            result = replace(result, body=held.body, left_hand=held.left_hand, right_hand=held.right_hand)
        self._last = self._ease_arms(result, self.hands and seen)
        return self._last

    def _ease_arms(self, pose: PoseFrame, follow: bool) -> PoseFrame:
        """While arms are switched off or not seen: the portrait's own, after `ARMS_EASE` seconds."""
        elapsed = max(pose.time - self._last.time, 0.0)
        step = elapsed / ARMS_EASE * (-1 if follow else 1)
        self._arms_away = float(np.clip(self._arms_away + step, 0, 1))
        return arms_towards_rest(pose, self.portrait, float(smoothstep(self._arms_away, (0, 1))))

    # absolute

    def _absolute(self, driver: PoseFrame) -> PoseFrame:
        """The driver's centre square scaled to the portrait's picture."""
        width, height = driver.size
        scale = self.portrait.size[0] / min(width, height)
        shift = [(self.portrait.size[k] - scale * driver.size[k]) / 2 for k in range(2)]
        moved = driver.transformed(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), self.portrait.size)
        face = settle_lids(moved.face, self.portrait.face)
        if self._lids is not None:
            head = head_transform(face)
            face = head(self._lids(to_head_frame(face, head), driver.time))
        return replace(moved, face=face)

    # relative

    def _prepare(self, neutral: PoseFrame) -> _Neutral:
        head = head_transform(neutral.face)
        own = to_head_frame(self.portrait.face, self._head)
        return _Neutral(neutral, head, ExpressionTransfer(own, to_head_frame(neutral.face, head)))

    def _update_neutral(self, driver: PoseFrame) -> None:
        """Where no neutral was given: the first face for now, the best of the first second as soon as that is over."""
        if self._search is not None:
            self._search.add(driver)
            if self._provisional is None or driver.size != self._provisional.size:
                self._provisional = driver
                self._neutral = self._prepare(driver)
            if self._search.complete:
                self._settled, self._settled_time = self._search.best(), driver.time
                self._search = None
        if self._settled is not None:
            if self._settled.size != self._provisional.size:
                fraction = 1.0
                self._neutral = self._prepare(self._settled)
            else:
                fraction = (driver.time - self._settled_time) / NEUTRAL_EASE
                self._neutral = self._prepare(interpolate(self._provisional, self._settled, fraction))
            if fraction >= 1:
                self._settled = None

    def _relative(self, driver: PoseFrame) -> PoseFrame:
        neutral = self._neutral
        head = head_transform(driver.face)
        moved = self._move_head(head, neutral.head)
        shape = neutral.transfer(to_head_frame(driver.face, head), self.strength)
        if self._lids is not None:
            shape = self._lids(shape, driver.time)
        body, left_hand, right_hand = self._move_body(driver)
        return PoseFrame(
            face=moved(shape),
            body=body,
            left_hand=left_hand,
            right_hand=right_hand,
            size=self.portrait.size,
            time=driver.time,
            around=self._move_around(driver, head, moved),
        )

    def _move_around(self, driver: PoseFrame, head: Similarity3D, moved: Similarity3D) -> np.ndarray | None:
        """What hair and clothes did since neutral, in the same place beside the portrait's face."""
        rest = self.portrait.around
        if driver.around is None:
            return rest
        change, own = driver.around, self._neutral.pose.around
        if own is not None and own.shape == change.shape:
            change = change - own
        angle = moved.roll - head.roll
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        growth, count, size = moved.scale / head.scale, len(change), self.portrait.size[0]
        at = np.arange(count) / (count - 1) * (size - 1) + 0.5
        nodes = np.stack(np.meshgrid(at, at), -1)
        places = (nodes - moved.translation[:2]) @ turn / growth + head.translation[:2]
        index = ((places - 0.5) * ((count - 1) / (driver.size[0] - 1))).astype(np.float32)
        # hair and clothes of another are of another shape: they take part in what larger parts do
        sigma = AROUND_REACH * eye_distance(driver.face) * (count - 1) / (driver.size[0] - 1)
        change = cv2.GaussianBlur(change, (0, 0), sigma, borderType=cv2.BORDER_CONSTANT)
        there = cv2.remap(change, index, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        there = (there @ turn.T * (growth * self.strength)).astype(np.float32)
        return there if rest is None else rest + there

    def _move_head(self, now: Similarity3D, neutral: Similarity3D) -> Similarity3D:
        """The portrait's head after the driver's change of rotation, place and size."""
        vector, _ = cv2.Rodrigues(now.rotation @ neutral.rotation.T)
        turn, _ = cv2.Rodrigues(vector * self.strength)
        rotation = _within_reach(turn @ self._head.rotation, self._head.rotation)
        growth = float(np.clip(now.scale / neutral.scale, *SCALE_LIMITS)) ** self.strength
        shift = (now.translation - neutral.translation) / neutral.scale * self._head.scale * self.strength
        shift[2] = 0
        return Similarity3D(self._head.scale * growth, rotation, self._head.translation + shift)

    def _move_body(self, driver: PoseFrame) -> tuple[np.ndarray | None, np.ndarray | None, np.ndarray | None]:
        """The portrait's body, left hand and right hand."""
        neutral, portrait = self._neutral.pose, self.portrait
        if not (_shoulders_seen(driver) and _shoulders_seen(neutral)):
            return portrait.body, portrait.left_hand, portrait.right_hand
        size_ratio = self._head.scale / self._neutral.head.scale
        shoulders = [LEFT_SHOULDER, RIGHT_SHOULDER]
        widths = [shoulder_width(pose) for pose in (portrait, neutral)]
        # a tracker's guess of painted shoulders may be far off, the size of the heads is not
        ratio = float(np.clip(widths[0] / max(widths[1], 1e-3), 0.7 * size_ratio, 1.4 * size_ratio))
        body = None
        if portrait.body is not None:
            change = (driver.body[shoulders, :3] - neutral.body[shoulders, :3]) * ratio * self.strength
            limit = 0.6 * max(widths[0], 1.0)
            change *= min(1.0, limit / max(float(np.abs(change[:, :2]).max()), 1e-6))
            body = portrait.body.copy()
            body[:, :3] += change.mean(axis=0)
            body[shoulders, :3] = portrait.body[shoulders, :3] + change
            for side, points in enumerate(((13, 15, 17, 19, 21, 23), (14, 16, 18, 20, 22, 24))):
                body[list(points), :3] = portrait.body[list(points), :3] + change[side]
        return ArmTransfer(portrait, neutral)(driver, body, ratio)


def _shoulders_seen(pose: PoseFrame) -> bool:
    return pose.body is not None and float(pose.body[[LEFT_SHOULDER, RIGHT_SHOULDER], 3].min()) > SEEN


def _within_reach(rotation: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Soften turns so far from the camera that nothing of the portrait would be left to show."""
    angles, rest = rotation_angles(rotation), rotation_angles(own)
    limited = [_soften(angles[k], abs(rest[k])) for k in range(2)]
    return rotation if limited == list(angles[:2]) else angles_rotation(*limited, angles[2])


def _soften(angle: float, rest: float) -> float:
    free, largest = max(FREE_TURN, rest), max(LARGEST_TURN, rest + 10)
    if abs(angle) <= free:
        return angle
    room = largest - free
    return float(np.sign(angle) * (free + room * np.tanh((abs(angle) - free) / room)))
