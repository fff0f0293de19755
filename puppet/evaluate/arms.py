"""Do arms and hands follow? What a tracker finds of them in the frames that were made, against the driver's own.

Both are looked for anew in every frame and nothing is smoothed or carried on. Lengths are in % of the driver's shoulder
width. What the driver never shows, or shows too rarely to be judged, is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pose.body.joints import JOINTS, SEEN, SIDES, shoulder_width
from pose.tracking.landmarks import PoseFrame
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.errors import reported_as_puppet_error
from puppet.evaluate.measures import LEAST_FRAMES, mean

PLACED = 25.0  # % of the shoulder width: a hand whose middle is farther away is at another place
SWINGS = 8.0  # degrees, standard deviation from which a bone's direction is a motion and not the tracker's noise
LEAST_BONE = 0.2  # of the shoulder width: a bone that points at the camera has no direction
ARMS_SHOWN = 0.2  # of the frames in which a clip must show an arm to be measured for arms
PLACES = ("elbow", "wrist", "hand_placed", "hand_points", "arm_follow")  # against a truth of the same person
MOTION = ("arm_follow", "hand_found")  # against another person's motion


def track_limbs(frames: Iterable[np.ndarray]) -> list[PoseFrame]:
    """Body and hands in every frame, (H, W, 3) uint8 RGB, as they are found in it."""
    with reported_as_puppet_error(TrackerUnavailable), Tracker(body_every=0) as tracker:
        return [tracker.look(frame) for frame in frames]


def shows_arms(driver: Sequence[PoseFrame]) -> bool:
    """Whether a clip can be measured for arms."""
    seen = [any(_inside(pose, JOINTS[side][2]) for side in SIDES) for pose in driver]
    return float(np.mean(seen)) >= ARMS_SHOWN


def places(output: Sequence[PoseFrame], driver: Sequence[PoseFrame]) -> dict[str, float]:
    """The measures of PLACES.

    elbow, wrist: distance in the frames whose driver shows them; hand_placed: share of the driver's hands at whose
    place the output shows the same hand; hand_points: mean distance of the 21 points of those; arm_follow: mean
    of `bones_follow`.
    """
    unit = _unit(driver)
    errors: dict[str, list[float]] = {"elbow": [], "wrist": []}
    placed, points = [], []
    for shown, true in zip(output, driver, strict=True):
        for side in SIDES:
            for name, joint in zip(errors, JOINTS[side][1:], strict=True):
                if shown.body is not None and _inside(true, joint):
                    errors[name].append(100 * _distance(shown.body[joint], true.body[joint]) / unit)
            hand = _hand(true, side)
            if hand is None:
                continue
            found = shown.left_hand if side == "left" else shown.right_hand
            at_place = found is not None and 100 * _distance(found.mean(0), hand.mean(0)) / unit < PLACED
            placed.append(at_place)
            if at_place:
                points.append(100 * float(np.linalg.norm((found - hand)[:, :2], axis=1).mean()) / unit)
    return {
        "elbow": mean(errors["elbow"]),
        "wrist": mean(errors["wrist"]),
        "hand_placed": mean(placed),
        "hand_points": mean(points),
        "arm_follow": mean(list(bones_follow(output, driver).values())),
    }


def motion(output: Sequence[PoseFrame], driver: Sequence[PoseFrame]) -> dict[str, float]:
    """The measures of MOTION. hand_found: share of the driver's hands for which the output shows the same hand."""
    found = [
        _hand(shown, side) is not None
        for shown, true in zip(output, driver, strict=True)
        for side in SIDES
        if _hand(true, side) is not None
    ]
    return {"arm_follow": mean(list(bones_follow(output, driver).values())), "hand_found": mean(found)}


def bones_follow(output: Sequence[PoseFrame], driver: Sequence[PoseFrame]) -> dict[str, float]:
    """Correlation over time of the direction of every bone that the driver swings, by name; 0 for one that stands
    still. Where the output's joints are out of its picture the tracker guesses, and nothing is judged."""
    unit = _unit(driver)
    result = {}
    for side in SIDES:
        for name, begin, end in zip(("upper", "fore"), JOINTS[side], JOINTS[side][1:]):
            pairs = [
                (_direction(shown, begin, end), _direction(true, begin, end))
                for shown, true in zip(output, driver, strict=True)
                if shown.body is not None
                and _inside(true, end)
                and all(_in_picture(shown.body[joint], shown.size) for joint in (begin, end))
                and _distance(true.body[begin], true.body[end]) > LEAST_BONE * unit
            ]
            if len(pairs) < LEAST_FRAMES:
                continue
            # as complex numbers on the unit circle, which know no jump by a whole turn
            a, b = np.exp(1j * np.array(pairs)).T
            a, b = a - a.mean(), b - b.mean()
            if np.degrees(b.std()) < SWINGS:
                continue
            spread = float(np.sqrt((np.abs(a) ** 2).sum() * (np.abs(b) ** 2).sum()))
            still = a.std() < 1e-6
            result[f"{side}_{name}"] = 0.0 if still else float((a.conj() * b).sum().real) / spread
    return result


def _unit(driver: Sequence[PoseFrame]) -> float:
    """Shoulder width in pixels, of the whole clip."""
    widths = [shoulder_width(pose) for pose in driver if pose.body is not None]
    return float(np.median(widths)) if widths else float("nan")


def _hand(pose: PoseFrame, side: str) -> np.ndarray | None:
    """The points of a hand whose middle is in the picture."""
    hand = pose.left_hand if side == "left" else pose.right_hand
    return hand if hand is not None and _in_picture(hand.mean(0), pose.size) else None


def _inside(pose: PoseFrame, joint: int) -> bool:
    return pose.body is not None and pose.body[joint, 3] > SEEN and _in_picture(pose.body[joint], pose.size)


def _in_picture(point: np.ndarray, size: tuple[int, int]) -> bool:
    return bool((point[:2] >= 0).all() and (point[:2] <= size).all())


def _direction(pose: PoseFrame, begin: int, end: int) -> float:
    x, y = pose.body[end, :2] - pose.body[begin, :2]
    return float(np.arctan2(y, x))


def _distance(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.hypot(*(a - b)[:2]))
