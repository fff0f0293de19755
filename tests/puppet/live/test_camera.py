"""Finding cameras, and what is said when something is wrong with one."""

import os

import numpy as np
import pytest

from puppet.capture import sources
from puppet.capture.camera import Camera
from puppet.capture.devices import CameraInfo, find_camera, linux_cameras, macos_cameras, windows_cameras
from puppet.capture.sources import VideoFile, check_device, make_source
from puppet.errors import PuppetError
from tests.puppet.live.stand_ins import FakeSource, wait_until
from tests.puppet.videos import grey_ramp, level, write_video

CAMERAS = [CameraInfo(0, "Integrated Camera"), CameraInfo(2, "Logitech BRIO"), CameraInfo(10, "OBS Virtual", True)]


def node(folder, device, name, index="0", place="pci0000"):
    real = folder / "devices" / place / "video4linux" / device
    real.mkdir(parents=True)
    (real / "name").write_text(name + "\n")
    (real / "index").write_text(index + "\n")
    (folder / "class").mkdir(exist_ok=True)
    (folder / "class" / device).symlink_to(real)


def test_linux_cameras_by_name_without_metadata_nodes(tmp_path):
    node(tmp_path, "video0", "Integrated Camera: Integrated C")
    node(tmp_path, "video1", "Integrated Camera: Integrated C", index="1")
    node(tmp_path, "video2", "Logitech BRIO")
    node(tmp_path, "video10", "Puppet", place="virtual")
    found = sorted(linux_cameras(tmp_path / "class"), key=lambda camera: camera.index)
    assert found == [
        CameraInfo(0, "Integrated Camera"), CameraInfo(2, "Logitech BRIO"), CameraInfo(10, "Puppet", True),
    ]  # fmt: skip
    assert linux_cameras(tmp_path / "nowhere") == []


def test_names_from_the_other_systems():
    answer = '{"SPCameraDataType": [{"_name": "FaceTime HD Camera"}, {"_name": "OBS Virtual Camera"}]}'
    assert macos_cameras(answer) == [
        CameraInfo(0, "FaceTime HD Camera"), CameraInfo(1, "OBS Virtual Camera", True),
    ]  # fmt: skip
    assert macos_cameras("") == macos_cameras("no json") == []
    assert [camera.name for camera in windows_cameras("HD Webcam\r\n\r\nBRIO\r\n")] == ["HD Webcam", "BRIO"]


def test_a_camera_is_found_by_index_name_or_part_of_it():
    assert find_camera("2", CAMERAS).name == "Logitech BRIO"
    assert find_camera("brio", CAMERAS).index == 2
    assert find_camera("7", CAMERAS) == CameraInfo(7, "camera 7")
    with pytest.raises(PuppetError, match="did you mean Logitech BRIO.*there are 0 'Integrated Camera'"):
        find_camera("Logitch BRIO", CAMERAS)
    with pytest.raises(PuppetError, match="no camera on this machine.*synthetic"):
        find_camera("brio", [])


@pytest.mark.skipif(not os.path.isdir("/dev") or os.path.exists("/dev/video63"), reason="needs a missing device")
def test_a_missing_device_is_named_with_those_there_are():
    with pytest.raises(PuppetError, match="camera 63 does not exist; there are: 0 'Integrated Camera'"):
        check_device(CameraInfo(63, "camera 63"), CAMERAS)


def test_a_forbidden_device_names_the_command_that_helps(monkeypatch):
    monkeypatch.setattr(sources.Path, "exists", lambda self: True)
    monkeypatch.setattr(sources.os, "access", lambda *_: False)
    with pytest.raises(PuppetError, match="usermod -aG video"):
        check_device(CAMERAS[0], CAMERAS)


@pytest.mark.parametrize("platform, cure", [("linux", "another program"), ("darwin", "Privacy"), ("win32", "Privacy")])
def test_a_camera_that_does_not_open_has_a_cure_on_every_system(monkeypatch, platform, cure):
    monkeypatch.setattr(sources.sys, "platform", platform)
    assert cure in sources.cannot_open()


def test_a_video_file_is_a_camera_in_real_time_that_loops(tmp_path):
    source = VideoFile(write_video(tmp_path / "ramp.mp4", grey_ramp(6), fps=30))
    source.open()
    import time

    start = time.perf_counter()
    seen = [level(source.read()) for _ in range(15)]
    assert seen == [0, 1, 2, 3, 4, 5] * 2 + [0, 1, 2]
    assert time.perf_counter() - start > 13 / 30
    source.close()


