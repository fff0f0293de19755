"""The whole loop with stand-ins for what is slow: order, privacy, loss, change of portrait, end."""

import threading

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from generator.portrait.stream import PortraitStream as Stream
from puppet.capture.camera import Camera
from puppet.core.batcher import Batch
from puppet.core.models import load_generator
from puppet.core.renderer import Renderer
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.buffered_frames import BufferedFrames
from puppet.live.driver_state import DriverState
from puppet.live.frame_source import ReprojectedFrames
from puppet.live.loop import LiveLoop
from puppet.live.sender import Sender
from puppet.live.session import still
from puppet.live.statistics import Statistics
from tests.puppet.live.stand_ins import (
    FakeRenderer,
    FakeSource,
    FakeTracker,
    Memory,
    make_character,
    wait_until,
)


class Running:
    """A loop of stand-ins from camera to a list of pictures."""

    def __init__(self, renderer=None, source=None, character=None, reprojection=True):
        self.lines: list[str] = []
        self.output = Memory()
        self.source = source or FakeSource()
        self.tracker = FakeTracker()
        self.statistics = Statistics()
        character = character or make_character()
        self.driver = DriverState(character, "relative", 1.0, "fake", None, self.lines.append)
        quality = AdaptiveQuality(1 / 24)
        self.frames = (
            ReprojectedFrames(self.statistics, quality) if reprojection else BufferedFrames(self.statistics, quality)
        )
        self.sender = Sender(
            still(character), self.frames, self.statistics, lambda output, error: self.lines.append(str(error))
        )
        self.camera = Camera(self.source, self.lines.append)
        self.renderer = renderer or FakeRenderer()
        self.loop = LiveLoop(
            self.camera, self.tracker, self.driver, self.renderer, self.frames, quality, self.sender, self.statistics,
            self.lines.append,
        )

    def __enter__(self):
        self.sender.add(self.output)
        self.camera.start()
        self.sender.start()
        self.loop.start()
        return self

    def __exit__(self, *_):
        self.loop.close()
        self.camera.close()
        self.sender.close()

    def new_pictures(self, count):
        """Wait for so many different pictures more, all of the camera."""
        have = {id(picture) for picture in self.output.pictures}
        wait_until(lambda: sum(p.live and id(p) not in have for p in dict.fromkeys(self.output.pictures)) >= count)


def driver_likeness(images, frames):
    """Largest correlation of any output with any frame of the driver, over colour and place."""
    import cv2

    def unit(image):
        small = cv2.resize(image[..., :3], (32, 32), interpolation=cv2.INTER_AREA).astype(np.float64).ravel()
        small = small - small.mean()
        return small / max(np.linalg.norm(small), 1e-9)

    drivers = []
    for frame in frames:
        side = min(frame.shape[:2])
        left = (frame.shape[1] - side) // 2
        drivers += [unit(frame), unit(frame[:, left : left + side]), unit(frame[:, ::-1])]
    return float(np.abs(np.array([unit(image) for image in images]) @ np.array(drivers).T).max())


def live_pictures(run):
    return [picture for picture in dict.fromkeys(run.output.pictures) if picture.live]


def test_every_picture_shows_the_newest_pose_and_says_how_old_its_appearance_is():
    with Running() as run:
        wait_until(lambda: any(picture.appearance for picture in run.output.pictures))
        run.new_pictures(12)
    assert run.loop.error is None and run.sender.error is None and run.tracker.closed
    live = live_pictures(run)
    times = [picture.time for picture in live]
    assert times == sorted(times)
    changed = [picture for picture in live if picture.appearance is not None]
    assert changed and np.mean([picture.time - picture.appearance for picture in changed]) > 0
    summary = run.statistics.summary()
    assert set(summary) == {
        "frames", "fps", "new_pictures_per_second", "max_gap_ms", "motion_latency_ms", "appearance_latency_ms", "ms",
        "rss_mib",
    }
    assert summary["motion_latency_ms"]["p50"] < summary["appearance_latency_ms"]["p50"]
    assert set(summary["ms"]) == {
        "collect", "track", "condition", "generate", "decode", "reproject", "composite", "wait",
    }
    assert summary["ms"]["collect"] > 40 and summary["ms"]["track"] > 0
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"sender", "track", "generate", "watch_body", "camera", "output memory"}


def test_without_reprojection_the_generated_frames_are_sent_as_they_are():
    with Running(reprojection=False) as run:
        run.new_pictures(6)
    live = live_pictures(run)
    times = [picture.time for picture in live]
    assert times == sorted(times) and all(picture.appearance == picture.time for picture in live)
    summary = run.statistics.summary()
    # the first of four waits for three more
    assert summary["motion_latency_ms"] == summary["appearance_latency_ms"]
    assert summary["motion_latency_ms"]["p50"] >= 100


