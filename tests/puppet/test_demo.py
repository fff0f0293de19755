"""`puppet demo`: its handlers with real small media, its page in a real browser, its ending."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from PIL import Image

from puppet.media.video_reader import VideoReader
from tests.puppet.poses import pose_at
from tests.puppet.videos import write_video

gr = pytest.importorskip("gradio")

SMALL = ("--model", "tiny", "--weights", "random", "--size", "64", "--device", "cpu")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
POINTS = {
    "left_eye": (60, 70), "right_eye": (100, 70), "mouth_left": (64, 112), "mouth_right": (96, 112), "nose": (80, 92),
    "chin": (80, 132),
}  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    from puppet.demo.engine import Engine

    return Engine("tiny", "random", "cpu", 64)


@pytest.fixture
def sessions(engine, tmp_path, monkeypatch):
    from puppet.demo.sessions import Sessions

    folder = tmp_path / "private"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    sessions = Sessions(engine, folder)
    yield sessions
    sessions.close()


@pytest.fixture
def handlers(sessions, tmp_path):
    from puppet.demo.handlers import Handlers

    return Handlers(sessions, tmp_path / "private")


@pytest.fixture
def tab():
    """What Gradio tells of the tab that an event came from."""
    return SimpleNamespace(session_hash="tab")


@pytest.fixture
def faceless(tmp_path):
    path = tmp_path / "hero.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (160, 160, 3), np.uint8)).save(path)
    return path


def message(call, *args) -> str:
    with pytest.raises(gr.Error) as raised:
        result = call(*args)
        list(result)
    return raised.value.message


def test_a_portrait_and_a_video_make_a_clip(handlers, sessions, portrait, driver, tab):
    status, panel, *_ = handlers.choose_portrait(str(portrait), tab)
    assert status == "Ready." and panel.visible is False
    *steps, (clip, button, status) = handlers.make_clip(str(driver), "chroma", None, 1.0, tab)
    assert "Done: 10 frames" in status and button.interactive and any("Watching" in step[2] for step in steps)
    frames = list(VideoReader(clip).frames())
    assert len(frames) == 10 and frames[0].shape == (64, 64, 3)
    handlers.leave(tab)
    assert not os.path.exists(clip) and len(sessions) == 0


def test_a_transparent_clip_comes_in_a_file_that_keeps_it(handlers, portrait, driver, tab):
    handlers.choose_portrait(str(portrait), tab)
    *_, (clip, _, _) = handlers.make_clip(str(driver), "transparent", None, 1.0, tab)
    assert clip.endswith(".webm") and len(list(VideoReader(clip).frames())) == 10


def test_stopping_leaves_no_file(engine, portrait, driver, tmp_path):
    from puppet.core.character import load_character

    steps = engine.clip(load_character(portrait, 64, "original"), driver, 1.0, tmp_path / "out.mp4")
    for progress in steps:
        if "Making the clip" in progress:
            break
    steps.close()
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_used_is_said(handlers, portrait, driver, tab, tmp_path):
    private = tmp_path / "private"
    broken, text = private / "broken.png", private / "text.mp4"
    broken.write_bytes(portrait.read_bytes()[:5000])
    text.write_text("no video")
    nobody = write_video(tmp_path / "nobody.mp4", [np.full((64, 64, 3), 20 * k, np.uint8) for k in range(6)])
    assert "choose one" in message(handlers.make_clip, str(driver), "original", None, 1.0, tab)
    error = message(handlers.choose_portrait, str(broken), tab)
    assert error.startswith("Portrait broken.png is broken") and str(private) not in error
    handlers.choose_portrait(str(portrait), tab)
    assert "Choose a video" in message(handlers.make_clip, None, "original", None, 1.0, tab)
    assert "Driver text.mp4 is not a video" in message(handlers.make_clip, str(text), "original", None, 1.0, tab)
    assert "no face was found" in message(handlers.make_clip, str(nobody), "original", None, 1.0, tab)
    assert "Choose the picture" in message(handlers.make_clip, str(driver), "picture", None, 1.0, tab)
    assert "broken" in message(handlers.make_clip, str(driver), "picture", str(broken), 1.0, tab)
    assert "the webcam first" in message(handlers.take_neutral, tab)


def test_a_picture_without_a_face_is_marked_and_driven(handlers, sessions, faceless, driver, tab):
    status, panel, picture, point, use, _ = handlers.choose_portrait(str(faceless), tab)
    assert "No face" in status and panel.visible and point == "left_eye" and not use.interactive
    assert picture.shape == (160, 160, 3)
    for x, y in POINTS.values():
        panel, picture, point, use, _ = handlers.mark_point(point, SimpleNamespace(index=[x, y]), tab)
    assert point is None and use.interactive
    before = picture
    *_, picture, point, _, _ = handlers.mark_point("left_brow", SimpleNamespace(index=[60, 55]), tab)
    assert point is None and not np.array_equal(picture, before)
    status, sidecar = handlers.use_points(tab)
    assert "Ready" in status and sidecar.value["path"].endswith("hero.points.json")
    marked = json.loads((sessions.of("tab").folder / "hero.points.json").read_text())
    assert set(marked) == {*POINTS, "left_brow"} and marked["nose"] == [80.5, 92.5]
    assert not faceless.with_suffix(".points.json").exists()

    # the same file beside the same picture gives the same portrait everywhere else
    from puppet.core.character import load_character

    faceless.with_suffix(".points.json").write_text(json.dumps(marked))
    ours, theirs = sessions.of("tab").character, load_character(faceless, 64, "original")
    assert np.array_equal(ours.portrait.pose.face, theirs.portrait.pose.face)
    *_, (clip, _, _) = handlers.make_clip(str(driver), "original", None, 1.0, tab)
    assert len(list(VideoReader(clip).frames())) == 10


def test_points_that_make_no_face_are_refused(handlers, faceless, tab):
    *_, point, _, _ = handlers.choose_portrait(str(faceless), tab)
    for _ in POINTS:
        _, _, point, _, _ = handlers.mark_point(point, SimpleNamespace(index=[80, 80]), tab)
    assert "6 pixels apart" in message(handlers.use_points, tab)


def test_clicks_on_a_reduced_picture_are_in_the_portraits_pixels():
    from puppet.demo.marking import Marking, draw, shown_scale

    marking = Marking((3200, 1600))
    assert draw(np.zeros((1600, 3200, 3), np.uint8), marking, None).shape == (400, 800, 3)
    assert shown_scale(marking.size) == 0.25 and shown_scale((300, 200)) == 1


def test_the_webcam_drives_the_portrait_and_is_never_shown(sessions, portrait, driver, tab):
    from puppet.demo.webcam import WebcamSession

    own = sessions.of("tab")
    own.set_portrait(portrait)
    frames = list(VideoReader(driver).frames())
    session = WebcamSession(own.engine.renderer())
    rest = own.character.portrait.person
    blank = np.full_like(frames[0], 200)
    for k in range(3):
        seen = session.see(own.character, blank, 1.0, k / 10)
        assert np.array_equal(seen.person, rest)
    assert "No face" in seen.message
    shown = [session.see(own.character, frame, 1.0, 2 + k / 10) for k, frame in enumerate(frames)]
    assert "Following you" in shown[-1].message
    assert any(not np.array_equal(seen.person, rest) for seen in shown)

    session.close()
    closed = session.see(own.character, frames[0], 1.0, 9.0)
    assert np.array_equal(closed.person, shown[-1].person) and "closed" in closed.message


def test_only_landmarks_leave_the_webcam(sessions, portrait, tab):
    from puppet.demo.webcam import WebcamSession

    own = sessions.of("tab")
    own.set_portrait(portrait)

    def watch(pictures) -> list[np.ndarray]:
        session = WebcamSession(own.engine.renderer())
        session._tracker.close()
        poses = iter([pose_at(128 + 4 * k, time=k / 10) for k in range(len(pictures))])
        session._drive._tracker = SimpleNamespace(track=lambda image, time, body: next(poses))
        session._drive._follow_skin = session._drive._look_around = lambda image, pose: pose
        session.take_neutral()
        return [session.see(own.character, image, 1.0, k / 10).person for k, image in enumerate(pictures)]

    noise = np.random.default_rng(0).integers(0, 255, (9, 256, 256, 3), np.uint8)
    dark, bright = watch(noise // 4), watch(255 - noise // 4)
    assert all(np.array_equal(a, b) for a, b in zip(dark, bright, strict=True))
    assert not np.array_equal(dark[0], dark[-1])


def test_the_neutral_face_can_be_taken_again(sessions, portrait, driver):
    from puppet.demo.webcam import WebcamSession

    own = sessions.of("tab")
    own.set_portrait(portrait)
    frames = list(VideoReader(driver).frames())
    session = WebcamSession(own.engine.renderer())
    session.see(own.character, frames[0], 1.0, 0.0)
    first = session._puppeteer.retargeter.neutral
    session.see(own.character, frames[1], 1.0, 0.1)
    assert session._puppeteer.retargeter.neutral is first
    session.take_neutral()
    session.see(own.character, frames[8], 1.0, 0.2)
    assert session._puppeteer.retargeter.neutral is not first
    session.close()


def test_the_stream_tells_instead_of_ending(handlers, portrait, driver, tab):
    frame = next(VideoReader(driver).frames())
    assert "choose one" in handlers.see(frame, "original", None, 1.0, tab)[1]
    handlers.choose_portrait(str(portrait), tab)
    assert "Choose the picture" in handlers.see(frame, "picture", None, 1.0, tab)[1]
    assert handlers.see(frame, "blur", None, 1.0, tab)[0].count("data:image/jpeg;base64,") == 1
    assert "data:image/png;base64," in handlers.see(frame, "transparent", None, 1.0, tab)[0]
    assert handlers.take_neutral(tab)


def test_a_taken_port_is_said(fails):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 cannot be used" in fails("demo", "--no-browser", "--port", port)
    assert "there is no port" in fails("demo", "--port", "70000")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def demo(tmp_path):
    """(address, process, folder of temporary files) of a running demo."""
    port = free_port()
    command = [sys.executable, "-m", "puppet.cli", "demo", "--no-browser", "--port", str(port), *SMALL]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONWARNINGS": ""}
    )
    line = process.stderr.readline()
    assert line.startswith(f"puppet: http://127.0.0.1:{port}/"), line + process.stderr.read()
    yield f"http://127.0.0.1:{port}/", process, tmp_path
    process.kill()
    process.wait()


def test_it_answers_this_machine_only_and_leaves_nothing(demo):
    address, process, folder = demo
    with urllib.request.urlopen(address) as answer:
        assert b"Puppet" in answer.read()
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    foreign = urllib.request.Request(address, headers={"Host": "puppet.example"})
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(foreign)
    assert [path.name for path in folder.iterdir() if path.name.startswith("puppet-demo-")]
    process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert os.listdir(folder) == []
    assert process.stderr.read() == ""


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_uploads_marks_and_drives_with_a_webcam(demo, driver, faceless):
    playwright = pytest.importorskip("playwright.sync_api")
    address, _, folder = demo
    camera = folder / "camera.mjpeg"  # pictures one after the other are such a file
    camera.write_bytes(b"".join(cv2.imencode(".jpg", image[..., ::-1])[1] for image in VideoReader(driver).frames()))
    flags = [
        "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
    ]  # fmt: skip
    with playwright.sync_playwright() as driven:
        browser = driven.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = browser.new_page()
        page.set_default_timeout(120_000)
        elsewhere, failures = [], []
        page.on("request", lambda request: request.url.startswith(("http", "ws")) and elsewhere.append(request.url))
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(address)
        page.get_by_text("Ready.").wait_for()
        page.get_by_role("tab", name="Webcam").click()
        page.get_by_text("Click to Access Webcam").click()
        page.locator("button:visible", has_text="Record").click()
        page.get_by_text("Following you").wait_for()
        assert page.locator("img.puppet-live").evaluate("image => image.naturalWidth") == 64
        page.locator("#portrait").get_by_label("Remove Image").click()
        page.locator("#portrait input[type=file]").set_input_files(faceless)
        page.get_by_text("No face was found").wait_for()
        page.locator(".puppet-marking img").click()
        point = page.get_by_label("Point to place with the next click")
        playwright.expect(point).to_have_value(re.compile(r"^2\. "), timeout=120_000)
        browser.close()
    assert all(url.startswith(address) for url in elsewhere) and failures == []
