import numpy as np
import pytest

from pose.tracking.features import EYES
from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import Similarity3D
from pose.warp.canvas import Canvas
from pose.warp.lids import LidPainter
from tests.pose.faces import face

SKIN, DARK = 180, 40


@pytest.fixture
def portrait():
    """Plain skin with dark lashes and folds, as a warp would spread them over a closed lid."""
    landmarks = face()
    person = np.full((256, 256, 4), SKIN, np.uint8)
    person[..., 3] = 255
    for eye in EYES:
        points = landmarks[list(eye.lid_rim + eye.lid_fold), :2]
        (x0, y0), (x1, y1) = points.min(0).astype(int), points.max(0).astype(int)
        person[y0 : y1 + 1, x0 : x1 + 1, :3] = DARK
    return person, landmarks


def cover(warp, person, landmarks, target):
    """Paint both lids of the target into the warp."""
    pose = PoseFrame(target, None, None, None, (256, 256), 0.0)
    canvas = Canvas.blank(256, pose, Similarity3D(1.0, np.eye(3), np.zeros(3)), None, guided=True)
    canvas.picture[:] = warp
    for eye in EYES:
        LidPainter(person, landmarks, eye).paint(canvas)
    warp[:] = canvas.picture


def lid_colour(picture, landmarks, eye):
    x, y = ((landmarks[eye.lid_rim[4], :2] + landmarks[eye.lid_fold[4], :2]) / 2).astype(int)
    return int(picture[y, x, 0])


def test_an_open_eye_is_left_alone(portrait):
    person, landmarks = portrait
    warp = person.copy()
    cover(warp, person, landmarks, landmarks)
    assert np.array_equal(warp, person)


def test_a_closed_lid_is_skin_and_its_rim_stays_dark(portrait):
    person, landmarks = portrait
    closed = face(eyes=0.0)
    warp = person.copy()
    cover(warp, person, landmarks, closed)
    for eye in EYES:
        assert lid_colour(warp, closed, eye) > 0.5 * SKIN > 2 * DARK
        x, y = closed[eye.lid_rim[4], :2].astype(int)
        assert warp[y, x, 0] < 0.6 * SKIN
    assert np.array_equal(warp[140:], person[140:])  # nothing below the eyes


def test_a_lid_comes_in_gradually(portrait):
    person, landmarks = portrait
    colours = []
    for eyes in (1.0, 0.7, 0.5, 0.2):
        warp, target = person.copy(), face(eyes=eyes)
        cover(warp, person, landmarks, target)
        colours.append(lid_colour(warp, target, EYES[0]))
    assert colours == sorted(colours) and colours[0] < colours[-1]


def test_a_lid_half_way_down_leaves_the_eye_alone(portrait):
    person, landmarks = portrait
    person = person.copy()
    person[..., :3] = SKIN
    warp, half = person.copy(), face(eyes=0.5)
    cover(warp, person, landmarks, half)
    for eye in EYES:
        x, y = half[list(eye.upper + eye.lower), :2].mean(0).astype(int)
        assert warp[y, x, 0] > 0.9 * SKIN


def test_a_turned_portrait_has_open_eyes(portrait):
    """The far eye of a turned head looks narrow from the front, not closed."""
    person, _ = portrait
    warp = person.copy()
    cover(warp, person, face(turn=(50, 0, 0)), face())
    assert np.array_equal(warp, person)


@pytest.mark.parametrize("roll", [-91, -89, 89, 91, 180])
def test_lids_close_however_the_head_is_rolled(portrait, roll):
    person, landmarks = portrait

    def painted(degrees):
        warp = np.full_like(person, 100)
        warp[..., 3] = 255
        cover(warp, person, landmarks, face(eyes=0.0, turn=(0, 0, degrees), at=(128.0, 128.0)))
        return int((warp[..., :3] != 100).any(-1).sum())

    assert painted(roll) == pytest.approx(painted(0), rel=0.15)


def test_eyes_that_are_never_open_do_not_flicker(portrait):
    person, _ = portrait
    closed = face(eyes=0.1)
    warp = person.copy()
    cover(warp, person, closed, face(eyes=0.0))
    assert np.array_equal(warp, person)


def test_paint_is_as_opaque_as_the_face(portrait):
    person, landmarks = portrait
    warp = np.zeros_like(person)
    cover(warp, person, landmarks, face(eyes=0.0))
    assert warp.max() == 0
    cover(warp, np.zeros_like(person), landmarks, face(eyes=0.0))  # nobody there: nothing to paint with
    assert warp.max() == 0


def test_lids_beyond_the_picture_are_no_error(portrait):
    person, landmarks = portrait
    warp = person.copy()
    cover(warp, person, landmarks, face(eyes=0.0, at=(-300.0, 110.0)))
    assert np.array_equal(warp, person)
    cover(warp, person, landmarks, face(eyes=0.0, at=(128.0, 5.0)))
    assert np.array_equal(warp[60:], person[60:])
