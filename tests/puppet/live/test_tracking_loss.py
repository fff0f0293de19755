"""A lost face is held, then idles, and comes back without a jump."""

import numpy as np
import pytest

from pose.tracking.landmarks import LEFT_EYE_LOWER, LEFT_EYE_UPPER, empty_pose
from puppet.core.puppeteer import Puppeteer
from puppet.core.tracking_loss import AWAY_SECONDS, HOLD_SECONDS, IdleMotion, IdleWhenLost
from tests.puppet.live.stand_ins import portrait_pose
from tests.puppet.poses import pose_at

STEP = 1 / 24


def centre(pose):
    return pose.face[:, :2].mean(0)


def test_the_way_from_idle_to_the_driver_and_back_has_no_jump():
    follow = Puppeteer(portrait_pose(256), policy=IdleWhenLost)
    shown = []
    for k in range(240):
        time = k * STEP
        away = not 2 < time < 5
        x = 110 + 25 * np.sin(2 * time)
        shown.append(follow(empty_pose((256, 256), time) if away else pose_at(x, time=time)))
        assert follow.policy.lost == away
    places = np.array([centre(pose) for pose in shown])
    moved = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert moved.max() < 5 and moved[60:110].max() > 0.5
    last_seen = int(5 / STEP)
    held = places[last_seen : last_seen + int(HOLD_SECONDS / STEP) - 1]
    np.testing.assert_allclose(held, held[:1].repeat(len(held), 0), atol=1e-3)
    settled = last_seen + int((HOLD_SECONDS + AWAY_SECONDS) / STEP) + 2
    neutral = centre(portrait_pose(256))
    assert np.linalg.norm(places[settled:] - neutral, axis=1).max() < 3
    assert [pose.time for pose in shown] == pytest.approx([k * STEP for k in range(240)])


def test_one_frame_without_a_face_is_hardly_seen():
    lost, kept = Puppeteer(portrait_pose(256), policy=IdleWhenLost), Puppeteer(portrait_pose(256), policy=IdleWhenLost)
    for k in range(96):
        pose = pose_at(110 + 20 * np.sin(k * STEP * 3), time=k * STEP)
        reference = kept(pose)
        shown = lost(empty_pose((256, 256), pose.time) if k == 60 else pose)
        if k > 65:
            np.testing.assert_allclose(shown.face, reference.face, atol=1e-3)


def test_resuming_after_a_freeze_eases():
    follow = Puppeteer(portrait_pose(256), policy=IdleWhenLost)
    for k in range(60):
        before = follow(pose_at(100, time=k * STEP))
    follow.policy.resume(20.0)
    first = follow(pose_at(140, time=20.0))
    np.testing.assert_allclose(first.face, before.face, atol=1e-3)
    later = follow(pose_at(140, time=21.0))
    assert centre(later)[0] - centre(before)[0] > 10


def test_idling_breathes_and_blinks_like_itself():
    portrait = portrait_pose(256)
    idle, again = IdleMotion(portrait, seed=3), IdleMotion(portrait, seed=3)
    gaps, heights = [], []
    for k in range(24 * 20):
        pose = idle(k * STEP)
        np.testing.assert_array_equal(pose.face, again(k * STEP).face)
        lids = pose.face[list(LEFT_EYE_LOWER), 1] - pose.face[list(LEFT_EYE_UPPER), 1]
        gaps.append(lids.mean())
        heights.append(pose.face[1, 1])
    assert min(gaps) < 0.3 * max(gaps)
    assert np.mean(np.array(gaps) > 0.9 * max(gaps)) > 0.85  # open most of the time
    assert 0.1 < np.ptp(heights) < 4
    np.testing.assert_array_equal(portrait.face, portrait_pose(256).face)
