from dataclasses import replace

import numpy as np
import pytest

from pose.motion.retargeting import Retargeter
from tests.pose.body.people import SHOULDERS, arms_down, hand_points, pose

REST = pose(*arms_down())


def bones(frame, side=0):
    body = frame.body[[11 + side, 13 + side, 15 + side], :2]
    return np.diff(body, axis=0)


def angles(frame, side=0):
    return np.degrees(np.arctan2(*bones(frame, side).T))


def raised(scale=1.0, **more):
    elbows, wrists = arms_down()
    elbows[0] = tuple(np.add(SHOULDERS[0], np.multiply(scale, (45, 20))))
    wrists[0] = tuple(np.add(elbows[0], np.multiply(scale, (5, -48))))
    return pose(elbows, wrists, **more)


def test_a_raised_arm_has_the_drivers_angles_and_the_portraits_length():
    portrait = pose(*arms_down(reach=1.15))
    result = Retargeter(portrait, REST).retarget(raised(time=1.0))
    np.testing.assert_allclose(angles(result), angles(raised()), atol=1)
    driver, own = (np.linalg.norm(bones(frame), axis=1) for frame in (raised(), result))
    assert (own > 1.05 * driver).all() and (own < 1.35 * driver).all()


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_the_drivers_distance_from_the_camera_does_not_matter(scale):
    def seen(frame):
        return frame.transformed(np.array([[scale, 0, 0], [0, scale, 0]]), (int(256 * scale), int(256 * scale)))

    near = Retargeter(REST, REST).retarget(raised(time=1.0))
    far = Retargeter(REST, seen(REST)).retarget(seen(raised(time=1.0)))
    np.testing.assert_allclose(far.body[[13, 15], :2], near.body[[13, 15], :2], atol=0.5)


def test_a_portrait_keeps_its_own_pose_while_the_driver_rests():
    elbows, wrists = arms_down(out=30)
    portrait = pose(elbows, [(150.0, 190.0), (106.0, 190.0)])  # hands in the lap
    result = Retargeter(portrait, REST).retarget(REST)
    np.testing.assert_allclose(result.body[13:17, :2], portrait.body[13:17, :2], atol=0.5)


def test_between_rest_and_gesture_an_arm_does_not_jump():
    portrait = pose(*arms_down(out=30))
    elbows, wrists = arms_down()
    retarget = Retargeter(portrait, REST)
    last = None
    for step in np.linspace(0, 1, 60):
        upper, fore = np.radians(15 + 50 * step), np.radians(5 + 165 * step)
        elbows[0] = np.add(SHOULDERS[0], 56 * np.array([np.sin(upper), np.cos(upper)]))
        wrists[0] = np.add(elbows[0], 50 * np.array([np.sin(fore), np.cos(fore)]))
        wrist = retarget.retarget(pose(elbows, wrists)).body[15, :2]
        if last is not None:
            assert np.linalg.norm(wrist - last) < 14
        last = wrist


def test_a_hand_stays_on_its_wrist_and_keeps_its_shape():
    driver = raised(time=1.0)
    hand = hand_points(driver.body[15, :2], size=12.0)
    portrait = REST.transformed(np.array([[0.5, 0, 0], [0, 0.5, 0]]), (128, 128))
    result = Retargeter(portrait, REST).retarget(raised(time=1.0, hands=(hand, None)))
    np.testing.assert_allclose(result.left_hand[0, :2], result.body[15, :2], atol=0.1)
    np.testing.assert_allclose(
        result.left_hand - result.left_hand[0], 0.5 * (hand - hand[0]), atol=0.05
    )  # fmt: skip


def test_hidden_arms_come_only_when_they_do_something():
    hidden = pose(*arms_down(), seen=0.1)
    rest = Retargeter(hidden, REST).retarget(REST)
    assert rest.body[[13, 15], 3].max() == 0
    acting = Retargeter(hidden, REST).retarget(raised(time=1.0))
    assert acting.body[[13, 15], 3].min() > 0.9 and acting.body[[14, 16], 3].max() == 0


def test_arms_that_are_switched_off_ease_to_the_portraits_own_and_back():
    retarget = Retargeter(REST, REST)
    for step in range(5):
        up = retarget.retarget(raised(time=step / 24))
    retarget.hands = False
    ways = []
    for step in range(5, 25):
        shown = retarget.retarget(raised(time=step / 24))
        ways.append(np.linalg.norm(shown.body[15, :2] - REST.body[15, :2]))
    assert ways[0] > 0.9 * np.linalg.norm(up.body[15, :2] - REST.body[15, :2])
    assert all(b <= a + 1e-3 for a, b in zip(ways, ways[1:])) and ways[-1] < 0.5
    retarget.hands = True
    for step in range(25, 45):
        shown = retarget.retarget(raised(time=step / 24))
    np.testing.assert_allclose(shown.body[15], up.body[15], atol=0.5)


