"""Drawn characters: that they are told from photographs, and their eyes and mouths found and taken apart."""

import importlib.util
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from pose.errors import NoFaceError
from pose.portrait.drawn import boxes
from pose.portrait.drawn.analysis import FINER, find_drawing
from pose.portrait.drawn.anime_pose import with_drawn_face
from pose.portrait.drawn.face_of_parts import believed, faces_of_parts
from pose.portrait.drawn.fit import fitted_landmarks
from pose.portrait.drawn.plain_ground import plain_matte
from pose.portrait.drawn.style import is_drawn
from pose.portrait.preparation import prepare_portrait
from pose.tracking.features import EYES, MOUTH
from pose.tracking.signals import lid_gap, lip_gap
from pose.tracking.tracker import Tracker
from puppet.media import MEDIA
from tests.pose import characters


@pytest.fixture(scope="module", params=characters.STYLES)
def drawn(request):
    """Style, picture, and its drawing."""
    return characters.character(request.param)


def drawing_of(person):
    return find_drawing(person, np.ascontiguousarray(person[..., :3]), characters.pose().face)


def test_every_style_is_taken_for_a_drawing(drawn):
    _, person, _ = drawn
    assert is_drawn(np.ascontiguousarray(person[..., :3]), characters.pose().face)


def test_a_photograph_is_no_drawing():
    picture = np.asarray(Image.open(MEDIA / "portrait.png").convert("RGB"))
    with Tracker(static=True) as tracker:
        face = tracker.track(picture).face
    assert not is_drawn(picture, face)
    assert not is_drawn(cv2.GaussianBlur(picture, (0, 0), 1.5), face)
    for side in (96, 128, 160, 192):
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        assert not is_drawn(small, face * (side / len(picture))), side


def test_a_small_drawing_is_one():
    with Image.open(MEDIA / "character.png") as opened:
        picture = np.asarray(opened.convert("RGB").resize((512, 512)))
    with Tracker(static=True) as tracker:
        face = with_drawn_face(tracker.track(picture), picture).face
    for side in (64, 128):
        small = cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
        assert is_drawn(small, face * np.float32(side / 512)), side


def test_shaded_and_grainy_skin_is_no_drawing():
    noise = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256]
    shaded = 150 + 0.3 * x - 0.2 * y
    picture = np.clip(shaded[..., None] * (1, 0.8, 0.7) + noise.normal(0, 3, (256, 256, 3)), 0, 255).astype(np.uint8)
    assert not is_drawn(picture, characters.pose().face)


def test_eyes_are_found_where_they_are_drawn(drawn):
    style, _, drawing = drawn
    for eye, (x, y) in zip(drawing.eyes, characters.EYES):
        assert eye is not None
        left, right = ((eye.x + v + 0.5) / FINER for v in (eye.left, eye.right))
        assert abs((left + right) / 2 - x) < 0.35 * style.eye[0] + 2
        assert 0.6 * style.eye[0] < (right - left) / 2 < 1.5 * style.eye[0] + 2
        top = (eye.y + np.median(eye.top[eye.left : eye.right + 1])) / FINER
        bottom = (eye.y + np.median(eye.bottom[eye.left : eye.right + 1])) / FINER
        assert y - 1.4 * style.eye[1] - 3 < top < y < bottom < y + 1.4 * style.eye[1] + 3
        assert eye.dot == (not any(style.iris_size))


def test_mouths_are_found_and_known_to_be_open(drawn):
    style, _, drawing = drawn
    mouth = drawing.mouth
    assert mouth is not None
    assert abs((mouth.x + (mouth.left + mouth.right + 1) / 2) / FINER - characters.MOUTH[0]) < 4
    assert (mouth.seam is None) == (style.mouth == "open")
    assert (mouth.height > 0) == (style.mouth == "open")


