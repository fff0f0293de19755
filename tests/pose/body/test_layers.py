import cv2
import numpy as np
import pytest

from pose.body.cutout import cut_arms, torso_without
from pose.body.joints import arm_of, shoulder_width
from pose.body.layers import BodyLayers
from tests.pose.body.people import SHIRT, SIZE, SKIN, SLEEVE, WIDTH, arms_down, hand_points, person, pose

REST = pose(*arms_down())
STILL = lambda point: point  # noqa: E731


def near(picture, at, colour, tolerance=40):
    x, y = (int(v) for v in at)
    view = picture[y - 2 : y + 3, x - 2 : x + 3]
    return view[..., 3].min() > 200 and np.abs(np.median(view[..., :3], (0, 1)) - colour).max() < tolerance


def test_both_arms_are_cut_out_where_they_are():
    image = person(REST)
    bare = person(REST, arms=())
    arms = (np.abs(image.astype(int) - bare).max(2) > 40) & (np.indices(image.shape[:2])[0] > 135)
    cut = cut_arms(image, REST)
    assert set(cut) == {"left", "right"}
    mask = np.maximum(cut["left"].mask, cut["right"].mask) > 0.5
    below = np.indices(mask.shape)[0] > 135
    assert (mask & arms).sum() > 0.9 * arms.sum()
    assert (mask & below & ~arms & (image[..., 3] > 0)).sum() < 0.15 * arms.sum()


def test_behind_the_arms_lie_clothes_and_nothing_beside_them():
    image = person(REST)
    cut = cut_arms(image, REST)
    torso = torso_without(image, REST, [arm.mask for arm in cut.values()])
    red = (torso[..., 0] > 140) & (torso[..., 2] < 80) & (torso[..., 3] > 128)
    assert red[140:].sum() < 12
    elbow = REST.body[13, :2].astype(int)
    assert torso[elbow[1], elbow[0] + 6, 3] < 30
    assert near(torso, (128, 170), SHIRT)


def test_a_resting_arm_is_left_as_the_portrait_has_it():
    layers = BodyLayers(person(REST), REST)
    assert layers.place(REST, STILL) == []
    trembling = REST.body.copy()
    trembling[13:17, :2] += 1.5
    assert layers.place(pose(*arms_down()).__class__(REST.face, trembling, None, None, REST.size, 0.0), STILL) == []


def test_a_raised_arm_carries_its_sleeve_and_a_hand_of_the_persons_skin():
    layers = BodyLayers(person(REST), REST)
    elbows, wrists = arms_down()
    elbows[0], wrists[0] = (200.0, 150.0), (205.0, 95.0)
    hand = hand_points(wrists[0])
    target = pose(elbows, wrists, hands=(hand, None))
    (arm,) = layers.place(target, STILL)
    assert arm.side == "left" and arm.shown
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    layers.draw(picture, [arm])
    assert near(picture, (203, 122), SLEEVE, 60)
    assert near(picture, hand[[0, 5, 9, 13, 17], :2].mean(0), SKIN, 60)
    assert not picture[:, :90].any()  # nothing of the other arm


def test_an_arm_that_is_not_shown_comes_in_as_a_sleeve_of_the_clothes():
    elbows, wrists = arms_down()
    hidden = pose(elbows, wrists, seen=0.1)
    layers = BodyLayers(person(hidden, arms=()), hidden)
    assert layers.shown == ()
    assert layers.place(hidden, STILL) == []
    wrists[1], elbows[1] = (90.0, 130.0), (70.0, 190.0)
    hand = hand_points(wrists[1], left=False)
    arms = layers.place(pose(elbows, wrists, hands=(None, hand), seen=0.9), STILL)
    right = [arm for arm in arms if arm.side == "right"]
    assert len(right) == 1 and not right[0].shown
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    layers.draw(picture, right)
    assert near(picture, (80, 160), SHIRT, 60)
    assert near(picture, hand[[0, 5, 9, 13, 17], :2].mean(0), SKIN, 60)


def test_a_hand_that_was_not_found_is_drawn_at_rest_on_its_wrist():
    layers = BodyLayers(person(REST), REST)
    elbows, wrists = arms_down()
    elbows[0], wrists[0] = (200.0, 150.0), (150.0, 140.0)
    (arm,) = layers.place(pose(elbows, wrists), STILL)
    np.testing.assert_allclose(arm.hand[0, :2], wrists[0], atol=1e-3)
    length = np.linalg.norm(arm.hand[9] - arm.hand[0])
    assert 0.15 * WIDTH < length < 0.4 * WIDTH
    assert arm.hand[9, 0] < arm.hand[0, 0]  # on along the forearm


def test_without_a_body_there_are_no_arms():
    bodiless = REST.__class__(REST.face, None, None, None, REST.size, 0.0)
    layers = BodyLayers(person(REST), bodiless)
    assert layers.shown == () and layers.place(bodiless, STILL) == []


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_wrist_is_the_hands_where_one_was_found(side):
    hand = hand_points((40.0, 50.0), left=side == "left")
    hands = (hand, None) if side == "left" else (None, hand)
    arm = arm_of(pose(*arms_down(), hands=hands), side)
    np.testing.assert_allclose(arm.wrist[:2], [40, 50], atol=1e-4)
    assert shoulder_width(REST) == pytest.approx(WIDTH)


def test_the_portraits_own_hand_is_moved_while_its_shape_allows():
    own = hand_points(arms_down()[1][0], size=14.0, up=(0.0, 1.0))
    rest = pose(*arms_down(), hands=(own, None))
    image = person(rest)
    x, y = own[[0, 5, 9, 13, 17], :2].mean(0).astype(int)
    cv2.circle(image, (int(x), int(y)), 14, (250, 220, 60, 255), -1)  # a glove, so that it is known again
    layers = BodyLayers(image, rest)
    elbows, wrists = arms_down()
    elbows[0], wrists[0] = (200.0, 150.0), (205.0, 95.0)
    turned = hand_points(wrists[0], size=14.0, up=(0.6, -0.8))
    bent = turned.copy()
    bent[[6, 7, 8, 10, 11, 12, 14, 15, 16]] = bent[[5, 5, 5, 9, 9, 9, 13, 13, 13]]
    for hand, gloved in ((turned, True), (bent, False)):
        (arm,) = layers.place(pose(elbows, wrists, hands=(hand, None)), STILL)
        picture = np.zeros((SIZE, SIZE, 4), np.uint8)
        layers.draw(picture, [arm])
        at = hand[[0, 5, 9, 13, 17], :2].mean(0)
        assert near(picture, at, (250, 220, 60), 30) == gloved
