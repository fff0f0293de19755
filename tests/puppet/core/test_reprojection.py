"""Late reprojection and prediction: the newest pose, with the last change, and no jump."""

from dataclasses import replace

import numpy as np
import pytest

from puppet.core.batcher import Batcher
from puppet.core.prediction import FARTHEST, LONGEST_INTERVAL, horizon, predict
from puppet.core.reprojection import BLEND_SECONDS, Reprojection
from tests.puppet.live.stand_ins import make_character, portrait_pose
from tests.puppet.poses import pose_at

SIZE = 64


@pytest.fixture
def character():
    return make_character()


def batch_of(character, times, x=0.0):
    batcher = Batcher()
    made = None
    for time in times:
        pose = character.portrait.pose
        target = replace(pose, face=pose.face + np.float32([x, 0, 0]), time=time)
        made = batcher.add(character, character.conditioner.paint(target, guided=True))
    return made


def brighter(batch, by):
    """What a generator would make that changes the person's light."""
    frames = batch.maps()[0]
    person = frames[..., 3] == 255
    frames[person, :3] = np.clip(frames[person, :3].astype(int) + by, 0, 255)
    return frames


def test_without_a_change_it_is_the_warp(character):
    made = Reprojection()(character, character.portrait.pose, 0.0)
    np.testing.assert_array_equal(made.person, character.conditioner.maps(character.portrait.pose).warp)
    assert made.appearance_time is None and made.settled


def test_at_the_pose_of_the_generated_frame_it_is_that_frame(character):
    reproject, batch = Reprojection(), batch_of(character, [1, 1.04, 1.08, 1.12])
    frames = brighter(batch, 25)
    reproject.update(batch, frames, 2.0)
    made = reproject(character, batch.targets[-1], 2.0 + 2 * BLEND_SECONDS)
    apart = np.abs(made.person.astype(int) - frames[-1])
    assert apart.max() <= 3 and apart.mean() < 0.1  # a smooth change is carried at half of the pixels
    assert made.appearance_time == 1.12 and made.settled


def test_the_change_goes_along_with_the_head(character):
    reproject, batch = Reprojection(), batch_of(character, [0, 0.04, 0.08, 0.12])
    reproject.update(batch, brighter(batch, 40), 0.2)
    pose = character.portrait.pose
    target = replace(pose, face=pose.face + np.float32([4, 0, 0]))
    warp = character.conditioner.maps(target).warp
    made = reproject(character, target, 1.0).person
    inside = np.zeros((SIZE, SIZE), bool)
    x, y = np.round(target.face[:468, :2]).astype(int).T
    inside[y, x] = True
    inside &= warp[..., 3] == 255
    gained = made[inside][:, :3].astype(int) - warp[inside][:, :3]
    assert abs(np.median(gained) - 40) <= 1
    assert (made[..., :3] <= made[..., 3:]).all()


def test_a_new_group_does_not_jump(character):
    reproject, pose = Reprojection(), character.portrait.pose
    levels = []
    for tick in range(60):
        now = tick / 60
        if tick in (10, 30):
            batch = batch_of(character, [now - 0.2 + k / 24 for k in range(4)])
            reproject.update(batch, brighter(batch, 20 if tick == 10 else -20), now)
        levels.append(float(reproject(character, pose, now).person[20:40, 24:40, :3].mean()))
    steps = np.abs(np.diff(levels))
    assert max(levels) - min(levels) > 30
    assert steps.max() <= 40 / (BLEND_SECONDS * 60) + 1


def test_another_character_begins_without_the_change_of_the_last(character):
    reproject, other = Reprojection(), make_character("b.png", grey=200)
    batch = batch_of(character, [0, 0.04, 0.08, 0.12])
    reproject.update(batch, brighter(batch, 40), 0.2)
    made = reproject(other, other.portrait.pose, 1.0)
    np.testing.assert_array_equal(made.person, other.conditioner.maps(other.portrait.pose).warp)
    # a batch of the last one that comes late changes nothing
    reproject.update(batch, brighter(batch, -40), 1.1)
    np.testing.assert_array_equal(reproject(other, other.portrait.pose, 2.0).person, made.person)


def test_a_head_is_carried_on_for_one_interval_at_most():
    before, latest = pose_at(100, time=1.0), pose_at(101, time=1.0 + 1 / 30)
    shifts = [
        float((predict(before, latest, horizon(before, latest, latest.time + ahead)).face - latest.face)[:, 0].mean())
        for ahead in (-0.1, 0, 1 / 60, 1 / 30, 0.5)
    ]
    np.testing.assert_allclose(shifts, [0, 0, 0.5, 1, 1], atol=0.02)


def test_a_jump_a_pause_and_an_expression_are_not_carried_on():
    before, latest = pose_at(60, time=1.0), pose_at(160, time=1.02)
    moved = predict(before, latest, 1.0).face - latest.face
    assert np.hypot(*moved[:, :2].T).max() < 2 * FARTHEST * 100
    late = replace(latest, time=1.0 + 2 * LONGEST_INTERVAL)
    assert horizon(before, late, late.time + 1) == 0 and horizon(None, latest, 5.0) == 0
    pose = portrait_pose(256)
    face = pose.face.copy()
    face[[13, 14], 1] += 8  # lips
    spoken = replace(pose, face=face, time=0.03)
    np.testing.assert_allclose(predict(replace(pose, time=0.0), spoken, 1.0).face, face, atol=1e-3)
