"""One visitor's webcam: camera pictures in, pictures of the portrait out. Nothing of the former is in the latter."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from pose.tracking.landmarks import PoseFrame, empty_pose
from pose.motion.retargeting import Retargeter
from pose.tracking.smoothing import PoseSmoother
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.character import Character, Performer
from puppet.errors import reported_as_puppet_error
from puppet.live.calibration import Fit, face_light, judge
from puppet.live.follower import LiveFollower
from puppet.motion import TRACKED_SIDE
from puppet.video_in import centre_square

BODY_EVERY = 4  # frames per look at body and hands
GOOD_FIT = 40  # of 100, from which a face is taken as the neutral one unasked
STALE_SECONDS = 1.0  # without a picture, after which those gathered before belong to another moment


@dataclass(frozen=True, eq=False)
class Seen:
    """What came of one camera picture: the person (S, S, 4) uint8 premultiplied RGBA, and a line for the visitor."""

    person: np.ndarray
    message: str


class WebcamSession:
    """Takes the camera's pictures in the order of their times, four for each step of the generator.

    Shows the portrait at rest until a neutral face was taken, which is the first good one.
    """

    def __init__(self, performer: Performer):
        self._performer = performer
        with reported_as_puppet_error(TrackerUnavailable):
            self._tracker = Tracker(body_every=BODY_EVERY)
        self._smooth = PoseSmoother()
        self._lock = threading.Lock()  # two events of one page may overlap
        self._character: Character | None = None
        self._follow: LiveFollower | None = None
        self._neutral: PoseFrame | None = None
        self._fit: Fit | None = None
        self._take_next = False
        self._targets: list[PoseFrame] = []
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
                self._put_on(character)
            if self._closed:
                return Seen(self._shown, "the webcam was closed")
            if now - self._last > STALE_SECONDS:
                self._targets.clear()
                self._pictures.clear()
            self._last = now
            square = centre_square(image, TRACKED_SIDE)
            pose = self._smooth(self._tracker.track(square, now))
            advice = self._calibrate(pose, square)
            self._follow.retargeter.strength = strength
            self._gather(pose if self._neutral is not None else empty_pose(pose.size, now))
            if self._pictures:
                self._shown = self._pictures.popleft()
            return Seen(self._shown, advice or self._message())

    def close(self) -> None:
        """Free the tracker."""
        with self._lock:
            self._closed = True
            self._tracker.close()

    def _put_on(self, character: Character) -> None:
        self._character = character
        self._follow = LiveFollower(Retargeter(character.portrait.pose, self._neutral))
        self._shown = character.portrait.person
        self._targets.clear()
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
        self._follow.retargeter.set_neutral(pose)
        return ""

    def _gather(self, driver: PoseFrame) -> None:
        self._targets.append(self._follow(driver))
        if len(self._targets) < FRAMES_PER_LATENT:
            return
        warp, guide = self._character.maps(self._targets)
        self._targets.clear()
        self._pictures = deque(self._performer.perform(self._character, warp, guide))

    def _message(self) -> str:
        if self._follow.lost:
            return "No face in the camera's picture: the portrait rests"
        if self._neutral is None:
            return "Waiting for a face"
        advice = f": {self._fit.advice}, and press the button again" if self._fit.advice else ""
        return f"Following you. Neutral face taken, fit {self._fit.score} of 100{advice}"
