"""What moves around a face without it: measured in the driver's pictures, carried to the portrait."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from pose.motion.retargeting import Retargeter
from pose.tracking.landmarks import CHIN, NOSE_TIP
from pose.tracking.mesh import eye_distance
from pose.tracking.tracker import Tracker
from pose.warp.conditioning import Conditioner
from pose.warp.flow import GRID
from pose.warp.surroundings import Surroundings
from puppet.core.character import load_character

SIDE = 256
SHIFT = 5.0  # px to the right, of all that is clearly below the chin


@pytest.fixture(scope="module")
def still(portrait):
    """A picture of a person, (256, 256, 3) uint8, and its pose."""
    picture = np.asarray(Image.open(portrait).convert("RGB").resize((SIDE, SIDE)))
    with Tracker(static=True) as tracker:
        return picture, tracker.track(picture)


@pytest.fixture(scope="module")
def shrugged(still):
    """The same with shoulders that moved; face and background did not."""
    picture, pose = still
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    below = np.clip((y - pose.face[CHIN, 1] - 10) / 20, 0, 1)
    return cv2.remap(picture, x - SHIFT * below, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def at(around, x, y):
    """(2,) of a grid over the picture."""
    return around[round(y / SIDE * (GRID - 1)), round(x / SIDE * (GRID - 1))]


def test_shoulders_that_move_alone_are_measured_and_nothing_else(still, shrugged):
    picture, pose = still
    look = Surroundings()
    assert np.abs(look(picture, pose).around).max() < 0.6, "edges of the matte are not exact"
    around = look(shrugged, replace(pose, time=1.0)).around
    x, chin = pose.face[CHIN, :2]
    shoulder = at(around, x, min(chin + 50, SIDE - 12))
    assert shoulder[0] == pytest.approx(-SHIFT, abs=1.5) and abs(shoulder[1]) < 1.5
    assert np.abs(at(around, *pose.face[NOSE_TIP, :2])).max() < 0.5
    assert np.abs(around[:2, :2]).max() < 0.3, "far from the person nothing moves"


def test_the_warp_moves_what_was_measured_and_leaves_the_face(still, shrugged, portrait):
    character = load_character(portrait, SIDE, "original")
    conditioner, own = Conditioner(character.portrait.person, character.portrait.pose), character.portrait.pose
    _, pose = still
    around = np.zeros((GRID, GRID, 2), np.float32)
    low = round((own.face[CHIN, 1] + 0.3 * eye_distance(own.face)) / SIDE * (GRID - 1))
    around[low:, :, 0] = -SHIFT
    before, after = (conditioner.warp(replace(own, around=each)).astype(int) for each in (None, around))
    face = (slice(round(own.face[:, 1].min()), round(own.face[CHIN, 1]) - 4), slice(110, 140))
    assert np.abs(after[face] - before[face]).max() <= 1
    rows = slice(SIDE - 20, SIDE)
    moved = np.roll(before, round(SHIFT), 1)[rows]
    assert np.abs(after[rows] - moved)[:, 60:196].mean() < 0.4 * np.abs(after[rows] - before[rows])[:, 60:196].mean()


def test_a_portrait_that_shows_it_itself_is_at_rest(portrait):
    character = load_character(portrait, SIDE, "original")
    own = character.portrait.pose
    around = np.zeros((GRID, GRID, 2), np.float32)
    around[20:, :, 0] = -SHIFT
    seen = replace(own, around=around)
    conditioner = Conditioner(character.portrait.person, seen)
    still = Conditioner(character.portrait.person, own).warp(own)
    np.testing.assert_array_equal(conditioner.warp(seen), still)
    assert (conditioner.warp(own) != still).any(), "what it shows is gone"
    target = Retargeter(seen, neutral=seen).retarget(seen)
    np.testing.assert_array_equal(conditioner.warp(replace(own, around=target.around)), still)


def test_a_reference_that_another_thread_makes_is_not_waited_for(still, shrugged):
    picture, pose = still
    look, waiting = Surroundings(waits=False), Surroundings()
    look.prepare()
    assert look(picture, pose).around is None
    look.prepare()
    waiting(picture, pose)
    for time in (0.5, 1.0):
        found, expected = (each(shrugged, replace(pose, time=time)).around for each in (look, waiting))
    np.testing.assert_allclose(found, expected, atol=0.01)
    turned = replace(pose, face=(pose.face - pose.face[NOSE_TIP])[:, [2, 1, 0]] + pose.face[NOSE_TIP])
    assert Surroundings()(picture, turned).around is None, "seen from the side it is no reference"


def test_another_person_in_the_picture_moves_nothing_and_becomes_the_reference(still):
    picture, pose = still
    look = Surroundings()
    look(picture, pose)
    other = np.ascontiguousarray(255 - picture[:, ::-1])
    for time in (0.1, 0.2, 1.5, 1.6):
        found = look(other, replace(pose, time=time)).around
        assert np.abs(found).max() < 1.0, time
    assert np.abs(look(other, replace(pose, time=1.7)).around).max() < 0.3


def test_another_portrait_takes_the_large_parts_in_its_own_scale(still):
    _, pose = still
    small = pose.transformed(np.array([[0.5, 0, 64], [0, 0.5, 64]]), (SIDE, SIDE))
    driver = replace(pose, around=np.full((GRID, GRID, 2), 4.0, np.float32))
    target = Retargeter(small, neutral=pose).retarget(driver)
    middle = target.around[13:19, 13:19]
    np.testing.assert_allclose(middle, 2.0, atol=0.1)
    assert Retargeter(small, neutral=driver).retarget(driver).around == pytest.approx(0.0, abs=1e-4), "is at rest"
    assert Retargeter(small, neutral=pose).retarget(pose).around is None


def test_a_pose_takes_it_along(still):
    _, pose = still
    seen = replace(pose, around=np.ones((GRID, GRID, 2), np.float32))
    assert np.allclose(seen.transformed(np.array([[2.0, 0, 0], [0, 2.0, 0]]), (512, 512)).around, 2.0)
