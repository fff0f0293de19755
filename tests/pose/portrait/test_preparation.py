from pathlib import Path

import cv2
import numpy as np
import pytest

from pose.errors import PortraitError
from pose.portrait.preparation import prepare_portrait
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from tests.pose.faces import face

BUNDLED = Path(__file__).parents[3] / "puppet" / "media" / "portrait.png"


def test_a_cut_out_picture_brings_its_own_matte():
    picture = np.zeros((300, 400, 4), np.uint8)
    picture[..., :3] = 200
    cv2.circle(picture, (200, 150), 100, (90, 60, 40, 255), -1)
    pose = PoseFrame(face(scale=70, at=(200, 130)), None, None, None, (400, 300), 0.0)
    portrait = prepare_portrait(picture, 96, pose)
    assert portrait.person.shape == (96, 96, 4) and portrait.background.shape == (96, 96, 3)
    assert portrait.person[48, 48].tolist() == [90, 60, 40, 255]
    assert portrait.person[3, 3].max() == 0 and np.abs(portrait.background[3, 3].astype(int) - 128).max() <= 1
    assert portrait.pose.size == (96, 96)
    np.testing.assert_allclose(portrait.pose.face[:, 0], (pose.face[:, 0] - 50) * 96 / 300, atol=1e-3)


@pytest.mark.parametrize(
    "picture, message",
    [
        (np.zeros((40, 400, 3), np.uint8), "only 400x40 pixels; use one of at least 64"),
        (np.zeros((200, 200, 3), np.float32), "8 bits a channel"),
        (np.zeros((200, 200), np.uint8), "8 bits a channel"),
    ],
)
def test_unusable_pictures_are_named(picture, message):
    with pytest.raises(PortraitError, match=message):
        prepare_portrait(picture, 64)


@pytest.mark.parametrize(
    "where, message",
    [
        (dict(at=(-20, 100)), "outside the square"),
        (dict(at=(200, 100), scale=10), "too small in the portrait"),
    ],
)
def test_faces_out_of_reach_are_named(where, message):
    pose = PoseFrame(face(**where), None, None, None, (400, 200), 0.0)
    with pytest.raises(PortraitError, match=message):
        prepare_portrait(np.zeros((200, 400, 3), np.uint8), 64, pose)
    with pytest.raises(PortraitError, match="the portrait has"):
        prepare_portrait(np.zeros((200, 300, 3), np.uint8), 64, pose)


@pytest.mark.parametrize("turned", [False, True])
def test_the_square_moves_only_where_it_would_cut_through_the_face(turned):
    def prepare(x, **words):
        at = (100, x) if turned else (x, 100)
        pose = PoseFrame(face(at=at, scale=40), None, None, None, (200, 600) if turned else (600, 200), 0.0)
        picture = np.zeros((600, 200, 3) if turned else (200, 600, 3), np.uint8)
        return prepare_portrait(picture, 200, pose, **words).pose.face[list(FACE_OVAL), 1 if turned else 0]

    centre = prepare(300).mean()
    np.testing.assert_allclose(prepare(320).mean() - centre, 20, atol=0.1)  # the centred square
    for x in (60, 190, 410, 540):
        outline = prepare(x)
        assert outline.min() > 10 and outline.max() < 190
    assert prepare(215, centred=True).min() < 0


def test_a_full_profile_is_refused_and_says_why():
    pose = PoseFrame(face(turn=(70.0, 0.0, 0.0)), None, None, None, (256, 256), 0.0)
    with pytest.raises(PortraitError, match="turned away by 7. degrees"):
        prepare_portrait(np.full((256, 256, 3), 90, np.uint8), 64, pose)


def test_a_picture_without_a_face_tells_how_to_mark_one():
    pytest.importorskip("mediapipe")
    with pytest.raises(PortraitError, match="no face was found .* PORTRAIT.points.json"):
        prepare_portrait(np.full((128, 128, 3), 90, np.uint8), 64)


def test_the_bundled_portrait_can_be_prepared():
    pytest.importorskip("mediapipe")
    picture = cv2.cvtColor(cv2.imread(str(BUNDLED)), cv2.COLOR_BGR2RGB)
    portrait = prepare_portrait(picture, 256)
    share = portrait.person[..., 3:].astype(np.float64) / 255
    again = np.clip(np.rint(portrait.person[..., :3] + (1 - share) * portrait.background), 0, 255)
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    square = picture[top : top + side, left : left + side]
    square = cv2.resize(square, (256, 256), interpolation=cv2.INTER_AREA if side > 256 else cv2.INTER_CUBIC)
    assert 10 * np.log10(255**2 / np.mean((again - square) ** 2)) > 38
    inside = portrait.pose.face[[1, 33, 263, 13], :2].astype(int)
    assert (portrait.person[inside[:, 1], inside[:, 0], 3] == 255).all()
