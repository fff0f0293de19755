"""The command line as a function, and the bundled example media."""

from __future__ import annotations

from pathlib import Path

import pytest

from puppet.cli import main
from puppet.media import DRIVER, PORTRAIT
from tests.puppet.videos import write_video


@pytest.fixture
def fails(capfd):
    """Runs a command that has to fail with one line on stderr, no traceback and nothing on stdout; the line."""

    def run(*argv, code: int = 1) -> str:
        capfd.readouterr()
        assert main([str(word) for word in argv]) == code
        out, err = capfd.readouterr()
        assert out == ""
        assert err.startswith("puppet: error: ") and err.endswith("\n") and err.count("\n") == 1, err
        assert "Traceback" not in err and "unexpected" not in err, err
        return err

    return run


@pytest.fixture(scope="session")
def portrait() -> Path:
    if not PORTRAIT.exists():
        pytest.skip("the bundled portrait is not there")
    return PORTRAIT


@pytest.fixture(scope="session")
def driver(tmp_path_factory) -> Path:
    """The first ten frames of the bundled driver, with a tone."""
    if not DRIVER.exists():
        pytest.skip("the bundled driver is not there")
    from puppet.media.video_reader import VideoReader

    images = [image for image, _ in zip(VideoReader(DRIVER).frames(), range(10), strict=False)]
    return write_video(tmp_path_factory.mktemp("driver") / "driver.mp4", images, fps=24, audio="aac")
