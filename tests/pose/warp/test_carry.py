"""Pictures carried from pose to pose by the mesh."""

from dataclasses import replace

import numpy as np
import pytest

from pose.tracking.landmarks import LIPS_INNER_LOWER
from pose.warp.carry import MeshCarry
from pose.warp.conditioning import Conditioner
from tests.puppet.live.stand_ins import portrait_pose

SIZE = 128


@pytest.fixture(scope="module")
def person():
    """A smooth picture that is different everywhere, and what warps it."""
    y, x = np.mgrid[:SIZE, :SIZE]
    picture = np.stack([x * 2, y * 2, 255 - x - y, np.full_like(x, 255)], -1).astype(np.uint8)
    pose = portrait_pose(SIZE)
    return Conditioner(picture, pose), MeshCarry(pose, SIZE), pose


def moved(pose, x=0.0, y=0.0, scale=1.0):
    centre = np.append(pose.face[:, :2].mean(0), 0).astype(np.float32)
    return replace(pose, face=(pose.face - centre) * np.float32(scale) + centre + np.float32([x, y, 0]))


def test_at_its_own_pose_a_picture_stays_as_it_is(person):
    conditioner, carry, pose = person
    warp = conditioner.maps(pose).warp
    np.testing.assert_allclose(carry(carry.take(warp, pose), pose)[8:-8, 8:-8], warp[8:-8, 8:-8], atol=1)


def test_a_carried_warp_is_the_warp_at_the_other_pose(person):
    conditioner, carry, pose = person
    for target in (moved(pose, 5, -3), moved(pose, scale=1.08), moved(pose, 14, 4, 0.95)):
        expected = conditioner.maps(target).warp.astype(int)
        carried = carry(carry.take(conditioner.maps(pose).warp, pose), target).astype(int)
        inside = np.zeros((SIZE, SIZE), bool)
        x, y = np.clip(target.face[:468, :2].T.astype(int), 0, SIZE - 1)
        inside[y, x] = True
        held = np.abs(conditioner.maps(pose).warp.astype(int) - expected)[inside].mean()
        error = np.abs(carried - expected)[inside].mean()
        assert error < 1.5 and error < held / 2, (error, held)


def test_negative_changes_are_carried_too(person):
    _, carry, pose = person
    difference = np.full((SIZE, SIZE, 4), -40, np.int16)
    carried = carry(carry.take(difference, pose), moved(pose, 4, 4))
    assert carried.dtype == np.int16 and (carried[20:-20, 20:-20] == -40).all()


def test_what_a_closed_mouth_hid_is_not_known_when_it_opens(person):
    _, carry, pose = person
    face = pose.face.copy()
    face[list(LIPS_INNER_LOWER), 1] += 9
    opened = replace(pose, face=face)
    carried = carry(carry.take(np.full((SIZE, SIZE, 4), 60, np.int16), pose), opened)
    x, y = face[[13, 14], :2].mean(0).astype(int)
    assert carried[y, x].max() < 10 and carried[y - 25, x].min() == 60
