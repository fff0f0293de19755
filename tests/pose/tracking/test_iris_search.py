import cv2
import numpy as np
import pytest

from pose.tracking.features import EYES
from pose.tracking.iris_search import IRIS_POINTS, find_irises, iris_motion
from tests.pose.faces import face

SIZE = 256


def looking(points, by):
    """A picture of eyes whose irises are `by` eye widths to the right of their landmarks."""
    picture = np.full((SIZE, SIZE, 3), 150, np.uint8)
    for eye in EYES:
        opening, iris = np.zeros((2, SIZE, SIZE), np.uint8)
        cv2.fillPoly(opening, [np.rint(points[list(eye.ring), :2]).astype(int)], 1)
        x, y = points[eye.pupil, :2] + (by * width(points, eye), 0)
        radius = np.linalg.norm(points[eye.iris_circle, :2] - points[eye.pupil, :2], axis=1).mean()
        cv2.circle(iris, (round(x * 16) - 8, round(y * 16) - 8), round(radius * 16), 1, -1, cv2.LINE_8, 4)
        picture[opening > 0] = 220
        picture[(opening & iris) > 0] = 60
    return picture


def width(points, eye):
    return float(np.linalg.norm(np.subtract(*points[list(eye.corners), :2])))


@pytest.mark.parametrize("by", [-0.12, 0.0, 0.07])
def test_irises_are_found_where_the_picture_shows_them(by):
    points = face(scale=120)
    found = find_irises(looking(points, by), points)
    np.testing.assert_allclose(found.off, by, atol=0.03)
    assert found.trust.min() > 0.5


def test_both_eyes_turn_by_what_differs_from_the_reference():
    points = face(scale=120)
    reference, now = (find_irises(looking(points, by), points) for by in (0.02, 0.08))
    moved = iris_motion(points, now, reference).reshape(2, 5, 2)
    for eye, way in zip(EYES, moved, strict=True):
        np.testing.assert_allclose(way[:, 0] / width(points, eye), 0.055, atol=0.02)
    assert len(IRIS_POINTS) == 10


def test_closed_and_tiny_eyes_and_eyes_beyond_the_picture_stay():
    picture = looking(face(), 0.1)
    reference = find_irises(looking(face(), 0.0), face())
    for points in (face(eyes=0.1), face(scale=30), face(at=(900.0, 900.0))):
        assert iris_motion(points, find_irises(picture, points), reference).any() == 0
    assert iris_motion(face(), find_irises(picture, face()), reference).any() == 1
