"""Arms and hands: where wrists are and how palms face and fingers bend -> rotations of the rig's bones.

Hands are given in the space of the trunk: centimetres, x to the viewer's right, y up, z towards the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.figure.rig import BONE_INDEX, FINGERS, HAND

REACH = 0.985  # of the arm's length: a stretched arm would have no plane to bend in
TWIST = 1.9  # radians that a forearm can turn
BEND = np.array([1.35, 1.65, 1.1])  # radians of the three joints of a closed finger
THUMB = np.array([0.35, 0.7, 0.9])
SPREAD = 0.2  # radians between the outer fingers and the middle one


@dataclass(frozen=True)
class HandPose:
    """T frames of one hand.

    wrist (T, 3) place; point (T, 3) where the stretched fingers point; palm (T, 3) where the palm looks; elbow (T, 3)
    where the elbow gives way to; bend (T, 5) of thumb .. little finger, 0 straight .. 1 closed; across (T,) the thumb
    before the palm, 0..1; spread (T,) -1 crossed .. 1 wide.
    """

    wrist: np.ndarray
    point: np.ndarray
    palm: np.ndarray
    elbow: np.ndarray
    bend: np.ndarray
    across: np.ndarray
    spread: np.ndarray


def arm_rotations(heads: np.ndarray, tails: np.ndarray, side: str, hand: HandPose) -> dict[int, np.ndarray]:
    """Bone index -> (T, 3, 3) rotations in the trunk's space; heads and tails (J, 3) of the person at rest."""

    def at(bone: str, points: np.ndarray = heads) -> np.ndarray:
        return points[BONE_INDEX[f"{bone}.{side}"]]

    shoulder, elbow, wrist = at("upperarm01"), at("lowerarm01"), at("wrist")
    upper, lower = np.linalg.norm(elbow - shoulder), np.linalg.norm(wrist - elbow)
    way = hand.wrist - shoulder
    far = np.linalg.norm(way, axis=1, keepdims=True)
    reach = np.clip(far, 1.2 * abs(upper - lower) + 4.0, REACH * (upper + lower))
    ahead = way / np.maximum(far, 1e-6)
    along = (upper**2 + reach**2 - lower**2) / (2 * reach)
    aside = unit(hand.elbow - (hand.elbow * ahead).sum(1, keepdims=True) * ahead)
    bent = shoulder + ahead * along + aside * np.sqrt(np.maximum(upper**2 - along**2, 1e-6))
    end = shoulder + ahead * reach
    hinge = unit(np.cross(bent - shoulder, end - bent))
    rest_hinge = unit(np.cross(elbow - shoulder, wrist - elbow)[None])
    upper_turn = frame(unit(bent - shoulder), hinge) @ transposed(frame(unit((elbow - shoulder)[None]), rest_hinge))
    lower_turn = frame(unit(end - bent), hinge) @ transposed(frame(unit((wrist - elbow)[None]), rest_hinge))

    rest_point, rest_palm = rest_hand(heads, tails, side)
    hand_turn = frame(unit(hand.point), unit(hand.palm)) @ transposed(frame(rest_point[None], rest_palm[None]))
    axis = unit(end - bent)
    twist = np.clip(_angle_about(axis, lower_turn @ rest_palm, hand_turn @ rest_palm), -TWIST, TWIST)
    out = {
        "clavicle": axis_angle(_lift_axis(side), np.clip(0.012 * (end[:, 1] - shoulder[1] + 20), 0, 0.3)),
        "shoulder01": slerp(upper_turn, 0.25),
        "upperarm01": slerp_between(slerp(upper_turn, 0.7), upper_turn, 0.6),
        "upperarm02": upper_turn,
        "lowerarm01": axis_angle(axis, 0.25 * twist) @ lower_turn,
        "lowerarm02": axis_angle(axis, 0.7 * twist) @ lower_turn,
    }
    out |= dict.fromkeys(HAND, hand_turn)
    out |= _fingers(heads, side, rest_point, rest_palm, hand_turn, hand)
    return {BONE_INDEX[f"{bone}.{side}"]: np.broadcast_to(turn, (len(far), 3, 3)) for bone, turn in out.items()}


