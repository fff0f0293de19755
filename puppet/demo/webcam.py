"""One tab's webcam: camera pictures in, pictures of the portrait out. Nothing of the former is in the latter."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

from pose.tracking.landmarks import PoseFrame, empty_pose
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.core.batcher import Batcher, condition
from puppet.core.calibration import Fit, face_light, judge
from puppet.core.character import Character
from puppet.core.driver import TRACKED_SIDE, Driver
from puppet.core.puppeteer import Puppeteer
from puppet.core.renderer import Renderer
from puppet.core.timings import Timings
from puppet.core.tracking_loss import IdleWhenLost
from puppet.errors import reported_as_puppet_error
from puppet.media.video_reader import centre_square

BODY_EVERY = 4  # frames per look at body and hands
GOOD_FIT = 40  # of 100, from which a face is taken as the neutral one unasked
STALE_SECONDS = 1.0  # without a picture, after which those gathered before belong to another moment


@dataclass(frozen=True, eq=False)
class Seen:
    """What came of one camera picture: the person (H, W, 4) uint8 premultiplied RGBA, and a line for the user."""

    person: np.ndarray
    message: str


class WebcamSession:
    """Takes the camera's pictures in the order of their times, four for each step of the generator.

    Shows the portrait at rest until a neutral face was taken, which is the first good one.
    """

    def __init__(self, renderer: Renderer, hands: bool = True):
        self._render, self._hands = renderer, hands
        with reported_as_puppet_error(TrackerUnavailable):
            self._tracker = Tracker(body_every=BODY_EVERY)
        self._timings = Timings()
        self._drive = Driver(self._tracker, self._timings)
        self._batcher = Batcher()
        self._lock = threading.Lock()  # two events of one page may overlap
        self._character: Character | None = None
        self._puppeteer: Puppeteer | None = None
        self._neutral: PoseFrame | None = None
        self._fit: Fit | None = None
        self._take_next = False
        self._pictures: deque[np.ndarray] = deque()
        self._shown: np.ndarray | None = None
        self._last = float("-inf")
        self._closed = False

    def take_neutral(self) -> None:
        """The next face that is seen is the neutral one, however it looks."""
        self._take_next = True

    def see(self, character: Character, image: np.ndarray, strength: float, now: float) -> Seen:
        """One (H, W, 3) uint8 RGB picture of the camera, seen at `now` (s)."""
        with self._lock:
            if character is not self._character:
                self._set_character(character)
            if self._closed:
                return Seen(self._shown, "the webcam was closed")
            if now - self._last > STALE_SECONDS:
                self._batcher.clear()
                self._pictures.clear()
            self._last = now
            square = centre_square(image, TRACKED_SIDE)
            pose = self._drive(square, now)
            advice = self._calibrate(pose, square)
            self._puppeteer.retargeter.strength = strength
            target = self._puppeteer(pose if self._neutral is not None else empty_pose(pose.size, now))
            if batch := self._batcher.add(character, condition(character, target, self._timings)):
                self._pictures = deque(character.size.cut(self._render(batch)))
            if self._pictures:
                self._shown = self._pictures.popleft()
            return Seen(self._shown, advice or self._message())

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._tracker.close()

    def _set_character(self, character: Character) -> None:
        self._character = character
        self._puppeteer = Puppeteer(
            character.portrait.pose, self._neutral, policy=IdleWhenLost, hands=self._hands, drawn=character.drawn
        )
        self._shown = character.still
        self._batcher.clear()
        self._pictures.clear()

    def _calibrate(self, pose: PoseFrame, image: np.ndarray) -> str:
        """Take the neutral face if this is it; else what stands in the way."""
        if self._neutral is not None and self._neutral.size != pose.size:
            self._neutral = None  # another camera
        if pose.face is None or (self._neutral is not None and not self._take_next):
            return ""
        fit = judge([pose], pose, face_light(image, pose))
        if not self._take_next and fit.score < GOOD_FIT:
            return f"Waiting for your neutral face: {fit.advice}"
        self._take_next = False
        self._neutral, self._fit = pose, fit
        self._puppeteer.retargeter.set_neutral(pose)
        return ""

    def _message(self) -> str:
        if self._puppeteer.policy.lost:
            return "No face in the camera's picture: the portrait rests"
        if self._neutral is None:
            return "Waiting for a face"
        advice = f": {self._fit.advice}, and press the button again" if self._fit.advice else ""
        return f"Following you. Neutral face taken, fit {self._fit.score} of 100{advice}"
