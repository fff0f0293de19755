import numpy as np

from pose.geometry import polygon_mask
from pose.tracking.landmarks import LIPS_INNER, LIPS_INNER_UPPER, LIPS_OUTER, PoseFrame
from pose.tracking.mesh import Similarity3D
from pose.warp.canvas import Canvas
from pose.warp.light import portrait_light
from pose.warp.mouth import MouthPainter, inner_edge
from pose.warp.own_teeth import find_own_teeth
from tests.pose.faces import face

SIZE = 256
SKIN, LIP = np.array((190, 140, 120), np.float32), np.array((150, 70, 75), np.float32)
WHITE, DARK = np.array((236, 228, 205), np.float32), np.array((40, 18, 16), np.float32)
STILL = Similarity3D(1.0, np.eye(3), np.zeros(3))


def person(points, rows):
    """A face of one colour whose parted lips show, from above, rows of these colours."""
    picture = np.tile(SKIN, (SIZE, SIZE, 1))
    picture[polygon_mask(points[list(LIPS_OUTER), :2], SIZE) > 127] = LIP
    inside = polygon_mask(points[list(LIPS_INNER), :2], SIZE) > 127
    y = np.flatnonzero(inside.any(1))
    for k, colour in enumerate(rows):
        band = np.zeros((SIZE, 1), bool)
        band[y[0] + k * len(y) // len(rows) : y[0] + (k + 1) * len(y) // len(rows)] = True
        picture[inside & band] = colour
    alpha = np.full((SIZE, SIZE, 1), 255)
    return np.concatenate([picture, alpha], 2).astype(np.uint8)


def painted(portrait, points, target):
    """The portrait's picture with the mouth of a target face painted into it."""
    canvas = Canvas.blank(SIZE, PoseFrame(target, None, None, None, (SIZE, SIZE), 0.0), STILL, None, guided=True)
    canvas.picture[:] = portrait
    MouthPainter(portrait, points, portrait_light(portrait, points)).paint(canvas)
    return canvas.picture


def test_own_teeth_are_told_from_what_is_none():
    points = face(mouth=0.2)
    own = find_own_teeth(person(points, (WHITE, DARK)), points, SKIN)
    assert own.upper is not None and own.lower is None
    np.testing.assert_allclose(own.tone, WHITE, atol=6)
    assert find_own_teeth(person(points, (WHITE, DARK, WHITE)), points, SKIN).lower is not None
    for rows in ((DARK,), (LIP,), (DARK, LIP)):
        assert find_own_teeth(person(points, rows), points, SKIN) is None
    closed = face(mouth=0.03)
    assert find_own_teeth(person(closed, (WHITE,)), closed, SKIN) is None


def test_a_mouth_that_opens_further_keeps_its_own_teeth_and_their_colour():
    points = face(mouth=0.2)
    tinted = WHITE * (0.75, 0.8, 1.0)
    portrait = person(points, (tinted, DARK))
    wider = face(mouth=0.45)
    warp = painted(portrait, points, wider)
    at = (points[13, :2] + (0, 3)).astype(int)  # under the upper lip, in the middle, which did not move
    np.testing.assert_allclose(warp[at[1], at[0], :3], tinted, atol=8)
    below = (wider[14, :2] - (0, 8)).astype(int)
    assert warp[below[1], below[0], :3].astype(int).sum() < 0.8 * tinted.sum()  # and no teeth where there were none


def test_where_the_portrait_shows_as_much_its_own_pixels_stay():
    points = face(mouth=0.2)
    portrait = person(points, (WHITE, DARK))
    warp = painted(portrait, points, points)
    mouth = polygon_mask(points[list(LIPS_INNER), :2], SIZE) > 0
    np.testing.assert_array_equal(warp[mouth], portrait[mouth])


def teeth_in_the_middle(target):
    """Heights (px) between the lips of a face whose portrait had its mouth closed, where teeth are seen."""
    points = face(mouth=0.02)
    picture = painted(person(points, (DARK,)), points, target)
    edge = inner_edge(target)[:, 1]
    first, last = int(edge.min()) + 1, int(edge.max())
    red, green = picture[first:last, 128, :2].astype(int).T
    return first + np.flatnonzero((red > 110) & (green > 0.6 * red))


def test_lips_uncover_upper_teeth_that_stay_with_the_head():
    ends = [teeth_in_the_middle(opened(mouth)).max() for mouth in (0.12, 0.2, 0.3)]
    assert ends[0] == ends[1] == ends[2]
    lip = float(opened(0.2)[13, 1])
    assert 0.01 * 80 < ends[0] + 1 - lip < 0.05 * 80  # a thin row, however far the jaw drops
    raised = opened(0.2)
    raised[list(LIPS_INNER_UPPER), 1] -= 4  # px
    assert teeth_in_the_middle(raised).max() == ends[0] and len(teeth_in_the_middle(raised)) >= 5


def test_a_lip_that_leaves_the_jaw_uncovers_lower_teeth():
    dropped, drawn_down = opened(0.15), face(mouth=0.15)  # a face's chin stays where it is
    assert teeth_in_the_middle(drawn_down).max() > drawn_down[14, 1] - 4
    assert teeth_in_the_middle(dropped).max() < dropped[14, 1] - 6


def opened(mouth):
    """A face whose jaw has gone down with the lower lip."""
    return face(mouth=mouth, jaw=mouth)
