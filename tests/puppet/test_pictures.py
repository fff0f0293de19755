"""Portraits and backgrounds are read as they look."""

import cv2
import numpy as np
import pytest
from PIL import Image

from puppet.errors import PuppetError
from puppet.media.painting import painted
from puppet.media.pictures import read_picture


def picture() -> np.ndarray:
    image = np.zeros((20, 30, 3), np.uint8)
    image[:, 15:] = 200
    return image


def test_the_exif_turn_is_applied(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(picture()).save(tmp_path / "turned.png", exif=exif)
    shown = read_picture(tmp_path / "turned.png", "portrait")
    assert np.array_equal(shown, np.rot90(picture(), -1))


def test_every_kind_becomes_rgb(tmp_path):
    path = tmp_path / "picture.png"
    for mode in ("L", "P", "1", "RGBA", "LA"):
        Image.fromarray(picture()).convert(mode).save(path)
        found = read_picture(path, "portrait")
        assert found.shape == (20, 30, 3) and found[5, 5, 0] < 10 and found[5, 25, 0] > 190, mode
    Image.fromarray(picture()[..., 0].astype(np.uint16) * 257).save(path)
    found = read_picture(path, "portrait")
    assert found[5, 5, 0] == 0 and found[5, 25, 0] > 190


def test_transparent_parts_become_white_unless_alpha_is_kept(tmp_path):
    path = tmp_path / "clear.png"
    Image.fromarray(np.zeros((4, 4, 4), np.uint8), "RGBA").save(path)
    assert (read_picture(path, "background") == 255).all()
    assert (read_picture(path, "portrait", keep_alpha=True) == 0).all()


def test_bad_pictures_are_named(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("text")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[:3000])
    for name, cause in (("missing.png", "does not exist"), ("empty.png", "is empty"), ("text.png", "is not a picture"),
                        ("cut.png", "is broken"), ("", "is a folder")):  # fmt: skip
        with pytest.raises(PuppetError, match=cause):
            read_picture(tmp_path / name, "portrait")


def test_a_painting_is_of_the_picture_but_not_the_picture():
    y, x = np.mgrid[:96, :96]
    picture = np.stack([2 * x, 2 * y, 120 + 0 * x], -1).astype(np.uint8)
    picture[40:60, 40:60] = 240
    made = painted(picture, seed=1)
    assert made.shape == picture.shape and np.array_equal(made, painted(picture, seed=1))
    difference = np.abs(cv2.blur(made, (9, 9)).astype(int) - cv2.blur(picture, (9, 9)))
    assert 3 < np.abs(made.astype(int) - picture).mean() and difference.mean() < 20
