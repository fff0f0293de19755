"""A pose for every frame, also where the driver's face is lost."""

import numpy as np
import pytest

from pose.tracking.landmarks import empty_pose
from pose.tracking.mesh import face_mesh
from puppet.core.puppeteer import Puppeteer
from puppet.core.tracking_loss import EASE_FRAMES
from tests.puppet.poses import pose_at


def follower() -> Puppeteer:
    return Puppeteer(pose_at(100.0), motion="absolute")


def x(pose) -> float:
    return float(pose.face[:, 0].mean() - face_mesh().canonical[:, 0].mean())


def test_a_lost_face_is_held_and_counted():
    follow = follower()
    shown = follow(pose_at(120.0))
    for _ in range(5):
        np.testing.assert_array_equal(follow(empty_pose((256, 256))).face, shown.face)
    assert follow.frames_lost == 5 and follow.policy.lost


def test_before_the_first_face_the_portrait_rests():
    follow = follower()
    assert x(follow(empty_pose((256, 256)))) == pytest.approx(x(pose_at(100.0)))


def test_a_returning_face_is_eased_into_without_a_jump():
    follow = follower()
    follow(pose_at(100.0))
    follow(empty_pose((256, 256)))
    places = [x(follow(pose_at(160.0))) for _ in range(EASE_FRAMES + 2)]
    start, end = x(pose_at(100.0)), x(pose_at(160.0))
    steps = np.diff([start, *places])
    assert places[EASE_FRAMES - 1] == pytest.approx(end, abs=1e-2) and places[-1] == pytest.approx(end, abs=1e-2)
    assert steps.max() <= (end - start) / EASE_FRAMES + 1e-2 and steps.min() > -1e-2
