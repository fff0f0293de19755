import numpy as np

from pose.portrait.head_extension import extend_head
from tests.pose.faces import face

SIZE = 256


def head(top):
    """A disc of a head whose highest point is at this row, which may lie above the picture."""
    points = face(at=(128.0, top + 90.0))
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    inside = ((x - 128) / 70) ** 2 + ((y - (top + 90)) / 90) ** 2 < 1
    person = np.zeros((SIZE, SIZE, 4), np.uint8)
    person[inside] = (120, 90, 70, 255)
    return person, points


def test_a_whole_head_stays_as_it_is():
    person, points = head(12)
    extended, rows = extend_head(person, points)
    assert rows == 0 and extended is person


def test_a_cut_head_is_closed_as_its_outline_suggests():
    person, points = head(-8)
    extended, rows = extend_head(person, points)
    np.testing.assert_array_equal(extended[rows:], person)
    opaque = extended[..., 3] > 127
    highest = rows - np.flatnonzero(opaque.any(1))[0]
    assert 5 <= highest <= 11  # of 8
    widths = opaque[rows - highest : rows + 1].sum(1)
    assert (np.diff(widths) >= 0).all() and widths[0] > 0
    assert (extended[extended[..., 3] == 255][:, :3] == (120, 90, 70)).all()


def test_what_is_cut_beside_the_head_goes_on():
    person, points = head(-8)
    person[:40, 10:30] = (50, 60, 200, 255)  # a raised hand
    extended, rows = extend_head(person, points)
    assert (extended[:rows, 10:30] == (50, 60, 200, 255)).all()


def test_a_gap_in_the_matte_makes_no_mast_and_a_strongly_cut_head_none_either():
    person, points = head(-30)
    person[0, 118:120] = 0
    extended, rows = extend_head(person, points)
    opaque = extended[:rows, :, 3] > 127
    assert not opaque[0].any()
    assert (np.diff(opaque.sum(1)) >= 0).all() and opaque[-1].sum() > 60


def test_a_head_that_fills_the_picture_goes_on_as_it_ends():
    person = np.full((SIZE, SIZE, 4), 255, np.uint8)
    extended, rows = extend_head(person, face())
    assert (extended[:rows, :, 3] == 255).all()
