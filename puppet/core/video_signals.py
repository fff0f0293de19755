"""What the control of a video model is given from step to step: a camera's path, a control video, or nothing.

    signals = video_signals(model, path="w*8", control=None, picture=None)
    signal = signals.of(stream, 0, 1, 1)     # the first video frame, a latent one; then on, in order

Letters: F video frames, H and W pixels, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from generator.controls.camera import ProjectiveCamera
from generator.controls.pictures import Pictures, PicturesControl
from generator.controls.trajectory import read_path
from generator.model import VideoModel
from generator.stream import Stream
from puppet.errors import PuppetError
from puppet.media.video_reader import VideoReader

STANDING = "w*0"  # the path of a camera that stays where it is


@dataclass(frozen=True)
class VideoSignals:
    """begins: a picture is the clip's first frame; otherwise what is made only resembles it. of: (stream, number of the
    first video frame, how many, how many latent frames) to their signal; in order, each once."""

    begins: bool
    of: Callable[[Stream, int, int, int], Any]


def video_signals(
    model: VideoModel, path: str | None, control: Path | None, picture: np.ndarray | None
) -> VideoSignals:
    """path: a camera's, as moves or a file; control: a video to follow; picture (H, W, 3): that the clip begins with.

    Raises PuppetError or ValueError, in one line, for what the model cannot follow or what cannot be read.
    """
    name, kind = model.config.name, model.control
    if path is not None and not isinstance(kind, ProjectiveCamera):  # by rays too
        raise PuppetError(f"model '{name}' follows no camera: leave --path out, or choose minwm-camera or world-small")
    if control is not None and not isinstance(kind, PicturesControl):
        raise PuppetError(
            f"model '{name}' follows no control video: leave --control out, or choose wan2.1-1.3b-control"
        )
    if isinstance(kind, ProjectiveCamera):
        trajectory, size = read_path(path or STANDING, model.codec.time_factor), model.config.size
        return VideoSignals(
            True, lambda stream, first, frames, latents: trajectory.signal(first, frames, size).to(stream.device)
        )
    if isinstance(kind, PicturesControl):
        pictures = PictureSignals(model, None if control is None else VideoReader(control, "control video"), picture)
        return VideoSignals(pictures.begins, pictures)
    return VideoSignals(True, lambda stream, first, frames, latents: blank(stream, latents))


class PictureSignals:
    """A control video, encoded as it comes (one that has ended stands still), and a picture beside it: as reference
    where the model has a way in for one, else as the first frame."""

    def __init__(self, model: VideoModel, control: VideoReader | None, picture: np.ndarray | None) -> None:
        self.begins = model.control.reference is None
        self._picture = picture
        self._pictures = None if control is None else held(control.frames(model.config.fps))
        self._state: Any = None  # of the codec's encoder
        self._first = True

    def __call__(self, stream: Stream, first: int, frames: int, latents: int) -> Pictures:
        if self._pictures is None:
            control = blank(stream, latents).control
        else:
            control = torch.stack([self._next(stream) for _ in range(latents)], 1)
        shown = None
        if self._first and self._picture is not None:
            shown = stream.model.codec.encode(as_video(self._picture, stream, 1))  # (1, 1, C, h, w)
        self._first = False
        if shown is None:
            return Pictures(control)
        return Pictures(control, start=shown) if self.begins else Pictures(control, reference=shown[:, 0])

    @torch.inference_mode()
    def _next(self, stream: Stream) -> Tensor:
        """The next latent frame of the control video, (1, C, h, w)."""
        codec = stream.model.codec
        count = codec.first_encoded if self._state is None else codec.time_factor
        video = torch.cat([as_video(next(self._pictures), stream, 1) for _ in range(count)], 1)
        latent, self._state = codec.encode_step(video, self._state)
        return latent


def held(frames: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """The frames, and then the last one for ever."""
    for frame in frames:
        yield frame
    while True:
        yield frame


def blank(stream: Stream, latents: int) -> Any:
    kwargs = {"device": stream.device, "dtype": stream.dtype}
    return stream.model.control.blank(stream.model.codec, 1, latents, stream.height, stream.width, **kwargs)


def fitted(picture_HWC: np.ndarray, height: int, width: int) -> np.ndarray:
    """The largest centred part of the picture that has the shape of the clip, at its size."""
    image = Image.fromarray(picture_HWC[..., :3])
    return np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS))


def as_video(picture_HWC: np.ndarray, stream: Stream, frames: int) -> Tensor:
    """(1, F, C, H, W) in [-1, 1], of the clip's size, opaque where there is a fourth channel."""
    frame = fitted(picture_HWC, stream.height, stream.width)
    picture = torch.from_numpy(frame.copy()).movedim(-1, 0).float() / 127.5 - 1
    if stream.model.codec.picture_channels == 4:
        picture = torch.cat([picture, torch.ones_like(picture[:1])])
    return picture.expand(1, frames, -1, -1, -1).to(stream.device, stream.dtype)