def test_what_is_typed_finds_its_source(tmp_path):
    assert make_source("synthetic").name == "synthetic"
    with pytest.raises(PuppetError, match="does not exist"):
        make_source(str(tmp_path / "no.mp4"))
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    with pytest.raises(PuppetError, match="not a video"):
        make_source(str(tmp_path / "bad.mp4"))


def test_a_camera_that_cannot_be_opened_fails_at_the_start():
    source = FakeSource()
    source.refused = PuppetError("is used by another program")
    with pytest.raises(PuppetError, match="used by another"):
        Camera(source, print).start()


def test_unplugged_and_replugged(monkeypatch):
    monkeypatch.setattr("puppet.capture.camera.RETRY_SECONDS", 0.05)
    source, lines = FakeSource(200), []
    camera = Camera(source, lines.append)
    camera.start()
    assert camera.frames.take(10).image.shape == (48, 64, 3)
    for _ in range(2):
        source.refused, source.gone = PuppetError("not there"), True
        wait_until(lambda: camera.status)
        source.refused, source.gone = None, False
        wait_until(lambda: not camera.status)
        assert camera.frames.take(10) is not None
    camera.close()
    assert camera.reconnected == 2 and source.opened == 3
    assert len(lines) == 4 and "unplugged" in lines[0] and "is back" in lines[1]


def test_a_camera_that_opens_without_pictures_is_not_back(monkeypatch):
    monkeypatch.setattr("puppet.capture.camera.RETRY_SECONDS", 0.02)
    source, lines = FakeSource(200), []
    camera = Camera(source, lines.append)
    camera.start()
    assert camera.frames.take(10) is not None
    source.gone = True
    wait_until(lambda: source.opened > 3)
    assert camera.status and camera.reconnected == 0 and len(lines) == 1
    source.gone = False
    wait_until(lambda: not camera.status)
    camera.close()
    assert camera.reconnected == 1 and "is back" in lines[1]


def test_whatever_a_driver_throws_is_a_line_and_another_try(monkeypatch):
    monkeypatch.setattr("puppet.capture.camera.RETRY_SECONDS", 0.02)
    source, lines = FakeSource(200), []
    camera = Camera(source, lines.append)
    camera.start()
    read, broken = source.read, [True]
    source.read = lambda: 1 // 0 if broken else read()
    wait_until(lambda: "ZeroDivisionError" in camera.status)
    broken.clear()
    wait_until(lambda: not camera.status)
    camera.close()
    source.refused = ValueError("nonsense")
    with pytest.raises(PuppetError, match="nonsense"):
        Camera(source, lines.append).start()


def test_a_camera_that_comes_back_with_another_index_is_found_by_its_name(monkeypatch):
    there = list(CAMERAS)
    opened = []

    class Capture:
        def __init__(self, index, *_):
            opened.append(index)

        def isOpened(self):
            return True

        def set(self, *_):
            pass

        def release(self):
            pass

    monkeypatch.setattr(sources, "list_cameras", lambda: there)
    monkeypatch.setattr(sources, "check_device", lambda *_: None)
    monkeypatch.setattr(sources.cv2, "VideoCapture", Capture)
    camera = sources.Webcam("2")
    camera.open()
    there[:] = [CameraInfo(2, "Integrated Camera"), CameraInfo(3, "Logitech BRIO")]
    camera.open()
    assert opened == [2, 3]
    there[:] = there[:1]
    with pytest.raises(PuppetError, match="was not found"):
        camera.open()


def test_a_black_picture_is_said_once(monkeypatch):
    monkeypatch.setattr("puppet.capture.camera.BLACK_SECONDS", 0.05)
    source, lines = FakeSource(200, black=True), []
    camera = Camera(source, lines.append)
    camera.start()
    wait_until(lambda: lines)
    source._black = False
    wait_until(lambda: not camera.status)
    camera.close()
    assert len(lines) == 1 and "only black" in lines[0]


def test_frames_carry_the_moment_they_came():
    camera = Camera(FakeSource(200), print)
    camera.start()
    times = [camera.frames.take(10).time for _ in range(5)]
    camera.close()
    assert (np.diff(times) > 0).all()
