"""Camera to sender: two threads beside the camera's and the sender's, with one slot between any two."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from pose.tracking.landmarks import PoseFrame, empty_pose
from pose.tracking.smoothing import PoseSmoother
from pose.tracking.tracker import Tracker
from puppet.character import Character, Performer
from puppet.compositing import composite
from puppet.live.camera import Camera
from puppet.live.pace import Pace
from puppet.live.sender import Sender
from puppet.live.slot import Slot
from puppet.live.stage import Stage
from puppet.live.statistics import Statistics
from puppet.live.ticks import Ticks
from puppet.motion import TRACKED_SIDE
from puppet.motion_io.vmc_in import VmcIn
from puppet.motion_io.vmc_out import VmcOut
from puppet.outputs.base import Picture
from puppet.video_in import FPS, centre_square

SILENCE_SECONDS = 0.3  # without a camera frame, after which the driver counts as gone
BODY_AFTER = 2  # frames of a group, the time to look for body and hands


@dataclass(frozen=True, eq=False)
class Group:
    """What the generator makes four frames of."""

    character: Character
    warp: np.ndarray  # (4, S, S, 4) uint8
    guide: np.ndarray  # (4, S/2, S/2, 8) uint8
    times: tuple[float, ...]  # of the driver's moments
    live: bool  # whether a camera's frames led to them
    mirrored: bool


class LiveLoop:
    """Tracks in one thread, generates in another.

    Every frame carries the moment at which its driver was seen, so that the sender knows its delay. Where the camera
    is silent, empty poses take the place of the tracked ones, and the stage lets the portrait idle.

    tracker: None where the camera is another program that tracks by itself. motion_out: where tracked motion goes as
    well.
    """

    def __init__(
        self,
        camera: Camera | VmcIn,
        tracker: Tracker | None,
        stage: Stage,
        performer: Performer,
        sender: Sender,
        statistics: Statistics,
        report: Callable[[str], None],
        motion_out: VmcOut | None = None,
    ):
        self._camera, self._tracker, self._stage = camera, tracker, stage
        self._motion_out = motion_out
        self._performer, self._sender, self._statistics = performer, sender, statistics
        self._report = report
        self.pace = Pace()
        self.groups: Slot[Group] = Slot()
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
        self.groups.close()
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
        smooth, ticks, gather = PoseSmoother(), Ticks(FPS), Gather(self._stage, self._statistics)
        size, heard = (TRACKED_SIDE, TRACKED_SIDE), time.perf_counter()
        while not self._stop.is_set():
            frame = self._camera.frames.take(1 / FPS)
            now = time.perf_counter()
            if frame is None and now - heard < SILENCE_SECONDS:
                continue
            level = self.pace.level
            ticks.rate = level.rate
            if frame is None:
                pose, image = empty_pose(size, now), None
            elif isinstance(frame, PoseFrame):
                heard, pose, image = now, frame, None
                size = pose.size
            else:
                heard = now
                image = centre_square(frame.image, TRACKED_SIDE)
                body = gather.body_due(level.body_every)
                with self._statistics.timings.measure("track"):
                    pose = smooth(self._tracker.track(image, frame.time, body))
                size = pose.size
            self._stage.see(pose, image)
            if self._motion_out is not None and not self._stage.frozen:
                self._motion_out.send(pose, self._stage.neutral)
            for tick in ticks.add(pose):
                group = gather.add(tick, live=frame is not None)
                if group is not None:
                    self.groups.put(group)

    def _generate(self) -> None:
        while not self._stop.is_set():
            group = self.groups.take(0.1)
            if group is None:
                continue
            start = time.perf_counter()
            frames = self._performer.perform(group.character, group.warp, group.guide)
            pictures = []
            scene = group.character.scene
            for person, moment in zip(frames, group.times, strict=True):
                with self._statistics.timings.measure("composite"):
                    if group.mirrored:
                        person = np.ascontiguousarray(person[:, ::-1])
                    pictures.append(Picture(person, composite(person, scene.square), scene, moment, group.live))
            self._sender.offer(pictures)
            level = self.pace.observe(time.perf_counter() - start)
            if level is not None:
                self._report(f"speed of this machine: {level.text}")


class Gather:
    """Collects four ticks of one character, with their maps made as they come."""

    def __init__(self, stage: Stage, statistics: Statistics):
        self._stage, self._statistics = stage, statistics
        self._since_body = math.inf  # ticks
        self._clear()

    def _clear(self) -> None:
        self._character: Character | None = None
        self._warps: list[np.ndarray] = []
        self._guides: list[np.ndarray] = []
        self._times: list[float] = []
        self._live = True

    def body_due(self, every: int) -> bool:
        """Whether the next frame is the one in which to look for body and hands, once in so many ticks.

        That takes as long as several faces. In a group's third frame nothing waits for it: the group before is made by
        then, and the fourth frame, which all four are waiting for, is still to come.
        """
        due = self._since_body >= 2 * every or (len(self._times) == BODY_AFTER and self._since_body >= every - BODY_AFTER)
        if due:
            self._since_body = 0
        return due

    def add(self, tick: PoseFrame, live: bool) -> Group | None:
        """The group that this tick completes."""
        start = time.perf_counter()
        self._since_body += 1
        target = self._stage.target(tick)
        if target is None:  # frozen: half a group from before would jump
            self._clear()
            return None
        character, pose = target
        if character is not self._character:
            self._clear()
            self._character = character
        maps = character.conditioner.maps(pose)
        self._statistics.timings.add("condition", time.perf_counter() - start, 1)
        self._warps.append(maps.warp)
        self._guides.append(maps.guide)
        self._times.append(tick.time)
        self._live = self._live and live
        if len(self._times) < FRAMES_PER_LATENT:
            return None
        now = time.perf_counter()
        for moment in self._times:
            self._statistics.waited("collect", now - moment)
        group = Group(
            character, np.stack(self._warps), np.stack(self._guides), tuple(self._times), self._live,
            self._stage.mirrored,
        )  # fmt: skip
        self._clear()
        return group
