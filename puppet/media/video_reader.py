"""Reading a video as what it looks like: upright, with square pixels, at a constant rate."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from pose.scaling import reduced
from puppet.errors import PuppetError
from puppet.media.pictures import check_file

FPS = 24
SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv")
# a pause in the time stamps longer than this is a broken clock, not a held picture
LONGEST_PAUSE = 10.0  # seconds
# a file that ends this share of its stated length plus as many seconds early was cut off
CUT_OFF = 0.1
STILL_FORMATS = ("image2", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "svg_pipe", "ico")


@dataclass(frozen=True)
class TimedFrame:
    image: np.ndarray  # (H, W, 3) uint8 RGB, upright, square pixels
    time: float  # seconds since the first frame


class VideoReader:
    """One video file. `PuppetError` where it is missing, broken, without pictures, or a still picture; role: what the
    file is to the user, for its message.

    `expected_frames` is a guess for progress bars (None where the file does not say).
    """

    def __init__(self, path: Path | str, role: str = "driver"):
        self.path, self.role = Path(path), role
        check_file(self.path, role, "a video file")
        with self._open() as container:
            stream = self._stream(container)
            # of the first picture on the file's clock, which the sound's packets share
            self.start = float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0
            self.rate = float(stream.average_rate or stream.base_rate or FPS)
            length = stream.duration * stream.time_base if stream.duration else None
            if length is None and container.duration:
                length = Fraction(container.duration, av.time_base)
            self.expected_frames = round(float(length) * FPS) if length else None
            # Matroska states only the length of the whole, which may be the sound's
            picture_length = stream.duration or not container.streams.audio
            self._stated = float(length) if length and picture_length else None

    def frames(self, fps: int = FPS) -> Iterator[np.ndarray]:
        """(H, W, 3) uint8 RGB frames at a constant rate: at each tick the frame whose time is nearest."""
        return resample(self.timed_frames(), fps, 1 / self.rate)

    def timed_frames(self) -> Generator[TimedFrame, None, None]:
        """Every frame that can be decoded, with strictly increasing times.

        Damaged pictures are left out; a file that was cut off gives what it has and then raises PuppetError.
        """
        count = 0
        with self._open() as container:
            stream = self._stream(container)
            stream.thread_type = "AUTO"
            aspect = float(stream.sample_aspect_ratio or 1) or 1.0
            clock = _Clock(1 / self.rate)
            for frame in decoded(container, stream):
                if count == 0:
                    # of the first only: asking ties a frame into a cycle, and its memory stays until the next
                    # collection
                    matrix = display_matrix(frame)
                count += 1
                end = clock(frame.time)
                yield TimedFrame(upright(frame.to_ndarray(format="rgb24"), aspect, matrix), end)
        if count == 0:
            raise PuppetError(
                f"{self.role} {self.path} has no picture that can be decoded: it is broken or cut off; record it again"
            )
        if count == 1:
            raise PuppetError(f"{self.role} {self.path} holds a single picture: give a video in which something moves")
        if self._stated is not None and end + 1 / self.rate < self._stated * (1 - CUT_OFF) - CUT_OFF:
            raise PuppetError(
                f"{self.role} {self.path} is cut off: only {end:.1f} of its {self._stated:.1f} seconds can be read; "
                f"record or copy it again, or keep what is there with: ffmpeg -i {self.path} -c copy whole.mp4"
            )

    def _open(self) -> av.container.InputContainer:
        try:
            container = av.open(str(self.path), metadata_errors="ignore")
        except (av.error.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PuppetError(
                f"{self.role} {self.path} is not a video that can be read ({reason}): it is broken, cut off or another "
                "kind of file"
            ) from error
        if container.format.name in STILL_FORMATS or container.format.name.endswith("_pipe"):
            container.close()
            raise PuppetError(f"{self.role} {self.path} is a still picture: give a video in which something moves")
        return container

    def _stream(self, container: av.container.InputContainer) -> av.VideoStream:
        streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not streams:
            raise PuppetError(f"{self.role} {self.path} has no video track: give a video in which something moves")
        best = max(streams, key=lambda s: (s.codec_context is not None, s.width * s.height))
        if best.codec_context is None:
            raise PuppetError(f"{self.role} {self.path} is coded in a way that cannot be read: convert it to H.264")
        return best


def readable(packets: Iterator[av.Packet]) -> Iterator[av.Packet]:
    """The packets up to where the file is cut off."""
    try:
        yield from packets
    except av.error.FFmpegError:
        return


def decoded(container: av.container.InputContainer, stream: av.stream.Stream) -> Iterator[Any]:
    """Every picture or piece of sound that is whole; the next key frame mends a damaged one."""
    for packet in readable(container.demux(stream)):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


class _Clock:
    """Makes the time stamps of a file start at zero and increase, whatever the file says."""

    def __init__(self, step: float):
        self._step = step
        self._offset: float | None = None
        self._last = -step

    def __call__(self, stamp: float | None) -> float:
        if stamp is None:
            time = self._last + self._step
        else:
            if self._offset is None:
                self._offset = stamp
            time = stamp - self._offset
            if not 0 < time - self._last <= LONGEST_PAUSE + self._step:
                time = self._last + self._step
                self._offset = stamp - time
        self._last = time
        return time


def resample(frames: Iterator[TimedFrame], fps: int, last_duration: float) -> Iterator[np.ndarray]:
    """At tick k the frame whose time is nearest to k / fps; the last frame is shown for `last_duration` seconds."""
    tick = 0
    shown: TimedFrame | None = None
    for coming in frames:
        while shown is not None and tick / fps - shown.time < coming.time - tick / fps:
            yield shown.image
            tick += 1
        shown = coming
    if shown is None:
        return
    while tick == 0 or tick / fps < shown.time + last_duration - 0.5 / fps:
        yield shown.image
        tick += 1


def upright(image: np.ndarray, sample_aspect: float, matrix: tuple[int, int, int, int] | None) -> np.ndarray:
    """A decoded (H, W, 3) picture with its pixels made square and its display matrix applied."""
    if sample_aspect > 0 and abs(sample_aspect - 1) > 0.005:
        height, width = image.shape[:2]
        # the longer way, so that nothing is thrown away
        size = (round(width * sample_aspect), height) if sample_aspect > 1 else (width, round(height / sample_aspect))
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    if matrix is None:
        return image
    # the matrix maps a picture point (p, q) to (a p + c q, b p + d q): one of the eight turns and mirrorings
    a, b, c, d = matrix
    if abs(a) + abs(d) >= abs(b) + abs(c):
        flip_x, flip_y = a < 0, d < 0
    else:
        image = image.transpose(1, 0, 2)
        flip_x, flip_y = c < 0, b < 0
    return np.ascontiguousarray(image[:: -1 if flip_y else 1, :: -1 if flip_x else 1])


def display_matrix(frame: av.VideoFrame) -> tuple[int, int, int, int] | None:
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    return a, b, c, d


def centre_square(image: np.ndarray, limit: int | None = None) -> np.ndarray:
    """The largest centred square of (H, W, C), scaled down to at most `limit` pixels a side."""
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = image[top : top + side, left : left + side]
    if limit is None or side <= limit:
        return np.ascontiguousarray(square)
    return reduced(square, limit)
