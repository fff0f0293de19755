"""What arrives at each output."""

import itertools
import threading

import av
import numpy as np
import pytest

from puppet.core.background import Background
from puppet.errors import PuppetError
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.buffered_frames import BufferedFrames
from puppet.live.sender import Sender
from puppet.live.statistics import Statistics
from puppet.media.video_reader import VideoReader
from puppet.outputs.browser import HEADER, Browser, encoded
from puppet.outputs.canvas import Canvas
from puppet.outputs.factory import make_outputs
from puppet.outputs.file import File
from puppet.outputs.virtual_camera import VirtualCamera, no_device
from puppet.outputs.window import Window
from tests.puppet.live.stand_ins import make_character, make_picture, wait_until
from tests.puppet.videos import grey_ramp, level, write_video

pyvirtualcam = pytest.importorskip("pyvirtualcam")


class Recorder:
    """A backend of pyvirtualcam that keeps what it is sent."""

    sent: list = []
    opened: list = []

    def __init__(self, *, width, height, fps, fourcc, device, **_):
        if device == "missing":
            raise RuntimeError("No v4l2 loopback device found at /dev/video[0-99].")
        Recorder.opened.append((width, height, fps))
        Recorder.sent.clear()
        self._size = (height, width, -1)
        self._fourcc = fourcc

    def device(self):
        return "recorder"

    def native_fourcc(self):
        return self._fourcc

    def send(self, frame):
        Recorder.sent.append(frame.reshape(self._size).copy())

    def close(self):
        Recorder.opened.append("closed")


@pytest.fixture(scope="session", autouse=True)
def backend():
    pyvirtualcam.register_backend("recorder", Recorder)


def test_every_frame_reaches_the_virtual_camera_in_order_at_its_size_and_rate():
    camera = VirtualCamera(320, 180, "recorder")
    background = Background("chroma", np.zeros((64, 64, 3), np.uint8))
    frames = BufferedFrames(Statistics(), AdaptiveQuality(1 / 24))
    sender = Sender(make_picture(0, background=background), frames, Statistics(), print)
    sender.add(camera)
    assert camera.device == "recorder"
    sender.close()  # not started: everything here is put by hand
    Recorder.opened.clear()
    camera.open((64, 64), 24)
    for grey in range(0, 200, 4):
        camera.send(make_picture(grey, background=background))
    camera.close()
    assert Recorder.opened == [(320, 180, 24), "closed"]
    assert [int(frame[90, 160, 0]) for frame in Recorder.sent] == list(range(0, 200, 4))
    for frame in Recorder.sent:
        assert frame.shape == (180, 320, 3)
        assert (frame[:, :70] == (0, 255, 0)).all() and (frame[:, 250:] == (0, 255, 0)).all()


def test_the_sender_feeds_the_virtual_camera_without_a_gap():
    camera = VirtualCamera(320, 180, "recorder")
    statistics = Statistics()
    sender = Sender(make_picture(9), BufferedFrames(statistics, AdaptiveQuality(1 / 24)), statistics, print)
    sender.add(camera)
    sender.start()
    wait_until(lambda: len(Recorder.sent) >= 24)
    sender.close()
    assert len(Recorder.sent) == statistics.frames - sender.dropped


@pytest.mark.parametrize(
    "platform, cure",
    [("linux", "sudo modprobe v4l2loopback"), ("darwin", "install OBS 30"), ("win32", "winget install")],
)
def test_no_virtual_camera_is_one_line_with_the_cure_of_each_system(platform, cure):
    line = no_device(platform, "'v4l2loopback' backend: No device\nfound")
    assert cure in line and "\n" not in line and line.startswith("no virtual camera on this machine")


def test_other_troubles_of_the_virtual_camera_have_their_own_cure(monkeypatch):
    assert "usermod" in no_device("linux", "Permission denied")
    assert "modprobe -r" in no_device("linux", "Device or resource busy")
    with pytest.raises(PuppetError, match="no virtual camera"):
        VirtualCamera(320, 180, "recorder", device="missing").open((64, 64), 24)
    with pytest.raises(PuppetError, match="unknown virtual camera 'funny'"):
        VirtualCamera(320, 180, "funny").open((64, 64), 24)
    monkeypatch.setitem(__import__("sys").modules, "pyvirtualcam", None)
    with pytest.raises(PuppetError, match="pip install 'puppet-live\\[virtualcam\\]'"):
        VirtualCamera().open((64, 64), 24)


def test_the_canvas_by_background(tmp_path):
    from PIL import Image

    from puppet.live.session import still

    Image.fromarray(np.full((40, 60, 3), (10, 200, 30), np.uint8)).save(tmp_path / "wall.png")
    for choice, outside in (("chroma", (0, 255, 0)), (str(tmp_path / "wall.png"), (10, 200, 30))):
        canvas = Canvas(160, 90)(still(make_character(background=choice)))
        assert canvas.shape == (90, 160, 4) and (canvas[..., 3] == 255).all()
        assert (np.abs(canvas[:, :30, :3].astype(int) - outside) <= 2).all()
        assert (canvas[45, 80, :3] == 90).all()
    canvas = Canvas(160, 90)(still(make_character(background="transparent")))
    assert canvas[45, 80, 3] == 255 and (canvas[:, :34] == 0).all()
    canvas = Canvas(90, 160)(still(make_character()))
    assert canvas.shape == (160, 90, 4) and (canvas[..., 3] == 255).all()
    assert (canvas[:30, :, :2] == 0).all() and canvas[:30, :, 2].min() > 20  # blurred blues above, nobody


