import json
from functools import partial

import numpy as np
import pytest
import torch

from generator import checkpoint
from generator.model import VideoModel
from generator.models import get_model
from generator.training import lips
from puppet.capture import recording
from puppet.capture.recording import record
from puppet.cli import main
from puppet.commands import fit
from puppet.core import weights
from puppet.core.character import load_character
from puppet.core.models import load_generator
from puppet.errors import PuppetError
from puppet.media import DRIVER
from puppet.media.video_reader import VideoReader
from tests.puppet.live.stand_ins import FakeSource


@pytest.fixture()
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "weights_folder", lambda: tmp_path / "weights")
    return tmp_path / "weights"


def test_a_clip_becomes_weights_that_go_by_a_name(own_folder, tmp_path, monkeypatch, capsys) -> None:
    torch.manual_seed(0)
    start = tmp_path / "tiny.safetensors"
    checkpoint.save(start, VideoModel(get_model("tiny").config), torch.float32)
    monkeypatch.setattr(fit, "LEAST_SECONDS", 4.0)
    monkeypatch.setattr(fit, "SIZE", 64)
    monkeypatch.setattr(lips, "draws_lips_better", lambda model, clips: model.config.control.lips and len(clips) > 0)
    arguments = ["fit", str(DRIVER), "--model", "tiny", "--weights", str(start), "--minutes", "0.02", "--device", "cpu"]
    assert main([*arguments, "--name", "somebody", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["figures"].keys() == {"warp alone", "before", "fitted"}
    assert all(np.isfinite(value) for row in found["figures"].values() for value in row.values())
    assert (own_folder / "somebody.png").exists()
    portrait = load_character(own_folder / "somebody.portrait.png", 64, "original").portrait
    assert portrait.pose.face is not None and found["portrait"].endswith("somebody.portrait.png")
    fitted, before = load_generator("tiny", "somebody", 64), load_generator("tiny", str(start), 64)
    changed = [not torch.equal(a, b) for a, b in zip(fitted.parameters(), before.parameters())]
    assert any(changed)
    assert fitted.config.control.lips and not before.config.control.lips  # it may draw the person's own teeth
    cure = "neither a file nor the name of own weights; there are: somebody; did you mean"
    with pytest.raises(PuppetError, match=cure):
        load_generator("tiny", "somebodi", 64)


@pytest.mark.parametrize("arguments, message", [
    ([str(DRIVER), "--out", "{}/me.pt"], "end its name in .safetensors"),
    ([str(DRIVER), "--out", "{}/me.safetensors"], "at least 12 are needed"),
    ([str(DRIVER), "--name", "../me"], "is no name for weights"),
    ([str(DRIVER), "--minutes", "0"], "has to be more than 0"),
    (["{}/none.mp4"], "does not exist"),
    # said before anybody is recorded
    (["--weights", "random"], "is no name for weights"),
    (["--model", "warp"], "no model named 'warp'"),
    (["--device", "moon"], "unknown device 'moon'"),
    (["--camera", "vmc"], "no pictures to learn from"),
])
def test_what_cannot_be_is_said_in_one_line(arguments, message, own_folder, tmp_path, capfd) -> None:
    assert main(["fit", *(argument.format(tmp_path) for argument in arguments)]) == 1
    error = capfd.readouterr().err.strip().splitlines()
    assert message in error[-1] and not any("Traceback" in line for line in error)
    assert not list(tmp_path.glob("*.safetensors"))


def test_the_last_quarter_is_held_out() -> None:
    assert fit.held_out_from(40.0) == 30.0
    assert fit.held_out_from(120.0) == 105.0


def test_weights_are_worth_it_only_where_they_beat_both_rows() -> None:
    def row(features, psnr):
        return {"psnr": psnr, "mouth_psnr": features + 1, "eyes_psnr": features - 1}

    assert fit.is_better(row(25.0, 27.0), row(24.7, 27.0))
    assert not fit.is_better(row(25.0, 27.0), row(24.9, 27.0))
    assert not fit.is_better(row(25.0, 26.5), row(24.0, 27.0))


def test_without_a_clip_a_camera_is_recorded_and_a_video_may_be_one(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(recording, "record", partial(record, guide=(("Look", 0.5), ("Smile", 0.5))))
    path = fit._recorded(str(DRIVER), tmp_path / "me.safetensors")
    assert path == tmp_path / "me.mkv" and 12 <= len(list(VideoReader(path).frames())) <= 30
    assert "Smile (0 s)" in capsys.readouterr().err
    with pytest.raises(PuppetError, match="exists already: fit to it"):
        fit._recorded(str(DRIVER), tmp_path / "me.safetensors")


def test_a_guided_recording_is_a_video(tmp_path) -> None:
    said = []
    path = record(FakeSource(), tmp_path / "me.mkv", said.append, (("Look", 0.4), ("Smile", 0.4)))
    assert [line for line in said if "Smile" in line]
    frames = list(VideoReader(path).frames())
    assert 12 <= len(frames) <= 24
