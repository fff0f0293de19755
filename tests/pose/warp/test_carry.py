"""Changes carried from frame to frame by what both show."""

from dataclasses import replace

import numpy as np
import pytest

from pose.tracking.landmarks import LIPS_INNER_LOWER
from pose.warp.carry import Change, carried, change_of, together, with_change
from pose.warp.conditioning import Conditioner
from tests.puppet.live.stand_ins import portrait_pose

SIZE = 128


@pytest.fixture(scope="module")
def person():
    """A smooth picture that is different everywhere, and what warps it."""
    y, x = np.mgrid[:SIZE, :SIZE]
    picture = np.stack([x * 2, y * 2, 255 - x - y, np.full_like(x, 255)], -1).astype(np.uint8)
    pose = portrait_pose(SIZE)
    return Conditioner(picture, pose), pose


def all_of(picture):
    """A change of every pixel."""
    return Change(picture.astype(np.int16), 0, 0, 1)


def whole(change):
    """(S, S, 4) int16 of a change."""
    made, change = np.zeros((SIZE, SIZE, 4), np.int16), change.fine()
    height, width = change.picture.shape[:2]
    made[change.top : change.top + height, change.left : change.left + width] = change.picture
    return made


def moved(pose, x=0.0, y=0.0, scale=1.0):
    centre = np.append(pose.face[:, :2].mean(0), 0).astype(np.float32)
    return replace(pose, face=(pose.face - centre) * np.float32(scale) + centre + np.float32([x, y, 0]))


def test_at_its_own_pose_a_picture_stays_as_it_is(person):
    conditioner, pose = person
    canvas = conditioner.paint(pose, guided=False)
    kept = whole(carried(all_of(canvas.picture), canvas.placement, canvas.placement))
    np.testing.assert_allclose(kept[8:-8, 8:-8], canvas.picture[8:-8, 8:-8], atol=1)


def test_a_carried_warp_is_the_warp_at_the_other_pose(person):
    conditioner, pose = person
    own = conditioner.paint(pose, guided=False)
    for target in (moved(pose, 5, -3), moved(pose, scale=1.08), moved(pose, 14, 4, 0.95)):
        there = conditioner.paint(target, guided=False)
        expected = there.picture.astype(int)
        inside = np.zeros((SIZE, SIZE), bool)
        x, y = np.clip(target.face[:468, :2].T.astype(int), 0, SIZE - 1)
        inside[y, x] = True
        held = np.abs(own.picture.astype(int) - expected)[inside].mean()
        error = np.abs(whole(carried(all_of(own.picture), own.placement, there.placement)) - expected)[inside].mean()
        assert error < 1.5 and error < held / 2, (error, held)


@pytest.mark.parametrize("step", [1, 2])
def test_only_a_part_that_changed_is_carried_and_negative_changes_too(person, step):
    conditioner, pose = person
    own, there = (conditioner.paint(at, guided=False) for at in (pose, moved(pose, 6, 4)))
    x, y = np.round(pose.face[1, :2] / 2).astype(int) * 2  # the nose
    change = Change(np.full((20 // step, 16 // step, 4), -40, np.int16), (y - 10) // step, (x - 8) // step, step)
    made = carried(change, own.placement, there.placement)
    assert made.picture.shape[0] < 40 // step and made.picture.shape[1] < 36 // step
    picture = whole(made)
    assert picture[y + 4, x + 6, 0] == -40 and picture[y + 4 - 8 : y + 12, x : x + 12].max() == -40
    away = picture.copy()
    away[y + 4 - 14 : y + 4 + 14, x + 6 - 12 : x + 6 + 12] = 0
    assert not away.any()


def test_a_smooth_change_is_kept_at_half_the_pixels_and_a_detailed_one_at_all(person):
    canvas = person[0].paint(person[1], guided=False)
    y, x = np.mgrid[:SIZE, :SIZE]
    near = np.exp(-((x - 61) ** 2 + (y - 59) ** 2) / 300)[..., None]
    for change, step in ((30 * near, 2), (30 * near * ((x + y) % 2 * 2 - 1)[..., None], 1)):
        frame = np.clip(canvas.picture + change, 0, 255).astype(np.uint8)
        made = change_of(frame, canvas)
        assert made.step == step
        assert np.abs(whole(made) - (frame.astype(int) - canvas.picture)).mean() < 0.5
    assert change_of(canvas.picture.copy(), canvas).empty


def test_changes_of_different_parts_and_steps_come_together(person):
    first = Change(np.full((10, 10, 4), 30, np.int16), 10, 20, 2)
    second = Change(np.full((10, 10, 4), -30, np.int16), 90, 4, 1)
    both = together(first, second)
    assert len({(c.top, c.left, c.step, c.picture.shape) for c in both}) == 1
    assert np.array_equal(whole(both[0]), whole(first)) and np.array_equal(whole(both[1]), whole(second))
    assert np.array_equal(whole(both[0].blended(both[1], 0.5))[95, 8], [-15] * 4)


def test_an_arm_before_the_face_is_not_painted_over_and_hides_what_it_covers(person):
    conditioner, pose = person
    canvas = conditioner.paint(pose, guided=False)
    x, y = np.round(pose.face[1, :2]).astype(int)
    armed = replace(canvas, before=np.zeros((SIZE, SIZE), np.uint8))
    armed.before[y:] = 255
    frame = np.clip(canvas.picture.astype(int) - 30, 0, 255).astype(np.uint8)
    frame[..., 3] = canvas.picture[..., 3]
    # in the frame of the change: nothing is known of what the arm hides
    known = whole(change_of(frame, armed))
    assert not known[y + 2 :].any() and known[: y - 2].any()
    # in the frame that is shown: the arm stays as it is
    shown = with_change(armed, all_of(np.full((SIZE, SIZE, 4), -30)))
    assert np.array_equal(shown[y:], armed.picture[y:]) and not np.array_equal(shown[:y], armed.picture[:y])


def test_what_a_closed_mouth_hid_is_not_known_when_it_opens(person):
    conditioner, pose = person
    face = pose.face.copy()
    face[list(LIPS_INNER_LOWER), 1] += 9
    own, there = (conditioner.paint(at, guided=False) for at in (pose, replace(pose, face=face)))
    picture = whole(carried(all_of(np.full((SIZE, SIZE, 4), 60)), own.placement, there.placement))
    x, y = face[[13, 14], :2].mean(0).astype(int)
    assert picture[y, x].max() < 10 and picture[y - 25, x].min() == 60
