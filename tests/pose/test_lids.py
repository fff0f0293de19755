import numpy as np
import pytest

from pose.lids import LIDS, LidPainter
from tests.pose.faces import face

SKIN, DARK = 180, 40


@pytest.fixture
def portrait():
    """Plain skin with dark lashes and folds, as a warp would spread them over a closed lid."""
    landmarks = face()
    person = np.full((256, 256, 4), SKIN, np.uint8)
    person[..., 3] = 255
    for lid in LIDS:
        points = landmarks[list(lid.rim + lid.fold), :2]
        (x0, y0), (x1, y1) = points.min(0).astype(int), points.max(0).astype(int)
        person[y0 : y1 + 1, x0 : x1 + 1, :3] = DARK
    return person, landmarks


def lid_colour(picture, landmarks, lid):
    x, y = ((landmarks[lid.rim[4], :2] + landmarks[lid.fold[4], :2]) / 2).astype(int)
    return int(picture[y, x, 0])


def test_an_open_eye_is_left_alone(portrait):
    person, landmarks = portrait
    warp = person.copy()
    LidPainter(person, landmarks).paint(warp, landmarks)
    assert np.array_equal(warp, person)


def test_a_closed_lid_is_skin_and_its_rim_stays_dark(portrait):
    person, landmarks = portrait
    painter, closed = LidPainter(person, landmarks), face(eyes=0.0)
    warp = person.copy()
    painter.paint(warp, closed)
    for lid in LIDS:
        assert lid_colour(warp, closed, lid) > 0.5 * SKIN > 2 * DARK
        x, y = closed[lid.rim[4], :2].astype(int)
        assert warp[y, x, 0] < 0.6 * SKIN
    assert np.array_equal(warp[140:], person[140:])  # nothing below the eyes


def test_a_lid_comes_in_gradually(portrait):
    person, landmarks = portrait
    painter, colours = LidPainter(person, landmarks), []
    for eyes in (1.0, 0.7, 0.5, 0.2):
        warp, target = person.copy(), face(eyes=eyes)
        painter.paint(warp, target)
        colours.append(lid_colour(warp, target, LIDS[0]))
    assert colours == sorted(colours) and colours[0] < colours[-1]


def test_lids_beyond_the_picture_are_no_error(portrait):
    person, landmarks = portrait
    warp = person.copy()
    LidPainter(person, landmarks).paint(warp, face(eyes=0.0, at=(-300.0, 110.0)))
    LidPainter(person, landmarks).paint(warp, face(eyes=0.0, at=(128.0, 5.0)))
    assert warp[200:].min() == SKIN
