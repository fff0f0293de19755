from dataclasses import replace

import numpy as np
import pytest

from pose.body.joints import shoulder_width
from pose.motion.pressed_hands import part_hands
from pose.motion.retargeting import Retargeter
from tests.pose.body.people import hand_points, pose

WRISTS = [(134.0, 150.0), (122.0, 152.0)]
HAND = hand_points(WRISTS[0])


def praying(left=HAND, right=HAND, wrists=WRISTS):
    return pose([(165.0, 165.0), (91.0, 165.0)], wrists, time=1.0, hands=(left, right))


def handedness(hand):
    """Which way the thumb lies, seen with the fingers up and from the side on which the palm is."""
    wrist, index, little = hand[[0, 5, 17]].astype(np.float64)
    return np.sign(np.cross(index - wrist, little - wrist)[2])


@pytest.mark.parametrize("right", [HAND, None])
def test_a_hand_that_was_not_found_is_the_image_of_the_one_it_touches(right):
    parted = part_hands(praying(right=right))
    np.testing.assert_array_equal(parted.left_hand, HAND)
    np.testing.assert_allclose(parted.right_hand[0, :2], WRISTS[1], atol=0.1)  # on its own wrist
    tips = np.linalg.norm((parted.right_hand - HAND)[12, :2])
    assert tips < 0.5 * np.linalg.norm((parted.right_hand - HAND)[0, :2])  # the tips meet
    assert handedness(parted.right_hand) == handedness(HAND)  # seen from its back
    assert parted.body[16, 2] > parted.body[15, 2]  # behind the hand that was seen


def test_two_hands_that_were_found_stay_as_they_are():
    apart = praying(right=hand_points(WRISTS[1], left=False, up=(-0.6, -0.8)))
    crossing = praying(right=hand_points((126.0, 151.0), left=False, up=(0.9, -0.4)))
    far = praying(right=None, wrists=[WRISTS[0], (60.0, 152.0)])
    for driver in (apart, crossing, far, replace(praying(), body=None), praying(None, None)):
        assert part_hands(driver) is driver


def test_between_one_hand_and_two_nothing_jumps():
    width = shoulder_width(praying())
    last = None
    for apart in np.linspace(0, 0.25, 26):
        right = HAND - np.array([apart * width, 0, 0], np.float32)
        now = part_hands(praying(right=right)).right_hand[:, :2]
        if last is not None:
            assert np.abs(now - last).max() < 0.06 * width
        last = now


def test_both_hands_arrive_in_the_portrait():
    result = Retargeter(pose([(172.0, 165.0), (84.0, 165.0)], [(176.0, 215.0), (80.0, 215.0)]), pose(
        [(172.0, 165.0), (84.0, 165.0)], [(176.0, 215.0), (80.0, 215.0)])).retarget(praying())  # fmt: skip
    assert np.hypot(*(result.left_hand - result.right_hand)[0, :2]) > 5
