"""`puppet live`, `cameras`, `settings` and `doctor` from the command line."""

import json
import os
import signal
import threading

import pytest

from puppet import cli
from puppet.commands import doctor
from puppet.commands.cameras import look, sentence
from puppet.commands.live import parse_canvas
from puppet.errors import PuppetError
from puppet.live.session import Session
from puppet.media.video_reader import VideoReader
from tests.puppet.live.stand_ins import FakeSource, FakeTracker, wait_until

TINY = ["--model", "tiny", "--weights", "random", "--size", "64", "--device", "cpu"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No settings of whoever runs the tests."""
    monkeypatch.setattr("puppet.live.session.data_folder", lambda: tmp_path)
    monkeypatch.setattr("puppet.commands.settings_file.settings_path", lambda: tmp_path / "settings.toml")


@pytest.fixture
def fake_tracker(monkeypatch):
    monkeypatch.setattr("puppet.live.session.Tracker", lambda **_: FakeTracker())


def live(*words):
    return cli.main(["live", *TINY, *map(str, words)])


@pytest.fixture
def ends_when_it_lives(monkeypatch):
    """However slow the machine is: the run ends soon after some pictures of the driver were sent."""

    def watch(session):
        awaited = "motion" if session.loop._source.batches is None else "appearance"

        def wait():
            wait_until(lambda: session.statistics._ages[awaited].sum() >= 12 or session.loop.error, 300)
            session.end()

        threading.Thread(target=wait, daemon=True).start()

    monkeypatch.setattr(Session, "_greet", watch)


def test_from_the_synthetic_camera_into_a_file_and_a_json_object(tmp_path, portrait, capfd, ends_when_it_lives):
    out = tmp_path / "out.mp4"
    assert live("--camera", "synthetic", "--output", "none", out, "--seconds", 600, "--json") == 0
    printed, messages = capfd.readouterr()
    report = json.loads(printed)
    assert set(report) == {
        "frames", "fps", "new_pictures_per_second", "max_gap_ms", "motion_latency_ms", "appearance_latency_ms", "ms",
        "rss_mib",
    }
    assert set(report["motion_latency_ms"]) == {"p50", "p95"} and set(report["rss_mib"]) == {"start", "end"}
    assert report["frames"] > 10 and report["fps"] > 0 and report["max_gap_ms"] > 0
    stages = "track", "generate", "decode", "reproject", "composite"
    assert all(report["ms"][stage] > 0 for stage in stages)
    assert report["ms"]["condition"] == 0  # the generator is given frames of the reprojection
    assert report["appearance_latency_ms"]["p95"] >= report["appearance_latency_ms"]["p50"] > 0
    assert report["motion_latency_ms"]["p50"] < report["appearance_latency_ms"]["p50"]
    frames = list(VideoReader(out).frames())
    assert len(frames) > 8 and frames[0].shape == (64, 64, 3)
    assert len({frame.tobytes() for frame in frames}) > 2  # it moves
    assert all(line.startswith("puppet: ") for line in messages.splitlines())


def test_the_warp_alone_needs_no_generator(portrait, capfd, ends_when_it_lives):
    words = ["live", "--model", "warp", "--size", "64", "--camera", "synthetic", "--output", "none", "--seconds", "600"]
    assert cli.main([*words, "--json"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["frames"] > 10 and report["new_pictures_per_second"] > 0
    assert report["appearance_latency_ms"] == {"p50": None, "p95": None} and report["ms"]["generate"] == 0


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_with_its_files_whole(kind, tmp_path, portrait, capfd, monkeypatch, fake_tracker):
    def soon(session):
        threading.Timer(1.0, os.kill, (os.getpid(), kind)).start()

    monkeypatch.setattr(Session, "_greet", soon)
    before = signal.getsignal(kind)
    assert live("--camera", "synthetic", "--output", tmp_path / "out.mp4") == 0
    assert signal.getsignal(kind) is before
    assert len(list(VideoReader(tmp_path / "out.mp4").frames())) > 3
    assert "frames at" in capfd.readouterr().out
    assert not [thread for thread in threading.enumerate() if thread.name in ("sender", "track", "generate", "camera")]


@pytest.mark.parametrize(
    "words, cause",
    [
        (["--camera", "nowhere.mp4"], "nowhere.mp4 does not exist"),
        (["--camera", "no such camera"], "camera 'no such camera' was not found"),
        (["--camera", "{}/bad.mp4"], "not a video"),
        (["--output", "windw"], "unknown output 'windw'; did you mean window"),
        (["--output", "{}/none/a.mp4"], "does not exist"),
        (["--output", "{}/a.mp4", "--background", "transparent"], "cannot carry transparency"),
        (["--seconds", "0"], "more than 0"),
        (["--strength", "4"], "from 0 to 3"),
        (["--fps", "0"], "from 1 to 120"),
        (["--reprojection", "maybe"], "on or off"),
        (["--canvas", "1280"], "write it like 1280x720"),
        (["--recordings", "{}/none"], "is no folder"),
        (["--profile", "game"], "no profile 'game'"),
        (["--size", "63"], "multiple of 16"),
        (["--motion", "funny"], "unknown motion 'funny'"),
        (["--background", "pink"], "background 'pink'"),
        (["--portrait", "{}/none.png"], "does not exist"),
        (["--portraits", "{}/empty"], "holds no picture"),
        (["--port", "99999", "--control"], "no port 99999"),
    ],
)
def test_bad_input_is_one_line(fails, tmp_path, words, cause, portrait, fake_tracker):
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    (tmp_path / "empty").mkdir()
    camera = [] if "--camera" in words else ["--camera", "synthetic"]
    output = [] if "--output" in words else ["--output", "none"]
    words = [word.replace("{}", str(tmp_path)) for word in words]
    assert cause in fails("live", *TINY, *camera, *output, *words)


def test_the_canvas_size_is_checked():
    assert parse_canvas("1280x720") == (1280, 720)
    for text in ("1281x720", "10x10", "99999x100", "ax3"):
        with pytest.raises(PuppetError, match="--canvas"):
            parse_canvas(text)


def test_cameras_lists_and_tests(monkeypatch, capfd):
    from puppet.capture.devices import CameraInfo

    monkeypatch.setattr("puppet.capture.devices.list_cameras", lambda: [CameraInfo(0, "A"), CameraInfo(9, "B", True)])
    assert cli.main(["cameras"]) == 0
    assert capfd.readouterr().out == "  0  A\n  9  B (virtual)\n"
    assert cli.main(["cameras", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["cameras"][1] == {"index": 9, "name": "B", "virtual": True}
    seen = look(FakeSource(100), 0.2)
    assert (seen["width"], seen["height"]) == (64, 48) and seen["fps"] > 1
    assert "64 x 48" in sentence(seen)
    assert "only black" in sentence(look(FakeSource(100, black=True), 0.1))
    gone = FakeSource(100)
    gone.gone = True
    assert "gives no pictures" in sentence(look(gone, 0.1))


def test_doctor_names_state_and_cure(monkeypatch, capfd):
    def broken():
        raise RuntimeError("what\nis this")

    monkeypatch.setattr(doctor, "check_torch", lambda: doctor.Check("torch", doctor.OK, "2.13"))
    for name in ("generator", "weights"):
        monkeypatch.setattr(doctor, f"check_{name}", lambda: doctor.Check("x", doctor.OK, "there"))
    monkeypatch.setattr(doctor, "check_video", broken)
    assert cli.main(["doctor", "--json"]) == 1
    out, err = capfd.readouterr()
    report = json.loads(out)
    checks = {check["name"]: check for check in report["checks"]}
    assert report["ok"] is False and {"python", "opencv", "tracker", "cameras", "virtual camera", "port"} <= set(checks)
    assert all(check["state"] in ("ok", "warning", "failed") for check in checks.values())
    assert all(check["cure"] or check["state"] == "ok" for check in checks.values() if check["name"] != "cameras")
    assert "checks failed" in err and err.count("\n") == 1


def test_doctor_finds_a_wrong_tracker_and_a_taken_port(monkeypatch):
    import socket

    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "0.10.35")
    check = doctor.check_tracker()
    assert check.state == "failed" and "metrics" in check.found and "0.10.21" in check.cure
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert doctor.check_port(taken.getsockname()[1]).state == "warning"
