"""The other commands: what they give on good input, and one line on bad input."""

import json

import pytest

from generator.training.data import Clips
from puppet.cli import main
from puppet.commands.bench import STAGES


def test_bench_reports_every_stage_and_the_cost_of_a_long_stream(portrait, driver, capfd, monkeypatch):
    monkeypatch.setattr("puppet.commands.bench.WINDOW_SECONDS", 1)
    words = [
        "bench",
        "--portrait",
        portrait,
        "--driver",
        driver,
        "--model",
        "tiny",
        "--weights",
        "random",
        "--size",
        64,
    ]
    words += ["--seconds", 0.2, "--stream-minutes", 0.01, "--device", "cpu"]
    assert main([str(word) for word in [*words, "--json"]]) == 0
    report = json.loads(capfd.readouterr().out)
    assert set(report["ms"]) == set(STAGES) and all(value > 0 for value in report["ms"].values())
    assert report["fps"] == max(report["fps_one_after_another"], report["fps_generator_apart"]) > 0
    assert report["fps_generator_and_decoder"] > 0 and report["size"] == 64
    assert report["latency_ms"] > 125
    assert set(report["stream"]["step_ms"]) == set(report["stream"]["rss_mib"]) == {"start", "end"}


def test_prepare_makes_clips_of_own_footage(tmp_path, driver, capfd):
    assert main(["prepare", str(driver), str(tmp_path / "out"), "--size", "64", "--frames", "4", "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["clips"] == 2
    assert len(Clips(tmp_path / "out").training) >= 1
    assert (tmp_path / "out" / "contact_sheet.png").exists()


@pytest.mark.parametrize(
    "words, cause",
    [
        (["bench", "--seconds", "0"], "has to be more than 0"),
        (["bench", "--model", "poket"], "did you mean 'pocket'?"),
        (["bench", "--driver", "{}/missing.mp4"], "does not exist"),
        (["actors", "{}/out", "--clips", "0", "--ict", "{}", "--makehuman", "{}"], "at least 1"),
        (
            ["actors", "{}/out", "--clips", "1", "--ict", "{}/nothing", "--makehuman", "{}"],
            "--ict {}/nothing does not exist",
        ),
        (["actors", "{}/out", "--clips", "1", "--ict", "{}/text", "--makehuman", "{}", "--workers", "1"], "{}"),
        (["actors", "{}/out", "--clips", "1", "--ict", "{}", "--makehuman", "{}", "--size", "99"], "multiple of 16"),
        (["actors", "{}/out", "--clips", "1", "--ict", "{}", "--makehuman", "{}", "--figures", "2"], "is no share"),
        (["actors", "{}/text/out", "--clips", "1", "--ict", "{}", "--makehuman", "{}"], "cannot make the folder"),
        (["prepare", "{}/missing", "{}/out"], "does not exist"),
        (["prepare", "{}", "{}/out"], "no video is in"),
        (["prepare", "{}/text", "{}/out"], "is not a video"),
        (["train", "pocket", "--data", "{}/missing", "--minutes", "1"], "is not a folder"),
        (["train", "pocket", "--data", "{}", "--minutes", "1", "--out", "{}/run"], "no clip_"),
        (["train", "pocket", "--data", "{}", "--minutes", "0"], "--minutes 0"),
        (["train", "pockets", "--data", "{}", "--minutes", "1"], "did you mean 'pocket'?"),
        (["train", "pocket", "--data", "{}", "--out", "{}/run"], "needs minutes or steps"),
    ],
)
def test_bad_input_is_one_line(tmp_path, fails, words, cause):
    (tmp_path / "text").write_text("text")
    message = fails(*(word.replace("{}", str(tmp_path)) for word in words))
    assert cause.replace("{}", str(tmp_path)) in message
