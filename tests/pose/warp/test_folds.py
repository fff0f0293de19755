import numpy as np
import pytest

from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import Similarity3D, mirrored_landmarks
from pose.warp.canvas import Canvas
from pose.warp.folds import FoldPainter
from tests.pose.faces import face

SIZE, SKIN = 256, 160
STILL = Similarity3D(1.0, np.eye(3), np.zeros(3))


def painted(own, target, alpha=255):
    """Plain skin after the folds of a target."""
    canvas = Canvas.blank(SIZE, PoseFrame(target, None, None, None, (SIZE, SIZE), 0.0), STILL, None, guided=False)
    canvas.picture[:] = (SKIN, SKIN, SKIN, alpha)
    FoldPainter(own).paint(canvas)
    return canvas.picture.astype(int)


def smiling(points, sides=(1, -1), by=0.1, scale=80.0):
    """A face whose lips move towards its cheeks on some sides (1: the picture's left)."""
    points = points.copy()
    other = mirrored_landmarks()
    for side in sides:
        lips = [165, 92, 186, 57, 61, 185, 40, 146, 91]
        lips = lips if side > 0 else other[lips]
        points[lips, 0] -= side * by * scale
        points[lips, 1] -= 0.5 * by * scale
    return points


def test_a_smile_folds_the_cheeks_and_a_portrait_that_smiles_gets_no_second_fold():
    rest, smile = face(), smiling(face())
    picture = painted(rest, smile)
    assert picture[..., 0].min() < 0.94 * SKIN and picture[..., 0].max() > SKIN
    assert (picture[:90, :, :3] == SKIN).all()  # none at the eyes
    assert (picture[..., 3] == 255).all()
    assert (painted(smile, smile)[..., :3] == SKIN).all()
    assert (painted(smile, rest)[..., :3] == SKIN).all()


@pytest.mark.parametrize("side", [1, -1])
def test_half_a_smile_folds_one_cheek(side):
    changed = (painted(face(), smiling(face(), (side,)))[..., :3] != SKIN).any((0, 2))
    left, right = changed[:124].sum(), changed[132:].sum()
    assert (left > 5 and right == 0) if side > 0 else (right > 5 and left == 0)


def test_folds_stay_inside_the_person_and_the_picture():
    smile = smiling(face())
    assert (painted(face(), smile, alpha=SKIN)[..., :3] <= SKIN).all()
    for at in ((-200.0, 110.0), (128.0, 250.0), (256.0, 128.0)):
        assert painted(face(), smiling(face(at=at))).shape == (SIZE, SIZE, 4)
    assert (painted(face(), np.zeros((478, 3), np.float32))[..., :3] <= 255).all()  # no face at all is no error
