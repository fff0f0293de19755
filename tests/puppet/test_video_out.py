"""An output file is whole or not there, and carries sound and alpha where it can."""

import av
import numpy as np
import pytest

from puppet.errors import PuppetError
from puppet.media.audio import Sound
from puppet.media.video_reader import VideoReader
from puppet.media.video_writer import VideoWriter, check_output
from tests.puppet.videos import grey_ramp, level, write_video


def opaque(image: np.ndarray) -> np.ndarray:
    return np.concatenate([image, np.full_like(image[..., :1], 255)], -1)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_what_is_written_can_be_read(tmp_path, name):
    with VideoWriter(tmp_path / name, (64, 64)) as writer:
        for image in grey_ramp(24):
            writer.write(opaque(image))
    frames = list(VideoReader(tmp_path / name).frames())
    assert [level(frame) for frame in frames] == list(range(24))
    with av.open(str(tmp_path / name)) as container:
        assert container.streams.video[0].average_rate == 24
        assert container.streams.video[0].pix_fmt == "yuv420p"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_colours_survive(tmp_path):
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32], image[32:] = (200, 90, 60), (30, 80, 180)
    with VideoWriter(tmp_path / "out.mp4", (64, 64)) as writer:
        for _ in range(4):
            writer.write(opaque(image))
    frame = next(VideoReader(tmp_path / "out.mp4").frames())
    for y in (16, 48):
        assert np.abs(frame[y, 32].astype(int) - image[y, 32]).max() <= 3


@pytest.mark.parametrize("name, decoder", [("out.webm", "libvpx-vp9"), ("out.mov", "prores")])
def test_alpha_is_straight_and_exact_enough(tmp_path, name, decoder):
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[:32] = (100, 50, 25, 128)  # premultiplied
    with VideoWriter(tmp_path / name, (64, 64), transparent=True) as writer:
        for _ in range(4):
            writer.write(rgba)
    with av.open(str(tmp_path / name)) as container:
        context = av.CodecContext.create(decoder, "r")
        context.extradata = container.streams.video[0].codec_context.extradata
        frame = next(frame for packet in container.demux(video=0) for frame in context.decode(packet))
    found = frame.to_ndarray(format="rgba")
    assert np.abs(found[16, 32].astype(int) - (199, 100, 50, 128)).max() <= 5
    assert found[48, 32, 3] == 0


def test_a_failure_keeps_the_file_before(tmp_path):
    out = tmp_path / "out.mp4"
    out.write_text("precious")
    with pytest.raises(RuntimeError), VideoWriter(out, (64, 64)) as writer:
        writer.write(opaque(grey_ramp(1)[0]))
        raise RuntimeError
    assert out.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    "source, codec, target, expected",
    [
        ("in.mp4", "aac", "out.mp4", "aac"),
        ("in.mp4", "libmp3lame", "out.mp4", "mp3"),
        ("in.mov", "pcm_s16le", "out.mp4", "aac"),
        ("in.mkv", "libopus", "out.webm", "opus"),
        ("in.mp4", "aac", "out.webm", "opus"),
        ("in.mkv", "ac3", "out.mp4", "ac3"),
    ],
)
def test_the_sound_is_kept(tmp_path, source, codec, target, expected):
    path = write_video(tmp_path / source, grey_ramp(50), 25, audio=codec)
    reader = VideoReader(path)
    with VideoWriter(tmp_path / target, (64, 64), sound=Sound.of(reader.path, reader.start)) as writer:
        for image in reader.frames():
            writer.write(opaque(image))
    with av.open(str(tmp_path / target)) as container:
        sound = container.streams.audio[0]
        assert sound.codec_context.codec.canonical_name == expected
        frames = [frame.to_ndarray().astype(np.float64) for frame in container.decode(audio=0)]
        rate = sound.rate
    samples = np.concatenate(frames, 1)[0]
    assert abs(len(samples) / rate - 2.0) < 0.1
    assert abs(np.argmax(np.abs(np.fft.rfft(samples))) * rate / len(samples) - 440) < 2


def test_no_sound_no_track(tmp_path):
    path = write_video(tmp_path / "in.mp4", grey_ramp(5))
    assert Sound.of(path, 0.0) is None


@pytest.mark.parametrize(
    "name, transparent, cause",
    [
        ("out.avi", False, "not a video format"),
        ("out.mp", False, "did you mean .mp4"),
        ("out", False, "no file extension"),
        ("out.mp4", True, "cannot carry transparency"),
        ("no/where/out.mp4", False, "does not exist"),
        ("folder.mp4", False, "is a folder"),
        ("in.mp4", False, "is also an input"),
    ],
)
def test_impossible_outputs_are_named(tmp_path, name, transparent, cause):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "in.mp4").write_text("input")
    with pytest.raises(PuppetError, match=cause):
        check_output(tmp_path / name, transparent, (tmp_path / "in.mp4",))
    assert (tmp_path / "in.mp4").read_text() == "input"


def test_a_folder_without_permission_is_named():
    with pytest.raises(PuppetError, match="cannot be written to"):
        from pathlib import Path

        check_output(Path("/proc/out.mp4"), False)
