"""Small videos of known content."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def write_video(
    path: Path, images, fps: int = 30, audio: str | None = None, codec: str = "libx264", times=None, aspect=None
) -> Path:
    """(H, W, 3) uint8 images as a video; audio: the codec of a 440 Hz tone of the same length; times: seconds."""
    images = list(images)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if codec == "libx264":
            stream.options = {"crf": "10", "preset": "ultrafast"}
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        tone = container.add_stream(audio, rate=48000, layout="mono") if audio else None
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts = index if times is None else round(1000 * times[index])
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone:
            samples = np.sin(np.arange(48000 * len(images) // fps) * 2 * np.pi * 440 / 48000)
            resampler = av.AudioResampler(tone.codec_context.format, "mono", 48000, frame_size=960)
            frame = av.AudioFrame.from_ndarray((samples * 20000).astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, 0
            for piece in [*resampler.resample(frame), *resampler.resample(None)]:
                container.mux(tone.encode(piece))
            container.mux(tone.encode(None))
    return path


def turn_in_metadata(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Overwrite the display matrix (a, b, c, d) of the first track of an mp4, in place."""
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd")
    a, b, c, d = (value * 0x10000 for value in matrix)
    # version 0: 4 type, 4 flags, 5 x 4 times and ids, 8 reserved, 4 x 2 layer to reserved, then the matrix
    struct.pack_into(">9i", data, header + 4 + 4 + 20 + 8 + 8, a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(data)
    return path


def grey_ramp(count: int, height: int = 64, width: int = 64) -> list[np.ndarray]:
    """Frame k has the grey level 4 k + 20, so that a decoded frame tells which one it was."""
    return [np.full((height, width, 3), 4 * k + 20, np.uint8) for k in range(count)]


def level(image: np.ndarray) -> int:
    """The number k of a frame of `grey_ramp`."""
    return round((float(image[..., :3].mean()) - 20) / 4)
