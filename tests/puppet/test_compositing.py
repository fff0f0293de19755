"""The person over a background."""

import numpy as np
import pytest
from PIL import Image

from puppet.core.background import Background, check_background
from puppet.errors import PuppetError
from puppet.media.alpha import composite, straight_alpha


def premultiplied(shape=(16, 16)) -> np.ndarray:
    rng = np.random.default_rng(0)
    alpha = rng.integers(0, 256, (*shape, 1))
    return np.concatenate([rng.integers(0, 256, (*shape, 3)) * alpha // 255, alpha], -1).astype(np.uint8)


def test_composite_is_the_over_operator():
    rgba = premultiplied()
    background = np.random.default_rng(1).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    out = composite(rgba, background)
    exact = rgba[..., :3] + background * (1 - rgba[..., 3:] / 255)
    assert np.abs(out[..., :3] - exact).max() <= 0.51
    assert (out[..., 3] == 255).all()


def test_transparent_is_the_person_alone():
    rgba = premultiplied()
    assert Background("transparent", rgba[..., :3]).square is None
    assert np.array_equal(composite(rgba, None), rgba)


def test_straight_alpha_multiplied_again_gives_the_premultiplied():
    rgba = premultiplied()
    straight = straight_alpha(rgba).astype(np.float64)
    assert np.abs(straight[..., :3] * straight[..., 3:] / 255 - rgba[..., :3]).max() <= 1


def test_backgrounds(tmp_path):
    original = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    assert np.array_equal(Background("original", original).square, original)
    assert Background("blur", original).square.std() < original.std() / 2
    assert (Background("chroma", original).square == (0, 255, 0)).all()
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 90
    Image.fromarray(wide).save(tmp_path / "wide.png")
    assert (Background(str(tmp_path / "wide.png"), original).square == 90).all()


def test_an_unknown_background_is_named(tmp_path):
    with pytest.raises(PuppetError, match="'blurr' is neither"):
        check_background("blurr")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(PuppetError, match="is not a picture"):
        check_background(str(tmp_path / "text.png"))
