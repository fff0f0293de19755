"""Camera to sender: three threads beside the camera's and the sender's, with a latest-value slot between any two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pose.tracking.landmarks import PoseFrame, empty_pose
from pose.tracking.tracker import Tracker
from puppet.capture.camera import Camera, CameraFrame
from puppet.core.driver import TRACKED_SIDE, Driver
from puppet.core.latest_value import LatestValue
from puppet.core.renderer import Renderer
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.driver_state import DriverState
from puppet.live.frame_source import FrameSource
from puppet.live.sender import Sender
from puppet.live.statistics import Statistics
from puppet.media.video_reader import centre_square
from puppet.vmc.receiver import VmcReceiver
from puppet.vmc.sender import VmcSender

SILENCE_SECONDS = 0.3  # without a camera frame, after which the driver counts as gone


class LiveLoop:
    """Tracks faces in one thread, bodies in another, generates in a third.

    Every pose carries the moment at which its driver was seen, so that the sender knows its delay. Where the camera
    is silent, empty poses take the place of the tracked ones, and the puppeteer lets the portrait idle.

    tracker: None where the camera is another program that tracks by itself. renderer: None where nothing is generated.
    motion_out: where tracked motion goes as well.
    """

    def __init__(
        self,
        camera: Camera | VmcReceiver,
        tracker: Tracker | None,
        state: DriverState,
        renderer: Renderer | None,
        source: FrameSource,
        quality: AdaptiveQuality,
        sender: Sender,
        statistics: Statistics,
        report: Callable[[str], None],
        motion_out: VmcSender | None = None,
    ):
        self._camera, self._tracker, self._state = camera, tracker, state
        self._drive = Driver(tracker, statistics.timings, waits=False) if tracker is not None else None
        self._motion_out = motion_out
        self._render, self._sender, self._statistics = renderer, sender, statistics
        self._report = report
        self._source, self.quality = source, quality
        self._pictures: LatestValue[CameraFrame] = LatestValue()
        self.error: BaseException | None = None  # what ended a thread
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=work.__name__.strip("_"), daemon=True)
            for work, wanted in (
                (self._track, True),
                (self._generate, source.batches is not None),
                (self._watch_body, tracker is not None),
            )
            if wanted
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._source.batches is not None:
            self._source.batches.close()
        self._pictures.close()
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
        size, heard = (TRACKED_SIDE, TRACKED_SIDE), time.perf_counter()
        while not self._stop.is_set():
            frame = self._camera.frames.take(1 / self._sender.fps)
            now = time.perf_counter()
            if frame is None and now - heard < SILENCE_SECONDS:
                continue
            if frame is None:
                pose, image = empty_pose(size, now), None
            elif isinstance(frame, PoseFrame):
                heard, pose, image = now, frame, None
            else:
                heard, image = now, centre_square(frame.image, TRACKED_SIDE)
                pose = self._drive(image, frame.time, body=False)
                self._pictures.put(CameraFrame(image, frame.time))
            size = pose.size
            self._state.update(pose, image)
            if self._motion_out is not None and not self._state.frozen:
                self._motion_out.send(pose, self._state.neutral)
            target = self._state.target(pose)
            if target is not None:  # else it is frozen
                self._source.show(*target, frame is not None, self._state.mirrored)

    def _watch_body(self) -> None:
        """Body and hands change slowly and take as long to find as several faces: beside the face, at a rate of their
        own. And what the driver would wait for."""
        due = 0.0
        while not self._stop.wait(max(0.0, due - time.perf_counter())):
            picture = self._pictures.take(0.1)
            if picture is not None:
                level = self.quality.level
                hands = self._state.hands and self._tracker.hands_near
                due = time.perf_counter() + 1 / (level.hands_rate if hands else level.body_rate)
                self._tracker.update_body(picture.image, picture.time)
                self._drive.prepare()

    def _generate(self) -> None:
        while not self._stop.is_set():
            taken = self._source.batches.take(0.1)
            if taken is None:
                continue
            batch, mirrored = taken
            start = time.perf_counter()
            self._source.offer(batch, self._render(batch), mirrored)
            now = time.perf_counter()
            level = self.quality.observe_batch(now - start, now)
            if level is not None:
                self._report(f"speed of this machine: {level.text}")
