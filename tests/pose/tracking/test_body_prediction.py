import numpy as np
import pytest

from pose.tracking.body_prediction import HOLD, BodyPrediction
from pose.tracking.landmarks import LEFT_WRIST, PoseFrame

SIZE = (640, 480)


def look(time, x, hand=True, seen=0.9, size=SIZE):
    body = np.zeros((33, 4), np.float32)
    body[LEFT_WRIST] = (x, 200, 0, seen)
    points = np.full((21, 3), (x, 200, 0), np.float32) if hand else None
    return PoseFrame(None, body, points, None, size, time)


def test_a_moving_wrist_moves_on_and_comes_to_rest():
    prediction = BodyPrediction()
    prediction.add(look(0.0, 100))
    prediction.add(look(0.1, 120))
    soon, late, later = (prediction.at(t, SIZE, None).body[LEFT_WRIST, 0] for t in (0.14, 0.6, 1.2))
    assert 123 < soon < 128
    assert soon < late < 140
    assert later == pytest.approx(late, abs=0.1)
    np.testing.assert_allclose(prediction.at(0.14, SIZE, None).left_hand[:, 0], soon, atol=1e-3)


def test_the_look_itself_is_passed_on_unchanged():
    prediction = BodyPrediction()
    prediction.add(look(0.0, 100))
    found = look(0.1, 120)
    prediction.add(found)
    np.testing.assert_array_equal(prediction.at(0.1, SIZE, None).body, found.body)


def test_a_lost_hand_stays_on_its_wrist_for_a_moment():
    prediction = BodyPrediction()
    prediction.add(look(0.0, 100))
    prediction.add(look(0.1, 130, hand=False))
    np.testing.assert_allclose(prediction.at(0.1, SIZE, None).left_hand[0, :2], [130, 200], atol=1e-3)
    prediction.add(look(HOLD + 0.05, 140, hand=False))
    assert prediction.at(HOLD + 0.05, SIZE, None).left_hand is None


def test_a_hand_whose_wrist_is_gone_is_gone():
    prediction = BodyPrediction()
    prediction.add(look(0.0, 100))
    prediction.add(look(0.1, 100, hand=False, seen=0.1))
    assert prediction.at(0.1, SIZE, None).left_hand is None


@pytest.mark.parametrize(
    ("found", "near"),
    [(look(0, 100), True), (look(0, 100, hand=False), True), (look(0, 900, hand=False), False),
     (look(0, 100, hand=False, seen=0.2), False)],
)  # fmt: skip
def test_hands_are_near_while_one_or_a_wrist_is_in_the_picture(found, near):
    prediction = BodyPrediction()
    assert not prediction.hands_near
    prediction.add(found)
    assert prediction.hands_near == near


def test_another_frame_size_begins_anew():
    prediction = BodyPrediction()
    prediction.add(look(0.0, 100))
    prediction.add(look(0.1, 500, size=(1280, 720)))
    assert prediction.at(0.2, (1280, 720), None).body[LEFT_WRIST, 0] == 500
    assert prediction.at(0.2, SIZE, None).body is None
