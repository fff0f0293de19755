"""The examples run as they stand, with the shipped weights."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from generator.checkpoint import shipped
from puppet.media.video_reader import VideoReader

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = pytest.mark.skipif(not shipped("pocket").exists(), reason="no weights are shipped")


def run(name: str, folder: Path, *words: object) -> None:
    command = [sys.executable, EXAMPLES / name, *words]
    done = subprocess.run([str(word) for word in command], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_perform(tmp_path, portrait, driver):
    run("perform.py", tmp_path, portrait, driver, "out.mp4")
    assert len(list(VideoReader(tmp_path / "out.mp4").frames())) == 10


def test_transparent_frames(tmp_path, portrait, driver):
    run("transparent_frames.py", tmp_path, portrait, driver, "frames")
    assert len(list((tmp_path / "frames").glob("*.png"))) == 10


def test_preview(tmp_path, portrait, driver):
    run("preview.py", tmp_path, driver, "out.webp", portrait)
    with Image.open(tmp_path / "out.webp") as picture:
        assert picture.is_animated and picture.n_frames <= 5
    run("preview.py", tmp_path, driver, "out.jpg", portrait)
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.size == (256, 512)  # ten frames hold none of the moments


def test_own_motion(tmp_path, portrait):
    run("own_motion.py", tmp_path, portrait, "out.mp4")
    assert len(list(VideoReader(tmp_path / "out.mp4").frames())) == 96


def test_own_output(tmp_path, portrait):
    run("own_output.py", tmp_path, portrait, 1)
    assert (tmp_path / "last.png").exists()


def test_own_driver(tmp_path, portrait):
    pytest.importorskip("pythonosc")
    run("own_driver.py", tmp_path, portrait, 1)


def test_train(tmp_path, driver):
    run("train.py", tmp_path, "made", 1, driver)
    assert len(list(VideoReader(tmp_path / "made" / "trained.mp4").frames())) == 48
