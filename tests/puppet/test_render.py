"""`puppet render` from end to end with a small untrained model, and every input that it has to refuse."""

import json
import os
import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image

from puppet.cli import main
from puppet.media.video_reader import VideoReader
from tests.puppet.videos import write_video

SMALL = ("--model", "tiny", "--weights", "random", "--size", "64", "--device", "cpu")


def test_a_portrait_and_a_driver_make_a_video_with_sound(tmp_path, portrait, driver, capfd):
    out = tmp_path / "out.mp4"
    assert (
        main(["render", "--portrait", str(portrait), "--driver", str(driver), "--out", str(out), "--json", *SMALL]) == 0
    )
    captured = capfd.readouterr()
    report = json.loads(captured.out)
    assert captured.err == ""
    assert report["frames"] == 10 and report["fps"] == 24 and report["path"] == str(out)
    with av.open(str(out)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.width, video.height, video.average_rate) == (64, 64, 24)
        assert video.codec_context.codec.canonical_name == "h264" and sound.codec_context.codec.canonical_name == "aac"
        assert sum(1 for _ in container.decode(video=0)) == 10
    assert os.listdir(tmp_path) == ["out.mp4"]


def test_without_a_terminal_there_is_one_line_on_stdout_and_none_on_stderr(tmp_path, portrait, driver):
    command = [
        sys.executable,
        "-m",
        "puppet.cli",
        "render",
        "--portrait",
        portrait,
        "--driver",
        driver,
        *SMALL,
        "--out",
        tmp_path / "o.mp4",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and done.stdout.count("\n") == 1 and "10 frames at 24 fps" in done.stdout


def test_frames_without_a_face_are_held_and_counted(tmp_path, portrait, driver, capfd):
    frames = list(VideoReader(driver).frames())
    blank = np.full_like(frames[0], 127)
    path = write_video(tmp_path / "lost.mp4", frames[:6] + [blank] * 6 + frames[:4], fps=24)
    out = tmp_path / "out.mp4"
    assert main(["render", "--portrait", str(portrait), "--driver", str(path), "--out", str(out), *SMALL]) == 0
    captured = capfd.readouterr()
    assert "warning: no face in " in captured.err and " of 16 frames" in captured.err and captured.err.count("\n") == 1
    assert len(list(VideoReader(out).frames())) == 16


def test_the_same_seed_gives_the_same_pictures(portrait, driver):
    from puppet.core.puppet import Puppet

    frames = list(VideoReader(driver).frames())
    a, b = (np.stack(list(Puppet(portrait, "tiny", "random", "cpu", 64, seed=7).perform(frames))) for _ in range(2))
    assert np.array_equal(a, b)


@pytest.fixture
def bad(tmp_path, portrait, driver):
    """Files that cannot be used."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (256, 256, 3), np.uint8)).save(tmp_path / "faceless.png")
    Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(tmp_path / "eight.png")
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("text")
    (tmp_path / "broken.png").write_bytes(portrait.read_bytes()[:5000])
    (tmp_path / "cut.mp4").write_bytes(driver.read_bytes()[: driver.stat().st_size // 2])
    write_video(tmp_path / "nobody.mp4", rng.integers(0, 60, (6, 64, 64, 3), np.uint8))
    (tmp_path / "corrupt.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{nonsense")
    return tmp_path


@pytest.mark.parametrize(
    "option, value, cause",
    [
        ("--portrait", "missing.png", "does not exist"),
        ("--portrait", "empty.png", "is empty"),
        ("--portrait", "broken.png", "is broken"),
        ("--portrait", "text.png", "is not a picture"),
        ("--portrait", "faceless.png", "no face was found"),
        ("--portrait", "eight.png", "8x8"),
        ("--driver", "missing.mp4", "does not exist"),
        ("--driver", "cut.mp4", "cut off"),
        ("--driver", "faceless.png", "still picture"),
        ("--driver", "nobody.mp4", "no face was found"),
        ("--out", "out.xyz", "not a video format"),
        ("--out", "nowhere/out.mp4", "does not exist"),
        ("--background", "nothing.png", "neither"),
        ("--weights", "missing.safetensors", "no weights file"),
        ("--weights", "corrupt.safetensors", "damaged"),
    ],
)
def test_bad_files_are_refused_in_one_line_and_the_output_stays(bad, portrait, driver, fails, option, value, cause):
    out = bad / "out.mp4"
    out.write_text("precious")
    options = {"--portrait": portrait, "--driver": driver, "--out": out, "--weights": "random", option: bad / value}
    before = sorted(os.listdir(bad))
    message = fails("render", "--model", "tiny", "--size", "64", *(word for pair in options.items() for word in pair))
    assert cause in message and value in message
    assert out.read_text() == "precious" and sorted(os.listdir(bad)) == before


@pytest.mark.parametrize(
    "option, value, cause",
    [
        ("--size", "100", "multiple of 16"),
        ("--size", "0", "multiple of 16"),
        ("--size", "-64", "multiple of 16"),
        ("--size", "100000", "multiple of 16"),
        ("--model", "pockt", "did you mean 'pocket'?"),
        ("--motion", "relativ", "relative or absolute"),
        ("--device", "gpu", "choose auto, cpu, cuda or mps"),
        ("--background", "blurr", "neither"),
    ],
)
def test_impossible_choices_are_refused_in_one_line(tmp_path, portrait, driver, fails, option, value, cause):
    options = {"--model": "tiny", "--weights": "random", "--size": "64", "--out": tmp_path / "out.mp4", option: value}
    message = fails(
        "render", "--portrait", portrait, "--driver", driver, *(word for pair in options.items() for word in pair)
    )
    assert cause in message and value in message
    assert os.listdir(tmp_path) == []


def test_weights_of_another_model_are_refused(tmp_path, portrait, driver, fails):
    from generator import checkpoint
    from generator.model import VideoModel
    from generator.models import get_model

    path = tmp_path / "tiny.safetensors"
    checkpoint.save(path, VideoModel(get_model("tiny").config))
    options = ("--portrait", portrait, "--driver", driver, "--out", tmp_path / "out.mp4", "--weights", path)
    assert "are of model 'tiny', not 'pocket'" in fails("render", "--model", "pocket", *options)
    assert main([str(word) for word in ("render", "--model", "tiny", "--size", 64, *options)]) == 0


def test_a_transparent_video_has_alpha(tmp_path, portrait, driver):
    out = tmp_path / "out.mov"
    arguments = [
        "render",
        "--portrait",
        portrait,
        "--driver",
        driver,
        "--out",
        out,
        "--background",
        "transparent",
        *SMALL,
    ]
    assert main([str(word) for word in arguments]) == 0
    with av.open(str(out)) as container:
        assert "yuva" in container.streams.video[0].pix_fmt
