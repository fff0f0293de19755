import numpy as np
import pytest

from pose.errors import PortraitError
from pose.portrait.framing import FRAMINGS, frame_portrait
from pose.portrait.preparation import prepare_portrait
from pose.tracking.landmarks import CHIN, FACE_OVAL, FOREHEAD, PoseFrame
from tests.pose.faces import face

SIZE = (600, 1000)  # a standing figure
FACE = face(scale=40, at=(300, 150))
HEIGHT = float(np.ptp(FACE[list(FACE_OVAL), 1]))
MATTE = np.zeros(SIZE[::-1], np.float32)
MATTE[60:960, 220:380] = 1  # hair from row 60, feet at 960


def frame(framing, aspect=1.0, pixels=256, size=SIZE, points=FACE, matte=MATTE):
    return frame_portrait(size, points, framing, aspect, pixels, matte)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("aspect", [1.0, 16 / 9, 9 / 16])
def test_every_frame_holds_the_face(framing, aspect):
    f = frame(framing, aspect)
    wide, tall = f.side * min(1, aspect), f.side * min(1, 1 / aspect)
    left, top = f.left + (f.side - wide) / 2, f.top + (f.side - tall) / 2
    outline = FACE[list(FACE_OVAL), :2]
    assert (outline >= (left, top)).all() and (outline <= (left + wide, top + tall)).all()


def test_head_bust_and_figure_are_of_growing_size_and_keep_the_hair():
    head, bust, full = frame("head"), frame("bust"), frame("full")
    assert head.side < 0.7 * bust.side and bust.side < 0.6 * full.side
    for f in (head, bust):
        assert f.top <= 60 and f.left >= 0 and f.left + f.side <= SIZE[0]
        assert abs(f.left + f.side / 2 - 300) < 0.1 * HEIGHT
    assert bust.top + bust.side > FACE[CHIN, 1] + 1.5 * HEIGHT
    assert full.top <= 60 and full.top + full.side >= 960


def test_auto_is_the_bust_unless_that_is_nearly_all_or_would_blur():
    assert frame("auto") == frame("bust")
    assert frame("auto", pixels=1024).side == SIZE[0]  # 1024 out of a bust of some 200 pixels would be soft
    near = face(scale=150, at=(300, 400))
    assert frame("auto", points=near, matte=np.ones(SIZE[::-1], np.float32)).side == SIZE[0]


def test_portrait_is_the_centred_square_moved_to_the_face():
    assert frame("portrait", size=(600, 600), matte=None).side == 600
    f = frame("portrait", matte=None)
    assert f.side == 600 and f.top <= FACE[FOREHEAD, 1]


def test_a_figure_wider_than_the_output_gets_room_beyond_the_picture():
    picture = np.full((*SIZE[::-1], 3), (90, 140, 190), np.uint8)
    alpha = np.uint8(255 * MATTE)[..., None]
    pose = PoseFrame(FACE, None, None, None, SIZE, 0.0)
    portrait = prepare_portrait(np.concatenate([picture, alpha], 2), 256, pose, framing="full")
    assert portrait.person.shape == (256, 256, 4)
    rows = np.flatnonzero(portrait.person[..., 3].max(1) > 128)
    assert rows[0] < 24 and rows[-1] > 228  # hair to feet
    assert portrait.person[:, :60, 3].max() == 0  # beyond the picture
    with pytest.raises(PortraitError, match="the framing is auto, head"):
        prepare_portrait(picture, 128, pose, framing="knee")


def test_what_lies_beyond_the_picture_continues_its_background():
    picture = np.full((300, 200, 3), (90, 140, 190), np.uint8)
    picture[100:] = (200, 60, 40)
    alpha = np.full((300, 200, 1), 1, np.uint8)
    alpha[20:300, 60:140] = 255
    pose = PoseFrame(face(scale=22, at=(100, 60)), None, None, None, (200, 300), 0.0)
    # over grey, as a cut-out picture is: nearly all of the background is that
    portrait = prepare_portrait(np.concatenate([picture, alpha], 2), 256, pose, framing="full")
    assert portrait.pose.face[list(FACE_OVAL), 0].mean() == pytest.approx(128, abs=3)
    edge = portrait.background[:, :20].astype(int)
    assert np.abs(edge - 128).max() < 6
