from dataclasses import replace

import numpy as np
import pytest

from pose.tracking import landmarks
from pose.tracking.landmarks import PoseFrame, empty_pose, interpolate
from tests.pose.faces import body, pose


def test_tables_name_rings_and_opposite_points():
    eyes = (
        (landmarks.RIGHT_EYE_RING, landmarks.RIGHT_EYE_UPPER, landmarks.RIGHT_EYE_LOWER, landmarks.RIGHT_EYE_CORNERS),
        (landmarks.LEFT_EYE_RING, landmarks.LEFT_EYE_UPPER, landmarks.LEFT_EYE_LOWER, landmarks.LEFT_EYE_CORNERS),
        (landmarks.LIPS_INNER, landmarks.LIPS_INNER_UPPER, landmarks.LIPS_INNER_LOWER, landmarks.MOUTH_CORNERS),
    )
    points = pose(mouth=0.2).face
    for ring, upper, lower, corners in eyes:
        assert sorted(ring) == sorted(upper + lower + corners)
        assert (points[list(upper), 1] < points[list(lower), 1]).all()
        assert np.abs(points[list(upper), 0] - points[list(lower), 0]).max() < 5
    assert points[landmarks.RIGHT_EYE_CORNERS[0], 0] < points[landmarks.LEFT_EYE_CORNERS[0], 0]


def test_transformed_moves_points_scales_depth_and_keeps_what_is_missing():
    frame = pose(body=body(), time=1.5)
    moved = frame.transformed(np.array([[0, -2.0, 300], [2.0, 0, 10]]), (512, 640))
    np.testing.assert_allclose(moved.face[:, 0], 300 - 2 * frame.face[:, 1], rtol=1e-5)
    np.testing.assert_allclose(moved.face[:, 1], 10 + 2 * frame.face[:, 0], rtol=1e-5)
    np.testing.assert_allclose(moved.face[:, 2], 2 * frame.face[:, 2], rtol=1e-5)
    np.testing.assert_array_equal(moved.body[:, 3], frame.body[:, 3])
    assert moved.left_hand is None and moved.size == (512, 640) and moved.time == 1.5
    with pytest.raises(ValueError, match=r"\(2, 3\)"):
        frame.transformed(np.eye(3), (1, 1))


def test_interpolate_mixes_and_takes_what_only_one_frame_has():
    hand = np.ones((21, 3), np.float32)
    a, b = pose(time=1.0), pose(time=2.0, mouth=0.4, left_hand=hand)
    middle = interpolate(a, b, 0.25)
    np.testing.assert_allclose(middle.face, a.face + 0.25 * (b.face - a.face), atol=1e-5)
    assert middle.time == 1.25 and middle.left_hand is None
    assert interpolate(a, b, 0.75).left_hand is hand
    with pytest.raises(ValueError, match="different sizes"):
        interpolate(a, empty_pose((10, 10)), 0.5)


def test_what_moves_around_only_one_face_comes_and_goes_evenly():
    around = np.ones((3, 3, 2), np.float32)
    without, having = pose(time=1.0), replace(pose(time=2.0), around=around)
    np.testing.assert_allclose(interpolate(without, having, 0.25).around, 0.25)
    np.testing.assert_allclose(interpolate(having, without, 0.25).around, 0.75)
    assert interpolate(without, without, 0.5).around is None


def test_empty_pose_has_no_face():
    assert isinstance(empty_pose((4, 3)), PoseFrame) and not empty_pose((4, 3)).found
