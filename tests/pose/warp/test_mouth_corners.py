import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import Similarity3D
from pose.warp.canvas import Canvas
from pose.warp.mouth_corners import CornerPainter
from tests.pose.faces import face

SIZE, SKIN, DARK = 256, 180, 60
STILL = Similarity3D(1.0, np.eye(3), np.zeros(3))


def cleaned(own, target):
    """A plain skin with a dark fold beside each corner of the target's mouth and into the lips, painted."""
    canvas = Canvas.blank(SIZE, PoseFrame(target, None, None, None, (SIZE, SIZE), 0.0), STILL, None, guided=True)
    canvas.picture[:] = (SKIN, SKIN, SKIN, 255)
    for corner, side in ((61, -1), (291, 1)):
        x, y = target[corner, :2].astype(int)
        canvas.picture[y - 1 : y + 2, min(x - 3 * side, x + 6 * side) : max(x - 3 * side, x + 6 * side), :3] = DARK
    before = canvas.picture.copy()
    CornerPainter(own).paint(canvas)
    return before, canvas.picture


def test_the_dark_beside_a_wide_mouth_goes():
    before, after = cleaned(face(mouth=0.02), face(mouth=0.3))
    assert (before[..., 0] < 100).sum() > 20
    assert (after[..., 0] < 100).sum() < 0.3 * (before[..., 0] < 100).sum()
    assert (after >= before).all()
    assert np.array_equal(after[:100], before[:100])  # the eyes are far


def test_a_mouth_as_open_as_the_portrait_keeps_its_folds():
    before, after = cleaned(face(mouth=0.3), face(mouth=0.3))
    assert np.array_equal(after, before)


def test_corners_beyond_the_picture_are_no_error():
    for at in ((-200.0, 110.0), (128.0, 230.0), (256.0, 250.0)):
        target = face(mouth=0.3, at=at)
        pose = PoseFrame(target, None, None, None, (SIZE, SIZE), 0.0)
        canvas = Canvas.blank(SIZE, pose, STILL, None, guided=True)
        CornerPainter(face(mouth=0.0)).paint(canvas)
        assert canvas.picture.max() == 0
