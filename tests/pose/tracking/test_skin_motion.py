from dataclasses import replace

import cv2
import numpy as np
import pytest

from pose.tracking.features import LEFT_EYE
from pose.tracking.landmarks import CHIN, FACE_OVAL, MOUTH_CORNERS, PoseFrame, empty_pose
from pose.tracking.mesh import eye_distance
from pose.tracking.skin_motion import SkinMotion, SkinMotionSettings
from tests.pose.faces import face

SIZE = 256
CHEEK = 205  # a landmark without a feature, far from the oval
STAY = [k for k in FACE_OVAL if face()[k, 1] < face()[MOUTH_CORNERS[0], 1]]  # follow no skin
ONE_FRAME = SkinMotionSettings(frames=0)  # the reference's own landmarks are right


def skin(seed):
    """(256, 256, 3) uint8, pores and spots everywhere."""
    noise = np.random.default_rng(seed).normal(size=(SIZE, SIZE)).astype(np.float32)
    values = cv2.GaussianBlur(noise, (0, 0), 4.0)
    values = 128 + 30 * values / values.std()
    return np.repeat(np.clip(values, 0, 255).astype(np.uint8)[..., None], 3, 2)


def pose(points, time=0.0):
    return replace(empty_pose((SIZE, SIZE), time), face=points.astype(np.float32))


def slid(points, by, around=CHEEK, reach=0.3):
    """Landmarks that slid along the skin around one of them, within about `reach` eye distances."""
    away = np.linalg.norm((points - points[around])[:, :2], axis=1)
    near = np.exp(-np.square(away / (reach * eye_distance(points))))
    wrong = points.copy()
    wrong[:, :2] += near[:, None] * by
    return wrong


def test_landmarks_that_slid_over_the_skin_come_back():
    follow, right, picture = SkinMotion(ONE_FRAME), face(), skin(0)
    follow(picture, pose(right))
    wrong = slid(right, (3.0, -2.0))
    found = follow(picture, pose(wrong, 0.04)).face
    assert np.linalg.norm((wrong - right)[CHEEK]) > 3.5
    assert np.linalg.norm((found - right)[CHEEK]) < 1.5
    np.testing.assert_allclose(found[STAY], wrong[STAY], atol=1e-4)
    np.testing.assert_array_equal(found[:, 2], wrong[:, 2].astype(np.float32))


def test_a_chin_that_slid_comes_back():
    follow, right, picture = SkinMotion(ONE_FRAME), face(), skin(7)
    follow(picture, pose(right))
    found = follow(picture, pose(slid(right, (0.0, 3.0), CHIN), 0.04)).face
    assert np.linalg.norm((found - right)[CHIN]) < 1.5


def test_a_lid_that_slid_comes_back_and_leaves_the_corners_of_the_eye():
    follow, right, picture, lid = SkinMotion(ONE_FRAME), face(scale=120), skin(8), LEFT_EYE.upper[3]
    follow(picture, pose(right))
    found = follow(picture, pose(slid(right, (0.0, 3.0), lid, 0.12), 0.04)).face
    assert abs(found[lid, 1] - right[lid, 1]) < 1.0
    assert np.abs(found - right)[list(LEFT_EYE.corners)].max() < 0.7


def test_skin_that_moves_without_its_landmarks_takes_them_along():
    follow, still, picture = SkinMotion(ONE_FRAME), face(), skin(1)
    follow(picture, pose(still))
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    bulge = np.exp(-np.square(np.hypot(x - still[CHEEK, 0], y - still[CHEEK, 1]) / 25))
    puffed = cv2.remap(picture, x - 3 * bulge.astype(np.float32), y, cv2.INTER_LINEAR)
    found = follow(puffed, pose(still, 0.04)).face
    assert 1.5 < found[CHEEK, 0] - still[CHEEK, 0] < 4


@pytest.mark.parametrize("turn", [(0, 0, 0), (25, 5, 10)])
def test_landmarks_that_are_right_stay(turn):
    follow, picture = SkinMotion(ONE_FRAME), skin(2)
    follow(picture, pose(face(turn=turn)))
    moved = face(turn=turn, at=(140.0, 118.0))
    shifted = np.roll(picture, (8, 12), (0, 1))
    found = follow(shifted, pose(moved, 0.04)).face
    assert np.abs(found - moved).max() < 0.3


def test_noise_of_the_first_landmarks_is_not_kept():
    """They are the reference, but those that follow tell in the mean where they should have been."""
    follow, right, picture = SkinMotion(), face(), skin(3)
    follow(picture, pose(slid(right, (2.0, 1.0))))
    for index in range(50):
        found = follow(picture, pose(right, 0.04 * (index + 1))).face
    assert np.linalg.norm((found - right)[CHEEK]) < 0.2


def test_nothing_is_learnt_of_what_hides_the_face():
    right, picture, hidden = face(), skin(3), skin(9)
    off = []
    for covered in (0, 10):  # frames, within the patience for another face
        follow = SkinMotion()
        follow(picture, pose(right))
        for index in range(20):
            seen = hidden if index < covered else picture
            found = follow(seen, pose(right, 0.04 * (index + 1))).face
        off.append(np.abs(found - right).max())
    assert off[1] < off[0] + 0.05


def test_another_person_is_left_alone_and_becomes_the_reference():
    follow, points = SkinMotion(ONE_FRAME), face()
    follow(skin(4), pose(points))
    other = skin(5)
    for index in range(1, 30):
        found = follow(other, pose(points, 0.04 * index)).face
        assert np.abs(found - points).max() < 1.5  # what looks like motion there is chance
    wrong = slid(points, (3.0, 0.0))
    assert np.linalg.norm((follow(other, pose(wrong, 1.2)).face - points)[CHEEK]) < 1.5


def test_nothing_to_see_changes_nothing():
    follow, points = SkinMotion(), face()
    grey = np.full((SIZE, SIZE, 3), 120, np.uint8)
    follow(grey, pose(points))
    np.testing.assert_allclose(follow(grey, pose(points, 0.04)).face, points, atol=1e-3)
    nobody = empty_pose((SIZE, SIZE), 0.08)
    assert follow(grey, nobody) is nobody


def test_a_face_beyond_the_picture_is_no_trouble():
    follow, picture = SkinMotion(), skin(6)
    for at in ((10.0, 20.0), (250.0, 250.0), (-300.0, 100.0), (128.0, 110.0)):
        found = follow(picture, pose(face(at=at), at[0] / 1000 + 1)).face
        assert np.isfinite(found).all()
    assert isinstance(follow(picture, PoseFrame(None, None, None, None, (SIZE, SIZE), 2.0)), PoseFrame)