def mouth_of(ends, paint):
    """What is found where a character's mouth is painted anew."""
    style, middle = characters.STYLES["flat"], tuple(int(v) for v in characters.MOUTH)
    picture = characters.draw(style)
    cv2.ellipse(picture, middle, (20, 12), 0, 0, 360, (*style.skin, 255), -1)
    for x in ends:
        paint(picture, (middle[0] + x, middle[1]), (*style.outline, 255))
    return drawing_of(characters.premultiplied(picture)).mouth


def test_two_arcs_are_one_line():
    mouth = mouth_of((-7, 7), lambda picture, at, colour: cv2.ellipse(picture, at, (7, 7), 0, 0, 180, colour, 2))
    x = np.array(characters.MOUTH[0]) * FINER - mouth.x
    assert mouth.left < x - 20 and mouth.right > x + 20
    assert mouth.seam is not None and mouth.thin and mouth.height == 0


def test_a_mouth_that_reaches_the_chin_is_found_without_it():
    mouth = mouth_of((0,), lambda picture, at, colour: cv2.ellipse(picture, at, (14, 40), 0, 0, 180, colour, -1))
    x, y = characters.MOUTH
    assert abs((mouth.left + mouth.right) / 2 + mouth.x - FINER * x) < 6
    assert 20 < (mouth.right - mouth.left) / FINER < 34
    assert mouth.seam is None and mouth.y + mouth.top[mouth.left : mouth.right].min() < FINER * (y + 4)


def test_a_mouth_wider_than_the_eyes_are_apart_is_found():
    mouth = mouth_of((0,), lambda picture, at, colour: cv2.ellipse(picture, at, (46, 16), 0, 0, 180, colour, -1))
    assert 84 < (mouth.right - mouth.left) / FINER < 98


def test_a_round_mouth_closes_to_a_level_line():
    mouth = mouth_of((0,), lambda picture, at, colour: cv2.circle(picture, at, 13, (150, 40, 50, 255), -1))
    shut = mouth.shut[mouth.left : mouth.right + 1]
    assert mouth.height > 0 and np.ptp(shut) < 0.1 * len(shut)


def test_dark_lips_are_closed():
    def lips(picture, at, colour):
        cv2.ellipse(picture, at, (18, 8), 0, 0, 360, (170, 30, 60, 255), -1)
        cv2.line(picture, (at[0] - 17, at[1]), (at[0] + 17, at[1]), (50, 5, 20, 255), 2)

    mouth = mouth_of((0,), lips)
    assert mouth.seam is not None and not mouth.thin and mouth.height == 0


def test_a_moustache_stays_before_the_mouth_below_it():
    def paint(picture, at, colour):
        cv2.ellipse(picture, (at[0], at[1] + 4), (13, 12), 0, 0, 180, (160, 50, 60, 255), -1)
        cv2.rectangle(picture, (at[0] - 10, at[1] + 6), (at[0] + 10, at[1] + 9), (255, 255, 255, 255), -1)
        cv2.ellipse(picture, at, (22, 6), 0, 0, 360, (40, 30, 25, 255), -1)

    mouth = mouth_of((0,), paint)
    x, y = ((FINER * v - o) for v, o in zip(characters.MOUTH, (mouth.x, mouth.y)))
    assert mouth.front.alpha[int(y), int(x)] > 0.9 and mouth.front.alpha[int(y + 12 * FINER), int(x)] < 0.1
    assert (mouth.right - mouth.left) / FINER < 34  # the mouth's, not the moustache's


