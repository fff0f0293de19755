"""The driver's state: which character follows, its calibration, whether it is frozen or mirrored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from pose.tracking.landmarks import PoseFrame
from puppet.core.calibration import Calibration, CalibrationMemory, Fit, face_light
from puppet.core.character import Character
from puppet.core.puppeteer import Puppeteer
from puppet.core.tracking_loss import IdleWhenLost


class DriverState:
    """One driver and the character that follows. `update` and `target` are the tracking thread's, the rest is anyone's.

    camera: the name under which calibrations are remembered. report: takes lines for the user.
    """

    def __init__(
        self,
        character: Character,
        motion: str,
        strength: float,
        camera: str,
        memory: CalibrationMemory | None,
        report: Callable[[str], None],
    ):
        self._motion, self._strength = motion, strength
        self._camera, self._memory, self._report = camera, memory, report
        self._lock = threading.Lock()
        self._calibration: Calibration | None = None
        self._announced = 0
        self._was_frozen = False
        self.frozen = False
        self.mirrored = False
        self.hands = True  # whether arms and hands follow
        self.calibrated = False  # whether a neutral face was taken, now or on an earlier day
        self.fit: Fit | None = None
        self._neutral: PoseFrame | None = None  # taken while running, for every character that follows
        self._puppeteer: Puppeteer | None = None
        self.set_character(character)

    def set_character(self, character: Character) -> None:
        """Change the character; the driver's neutral face stays."""
        neutral = self._neutral
        if neutral is None and self._memory is not None:
            neutral = self._memory.load(self._camera, character.name)
        calibrated = neutral is not None
        if neutral is None and self._puppeteer is not None:
            neutral = self._puppeteer.retargeter.settled_neutral  # found while running; the same driver goes on
        puppeteer = Puppeteer(
            character.portrait.pose, neutral, self._motion, self._strength, IdleWhenLost, self.hands, character.drawn
        )
        with self._lock:
            self.character, self._puppeteer = character, puppeteer
            self.calibrated = calibrated

    @property
    def neutral(self) -> PoseFrame | None:
        """The driver's neutral pose in use; None before the first face, and where motion is absolute."""
        return self._puppeteer.retargeter.neutral

    def set_neutral(self, neutral: PoseFrame) -> None:
        """The driver's neutral pose is known; it holds for every character that follows."""
        self._neutral = neutral
        self._puppeteer.retargeter.set_neutral(neutral)
        self.calibrated = True

    def set_hands(self, hands: bool) -> None:
        """Whether arms and hands follow, for this character and those that come."""
        self.hands = hands
        self._puppeteer.retargeter.hands = hands

    @property
    def lost(self) -> bool:
        return self._puppeteer.policy.lost

    def calibrate(self) -> None:
        """Begin the countdown."""
        self._announced = 0
        self._calibration = Calibration(time.perf_counter())

    @property
    def countdown(self) -> int | None:
        """Seconds until the face is looked at, 0 while it is, None while nobody calibrates."""
        calibration = self._calibration
        return None if calibration is None else calibration.remaining(time.perf_counter())

    def update(self, pose: PoseFrame, image: np.ndarray | None) -> None:
        """Every tracked pose, and its camera picture, of which only the brightness of the face is used."""
        with self._lock:
            puppeteer = self._puppeteer
        if pose.face is not None:
            puppeteer.fit_neutral(pose.size)
        calibration = self._calibration
        if calibration is None:
            return
        left = calibration.remaining(pose.time)
        if left and left != self._announced:
            self._announced = left
            self._report(f"calibration in {left}: look into the camera, mouth closed, hold still")
        result = calibration.add(pose, None if image is None else face_light(image, pose))
        if result is None:
            return
        self._calibration = None
        if isinstance(result, Fit):
            self.fit = result
            self._report(f"calibration failed: {result.advice}")
            return
        neutral, self.fit = result
        self.set_neutral(neutral)
        self._report(f"calibrated, fit {self.fit.score} of 100" + (f": {self.fit.advice}" if self.fit.advice else ""))
        if self._memory is not None:
            try:
                self._memory.save(self._camera, self.character.name, neutral)
            except OSError as error:
                self._report(f"the calibration could not be kept for the next time: {error}")

    def target(self, driver: PoseFrame) -> tuple[Character, PoseFrame] | None:
        """The character and its pose for one pose of the driver; None while frozen."""
        if self.frozen:
            self._was_frozen = True
            return None
        with self._lock:
            character, puppeteer = self.character, self._puppeteer
        if self._was_frozen:
            self._was_frozen = False
            puppeteer.policy.resume(driver.time)
        return character, puppeteer(driver)
