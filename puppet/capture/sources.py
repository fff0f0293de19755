"""Where camera frames come from: a webcam through OpenCV, or a video file in real time."""

from __future__ import annotations

import os
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Generator
from pathlib import Path

import cv2
import numpy as np

from puppet.capture.devices import CameraInfo, find_camera, list_cameras, names_of, unnamed
from puppet.errors import PuppetError
from puppet.media import DRIVER
from puppet.media.video_reader import SUFFIXES, TimedFrame, VideoReader
from puppet.vmc.receiver import VmcReceiver, make_receiver

# The face is looked for in the centred square: more pixels cost time on the bus and bring nothing.
WIDTH, HEIGHT = 640, 480
# Frames a second to ask a camera for; it gives the nearest that it can. A face is tracked in about 7 ms of one core.
RATE = 60 if (os.cpu_count() or 1) > 2 else 30
BACKENDS = {"linux": cv2.CAP_V4L2, "darwin": cv2.CAP_AVFOUNDATION, "win32": cv2.CAP_DSHOW}
SYNTHETIC = "synthetic"


class Source(ABC):
    """Frames of one camera. All three are called from one thread."""

    name: str

    @abstractmethod
    def open(self) -> None:
        """Raises PuppetError with cause and cure where that fails."""

    @abstractmethod
    def read(self) -> np.ndarray | None:
        """The next (H, W, 3) uint8 RGB frame, waited for; None where none came: it is unplugged or stuck."""

    @abstractmethod
    def close(self) -> None: ...


class Webcam(Source):
    """A camera by index or name. Opened again by name, because an index may change when it is plugged in anew."""

    def __init__(self, wanted: str):
        self._wanted = wanted
        self._chosen = find_camera(wanted, list_cameras())
        self.name = self._chosen.name
        self._known = False  # whether it was opened before
        self._capture: cv2.VideoCapture | None = None

    def open(self) -> None:
        cameras = list_cameras()
        camera = self._chosen
        if not self._wanted.isdigit() or (self._known and camera.name != unnamed(camera.index)):
            same = camera in cameras  # of two with one name the one that was chosen
            camera = camera if same else find_camera(self.name, cameras)
        check_device(camera, cameras)
        size = [cv2.CAP_PROP_FRAME_WIDTH, WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, HEIGHT]
        self._capture = cv2.VideoCapture(camera.index, BACKENDS.get(sys.platform, cv2.CAP_ANY), size)
        if not self._capture.isOpened():
            self.close()
            raise PuppetError(f"camera {camera.index} '{camera.name}' {cannot_open()}")
        self._known = True
        self._capture.set(cv2.CAP_PROP_FPS, RATE)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # where the backend knows it; else reading empties it

    def read(self) -> np.ndarray | None:
        good, frame = self._capture.read()
        return cv2.cvtColor(frame, cv2.COLOR_BGR2RGB) if good and frame is not None else None

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def check_device(camera: CameraInfo, cameras: list[CameraInfo]) -> None:
    """On Linux the device file tells what OpenCV would not: missing, forbidden."""
    if not sys.platform.startswith("linux"):
        return
    device = Path(f"/dev/video{camera.index}")
    if not device.exists():
        raise PuppetError(
            f"camera {camera.index} does not exist; there are: {names_of(cameras)}; --camera synthetic and --camera "
            "FILE work without one"
        )
    if not os.access(device, os.R_OK | os.W_OK):
        raise PuppetError(
            f"camera {camera.index} '{camera.name}' may not be opened: run 'sudo usermod -aG video $USER' and log in "
            "again"
        )


def cannot_open() -> str:
    """Why a camera that exists cannot be opened, and the cure on this system."""
    if sys.platform == "darwin":
        return (
            "cannot be opened: allow this terminal in System Settings > Privacy & Security > Camera, and close other "
            "programs that use the camera"
        )
    if sys.platform == "win32":
        return (
            "cannot be opened: close other programs that use it, and allow desktop apps in Settings > Privacy & "
            "security > Camera"
        )
    return "is used by another program, or is no camera: close the browser tab or meeting that shows it"


class VideoFile(Source):
    """A video file as a camera: in real time, from the beginning again when it ends."""

    def __init__(self, path: Path, name: str | None = None):
        self.name = name or path.name
        self._reader = VideoReader(path)
        self._frames: Generator[TimedFrame, None, None] | None = None
        self._start = 0.0  # on the clock, of the present round
        self._end = 0.0  # of the present round, when its last frame's time is over
        self._wait = threading.Event()

    def open(self) -> None:
        self._frames, self._end = None, time.perf_counter()

    def read(self) -> np.ndarray | None:
        for _ in range(2):
            if self._frames is None:
                self._frames, self._start = self._reader.timed_frames(), max(self._end, time.perf_counter() - 0.1)
            try:
                frame = next(self._frames, None)
            except PuppetError:
                if self._end <= self._start:
                    raise  # nothing of it can be shown
                frame = None  # the end of a file that was cut off
            if frame is not None:
                due = self._start + frame.time
                self._end = due + 1 / self._reader.rate
                self._wait.wait(max(0.0, due - time.perf_counter()))
                return frame.image
            self._frames = None
        return None

    def close(self) -> None:
        if self._frames is not None:
            self._frames.close()
            self._frames = None


def make_source(camera: str) -> Source | VmcReceiver:
    """The source for what a user typed: "synthetic", the path of a video file, an index, (part of) a name, or "vmc"."""
    if receiver := make_receiver(camera):
        return receiver
    if camera == SYNTHETIC:
        return VideoFile(DRIVER, SYNTHETIC)
    path = Path(camera)
    if path.is_file() or path.suffix.lower() in SUFFIXES:
        return VideoFile(path)
    return Webcam(camera)
