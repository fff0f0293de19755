"""Drivers of every kind come out upright, with square pixels, at 24 frames a second."""

import gc
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from puppet.errors import PuppetError
from puppet.media.video_reader import TimedFrame, VideoReader, centre_square, resample
from tests.puppet.videos import grey_ramp, level, turn_in_metadata, write_video


def corners(size=(48, 64)) -> np.ndarray:
    """A picture whose four quarters differ."""
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = 40
    image[: height // 2, width // 2 :] = 100
    image[height // 2 :, : width // 2] = 160
    image[height // 2 :, width // 2 :] = 220
    return image


def quarters(image: np.ndarray) -> list[int]:
    height, width = image.shape[:2]
    points = [(y, x) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    return [round((int(image[y, x].mean()) - 40) / 60) for y, x in points]


@pytest.mark.parametrize("fps, count", [(24, 24), (30, 30), (25, 25), (60, 60), (10, 10)])
def test_any_rate_becomes_24_by_time(tmp_path, fps, count):
    path = write_video(tmp_path / "in.mp4", grey_ramp(min(count, 58)), fps)
    frames = list(VideoReader(path).frames())
    seconds = min(count, 58) / fps
    assert abs(len(frames) - 24 * seconds) <= 1
    for tick, frame in enumerate(frames[:-1]):
        assert abs(level(frame) - tick / 24 * fps) <= 0.5 + 1e-6


def test_variable_rate_follows_the_time_stamps(tmp_path):
    times = [0.0, 0.05, 0.5, 0.6, 1.0]
    path = write_video(tmp_path / "in.mkv", grey_ramp(5), 30, times=times)
    levels = [level(frame) for frame in VideoReader(path).frames()]
    expected = [int(np.argmin([abs(t - k / 24) for t in times])) for k in range(len(levels))]
    assert levels == expected
    assert abs(len(levels) - 24) <= 1


# a, b, c, d of the display matrix and how the quarters of `corners` lie after it
TURNS = {
    "none": ((1, 0, 0, 1), [0, 1, 2, 3]),
    "quarter clockwise": ((0, 1, -1, 0), [2, 0, 3, 1]),
    "half": ((-1, 0, 0, -1), [3, 2, 1, 0]),
    "quarter counter-clockwise": ((0, -1, 1, 0), [1, 3, 0, 2]),
    "mirrored": ((-1, 0, 0, 1), [1, 0, 3, 2]),
}


@pytest.mark.parametrize("name", TURNS)
def test_phones_turn_their_videos_in_metadata(tmp_path, name):
    matrix, expected = TURNS[name]
    path = turn_in_metadata(write_video(tmp_path / "in.mp4", [corners()] * 6), matrix)
    frame = next(VideoReader(path).frames())
    assert frame.shape[:2] == ((64, 48) if matrix[0] == 0 else (48, 64))
    assert quarters(frame) == expected


def test_pixels_become_square(tmp_path):
    path = write_video(tmp_path / "in.mkv", [corners()] * 4, aspect=Fraction(4, 3))
    assert next(VideoReader(path).frames()).shape[:2] == (48, 85)


def test_odd_sizes_and_other_codecs(tmp_path):
    path = write_video(tmp_path / "in.webm", [corners((50, 66))[:49, :65]] * 4, codec="libvpx-vp9")
    frame = next(VideoReader(path).frames())
    assert abs(frame.shape[0] - 49) <= 1 and abs(frame.shape[1] - 65) <= 1


def test_a_broken_clock_neither_stalls_nor_runs_away():
    from puppet.media.video_reader import _Clock

    clock = _Clock(0.04)
    times = [clock(stamp) for stamp in (5.0, 5.04, None, 5.12, 4.0, 4.04, 90000.0, 90000.04)]
    assert times == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.20, 0.24, 0.28])


def test_resampling_takes_the_nearest_and_lasts_as_long():
    def stamped(rate):
        return (TimedFrame(np.full((1, 1, 3), k, np.uint8), k / rate) for k in range(50))

    assert [int(f[0, 0, 0]) for f in resample(stamped(24), 24, 1 / 24)] == list(range(50))
    assert len(list(resample(stamped(48), 24, 1 / 48))) == 25


def test_the_centred_square():
    image = np.arange(6 * 10).reshape(6, 10, 1).astype(np.uint8).repeat(3, 2)
    assert np.array_equal(centre_square(image), image[:, 2:8])
    assert np.array_equal(centre_square(image.transpose(1, 0, 2)), image.transpose(1, 0, 2)[2:8])
    assert centre_square(image, 3).shape == (3, 3, 3)


def bad_drivers(folder):
    whole = write_video(folder / "whole.mp4", [corners()] * 60).read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("not a video\n")
    (folder / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    Image.fromarray(corners()).save(folder / "still.png")
    Image.fromarray(corners()).save(folder / "renamed.jpg")
    (folder / "renamed.jpg").rename(folder / "renamed.mp4")
    write_video(folder / "single.mp4", [corners()])
    with av.open(str(folder / "sound.mp4"), "w") as container:
        tone = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux(tone.encode(frame))
        container.mux(tone.encode(None))


@pytest.mark.parametrize(
    "name, cause",
    [
        ("missing.mp4", "does not exist"),
        ("", "is a folder"),
        ("cut.mp4", "cut off"),
        ("empty.mp4", "is empty"),
        ("text.mp4", "is not a video"),
        ("noise.mp4", "is not a video"),
        ("still.png", "still picture"),
        ("renamed.mp4", "still picture"),
        ("single.mp4", "single picture"),
        ("sound.mp4", "no video track"),
    ],
)
def test_bad_drivers_are_named(tmp_path, name, cause):
    bad_drivers(tmp_path)
    with pytest.raises(PuppetError, match=cause) as caught:
        list(VideoReader(tmp_path / name).frames())
    assert str(tmp_path) in str(caught.value)


def test_an_index_in_front_does_not_hide_that_the_end_is_missing(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (60, 64, 64, 3), np.uint8)
    path = write_video(tmp_path / "in.mp4", noise)
    front = tmp_path / "front.mp4"
    with av.open(str(path)) as source, av.open(str(front), "w", options={"movflags": "+faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    data = front.read_bytes()
    front.write_bytes(data[: len(data) // 2])
    frames = VideoReader(front).frames()
    with pytest.raises(PuppetError, match="cut off: only"):
        count = 0
        for _ in frames:
            count += 1
    assert count > 5


def test_frames_are_let_go_at_once(tmp_path):
    path = write_video(tmp_path / "ramp.mp4", grey_ramp(40))

    def alive():
        return sum(type(item) is av.VideoFrame for item in gc.get_objects())

    gc.collect()
    before = alive()  # other tests' frames
    gc.disable()  # a stream of hours must not depend on when cycles are looked for
    try:
        for _ in VideoReader(path).timed_frames():
            pass
        assert alive() - before < 4
    finally:
        gc.enable()
