"""One run of `puppet live`, from opening everything to closing it, in the program's main thread."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from generator.portrait.layout import FRAMES_PER_LATENT
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.character import Character, Performer, check_look, load_character
from puppet.compositing import check_background, composite
from puppet.errors import PuppetError, reported_as_puppet_error
from puppet.live.calibration import CalibrationMemory
from puppet.live.camera import Camera
from puppet.live.commands import Commands
from puppet.live.loop import LiveLoop
from puppet.live.memory import keep_memory_together, return_freed_memory
from puppet.live.pace import LEVELS
from puppet.live.remote_stream import RemoteStream, StreamChoice
from puppet.live.sender import Sender
from puppet.live.server import Server
from puppet.live.sources import Source, Webcam
from puppet.live.stage import Stage
from puppet.live.statistics import Statistics
from puppet.live.wardrobe import Wardrobe
from puppet.motion_io.vmc_in import VmcIn
from puppet.motion_io.vmc_out import VmcOut
from puppet.outputs.base import Output, Picture
from puppet.outputs.browser import Browser
from puppet.outputs.file import File
from puppet.outputs.virtual_camera import VirtualCamera
from puppet.outputs.window import Window
from puppet.settings import data_folder

DELAY_AFTER = 10.0  # s of running, after which the delay is settled and told
REST = 0.1  # s between two looks at the clock, where there is no window to draw


class Session:
    """Everything that `puppet live` needs. `run` returns the statistics' summary.

    args: as `puppet.live.command` parses them. report: takes lines for the user. motion_out: closed at the end.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        source: Source | VmcIn,
        outputs: list[Output],
        report: Callable[[str], None],
        motion_out: VmcOut | None = None,
    ):
        check_look(args.motion, args.size)
        check_background(args.background)
        keep_memory_together()
        self._args, self._report, self._outputs, self._motion_out = args, report, outputs, motion_out
        self._end = threading.Event()
        self._broken: Exception | None = None  # ends the run
        self._lost: Exception | None = None  # a recording that failed: what was asked for was not done
        self._stream = RemoteStream(
            StreamChoice(args.model, args.weights, args.size, args.device, args.seed, args.attention)
        )
        with ExitStack() as unfinished:
            unfinished.callback(self._stream.close)
            self.statistics = Statistics((self._stream.pid,))
            wardrobe = Wardrobe(args.portrait, args.portraits, self._load, self._put_on, report)
            character = wardrobe.prepare()  # while the generator loads
            self._performer = Performer(self._stream, self.statistics.timings)
            for other in (*wardrobe.prepared, character):
                warm_up(self._performer, other)
            return_freed_memory()

            # a recorded driver is another person every time: what is remembered is for webcams
            memory = CalibrationMemory(data_folder() / "calibrations") if isinstance(source, Webcam) else None
            self.stage = Stage(character, args.motion, args.strength, source.name, memory, report)
            self.stage.mirrored = args.mirror
            self.sender = Sender(still(character), self.statistics, self._output_failed)
            if isinstance(source, VmcIn):
                self.camera, tracker = source, None
                self.stage.set_neutral(source.neutral)
            else:
                self.camera = Camera(source, report)
                with reported_as_puppet_error(TrackerUnavailable):
                    tracker = Tracker(body_every=LEVELS[0].body_every)
                tracker.track(character.portrait.picture, time.perf_counter(), body=True)  # warms it up, too
            self.loop = LiveLoop(
                self.camera, tracker, self.stage, self._performer, self.sender, self.statistics, report, motion_out
            )
            self.commands = Commands(
                self.stage, self.sender, wardrobe, args.recordings, args.background == "transparent", self.end
            )
            unfinished.pop_all()

    def end(self) -> None:
        """End the run from any thread."""
        self._end.set()

    def run(self) -> dict:
        args = self._args
        with ExitStack() as opened:
            if self._motion_out is not None:
                opened.callback(self._motion_out.close)
            opened.callback(self._stream.close)
            opened.callback(self.sender.close)
            opened.callback(self.camera.close)
            opened.callback(self.loop.close)
            self._open_outputs(opened)
            self.camera.start()
            opened.enter_context(self._signals())
            windows = [output for output in self._outputs if isinstance(output, Window)]
            for window in windows:
                opened.callback(window.destroy)
            self.statistics.reset()
            self.sender.start()
            self.loop.start()
            self._greet()
            self._watch(windows[0] if windows else None, args.seconds)
            summary = self.statistics.summary()
        if self._broken is not None:
            raise self._broken
        if self.loop.error is not None:
            raise self.loop.error
        if self._lost is not None:
            raise self._lost
        return summary

    def state(self) -> dict:
        """What is on and how it runs, for the page and for remote controls."""
        delay = self.statistics.delay(50)
        return {
            "fps": round(self.statistics.fps, 1),
            "delay_ms": None if delay is None else round(delay),
            "countdown": self.stage.countdown,
            "camera": self.camera.status,
            "outputs": [output.name for output in self.sender.outputs],
            **self.commands.state,
        }

    def _open_outputs(self, opened: ExitStack) -> None:
        browsers = [output for output in self._outputs if isinstance(output, Browser)]
        for output in self._outputs:
            self.sender.add(output)
            if isinstance(output, VirtualCamera):
                self._report(f"choose the camera '{output.device}' in the other program, after this line")
        if browsers or self._args.control:
            server = Server(self._args.port, browsers[0] if browsers else None, self.commands, self.state)
            opened.callback(server.close)
            if browsers:
                self._report(f"OBS browser source: {server.address}   to look at: {server.address}view")
            if self._args.control:
                self._report(f"commands: {server.address}command/NAME")

    def _greet(self) -> None:
        if isinstance(self.camera, VmcIn):
            self._report(f"motion is taken from VMC at {self.camera.address}: let the other program send there")
        if self._args.calibrate:
            self.stage.calibrate()
        elif not self.stage.calibrated and self._args.motion == "relative":
            self._report("neutral face: the calmest of the first second; 'calibrate' (key X) takes a better one")

    def _watch(self, window: Window | None, seconds: float | None) -> None:
        """Until the end: keys, lost threads, the clock."""
        start, told = time.perf_counter(), False
        while not self._end.is_set() and self.loop.error is None and self._broken is None:
            now = time.perf_counter() - start
            if seconds is not None and now >= seconds:
                return
            if not told and now > DELAY_AFTER and self.statistics.delay(50) is not None:
                told = True
                self._report(
                    f"delay {self.statistics.delay(50):.0f} ms: enter it in OBS as the sync offset of your microphone "
                    "(Advanced Audio Properties)"
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
            answer = self.commands.key(key)
        except PuppetError as error:
            answer = str(error)
        if answer is not None:
            self._report(answer)

    def _overlay(self) -> list[str]:
        """What the window shows over the picture, and nobody else."""
        lines = []
        if self.stage.countdown is not None:
            lines.append(f"calibration {self.stage.countdown or 'now'}: look here, mouth closed")
        on = [name for name in ("blank", "frozen", "recording") if self.commands.state[name]]
        if on:
            lines.append(", ".join(on))
        if self.stage.lost and not isinstance(self.camera, VmcIn):  # whose status says it better
            lines.append("no face in the camera's picture")
        if self.camera.status:
            lines.append(self.camera.status)
        if self.commands.statistics:
            figures = self.statistics.summary()
            lines.append(f"{figures['fps']:.1f} fps, delay {figures['latency_ms']['p50']} ms")
            lines.append("  ".join(f"{stage} {ms:.0f}" for stage, ms in figures["ms"].items()) + " ms")
            lines.append(f"skipped {self.sender.playout.skipped}, groups dropped {self.loop.groups.dropped}")
        return lines

    def _load(self, path) -> Character:
        centred = self._args.motion == "absolute"
        return load_character(path, self._args.size, self._args.background, centred)

    def _put_on(self, character: Character) -> None:
        self.stage.put_on(character)
        self._report(f"portrait {character.name}")

    def _output_failed(self, output: Output, error: Exception) -> None:
        self.commands.output_lost(output)
        if isinstance(output, File):
            self._lost = error
        if self.sender.outputs:
            self._report(f"{error} (the other outputs go on)")
        else:
            self._broken = error

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Ctrl-C, SIGTERM and a closed terminal end the run as `end` does. Only the main thread may say so."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        names = ("SIGINT", "SIGTERM", "SIGHUP")
        kinds = [getattr(signal, name) for name in names if hasattr(signal, name)]
        before = [signal.signal(kind, lambda *_: self.end()) for kind in kinds]
        try:
            yield
        finally:
            for kind, handler in zip(kinds, before, strict=True):
                signal.signal(kind, handler)


def still(character: Character) -> Picture:
    """The portrait as it is, for the time before the first generated picture."""
    person = character.portrait.person
    framed = composite(person, character.scene.square)
    return Picture(person, framed, character.scene, time.perf_counter(), live=False)


def warm_up(performer: Performer, character: Character) -> None:
    """The first steps set up what all others use, for a face that fills the picture, too: what memory that takes is taken
    before the stream begins. The character is locked anew, so that nothing of it is seen."""
    warp, guide = character.maps([character.portrait.pose] * FRAMES_PER_LATENT)
    for seen in (guide, np.full_like(guide, 255)):
        performer.perform(character, warp, seen)
    performer.lock(character)
