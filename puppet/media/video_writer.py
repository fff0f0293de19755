"""Writing a video file that is either whole or not there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from puppet.errors import PuppetError, nearest
from puppet.media.alpha import straight_alpha
from puppet.media.audio import Sound
from puppet.media.video_reader import FPS


@dataclass(frozen=True)
class Format:
    codec: str
    pixels: str
    options: dict[str, str]


# crf: as good as a viewer can tell, at 256 pixels about 0.3 Mbit/s
H264 = Format("libx264", "yuv420p", {"crf": "16", "preset": "fast"})
VP9 = Format("libvpx-vp9", "yuv420p", {"crf": "24", "b:v": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"})
OPAQUE = {".mp4": H264, ".mov": H264, ".mkv": H264, ".webm": VP9}
TRANSPARENT = {
    ".webm": Format("libvpx-vp9", "yuva420p", VP9.options | {"auto-alt-ref": "0"}),
    ".mov": Format("prores_ks", "yuva444p10le", {"profile": "4444", "alpha_bits": "16"}),
}
# Without a colour tag players assume BT.601 for small pictures, and so does every converter: say it and use it.
BT601, LIMITED_RANGE = 6, 1


def check_output(path: Path, transparent: bool, inputs: tuple[Path, ...] = ()) -> None:
    """`PuppetError` where no video could be written to `path`: asked before the work starts."""
    suffix = path.suffix.lower()
    if suffix not in OPAQUE:
        what = f"'{path.suffix}' is not a video format that can be written" if suffix else "has no file extension"
        raise PuppetError(
            f"output {path}: {what}; end its name in {', '.join(OPAQUE)}{nearest(suffix, OPAQUE) if suffix else ''}"
        )
    if transparent and suffix not in TRANSPARENT:
        raise PuppetError(
            f"output {path}: {suffix} cannot carry transparency; end its name in {' or '.join(TRANSPARENT)}, or choose "
            "--background chroma"
        )
    if path.is_dir():
        raise PuppetError(f"output {path} is a folder: give the name of a file in it")
    if not path.parent.is_dir():
        raise PuppetError(f"output {path}: the folder {path.parent} does not exist; make it first")
    for other in inputs:
        if path.exists() and other.exists() and path.samefile(other):
            raise PuppetError(f"output {path} is also an input: give --out another name")
    partial = _partial_path(path)
    try:
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise PuppetError(
            f"output {path}: the folder {path.parent.absolute()} cannot be written to ({error.strerror}); choose "
            "another with --out"
        ) from error


def _partial_path(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix.lower()}")


class VideoWriter:
    """Context manager: frames go to a hidden file, which takes the name `path` when the block ends without an error.

    size: (width, height), even. transparent: keep alpha, as straight alpha. sound: goes beside the pictures.
    """

    def __init__(
        self, path: Path, size: tuple[int, int], transparent: bool = False, sound: Sound | None = None, fps: int = FPS
    ):
        self.path, self._partial = path, _partial_path(path)
        self._transparent, self._fps, self._frames = transparent, fps, 0
        chosen = (TRANSPARENT if transparent else OPAQUE)[path.suffix.lower()]
        try:
            # the index in front lets a browser start before the file has come whole
            options = {"movflags": "+faststart"} if path.suffix.lower() in (".mp4", ".mov") else {}
            self._container = av.open(str(self._partial), "w", options=options)
            self._stream = self._container.add_stream(chosen.codec, rate=fps, options=dict(chosen.options))
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = chosen.pixels
        self._stream.codec_context.colorspace = BT601
        self._stream.codec_context.color_range = LIMITED_RANGE
        self._sound = sound
        if sound:
            sound.attach(self._container)

    def write(self, rgba: np.ndarray, number: int | None = None) -> None:
        """One frame: (H, W, 4) uint8 premultiplied RGBA; opaque formats take its colours as they are.

        number: its place in the video, counted from 0, if others are left out before it; the last one then stands
        longer.
        """
        if self._transparent:
            frame = av.VideoFrame.from_ndarray(straight_alpha(rgba), format="rgba")
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgba[..., :3]), format="rgb24")
        frame = frame.reformat(format=self._stream.pix_fmt, dst_colorspace=BT601, dst_color_range=LIMITED_RANGE)
        frame.pts = self._frames if number is None else max(number, self._frames)
        self._frames = frame.pts + 1
        try:
            self._container.mux(self._stream.encode(frame))
            if self._sound:
                self._sound.write_until(self._frames / self._fps)
        except (av.error.FFmpegError, OSError) as error:
            raise self._failure(error) from error

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind, error, trace) -> None:
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
                if self._sound:
                    self._sound.finish(self._frames / self._fps)
                self._container.close()
                os.replace(self._partial, self.path)
            else:
                self._container.close()
        except (av.error.FFmpegError, OSError) as failure:
            if kind is None:
                raise self._failure(failure) from failure
        finally:
            self._partial.unlink(missing_ok=True)

    def _failure(self, error: Exception) -> PuppetError:
        return PuppetError(
            f"output {self.path} could not be written ({getattr(error, 'strerror', None) or error}); is the disk full?"
        )
