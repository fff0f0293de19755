import json

import av
import numpy as np
import pytest

from puppet.cli import main
from puppet.core.background import Background
from puppet.core.character import load_character
from puppet.core.look import PictureSize, check_look
from puppet.errors import PuppetError
from puppet.media import PORTRAIT


@pytest.mark.parametrize(
    ("given", "size"),
    [(512, (512, 512)), ("64", (64, 64)), ("720x1280", (720, 1280)), ("1280X720", (1280, 720)), ((96, 64), (96, 64))],
)
def test_sizes_as_they_are_written(given, size):
    shape = PictureSize.of(given)
    assert shape.pair == size and shape.side == max(size)
    assert PictureSize.of(str(shape)) == PictureSize.of(shape) == shape


@pytest.mark.parametrize("wrong", ["big", "64x", "64x64x64", "-64", 65, 32, "64x2000", (64,) * 3])
def test_sizes_that_are_not_possible_are_named(wrong):
    with pytest.raises(PuppetError, match="size .* is no(t possible| size)"):
        PictureSize.of(wrong)


def test_framing_and_hands_that_there_are_not_are_named():
    with pytest.raises(PuppetError, match="unknown framing 'knee': choose auto, head, bust, full or portrait"):
        check_look(framing="knee")
    with pytest.raises(PuppetError, match="unknown hands 'on': choose auto or off"):
        check_look(hands="on")


def test_the_middle_of_the_square_is_seen():
    pictures = np.arange(64 * 64).reshape(1, 64, 64, 1)
    tall = PictureSize(32, 64).cut(pictures)
    assert tall.shape == (1, 64, 32, 1) and tall[0, 0, 0, 0] == 16
    assert PictureSize(64, 32).cut(pictures)[0, 0, 0, 0] == 16 * 64
    assert PictureSize(64, 64).cut(pictures) is pictures


def test_a_character_of_another_shape_has_a_background_of_it():
    character = load_character(PORTRAIT, "64x96", "original", framing="head")
    assert character.still.shape == (96, 64, 4) and character.background.square.shape == (96, 64, 3)
    assert character.portrait.person.shape == (96, 96, 4)
    for choice in ("blur", "chroma", str(PORTRAIT)):
        assert Background(choice, character.background.square).square.shape == (96, 64, 3)


def test_a_tall_video_with_the_hands_off(tmp_path, capsys):
    out = tmp_path / "tall.mp4"
    words = ["--size", "64x96", "--model", "tiny", "--weights", "random", "--framing", "head", "--hands", "off"]
    main(["render", "--out", str(out), *words, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["size"] == "64x96" and report["framing"] == "head"
    with av.open(str(out)) as video:
        frame = next(video.decode(video=0))
        assert (frame.width, frame.height) == (64, 96)
        assert frame.to_ndarray(format="rgb24").std() > 5
