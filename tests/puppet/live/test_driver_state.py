"""Calibration, portraits of a folder, and the commands that all remote controls share."""

import threading

import numpy as np
import pytest

from pose.tracking.landmarks import empty_pose
from puppet.core.calibration import CalibrationMemory
from puppet.errors import PuppetError
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.buffered_frames import BufferedFrames
from puppet.live.card import card_picture
from puppet.live.controls import KEYS, Controls
from puppet.live.driver_state import DriverState
from puppet.live.portrait_library import KEPT, PortraitLibrary
from puppet.live.sender import Sender
from puppet.live.session import still
from puppet.live.statistics import Statistics
from tests.puppet.live.stand_ins import Memory, make_character, wait_until
from tests.puppet.poses import pose_at

BRIGHT = np.full((256, 256, 3), 140, np.uint8)


def calibrated(driver, make_pose, image=BRIGHT):
    """Run a whole calibration; the neutral that was taken."""
    driver.calibrate()
    start = driver._calibration.started
    for k in range(24 * 6):
        driver.update(make_pose(start + k / 24), image)
        if driver._calibration is None:
            return driver._neutral
    raise AssertionError("the calibration never ended")


def test_calibration_counts_down_takes_the_neutral_and_remembers_it(tmp_path):
    memory, lines = CalibrationMemory(tmp_path / "kept"), []
    driver = DriverState(make_character(), "relative", 1.0, "BRIO", memory, lines.append)
    assert not driver.calibrated
    neutral = calibrated(driver, lambda time: pose_at(128, time=time))
    assert [line[:16] for line in lines[:3]] == ["calibration in 3", "calibration in 2", "calibration in 1"]
    assert driver.calibrated and driver.fit.score > 85 and driver.fit.advice == ""
    again = DriverState(make_character(), "relative", 1.0, "BRIO", memory, lines.append)
    assert again.calibrated
    np.testing.assert_array_equal(again.neutral.face, neutral.face)
    assert not DriverState(make_character(), "relative", 1.0, "other", memory, lines.append).calibrated
    assert not DriverState(make_character("b.png"), "relative", 1.0, "BRIO", memory, lines.append).calibrated


def test_a_remembered_neutral_fits_the_camera_at_another_resolution(tmp_path):
    memory = CalibrationMemory(tmp_path)
    memory.save("BRIO", "test.png", pose_at(128))
    driver = DriverState(make_character(), "relative", 1.0, "BRIO", memory, print)
    driver.update(pose_at(256, 220, size=512, eyes=120), None)
    neutral = driver.neutral
    assert neutral.size == (512, 512)
    np.testing.assert_allclose(neutral.face, pose_at(256, 220, size=512, eyes=120).face, atol=1e-3)


