"""The whole loop with stand-ins for what is slow: order, privacy, loss, change of portrait, end."""

import threading
from dataclasses import replace

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from generator.portrait.stream import PortraitStream as Stream
from puppet.capture.camera import Camera
from puppet.core.batcher import Batch
from puppet.core.models import load_generator
from puppet.core.renderer import Renderer
from puppet.live.driver_state import DriverState
from puppet.live.loop import Gather, LiveLoop
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

    def __init__(self, renderer=None, source=None, character=None):
        self.lines: list[str] = []
        self.output = Memory()
        self.source = source or FakeSource()
        self.tracker = FakeTracker()
        self.statistics = Statistics()
        character = character or make_character()
        self.driver = DriverState(character, "relative", 1.0, "fake", None, self.lines.append)
        self.sender = Sender(still(character), self.statistics, lambda output, error: self.lines.append(str(error)))
        self.camera = Camera(self.source, self.lines.append)
        self.renderer = renderer or FakeRenderer()
        self.loop = LiveLoop(
            self.camera, self.tracker, self.driver, self.renderer, self.sender, self.statistics, self.lines.append
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


def test_pictures_come_in_order_with_their_true_delay_and_the_threads_end():
    with Running() as run:
        run.new_pictures(6)
    assert run.loop.error is None and run.tracker.closed
    live = [picture for picture in dict.fromkeys(run.output.pictures) if picture.live]
    times = [picture.time for picture in live]
    assert times == sorted(times)
    summary = run.statistics.summary()
    assert set(summary) == {"frames", "fps", "max_gap_ms", "latency_ms", "ms", "rss_mib"}
    # the first of four waits for three more
    assert summary["latency_ms"]["p50"] >= 100
    assert set(summary["ms"]) == {"collect", "track", "condition", "generate", "decode", "composite", "wait"}
    assert summary["ms"]["collect"] > 40 and summary["ms"]["track"] > 0
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"sender", "track", "generate", "camera", "output memory"}


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
            batch = Batch(character, warp, guide, (character.portrait.pose,) * FRAMES_PER_LATENT, True)
            np.testing.assert_array_equal(renderer(batch), direct.step(warp, guide))
    assert statistics.timings.milliseconds()["generate"] > 0


def test_frames_that_never_come_whole_are_not_generated_while_frozen():
    with Running() as run:
        run.new_pictures(4)
        run.driver.frozen = True
        run.output.wait_for(len(run.output.pictures) + 12)
        made = run.statistics.timings._frames["condition"]
        run.output.wait_for(len(run.output.pictures) + 12)
        assert run.statistics.timings._frames["condition"] == made
        run.driver.frozen = False
        run.new_pictures(4)
    assert run.loop.error is None


def test_body_is_looked_for_in_third_frames():
    statistics = Statistics()
    character = make_character()

    def portrait_at(time: float):
        return replace(character.portrait.pose, time=time)

    def looks(ticks_a_frame: int, every: int, frames: int) -> list[int]:
        gather, found = Gather(statistics), []
        for i in range(frames):
            if gather.body_due(every):
                found.append(i)
            for k in range(ticks_a_frame):
                gather.add(character, portrait_at((i + k / ticks_a_frame) / 24), True, 24)
        return found

    assert looks(1, 4, 20) == [0, 2, 6, 10, 14, 18]
    assert looks(1, 8, 20) == [0, 6, 14]
    assert looks(1, 12, 40) == [0, 10, 22, 34]
    assert len(looks(4, 4, 20)) >= 5  # of a camera so slow that every frame fills a group
