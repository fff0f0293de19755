"""Camera to sender: two threads beside the camera's and the sender's, with one latest-value slot between any two."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import numpy as np

from pose.tracking.landmarks import PoseFrame, empty_pose
from pose.tracking.tracker import Tracker
from puppet.capture.camera import Camera
from puppet.core.batcher import Batch, Batcher
from puppet.core.character import Character
from puppet.core.driver import TRACKED_SIDE, Driver
from puppet.core.latest_value import LatestValue
from puppet.core.pose_resampler import PoseResampler
from puppet.core.renderer import Renderer
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.driver_state import DriverState
from puppet.live.sender import Sender
from puppet.live.statistics import Statistics
from puppet.media.alpha import composite
from puppet.media.video_reader import FPS, centre_square
from puppet.outputs.base import Picture
from puppet.vmc.receiver import VmcReceiver
from puppet.vmc.sender import VmcSender

SILENCE_SECONDS = 0.3  # without a camera frame, after which the driver counts as gone
BODY_AFTER = 2  # frames of a group, the time to look for body and hands


class LiveLoop:
    """Tracks in one thread, generates in another.

    Every pose carries the moment at which its driver was seen, so that the sender knows its delay. Where the camera
    is silent, empty poses take the place of the tracked ones, and the puppeteer lets the portrait idle.

    tracker: None where the camera is another program that tracks by itself. motion_out: where tracked motion goes as
    well.
    """

    def __init__(
        self,
        camera: Camera | VmcReceiver,
        tracker: Tracker | None,
        state: DriverState,
        renderer: Renderer,
        sender: Sender,
        statistics: Statistics,
        report: Callable[[str], None],
        motion_out: VmcSender | None = None,
    ):
        self._camera, self._tracker, self._state = camera, tracker, state
        self._motion_out = motion_out
        self._render, self._sender, self._statistics = renderer, sender, statistics
        self._report = report
        self.quality = AdaptiveQuality()
        self.batches: LatestValue[tuple[Batch, bool]] = LatestValue()  # and whether it is mirrored
        self.error: BaseException | None = None  # what ended a thread
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=work.__name__.strip("_"), daemon=True)
            for work in (self._track, self._generate)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stop both threads and free the tracker."""
        self._stop.set()
        self.batches.close()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        if self._tracker is not None:
            self._tracker.close()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.error = error
            self._stop.set()

    def _track(self) -> None:
        drive = Driver(self._tracker, self._statistics.timings) if self._tracker is not None else None
        gather = Gather(self._statistics)
        size, heard = (TRACKED_SIDE, TRACKED_SIDE), time.perf_counter()
        while not self._stop.is_set():
            frame = self._camera.frames.take(1 / FPS)
            now = time.perf_counter()
            if frame is None and now - heard < SILENCE_SECONDS:
                continue
            level = self.quality.level
            if frame is None:
                pose, image = empty_pose(size, now), None
            elif isinstance(frame, PoseFrame):
                heard, pose, image = now, frame, None
            else:
                heard, image = now, centre_square(frame.image, TRACKED_SIDE)
                hands = self._state.hands and self._tracker.hands_near
                pose = drive(image, frame.time, gather.body_due(level.hands_every if hands else level.body_every))
            size = pose.size
            self._state.update(pose, image)
            if self._motion_out is not None and not self._state.frozen:
                self._motion_out.send(pose, self._state.neutral)
            target = self._state.target(pose)
            if target is None:  # frozen: half a batch from before would jump
                gather.clear()
                continue
            for batch in gather.add(*target, frame is not None, level.rate):
                self.batches.put((batch, self._state.mirrored))

    def _generate(self) -> None:
        while not self._stop.is_set():
            taken = self.batches.take(0.1)
            if taken is None:
                continue
            batch, mirrored = taken
            start = time.perf_counter()
            frames = self._render(batch)
            pictures = []
            background = batch.character.background
            for person, target in zip(frames, batch.targets, strict=True):
                with self._statistics.timings.measure("composite"):
                    if mirrored:
                        person = np.ascontiguousarray(person[:, ::-1])
                    framed = composite(person, background.square)
                    pictures.append(Picture(person, framed, background, target.time, batch.live))
            self._sender.offer(pictures)
            level = self.quality.observe(time.perf_counter() - start)
            if level is not None:
                self._report(f"speed of this machine: {level.text}")


class Gather:
    """From target poses at the camera's rate to batches at the generator's."""

    def __init__(self, statistics: Statistics):
        self._statistics = statistics
        self._batcher = Batcher(statistics.timings)
        self._resampler = PoseResampler(FPS)
        self._character: Character | None = None
        self._since_body = math.inf  # target poses

    def clear(self) -> None:
        self._batcher.clear()

    def body_due(self, every: int) -> bool:
        """Whether the next frame is the one in which to look for body and hands, once in so many target poses.

        That takes as long as several faces. In a batch's third frame nothing waits for it: the batch before is made by
        then, and the fourth frame, which all four are waiting for, is still to come.
        """
        if every <= BODY_AFTER:  # hands are followed: there is no better moment to wait for
            due = self._since_body >= every
            if due:
                self._since_body = 0
            return due
        third = len(self._batcher) == BODY_AFTER and self._since_body >= every - BODY_AFTER
        due = self._since_body >= 2 * every or third
        if due:
            self._since_body = 0
        return due

    def add(self, character: Character, target: PoseFrame, live: bool, rate: float) -> list[Batch]:
        """The batches that this pose completes; rate: frames a second to make."""
        if character is not self._character:
            self._character, self._resampler = character, PoseResampler(rate)
        self._resampler.rate = rate
        made = []
        for tick in self._resampler.add(target):
            self._since_body += 1
            if batch := self._batcher.add(character, tick, live):
                now = time.perf_counter()
                for pose in batch.targets:
                    self._statistics.waited("collect", now - pose.time)
                made.append(batch)
        return made