def test_what_is_around_a_mouth_in_a_beard_is_beard():
    style, (x, y) = characters.STYLES["flat"], (int(v) for v in characters.MOUTH)
    picture, beard = characters.draw(style), (90, 50, 30, 255)
    own = (picture[..., :3] != style.hair).any(2)
    lower = np.zeros(own.shape, np.uint8)
    cv2.ellipse(lower, (128, 190), (78, 44), 0, 0, 360, 1, -1)
    picture[(lower > 0) & own & (picture[..., 3] > 0)] = beard
    cv2.ellipse(picture, (x, y), (14, 8), 0, 0, 180, (220, 120, 120, 255), -1)
    drawing = drawing_of(characters.premultiplied(picture))
    mouth = drawing.mouth
    assert abs((mouth.left + mouth.right) / 2 / FINER + mouth.x / FINER - x) < 4
    middle = mouth.skin.rgb[int((y + 4) * FINER) - mouth.y, x * FINER - mouth.x]
    np.testing.assert_allclose(middle, beard[:3], atol=12)
    for eye in drawing.eyes:  # ... and the lids are of skin
        np.testing.assert_allclose(np.median(eye.skin.rgb.reshape(-1, 3), 0), style.skin, atol=25)


def test_round_eyes_that_touch_are_two():
    picture = characters.draw(characters.STYLES["dots"])
    for x in (99, 157):
        cv2.circle(picture, (x, 124), 30, (20, 20, 20, 255), -1)
        cv2.circle(picture, (x, 124), 27, (255, 255, 255, 255), -1)
        cv2.circle(picture, (x, 124), 8, (20, 20, 20, 255), -1)
    for eye, x in zip(drawing_of(characters.premultiplied(picture)).eyes, (99, 157)):
        assert abs((eye.x + (eye.left + eye.right) / 2) / FINER - x) < 6
        assert 50 < (eye.right - eye.left) / FINER < 66


def test_a_face_that_no_network_sees_is_found_by_its_parts():
    picture = np.full((200, 200, 3), 240, np.uint8)
    cv2.circle(picture, (100, 100), 75, (255, 204, 60), -1)
    for x in (75, 125):
        cv2.ellipse(picture, (x, 85), (7, 11), 0, 0, 360, (80, 50, 10), -1)
    cv2.ellipse(picture, (100, 110), (38, 30), 0, 20, 160, (80, 50, 10), 5)
    face = believed(picture, faces_of_parts(picture))
    for eye, x in zip(EYES, (75, 125)):
        np.testing.assert_allclose(face[list(eye.ring), :2].mean(0), (x, 85), atol=6)
    for x in (75, 125):  # lamps of a car
        cv2.ellipse(picture, (x, 85), (9, 11), 0, 0, 360, (255, 255, 230), -1)
    assert not list(faces_of_parts(picture))
    assert not list(faces_of_parts(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)))