def rest_hand(heads: np.ndarray, tails: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """(3,) where the fingers point and (3,) where the palm looks at rest."""
    wrist, index, middle, little = (
        heads[BONE_INDEX[f"{bone}.{side}"]] for bone in ("wrist", "finger2-1", "finger3-1", "finger5-1")
    )
    tip = tails[BONE_INDEX[f"finger3-3.{side}"]]
    point = unit(middle - wrist)
    palm = np.cross(index - wrist, little - wrist)
    palm = unit(palm - (palm @ point) * point)
    return point, palm * np.sign(palm @ (tip - middle))  # fingers hang towards the palm


def hand_landmarks(heads: np.ndarray, tails: np.ndarray, transforms: np.ndarray, side: str) -> np.ndarray:
    """(T, 21, 3) of MediaPipe's hand: wrist, then four points of each finger, from (T, J, 3, 4) transforms."""
    rows = [(BONE_INDEX[f"wrist.{side}"], heads)]
    for finger in FINGERS:
        bones = [BONE_INDEX[f"{bone}.{side}"] for bone in finger]
        rows += [(bone, heads) for bone in bones] + [(bones[-1], tails)]
    return np.stack([move(transforms, bone, points[bone]) for bone, points in rows], 1)


def move(transforms: np.ndarray, bone: int, point: np.ndarray) -> np.ndarray:
    """(T, 3) a point at rest that is fixed to a bone."""
    return transforms[:, bone, :, :3] @ point + transforms[:, bone, :, 3]


def _fingers(heads, side, point, palm, hand_turn, hand: HandPose) -> dict[str, np.ndarray]:
    flex = np.cross(point, palm)  # turning about it brings a finger towards the palm
    out = {}
    for k, finger in enumerate(FINGERS[1:]):
        aside = axis_angle(palm, hand.spread * SPREAD * (1.5 - k) / 1.5 * (-1.0 if side == "L" else 1.0))
        bend = np.cumsum(hand.bend[:, k + 1, None] * BEND, 1)
        for joint, bone in enumerate(finger):
            out[bone] = hand_turn @ aside @ axis_angle(flex, bend[:, joint])
    first, second = (heads[BONE_INDEX[f"finger1-{k}.{side}"]] for k in (1, 2))
    thumb = unit(second - first)
    over = np.cross(thumb - (thumb @ point) * point, palm)
    closing = np.cross(thumb, point)
    closing = palm * np.sign(closing @ palm)
    bend = np.cumsum(hand.bend[:, 0, None] * THUMB, 1)
    opposed = axis_angle(unit(over), 0.9 * hand.across)
    for joint, bone in enumerate(FINGERS[0]):
        out[bone] = hand_turn @ opposed @ axis_angle(closing, bend[:, joint])
    return out


def _lift_axis(side: str) -> np.ndarray:
    return np.array([0.0, 0.0, 1.0 if side == "L" else -1.0], np.float32)


def _angle_about(axis: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) signed angle about axis (T, 3) from a to b (T, 3)."""
    a = unit(a - (a * axis).sum(-1, keepdims=True) * axis)
    b = unit(b - (b * axis).sum(-1, keepdims=True) * axis)
    return np.arctan2((np.cross(a, b) * axis).sum(-1), (a * b).sum(-1))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def transposed(matrices: np.ndarray) -> np.ndarray:
    return np.swapaxes(matrices, -1, -2)


def frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations whose columns are a unit vector, the part of another across it, and their product."""
    across = unit(second - (second * first).sum(-1, keepdims=True) * first)
    return np.stack([first, across, np.cross(first, across)], -1)


def axis_angle(axis: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotation about unit axes (3,) or (T, 3) by (T,) radians (Rodrigues)."""
    angle = np.atleast_1d(angle)
    axis = np.broadcast_to(axis, (len(angle), 3))
    x, y, z = axis.T
    zero = np.zeros_like(x)
    k = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    s, c = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + s * k + (1 - c) * (k @ k)


def slerp(turn: np.ndarray, amount: float) -> np.ndarray:
    """(T, 3, 3): the rotation by `amount` of its angle."""
    cosine = np.clip((np.trace(turn, axis1=1, axis2=2) - 1) / 2, -1, 1)
    axis = np.stack([turn[:, 2, 1] - turn[:, 1, 2], turn[:, 0, 2] - turn[:, 2, 0], turn[:, 1, 0] - turn[:, 0, 1]], -1)
    return axis_angle(unit(axis), np.arccos(cosine) * amount)


def slerp_between(a: np.ndarray, b: np.ndarray, amount: float) -> np.ndarray:
    return a @ slerp(transposed(a) @ b, amount)