def test_no_picture_ever_holds_the_drivers():
    """Magenta noise before the camera; a grey person before blue. Followed, lost, frozen, blank, lost again."""
    from puppet.live.card import card_picture

    with Running() as run:
        run.new_pictures(4)
        run.tracker.lost = True
        wait_until(lambda: run.driver.lost)
        run.new_pictures(4)
        run.driver.frozen = run.sender.frozen = True
        run.output.wait_for(len(run.output.pictures) + 8)
        run.tracker.lost = False
        run.sender.card = card_picture((64, 64), run.driver.character.background)
        run.output.wait_for(len(run.output.pictures) + 8)
        run.driver.frozen = run.sender.frozen = False
        run.sender.card = None
        run.new_pictures(4)
        run.source.gone = True
        run.output.wait_for(len(run.output.pictures) + 24)
    pictures = list(dict.fromkeys(run.output.pictures))
    images = [image for picture in pictures for image in (picture.person, picture.framed)]
    assert driver_likeness(run.source.frames[:3], run.source.frames) > 0.99  # the measure sees what it has to
    assert driver_likeness(images, run.source.frames) < 0.4
    # the driver has no green and all of red and blue; nothing of that colour is anywhere
    for image in images:
        red, green, blue = (image[..., k].astype(int) for k in range(3))
        assert not ((red > green + 60) & (blue < 255) & (red > 60)).any()


def test_an_unplugged_camera_lets_the_portrait_idle_and_comes_back():
    with Running() as run:
        run.new_pictures(4)
        run.source.gone = True
        wait_until(lambda: run.output.pictures[-1].live is False and run.driver.lost)
        assert "unplugged" in run.camera.status
        run.source.gone = False
        run.new_pictures(4)
        assert run.camera.reconnected == 1 and run.camera.status == ""
        wait_until(lambda: not run.driver.lost)
    assert run.loop.error is None


def test_a_change_of_portrait_never_stops_the_clock():
    first, second = make_character("a.png", grey=60), make_character("b.png", grey=200)
    with Running(character=first) as run:
        run.new_pictures(4)
        for character in (second, first, second):
            run.driver.set_character(character)
            wait_until(lambda background=character.background: run.output.pictures[-1].background is background)
            run.new_pictures(4)
    assert run.renderer.characters == [first, second, first, second]
    for picture in dict.fromkeys(run.output.pictures):  # never one's person before the other's background
        level = np.median(picture.person[..., :3][picture.person[..., 3] == 255])
        assert abs(level - (60 if picture.background is first.background else 200)) < 10


def test_mirroring_turns_the_person_and_not_the_background():
    with Running() as run:
        run.new_pictures(4)
        run.driver.mirrored = True
        run.new_pictures(4)
    picture = run.output.pictures[-1]
    outside = picture.person[..., 3] == 0
    np.testing.assert_array_equal(picture.framed[..., :3][outside], picture.background.square[outside])


def test_an_exception_in_a_thread_ends_the_loop_with_it():
    class Broken(FakeRenderer):
        def __call__(self, batch):
            raise RuntimeError("boom")

    with Running(renderer=Broken()) as run:
        wait_until(lambda: run.loop.error is not None)
        count = len(run.output.pictures)
        run.output.wait_for(count + 5)  # the sender goes on until it is told to end
    assert str(run.loop.error) == "boom"


def test_the_real_generator_follows_a_change_of_character():
    """`Performer` on random weights is what `Stream` gives for the same maps, before and after a change."""
    statistics = Statistics()
    renderer = Renderer(Stream(load_generator("tiny", "random", 64), "cpu", "float32"), statistics.timings)
    direct = Stream(load_generator("tiny", "random", 64), "cpu", "float32")
    characters = [make_character("a.png", grey=60), make_character("b.png", grey=200)]
    renderer.lock(characters[1])
    renderer.warm_up(characters[0])
    for character in characters:
        warp, guide = character.own_maps()
        direct.lock(character.portrait.person, warp, guide)
        for _ in range(2):
            own = character.portrait.pose
            frames = (character.conditioner.paint(own, guided=True),) * FRAMES_PER_LATENT
            batch = Batch(character, frames, True)
            np.testing.assert_array_equal(renderer(batch), direct.step(warp, guide))
    assert statistics.timings.milliseconds()["generate"] > 0


def test_frames_that_never_come_whole_are_not_generated_while_frozen():
    with Running() as run:
        run.new_pictures(4)
        run.driver.frozen = True
        run.output.wait_for(len(run.output.pictures) + 12)
        made = run.statistics.timings._frames["collect"]
        run.output.wait_for(len(run.output.pictures) + 12)
        assert run.statistics.timings._frames["collect"] == made
        run.driver.frozen = False
        run.new_pictures(4)
    assert run.loop.error is None