def test_a_ground_of_one_colour_gives_the_matte_to_the_pixel():
    ground, face = np.array([200, 220, 240]), characters.pose().face
    drawn_RGBA = characters.draw(characters.STYLES["anime"])
    alpha = drawn_RGBA[..., 3:] / 255
    picture = np.rint(drawn_RGBA[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)
    cv2.circle(picture, (20, 20), 8, (250, 200, 40), -1)  # a star beside the character
    matte = plain_matte(picture, face)
    assert np.abs(matte - alpha[..., 0]).mean() < 0.005 and matte[20, 20] == 0
    rough = np.random.default_rng(0).integers(-60, 60, picture.shape)
    assert plain_matte(np.clip(picture + rough * (alpha == 0), 0, 255).astype(np.uint8), face) is None


def test_skin_behind_the_eye_is_skin(drawn):
    style, _, drawing = drawn
    if style.fringe or style.glasses:
        pytest.skip("what hangs before the eye stays")
    for eye in drawing.eyes:
        middle = (eye.left + eye.right) // 2
        row = int(eye.top[middle] + eye.bottom[middle]) // 2
        assert np.abs(eye.skin.rgb[row, middle].astype(int) - style.skin).max() < 12


def test_landmarks_move_to_the_drawing(drawn):
    style, _, drawing = drawn
    face = characters.pose(mouth=0.05).face
    fitted = fitted_landmarks(face, drawing)
    assert fitted.shape == face.shape and np.isfinite(fitted).all()
    for eye, (x, y) in zip(EYES, characters.EYES):
        assert np.abs(fitted[list(eye.ring), :2].mean(0) - (x, y)).max() < 0.4 * max(style.eye) + 3
        assert lid_gap(fitted, eye.upper, eye.lower) > style.eye[1]
    assert abs(fitted[list(MOUTH.corners), 0].mean() - characters.MOUTH[0]) < 4
    assert abs(lip_gap(fitted * (1, 1, 0))) < 1e-3  # however it is drawn, it opens from a line
    np.testing.assert_array_equal(fitted[:, 2], face[:, 2])


def test_the_same_picture_gives_the_same_layers():
    person = characters.premultiplied(characters.draw(characters.STYLES["fringe"]))
    first, second = drawing_of(person), drawing_of(person)
    for a, b in zip(first.eyes, second.eyes):
        np.testing.assert_array_equal(a.skin.rgb, b.skin.rgb)
        np.testing.assert_array_equal(a.top, b.top)


def test_an_empty_face_has_no_layers():
    plain = np.full((256, 256, 4), 255, np.uint8)
    assert drawing_of(plain) is None


def test_without_the_detector_landmarks_say_where_to_look(monkeypatch):
    monkeypatch.setattr(boxes, "anime_faces", lambda picture: [])
    face = characters.pose().face
    found = boxes.face_boxes(np.zeros((256, 256, 3), np.uint8), face)
    assert not found.anime
    x, y, width, height = found.right_eye
    np.testing.assert_allclose((x + width / 2, y + height / 2), face[list(EYES[0].ring), :2].mean(0), atol=1)


def anime_face(scale=1.0, at=(0.0, 0.0)):
    """What animeface says of the characters' face, elsewhere or larger."""

    def box(x, y, half):
        return tuple(scale * v + o for v, o in zip((x - half, y - half), at)) + (2 * half * scale,) * 2

    def point(x, y):
        return scale * x + at[0], scale * y + at[1]

    right, left = characters.EYES
    return {
        "likelihood": 1.0, "face_box": box(128, 150, 80), "left_eye_box": box(*left, 20),
        "right_eye_box": box(*right, 20), "mouth_box": box(*characters.MOUTH, 12), "nose_point": point(128, 160),
        "chin_point": point(128, 222),
    }  # fmt: skip


def test_a_detectors_face_counts_where_the_tracker_sees_none_or_another(monkeypatch):
    picture = np.zeros((256, 256, 3), np.uint8)
    own = characters.pose()
    monkeypatch.setattr(boxes, "SIDES", (256,))
    monkeypatch.setattr(boxes, "anime_faces", lambda small: [anime_face()])
    assert with_drawn_face(own, picture) is own
    blind = with_drawn_face(replace(own, face=None), picture)
    for eye, middle in zip(EYES, characters.EYES):
        np.testing.assert_allclose(blind.face[list(eye.ring), :2].mean(0), middle, atol=6)
    monkeypatch.setattr(boxes, "anime_faces", lambda small: [anime_face(0.5, (60, 20))])
    moved = with_drawn_face(own, picture)
    assert moved.face[list(EYES[0].ring), 0].mean() == pytest.approx(0.5 * characters.EYES[0][0] + 60, abs=6)
    monkeypatch.setattr(boxes, "anime_faces", lambda small: [])
    assert with_drawn_face(replace(own, face=None), picture).face is None


def test_a_picture_without_a_face_says_what_helps(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoFaceError, match=r"looks at the viewer, and with .*puppet-live\[anime\]'; or mark the eyes"):
        prepare_portrait(np.full((128, 128, 3), 200, np.uint8), 64)


def test_the_detector_sees_a_picture_whatever_pillow_it_is_installed_beside():
    pytest.importorskip("animeface")
    image = Image.open(MEDIA / "character.png").convert("RGBA")
    picture = np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB"))
    found = boxes.anime_faces(picture)
    assert found and found[0]["likelihood"] > 0.9
    x, y, width, height = found[0]["face_box"]
    assert x < 384 < x + width and y < 440 < y + height
    assert boxes.anime_faces(np.full((64, 64, 3), 200, np.uint8)) == []
