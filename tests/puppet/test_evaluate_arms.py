"""Arm measures on made-up tracks, and on a drawn person whose output the tracker is said to have found."""

from dataclasses import replace

import numpy as np
import pytest

from puppet.evaluate import arms
from tests.pose.body.people import WIDTH, arms_down, hand_points, pose

COUNT = 24
FAR = np.float32(0.4 * WIDTH)


def waving(amount=1.0, shift=0.0):
    """The person's left arm waves `amount` times as far as the driver's, the other one hangs; all arms moved by
    `shift` px to the right of where they should be."""
    frames = []
    for swing in np.linspace(0, 2 * np.pi, COUNT):
        elbows, wrists = arms_down()
        angle = np.radians(-60 + amount * 30 * np.sin(swing))
        elbows[0] = (190.0, 140.0)
        wrists[0] = tuple(np.add(elbows[0], 50 * np.array([np.cos(angle), np.sin(angle)])))
        hand = hand_points(wrists[0])
        frame = pose(elbows, wrists, hands=(hand + np.array([shift, 0, 0], np.float32), None))
        frame.body[13:23, 0] += shift
        frames.append(frame)
    return frames


def test_the_driver_itself_is_perfect():
    found = arms.places(waving(), waving())
    assert found["elbow"] == found["wrist"] == found["hand_points"] == 0
    assert found["hand_placed"] == 1 and found["arm_follow"] == pytest.approx(1)
    assert arms.motion(waving(), waving()) == {"arm_follow": pytest.approx(1), "hand_found": 1}


def test_lengths_are_parts_of_the_shoulder_width():
    unit = arms._unit(waving())
    found = arms.places(waving(shift=0.1 * unit), waving())
    for name in ("elbow", "wrist", "hand_points"):
        assert found[name] == pytest.approx(10, abs=0.1)
    assert found["hand_placed"] == 1


def test_a_hand_elsewhere_or_missing_is_not_placed():
    assert arms.places(waving(shift=FAR), waving())["hand_placed"] == 0
    missing = [replace(frame, left_hand=None) if i % 2 else frame for i, frame in enumerate(waving())]
    assert arms.places(missing, waving())["hand_placed"] == 0.5
    assert arms.motion(missing, waving())["hand_found"] == 0.5
    other_side = [replace(frame, left_hand=None, right_hand=frame.left_hand) for frame in waving()]
    assert arms.motion(other_side, waving())["hand_found"] == 0


def test_an_arm_that_stands_still_or_swings_the_other_way_does_not_follow():
    assert arms.places(waving(amount=0), waving())["arm_follow"] == 0
    # the one that swings
    assert arms.bones_follow(waving(amount=-1), waving()) == {"left_fore": pytest.approx(-1, abs=0.05)}


def test_a_clip_without_arms_is_not_measured_for_them():
    hidden = [pose(*arms_down(), seen=0.1) for _ in range(COUNT)]
    assert not arms.shows_arms(hidden) and arms.shows_arms(waving())
    assert np.isnan(arms.places(hidden, hidden)["wrist"])
