import cv2
import numpy as np
import pytest

from pose.portrait.limb_matte import open_gaps
from tests.pose.body.people import SIZE, arms_down, person, pose

REST = pose(*arms_down(out=30))
WALL = np.array([205, 210, 200])


def scene(frame_colour=None):
    """A person before a wall: picture, true matte. frame_colour: of a bar beside the left arm."""
    image = person(REST).astype(np.float32)
    wall = np.broadcast_to(WALL, (SIZE, SIZE, 3)).copy()
    if frame_colour is not None:
        wall[:, 199:209] = frame_colour
    true = image[..., 3] / 255
    return np.uint8(image[..., :3] + (1 - true[..., None]) * wall), true.astype(np.float32)


def test_the_wall_between_arm_and_body_is_not_the_persons():
    picture, true = scene()
    filled = cv2.morphologyEx(true, cv2.MORPH_CLOSE, np.ones((25, 25)))
    gap = (filled > 0.5) & (true == 0) & (np.indices(true.shape)[0] > 150) & (np.indices(true.shape)[0] < 210)
    assert gap.sum() > 500
    mended = open_gaps(picture, filled, REST)
    assert mended[cv2.erode(np.uint8(gap), np.ones((3, 3))) > 0].mean() < 0.1
    assert mended[true > 0.5].mean() > 0.97


def test_what_lies_along_an_arms_outside_is_not_carried_with_it():
    picture, true = scene(frame_colour=(30, 30, 30))
    bar = np.zeros_like(true)
    bar[140:225, 199:209] = 1
    bar *= true == 0
    mended = open_gaps(picture, np.maximum(true, bar), REST)
    assert mended[bar > 0].mean() < 0.5
    assert mended[true > 0.5].mean() > 0.97


@pytest.mark.parametrize("seen", [0.1, 0.95])
def test_a_good_matte_and_a_portrait_without_arms_stay_as_they_are(seen):
    picture, true = scene()
    at = pose(*arms_down(out=30), seen=seen)
    mended = open_gaps(picture, true, at)
    assert np.abs(mended - true).mean() < (0.01 if seen > 0.5 else 1e-9)
