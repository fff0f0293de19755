"""One run of `puppet live`, from opening everything to closing it, in the program's main thread."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.capture.camera import Camera
from puppet.capture.sources import Source, Webcam
from puppet.core.batcher import Batch
from puppet.core.calibration import CalibrationMemory, data_folder
from puppet.core.character import Character, load_character
from puppet.core.memory import keep_memory_together, return_freed_memory, spared_from_collection
from puppet.core.precedence import precedence
from puppet.core.remote_stream import open_stream
from puppet.core.renderer import Renderer
from puppet.core.reprojection import BLEND_SECONDS, Reprojection
from puppet.core.signals import end_on_signals
from puppet.core.warp_stream import WarpStream
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.buffered_frames import BufferedFrames
from puppet.live.config import LiveConfig
from puppet.live.controls import Controls
from puppet.live.driver_state import DriverState
from puppet.live.frame_source import FrameSource, ReprojectedFrames
from puppet.live.loop import LiveLoop
from puppet.live.portrait_library import PortraitLibrary
from puppet.live.sender import Sender
from puppet.live.server import Server
from puppet.live.statistics import AGES, Statistics
from puppet.media.alpha import composite
from puppet.media.video_reader import FPS
from puppet.outputs.base import Output, Picture
from puppet.outputs.browser import Browser
from puppet.outputs.file import File
from puppet.outputs.virtual_camera import VirtualCamera
from puppet.outputs.window import Window
from puppet.vmc.receiver import VmcReceiver
from puppet.vmc.sender import VmcSender

RATES = (60, 30, 24)  # pictures a second
MOST_BUSY = 0.7  # of one core, that reprojection may take: the rest is tracking and outputs, the other cores' too
SWITCH_SECONDS = 0.001  # that one thread may keep another waiting; Python's 0.005 is a third of a tick
TRIALS = 20  # of reprojection, before the run
DARKER = 8  # part of the picture's light by which the trials' change darkens it
DELAY_AFTER = 10.0  # s of running, after which the delay is settled and told
REST = 0.1  # s between two looks at the clock, where there is no window to draw


class Session:
    """Everything that `puppet live` needs. `run` returns the statistics' summary.

    report: takes lines for the user. motion_out: closed at the end. Raises PuppetError for what cannot be used.
    """

    def __init__(
        self,
        config: LiveConfig,
        source: Source | VmcReceiver,
        outputs: list[Output],
        report: Callable[[str], None],
        motion_out: VmcSender | None = None,
    ):
        config.check()
        keep_memory_together()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._config, self._report, self._outputs, self._motion_out = config, report, outputs, motion_out
        self._end = threading.Event()
        self.end = self._end.set  # from any thread
        self._broken: Exception | None = None  # ends the run
        self._lost: Exception | None = None  # a recording that failed: what was asked for was not done
        self._stream = open_stream(config.stream)
        with ExitStack() as unfinished:
            unfinished.callback(self._stream.close)
            self.statistics = Statistics(self._stream.pids)
            library = PortraitLibrary(config.portrait, config.portraits, self._load, self._set_character, report)
            character = library.prepare()  # while the generator loads
            renderer = Renderer(self._stream, self.statistics.timings)
            for other in (*library.prepared, character):
                renderer.warm_up(other)
            return_freed_memory()

            # a recorded driver is another person every time: what is remembered is for webcams
            memory = CalibrationMemory(data_folder() / "calibrations") if isinstance(source, Webcam) else None
            self.driver = DriverState(character, config.motion, config.strength, source.name, memory, report)
            self.driver.mirrored = config.mirror
            self.driver.set_hands(config.hands == "auto")
            fps = config.fps or self._fastest(character)
            quality = AdaptiveQuality(1 / fps)
            if config.reprojection:  # which makes the warp by itself
                generated = not isinstance(self._stream, WarpStream)
                frames: FrameSource = ReprojectedFrames(self.statistics, quality, generated)
            else:
                frames = BufferedFrames(self.statistics, quality)
            self.sender = Sender(still(character), frames, self.statistics, self._output_failed, fps)
            self.camera: Camera | VmcReceiver
            if isinstance(source, VmcReceiver):
                self.camera, tracker = source, None
                self.driver.set_neutral(source.neutral)
            else:
                self.camera = Camera(source, report)
                with reported_as_puppet_error(TrackerUnavailable), precedence():  # it starts threads of its own
                    tracker = Tracker()
                tracker.track(character.portrait.picture, time.perf_counter(), body=True)  # warms it up, too
            self.loop = LiveLoop(
                self.camera, tracker, self.driver, renderer, frames, quality, self.sender, self.statistics, report,
                motion_out,
            )  # fmt: skip
            self.controls = Controls(self.driver, self.sender, library, config.recordings, config.transparent, self.end)
            unfinished.pop_all()

    def run(self) -> dict:
        with ExitStack() as opened:
            if self._motion_out is not None:
                opened.callback(self._motion_out.close)
            opened.callback(self._stream.close)
            opened.callback(self.sender.close)
            opened.callback(self.camera.close)
            opened.callback(self.loop.close)
            opened.enter_context(spared_from_collection())
            opened.enter_context(precedence())
            self._open_outputs(opened)
            self.camera.start()
            opened.enter_context(end_on_signals(self.end))
            windows = [output for output in self._outputs if isinstance(output, Window)]
            for window in windows:
                opened.callback(window.destroy)
            self.statistics.reset()
            self.sender.start()
            self.loop.start()
            self._greet()
            self._watch(windows[0] if windows else None, self._config.seconds)
            summary = self.statistics.summary()
        for error in (self._broken, self._error, self._lost):
            if error is not None:
                raise error
        return summary

    @property
    def _error(self) -> BaseException | None:
        """What ended a thread."""
        return self.loop.error or self.sender.error

    def _fastest(self, character: Character) -> int:
        """Pictures a second that this machine can make beside everything else."""
        if not self._config.reprojection:
            return FPS
        seconds = reprojection_seconds(character)
        return next((fps for fps in RATES if fps * seconds <= MOST_BUSY), RATES[-1])

    def state(self) -> dict:
        """What is on and how it runs, for the page and for remote controls."""
        return {
            "fps": round(self.statistics.fps, 1),
            **{f"{kind}_latency_ms": self.statistics.latency(kind, 50) for kind in AGES},
            "countdown": self.driver.countdown,
            "camera": self.camera.status,
            "outputs": [output.name for output in self.sender.outputs],
            **self.controls.state,
        }

    def _open_outputs(self, opened: ExitStack) -> None:
        browsers = [output for output in self._outputs if isinstance(output, Browser)]
        for output in self._outputs:
            self.sender.add(output)
            if isinstance(output, VirtualCamera):
                self._report(f"choose the camera '{output.device}' in the other program, after this line")
        if browsers or self._config.control:
            server = Server(self._config.port, browsers[0] if browsers else None, self.controls, self.state)
            opened.callback(server.close)
            if browsers:
                self._report(f"OBS browser source: {server.address}   to look at: {server.address}view")
            if self._config.control:
                self._report(f"commands: {server.address}command/NAME")

    def _greet(self) -> None:
        if isinstance(self.camera, VmcReceiver):
            self._report(f"motion is taken from VMC at {self.camera.address}: let the other program send there")
        if self._config.calibrate:
            self.driver.calibrate()
        elif not self.driver.calibrated and self._config.motion == "relative":
            self._report("neutral face: the calmest of the first second; 'calibrate' (key X) takes a better one")

    def _watch(self, window: Window | None, seconds: float | None) -> None:
        """Until the end: keys, lost threads, the clock."""
        start, told = time.perf_counter(), False
        while not self._end.is_set() and self._error is None and self._broken is None:
            now = time.perf_counter() - start
            if seconds is not None and now >= seconds:
                return
            if not told and now > DELAY_AFTER and self.statistics.latency("motion", 50) is not None:
                told = True
                self._report(
                    f"delay {self.statistics.latency('motion', 50):.0f} ms: enter it in OBS as the sync offset of your "
                    "microphone (Advanced Audio Properties)"
                )
            if window is None or window not in self.sender.outputs:
                self._end.wait(REST if seconds is None else min(REST, max(seconds - now, 0.001)))
                continue
            key = window.poll(self._overlay())
            if key == "closed":
                return
            if key is not None:
                self._press(key)

    def _press(self, key: str) -> None:
        try:
            answer = self.controls.key(key)
        except PuppetError as error:
            answer = str(error)
        if answer is not None:
            self._report(answer)

    def _overlay(self) -> list[str]:
        """What the window shows over the picture, and nobody else."""
        lines = []
        if self.driver.countdown is not None:
            lines.append(f"calibration {self.driver.countdown or 'now'}: look here, mouth closed")
        on = [name for name in ("blank", "frozen", "recording") if self.controls.state[name]]
        if on:
            lines.append(", ".join(on))
        if self.driver.lost and not isinstance(self.camera, VmcReceiver):  # whose status says it better
            lines.append("no face in the camera's picture")
        if self.camera.status:
            lines.append(self.camera.status)
        if self.controls.statistics:
            figures = self.statistics.summary()
            lines.append(
                f"{figures['fps']:.1f} fps, age of motion {figures['motion_latency_ms']['p50']} ms, "
                f"of appearance {figures['appearance_latency_ms']['p50']} ms"
            )
            lines.append("  ".join(f"{stage} {ms:.0f}" for stage, ms in figures["ms"].items()) + " ms")
        return lines

    def _load(self, path: Path) -> Character:
        centred = self._config.motion == "absolute"
        return load_character(path, self._config.size, self._config.background, centred, self._config.framing)

    def _set_character(self, character: Character) -> None:
        self.driver.set_character(character)
        self._report(f"portrait {character.name}")

    def _output_failed(self, output: Output, error: Exception) -> None:
        self.controls.output_lost(output)
        if isinstance(output, File):
            self._lost = error
        if self.sender.outputs:
            self._report(f"{error} (the other outputs go on)")
        else:
            self._broken = error


def reprojection_seconds(character: Character) -> float:
    """CPU time that one reprojected picture costs. What other programs take at this moment does not matter: beside
    them pictures are left out, not the choice changed."""
    target = character.portrait.pose
    frame = character.conditioner.paint(target, guided=False)
    reproject = Reprojection()
    reproject.update(Batch(character, (frame,), False), frame.picture[None] // DARKER * (DARKER - 1), -BLEND_SECONDS)
    reproject(character, target, 0.0)  # what is made once
    start = time.process_time()
    for _ in range(TRIALS):
        reproject(character, target, 0.0)
    return (time.process_time() - start) / TRIALS


def still(character: Character) -> Picture:
    """The portrait as it is, for the time before the first generated picture."""
    person = character.still
    framed = composite(person, character.background.square)
    return Picture(person, framed, character.background, time.perf_counter(), live=False)