@pytest.mark.parametrize(
    "make_pose, image, advice",
    [
        (lambda time: pose_at(128, eyes=20, time=time), BRIGHT, "closer"),
        (lambda time: pose_at(128 + 20 * np.sin(9 * time), time=time), BRIGHT, "hold still"),
        (lambda time: pose_at(128, time=time), BRIGHT // 10, "more light"),
        (lambda time: empty_pose((256, 256), time), BRIGHT, "no face"),
    ],
)
def test_a_poor_calibration_says_what_would_help(make_pose, image, advice):
    lines = []
    driver = DriverState(make_character(), "relative", 1.0, "BRIO", None, lines.append)
    calibrated(driver, make_pose, image)
    assert driver.fit.score < 60 and advice in driver.fit.advice and advice in lines[-1]


def test_a_broken_memory_is_no_calibration(tmp_path):
    memory = CalibrationMemory(tmp_path)
    memory.save("a", "b", pose_at(128))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    corrupt = whole[:300] + bytes([whole[300] ^ 255]) + whole[301:]
    for content in (b"no zip", b"", whole[: len(whole) // 2], corrupt):
        path.write_bytes(content)
        assert memory.load("a", "b") is None
    assert memory.load("c", "d") is None


def test_another_portrait_keeps_the_neutral_that_was_found_by_itself():
    driver = DriverState(make_character(), "relative", 1.0, "BRIO", None, print)
    driver.set_character(make_character("b.png"))
    assert driver.neutral is None
    for k in range(72):
        driver.target(pose_at(128, time=k / 24))
    found = driver.neutral
    driver.set_character(make_character("c.png"))
    assert not driver.calibrated
    driver.target(pose_at(150, time=3.0))
    np.testing.assert_array_equal(driver.neutral.face, found.face)


def folder_of(tmp_path, *names):
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_portraits_change_round_and_round_and_new_files_are_seen(tmp_path):
    folder, ready, loaded = folder_of(tmp_path, "a.png", "b.jpg", "notes.txt"), [], []

    def load(path):
        if path.name == "c.png":
            raise PuppetError("no face")
        loaded.append(path.name)
        return path.name

    failed = []
    library = PortraitLibrary(folder / "a.png", folder, load, ready.append, failed.append)
    assert library.prepare() == "a.png"
    for step, name in ((1, "b.jpg"), (1, "a.png"), (-1, "b.jpg")):
        library.step(step)
        wait_until(lambda name=name: ready and ready[-1] == name and library._thread is None)
    assert loaded == ["a.png", "b.jpg"]  # both before the stream: a change is immediate
    folder_of(tmp_path, "c.png")
    library.number(3)
    wait_until(lambda: failed == ["no face"])
    with pytest.raises(PuppetError, match="no portrait 4: .* holds 3"):
        library.number(4)
    with pytest.raises(PuppetError, match="--portraits"):
        PortraitLibrary(folder / "a.png", None, load, ready.append, failed.append).step(1)
    assert len(library._prepared) <= KEPT


@pytest.fixture
def commands(tmp_path):
    character = make_character()
    driver = DriverState(character, "relative", 1.0, "fake", None, print)
    sender = Sender(still(character), BufferedFrames(Statistics(), AdaptiveQuality(1 / 24)), Statistics(), print)
    sender.add(Memory())
    sender.start()
    ended = threading.Event()
    library = PortraitLibrary(tmp_path / "a.png", tmp_path, lambda path: character, driver.set_character, print)
    commands = Controls(driver, sender, library, tmp_path, False, ended.set)
    commands.driver, commands.sender, commands.ended = driver, sender, ended
    yield commands
    sender.close()


def test_every_command_has_a_key_and_a_method(commands, tmp_path):
    folder_of(tmp_path, "a.png", "b.png")
    assert len(set(KEYS.values())) == len(KEYS)
    for command in KEYS.values():
        assert commands.run(command)
    assert commands.ended.is_set()
    assert commands.key("B") == "on air" and commands.key("2") and commands.key("q") is None
    with pytest.raises(PuppetError, match="unknown command 'blnk'; did you mean blank"):
        commands.run("blnk")
    with pytest.raises(PuppetError, match="portrait 1 is the first"):
        commands.run("portrait")


def test_blank_freeze_and_mirror_are_switches(commands):
    assert commands.run("blank") == "blank" and commands.state["blank"]
    assert commands.run("blank") == "on air" and not commands.state["blank"]
    assert commands.run("freeze") == "frozen" and commands.sender.frozen and commands.driver.frozen
    assert commands.run("freeze") == "moving" and not commands.sender.frozen
    assert commands.run("mirror") == "mirrored" and commands.state["mirrored"]


def test_a_recording_begins_and_ends_beside_the_other_outputs(commands, tmp_path):
    from puppet.media.video_reader import VideoReader

    assert commands.run("record").startswith("recording ")
    path = commands.state["recording"]
    wait_until(lambda: commands._recording._writer._frames > 6)
    assert commands.run("record") == f"recorded {path}"
    frames = list(VideoReader(path).frames())
    assert len(frames) > 6 and frames[0].shape == (64, 64, 3)
    assert len(commands.sender.outputs) == 1 and commands.state["recording"] is None


def test_the_card_is_opaque_and_says_nothing_of_anyone():
    background = make_character(background="transparent").background
    card = card_picture((64, 64), background)
    assert card.person.shape == (64, 64, 4) and (card.person[..., 3] == 255).all() and not card.live