def test_the_canvas_follows_a_change_of_character():
    from puppet.live.session import still

    canvas = Canvas(160, 90)
    first, second = (still(make_character(background=choice)) for choice in ("chroma", "transparent"))
    assert canvas(first)[0, 0, 3] == 255 and canvas(second)[0, 0, 3] == 0 and canvas(first)[0, 0, 3] == 255


def test_a_file_is_whole_after_close(tmp_path):
    clock = itertools.count()
    output = File(tmp_path / "out.mp4", transparent=False, clock=lambda: next(clock) / 24)
    output.open((64, 64), 24)
    for image in grey_ramp(8):
        picture = make_picture(int(image[0, 0, 0]))
        output.send(picture)
    assert not output.path.exists()
    output.close()
    output.close()
    assert [level(frame) for frame in VideoReader(output.path).frames()] == list(range(8))


@pytest.mark.parametrize("rate", [24.5, 23.5, 12.0])
def test_a_recording_lasts_as_long_as_the_time_that_it_shows(tmp_path, rate):
    times = iter(np.arange(0, 20, 1 / rate))
    output = File(tmp_path / "out.mp4", transparent=False, clock=lambda: next(times))
    output.open((64, 64), 24)
    for _ in range(int(20 * rate) - 1):
        output.send(make_picture(80))
    output.close()
    with av.open(str(output.path)) as video:
        stamps = [float(frame.pts * frame.time_base) for frame in video.decode(video=0)]
    assert abs(stamps[-1] - 20) < 0.3 and all(b > a for a, b in zip(stamps, stamps[1:]))


def test_a_recording_that_could_not_be_ended_is_no_recording(tmp_path):
    class Full(File):
        def close(self):
            super().close()
            raise PuppetError("is the disk full?")

    lost = []
    frames = BufferedFrames(Statistics(), AdaptiveQuality(1 / 24))
    sender = Sender(make_picture(), frames, Statistics(), lambda output, error: lost.append(output))
    output = Full(tmp_path / "out.mp4", transparent=False)
    sender.add(output)
    assert "disk full" in str(sender.remove(output)) and lost == [output]


def test_what_is_typed_finds_its_output(tmp_path):
    names = [output.name for output in make_outputs(["none", "browser", "none"], (1280, 720), None, False)]
    assert names == ["none", "browser"]
    with pytest.raises(PuppetError, match="unknown output 'browsr'; did you mean browser"):
        make_outputs(["browsr"], (1280, 720), None, False)
    with pytest.raises(PuppetError, match="cannot carry transparency"):
        make_outputs([str(tmp_path / "a.mp4")], (1280, 720), None, True)
    with pytest.raises(PuppetError, match="not a video format"):
        make_outputs([str(tmp_path / "a.gif")], (1280, 720), None, False)
    write_video(tmp_path / "there.mp4", grey_ramp(4))
    assert make_outputs([str(tmp_path / "there.mp4")], (1280, 720), None, False)[0].name.endswith("there.mp4")


def test_the_browser_frame_is_straight_alpha_and_a_slow_client_keeps_only_the_newest():
    character = make_character(background="chroma")
    person = np.zeros((64, 64, 4), np.uint8)
    person[:, :32] = (100, 50, 0, 128)  # premultiplied
    from puppet.outputs.base import Picture

    picture = Picture(person, person, character.background, 0.0)
    frame = encoded(picture, False, 5)
    assert HEADER.unpack_from(frame) == (64, 64, 5)
    pixels = np.frombuffer(frame, np.uint8, offset=HEADER.size).reshape(64, 64, 4)
    assert tuple(pixels[0, 0]) == (199, 100, 0, 128) and (pixels[:, 32:] == 0).all()
    browser = Browser()
    client = browser.join(framed=False)
    for _ in range(3):
        browser.send(picture)
    assert HEADER.unpack_from(client.frames.take(0))[2] == 3 and client.frames.dropped == 2
    browser.leave(client)
    assert browser.clients == 0


def test_a_window_without_a_screen_is_an_error(monkeypatch):
    monkeypatch.setattr("puppet.outputs.window.sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(PuppetError, match="no screen"):
        Window().open((64, 64), 24)


def test_the_window_draws_in_its_caller_and_tells_keys_and_its_end(monkeypatch):
    shown, keys, visible = [], [ord("b"), 27, 255], [1.0, 1.0, 1.0, 0.0]
    monkeypatch.setenv("DISPLAY", ":0")
    module = "puppet.outputs.window.cv2."
    monkeypatch.setattr(module + "namedWindow", lambda *_: None)
    monkeypatch.setattr(module + "destroyWindow", lambda *_: None)
    monkeypatch.setattr(module + "imshow", lambda _, image: shown.append((image, threading.current_thread())))
    monkeypatch.setattr(module + "waitKey", lambda _: keys.pop(0) if keys else 255)
    monkeypatch.setattr(module + "getWindowProperty", lambda *_: visible.pop(0))
    window = Window()
    window.open((64, 64), 24)
    assert window.poll([]) is None and not shown
    window.send(make_picture(50))
    assert [window.poll(["a line"]), window.poll([]), window.poll([]), window.poll([])] == [
        "b", "escape", None, "closed",
    ]  # fmt: skip
    ((image, thread),) = shown
    assert image.shape == (512, 512, 3) and thread is threading.main_thread() and image.max() > 200
    window.destroy()
