from dataclasses import replace

import numpy as np
import pytest

from pose.tracking.landmarks import FACE_OVAL, LIPS_INNER_LOWER, LIPS_INNER_UPPER, empty_pose
from pose.tracking.smoothing import PoseSmoother
from tests.pose.faces import body, pose

LOWER, UPPER = LIPS_INNER_LOWER[4], LIPS_INNER_UPPER[4]


def gaps(frames):
    return np.array([frame.face[LOWER, 1] - frame.face[UPPER, 1] for frame in frames])


def run(frames):
    smoother = PoseSmoother()
    return [smoother(frame) for frame in frames]


@pytest.mark.parametrize("fps", [24, 30])
@pytest.mark.parametrize("scale", [40.0, 160.0])
def test_speech_keeps_its_amplitude(fps, scale):
    times = np.arange(60) / fps
    frames = [pose(time=t, scale=scale, mouth=0.06 * (1 - np.cos(2 * np.pi * 5 * t)) / 2) for t in times]
    before, after = gaps(frames)[10:], gaps(run(frames))[10:]
    assert np.ptp(after) > 0.95 * np.ptp(before)
    assert after.std() > 0.95 * before.std()


def test_a_blink_closes_the_eye():
    openings = np.ones(30)
    openings[12:16] = (0.4, 0.0, 0.3, 0.8)
    frames = [pose(time=k / 25, eyes=o) for k, o in enumerate(openings)]
    lid = [frame.face[145, 1] - frame.face[159, 1] for frame in run(frames)]
    assert min(lid) < 0.05 * lid[0]


def test_jitter_of_a_still_face_is_reduced_by_half():
    random = np.random.default_rng(0)
    still = pose()
    frames = []
    for k in range(120):
        noisy = still.face + random.normal(0, 0.002 * 80, still.face.shape).astype(np.float32)
        frames.append(replace(still, face=noisy, time=k / 25))
    after = np.array([frame.face for frame in run(frames)])[20:]
    before = np.array([frame.face for frame in frames])[20:]
    jitter = [np.diff(x, axis=0).std() for x in (before, after)]
    assert jitter[1] < 0.5 * jitter[0]
    outline = [np.diff(x[:, list(FACE_OVAL)], axis=0).std() for x in (before, after)]
    assert outline[1] < 0.35 * outline[0]


def test_acts_in_time_and_not_in_frames():
    """A step seen at 10 and at 50 frames a second has come equally far after the same time."""

    def after(times):
        frames = [pose(time=t, at=(128 + (0.5 if t > 0.05 else 0), 110)) for t in times]
        return run(frames)[-1].face[10, 0] - frames[0].face[10, 0]

    assert after(np.arange(0, 0.401, 0.1)) == pytest.approx(after(np.arange(0, 0.401, 0.02)), abs=0.06)


def test_starts_anew_after_a_loss_and_after_a_jump_back_in_time():
    smoother = PoseSmoother()
    smoother(pose(time=0.0))
    smoother(empty_pose((256, 256), 0.04))
    np.testing.assert_array_equal(smoother(pose(time=0.08, at=(60, 60))).face, pose(at=(60, 60)).face)
    np.testing.assert_array_equal(smoother(pose(time=0.02, at=(90, 60))).face, pose(at=(90, 60)).face)
    np.testing.assert_array_equal(smoother(pose(time=9.0, at=(20, 60))).face, pose(at=(20, 60)).face)


def test_a_repeated_time_changes_nothing_and_hardly_seen_points_move_slowly():
    smoother = PoseSmoother()
    first = smoother(pose(time=1.0, body=body()))
    np.testing.assert_array_equal(smoother(pose(time=1.0, at=(0, 0), body=body())).face, first.face)
    shifted = body()
    shifted[:, 0] += 4
    moved = smoother(pose(time=1.04, body=shifted)).body[:, 0] - first.body[:, 0]
    assert 0 < moved[15] < 0.5 * moved[11]