def test_switched_off_from_the_beginning_nothing_of_the_drivers_arms_is_shown():
    hand = hand_points(raised().body[15, :2])
    for mode in ("relative", "absolute"):
        result = Retargeter(REST, REST, mode, hands=False).retarget(raised(hands=(hand, None)))
        np.testing.assert_allclose(result.body[13:17, :2], REST.body[13:17, :2], atol=0.5)
        assert result.left_hand is None


def test_a_portrait_whose_hand_was_found_beside_its_wrist_stays_at_rest():
    elbows, wrists = arms_down(out=30)
    beside = np.add(wrists[0], (6.0, 4.0))
    portrait = pose(elbows, wrists, hands=(hand_points(beside), None))
    result = Retargeter(portrait, REST).retarget(REST)
    np.testing.assert_allclose(result.body[15, :2], beside, atol=0.5)


def test_a_hand_in_the_drivers_picture_comes_into_a_portrait_that_shows_less():
    tight = REST.transformed(np.array([[1.6, 0, -77], [0, 1.6, 0]]), (256, 256))  # ends at y = 160 of the driver's
    elbows, wrists = arms_down()
    elbows[0] = (200.0, 165.0)
    depths = []
    for below in (150.0, 175.0, 200.0, 256.0, 280.0):
        wrists[0] = (160.0, below)
        driver = pose(elbows, wrists, hands=(hand_points(wrists[0]), None), time=1.0)
        result = Retargeter(tight, REST).retarget(driver)
        if below < 200:  # below, it comes to rest
            np.testing.assert_allclose(angles(result)[1], angles(driver)[1], atol=10)  # of the forearm
        depths.append(float(result.left_hand[:, 1].mean()))
    assert depths == sorted(depths) and depths[1] < 240  # as the driver's, into the picture
    assert depths[4] > 256  # and out of it
    wrists[0] = (160.0, 150.0)
    driver = pose(elbows, wrists, hands=(hand_points(wrists[0]), None), time=1.0)
    same = Retargeter(REST, REST).retarget(driver)
    np.testing.assert_allclose(same.body[15, :2], driver.body[15, :2], atol=5)


def test_a_hand_at_the_drivers_side_comes_into_a_narrow_portrait():
    narrow = REST.transformed(np.array([[1.6, 0, -77], [0, 1.6, 0]]), (256, 256))  # x = 48 to 208 of the driver's
    elbows, wrists = arms_down()
    elbows[0] = (200.0, 140.0)
    places, uppers = [], []
    for x in (170.0, 200.0, 225.0, 245.0, 290.0):
        wrists[0] = (x, 100.0)
        driver = pose(elbows, wrists, hands=(hand_points(wrists[0]), None), time=1.0)
        result = Retargeter(narrow, REST).retarget(driver)
        places.append(float(result.left_hand[:, 0].mean()))
        uppers.append(np.linalg.norm(bones(result)[0]))
    assert places == sorted(places)
    assert places[2] < 256 < places[4]  # with the driver's it is in the picture, and out of it
    assert min(uppers) > 0.8 * uppers[0]  # the elbow gives way rather than shorten the arm


@pytest.mark.parametrize("mode", ["relative", "absolute"])
def test_arms_that_are_no_longer_seen_ease_to_rest_and_back(mode):
    retarget = Retargeter(REST, REST, mode)
    up = retarget.retarget(raised(time=1.0)).body[15, :2]
    heights = []
    for frame in range(1, 40):
        lost = replace(raised(time=1.0 + frame / 24), body=None)
        heights.append(retarget.retarget(lost).body[15, 1])
    assert abs(heights[0] - up[1]) < 3 and np.abs(np.diff(heights)).max() < 25  # of 130 px of way
    assert heights[-1] == pytest.approx(REST.body[15, 1], abs=1)
    back = [retarget.retarget(raised(time=2.667 + frame / 24)).body[15, 1] for frame in range(24)]
    assert np.abs(np.diff([heights[-1], *back])).max() < 40 and back[-1] == pytest.approx(up[1], abs=1)
