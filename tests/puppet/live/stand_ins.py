"""Stand-ins for camera, tracker, generator and outputs, of known content."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np

from pose.portrait.preparation import Portrait
from pose.tracking.landmarks import PoseFrame, empty_pose
from pose.warp.conditioning import Conditioner
from puppet.capture.sources import Source
from puppet.core.background import Background
from puppet.core.batcher import Batch
from puppet.core.character import Character
from puppet.core.look import PictureSize
from puppet.outputs.base import Output, Picture
from tests.puppet.poses import pose_at

SIZE = 64
BODY = np.tile(np.array([32, 50, 0, 0.9], np.float32), (33, 1))


def portrait_pose(size: int = SIZE) -> PoseFrame:
    return pose_at(size / 2, size * 0.42, size, size * 0.25)


def make_character(name: str = "test.png", background: str = "original", grey: int = 90, size: int = SIZE) -> Character:
    """A person of one grey in an oval, before a green-free background of blues."""
    y, x = np.mgrid[:size, :size] + 0.5
    inside = ((x / size - 0.5) / 0.3) ** 2 + ((y / size - 0.5) / 0.42) ** 2 < 1
    person = np.zeros((size, size, 4), np.uint8)
    person[inside] = (grey, grey, grey, 255)
    behind = np.zeros((size, size, 3), np.uint8)
    behind[..., 2] = np.linspace(20, 220, size).astype(np.uint8)
    pose = portrait_pose(size)
    portrait = Portrait(person, behind, pose, person[..., :3])
    return Character(name, portrait, PictureSize(size, size), Background(background, behind), Conditioner(person, pose))


def make_picture(grey: int = 100, time: float = 0.0, background: Background | None = None, size: int = SIZE) -> Picture:
    background = background or Background("original", np.zeros((size, size, 3), np.uint8))
    image = np.full((size, size, 4), grey, np.uint8)
    image[..., 3] = 255
    return Picture(image, image, background, time)


class FakeSource(Source):
    """A camera of magenta noise at about `rate`; `gone` unplugs it."""

    name = "fake"

    def __init__(self, rate: float = 60.0, black: bool = False):
        self.gone = False
        self.refused: Exception | None = None
        self.opened = 0
        self.frames: list[np.ndarray] = []
        self._rate, self._black = rate, black
        self._random = np.random.default_rng(1)

    def open(self) -> None:
        if self.refused is not None:
            raise self.refused
        self.opened += 1

    def read(self) -> np.ndarray | None:
        time.sleep(1 / self._rate)
        if self.gone:
            return None
        noise = self._random.integers(0, 256, (48, 64), np.uint8)
        frame = np.stack([noise, np.zeros_like(noise), 255 - noise], -1)
        if self._black:
            frame[:] = 0
        self.frames.append(frame)
        return frame

    def close(self) -> None:
        pass


class FakeTracker:
    """A face that swings with time; `lost` hides it."""

    def __init__(self):
        self.lost = False
        self.closed = False
        self.hands_near = False

    def track(self, image: np.ndarray, time: float, body: bool | None = None) -> PoseFrame:
        height, width = image.shape[:2]
        if self.lost:
            return empty_pose((width, height), time)
        pose = pose_at(width / 2 + 3 * np.sin(6 * time), height / 2, width, width / 4, time)
        return replace(pose, size=(width, height))

    def update_body(self, image: np.ndarray, time: float) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class FakeRenderer:
    """Gives the warps back, as a perfect generator would for a still face."""

    def __init__(self):
        self.characters: list[Character] = []

    def __call__(self, batch: Batch) -> np.ndarray:
        if not self.characters or self.characters[-1] is not batch.character:
            self.characters.append(batch.character)
        return batch.maps()[0]


class Memory(Output):
    """Keeps what it is sent."""

    name = "memory"

    def __init__(self, broken_after: int | None = None):
        self.pictures: list[Picture] = []
        self.times: list[float] = []
        self.closed = 0
        self._changed = threading.Condition()
        self._broken_after = broken_after

    def open(self, size: tuple[int, int], fps: int) -> None:
        self.size, self.fps = size, fps

    def send(self, picture: Picture) -> None:
        if self._broken_after is not None and len(self.pictures) >= self._broken_after:
            raise RuntimeError("the plug was pulled")
        with self._changed:
            self.pictures.append(picture)
            self.times.append(time.perf_counter())
            self._changed.notify_all()

    def close(self) -> None:
        self.closed += 1

    def wait_for(self, count: int, seconds: float = 120.0) -> list[Picture]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.pictures) >= count, seconds), len(self.pictures)
            return list(self.pictures)


def wait_until(condition, seconds: float = 120.0) -> None:
    end = time.perf_counter() + seconds
    while not condition():
        assert time.perf_counter() < end, "it never became so"
        time.sleep(0.01)
