import cv2
import numpy as np
import pytest

from pose.portrait.inpainting import fill, separate


def scene(size=128):
    """A person (disc with a soft edge) before a wall with a gradient and grain: picture, alpha, wall."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((size, size))
    wall = np.stack([60 + columns, 90 + rows / 2, 200 - columns / 2], axis=2) + random.normal(0, 3, (size, size, 1))
    alpha = np.clip(1.5 - (np.hypot(rows - size * 0.6, columns - size / 2) - size / 4) / 3, 0, 1).astype(np.float32)
    person = np.array([180, 40, 30]) + 20 * np.sin(rows / 5)[..., None]
    picture = wall * (1 - alpha[..., None]) + person * alpha[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8), alpha, wall


def laid_over(rgba, background):
    share = rgba[..., 3:].astype(np.float64) / 255
    return np.clip(np.rint(rgba[..., :3] + (1 - share) * background), 0, 255)


def test_person_over_background_is_the_picture():
    picture, alpha, _ = scene()
    person, background = separate(picture, alpha)
    error = np.abs(laid_over(person, background) - picture).max(axis=2)
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 38
    assert (error > 2).mean() < 0.1
    far = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((15, 15))) == 0
    np.testing.assert_array_equal(background[far], picture[far])
    assert person[far].max() == 0


def test_person_is_premultiplied_and_opaque_inside():
    picture, alpha, _ = scene()
    person, _ = separate(picture, alpha)
    assert person.dtype == np.uint8 and (person[..., :3] <= person[..., 3:]).all()
    solid = alpha == 1
    np.testing.assert_array_equal(person[solid][:, :3], picture[solid])
    assert (person[solid][:, 3] == 255).all()


def test_background_continues_the_wall():
    picture, alpha, wall = scene()
    _, background = separate(picture, alpha)
    inside = alpha == 1
    assert np.abs(background[inside] - wall[inside]).mean() < 8


def test_nothing_of_the_person_is_left_in_the_background_by_a_tight_matte():
    picture, alpha, wall = scene()
    tight = cv2.erode(alpha, np.ones((3, 3)))
    _, background = separate(picture, tight)
    rim = (alpha > 0) & (tight == 0)
    assert np.abs(background[rim] - wall[rim]).mean() < 12


@pytest.mark.parametrize("cover", [0.0, 1.0])
def test_all_and_nothing_of_the_picture_is_the_person(cover):
    picture, alpha, _ = scene(64)
    person, background = separate(picture, np.full_like(alpha, cover))
    np.testing.assert_array_equal(laid_over(person, background), picture)
    assert np.isfinite(fill(picture, np.full(alpha.shape, bool(cover)))).all()


def test_a_line_of_background_between_parts_of_a_person_does_not_stay_behind():
    wall = (90, 140, 110)
    picture = np.full((256, 256, 3), wall, np.uint8)
    picture[70:190, 120:140] = (20, 20, 20)  # a dark frame
    alpha = np.zeros((256, 256), np.float32)
    alpha[60:200, 60:131] = 1  # beside it an arm, and a part of the frame that was taken for one
    alpha[60:200, 135:150] = 1
    _, background = separate(picture, alpha, np.zeros((256, 256), np.float32))
    assert np.abs(background[120:140, 100:140].astype(int) - wall).max() < 15
