import cv2
import numpy as np

from pose.geometry import polygon_mask
from pose.tracking.features import EYES
from pose.warp.light import portrait_light
from tests.pose.faces import face

SIZE = 256


def person(points, glasses=()):
    """Plain skin with white eyes and dark irises; some eyes behind dark glass."""
    picture = np.full((SIZE, SIZE, 4), (200, 160, 140, 255), np.uint8)
    for eye in EYES:
        picture[polygon_mask(points[list(eye.ring), :2], SIZE) > 128, :3] = (215, 205, 200)
        picture[polygon_mask(points[eye.iris_circle, :2], SIZE) > 128, :3] = (60, 40, 30)
        if eye in glasses:
            x, y = points[list(eye.corners), :2].mean(0).astype(int).tolist()
            cv2.circle(picture, (x, y), 24, (15, 12, 12, 255), -1)
    return picture


def test_dark_nostrils_tell_hard_light():
    points = face()
    soft, hard = person(points), person(points)
    for picture, shade in ((soft, 110), (hard, 20)):
        for x, y in points[[98, 327], :2].astype(int).tolist():
            cv2.circle(picture, (x, y), 3, (shade, shade // 2, shade // 2, 255), -1)
    soft, hard = (portrait_light(picture, points) for picture in (soft, hard))
    np.testing.assert_allclose(hard.depths, (20, 10, 10), atol=2)
    assert hard.softness < 0.6 < 0.9 < soft.softness <= 1


def test_glasses_hide_the_eyes_and_do_not_dim_the_light():
    points = face()
    plain = portrait_light(person(points), points)
    covered = portrait_light(person(points, EYES), points)
    assert plain.eyes == EYES and covered.eyes == ()
    assert (covered.gain > 0.8 * plain.gain).all()


def test_a_patch_covers_one_eye_alone():
    points = face()
    assert portrait_light(person(points, EYES[:1]), points).eyes == EYES[1:]


def test_eyes_in_shade_and_closed_eyes_are_no_covered_ones():
    points = face()
    shaded = person(points)
    for eye in EYES:
        shaded[polygon_mask(points[list(eye.ring), :2], SIZE) > 0, :3] //= 2
    assert portrait_light(shaded, points).eyes == EYES
    closed = face(eyes=0.02)
    assert portrait_light(person(closed, EYES), closed).eyes == EYES
