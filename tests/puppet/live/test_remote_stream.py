"""The generator in another process: the same frames, and one line for whatever happens to it."""

import os
import signal

import numpy as np
import pytest

from generator.portrait.stream import PortraitStream as Stream
from puppet.core.models import load_generator
from puppet.core.remote_stream import RemoteStream, StreamChoice
from puppet.errors import PuppetError

SIZE = 64
CHOICE = StreamChoice("tiny", "random", SIZE, "cpu", 3, "sdpa")


def maps(seed):
    random = np.random.default_rng(seed)
    warp = random.integers(0, 256, (4, SIZE, SIZE, 4), dtype=np.uint8)
    warp[..., 3] = 255
    return warp, random.integers(0, 256, (4, SIZE // 2, SIZE // 2, 8), dtype=np.uint8)


def test_it_makes_the_frames_that_the_stream_makes_and_ends_when_closed():
    near, far = Stream(load_generator("tiny", "random", SIZE), "cpu", seed=3), RemoteStream(CHOICE)
    for person in (0, 10):
        warp, guide = maps(person)
        for stream in (near, far):
            stream.lock(warp[0], warp, guide)
        kept = []
        for step in range(1, 4):
            expected, frames = (stream.step(*maps(person + step)) for stream in (near, far))
            assert np.abs(frames.astype(int) - expected).max() <= 1  # it runs on another number of threads
            kept.append((frames, frames.copy()))
        assert all(np.array_equal(frames, then) for frames, then in kept)  # each is the caller's own
    assert far.timings.keys() == {"generate", "decode"} and min(far.timings.values()) > 0
    far.close()
    far.close()
    with pytest.raises(ProcessLookupError):
        os.kill(far.pids[0], 0)


def test_what_is_wrong_there_is_told_here(tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    far = RemoteStream(StreamChoice("tiny", str(tmp_path / "bad.safetensors"), SIZE, "cpu", 0, "sdpa"))
    with pytest.raises(PuppetError, match="bad.safetensors"):
        far.ready()
    far.close()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs signals")
def test_a_process_that_was_killed_is_one_line():
    far = RemoteStream(CHOICE)
    warp, guide = maps(0)
    far.lock(warp[0], warp, guide)
    os.kill(far.pids[0], signal.SIGINT)  # of the terminal: not its business
    far.step(warp, guide)
    os.kill(far.pids[0], signal.SIGKILL)
    with pytest.raises(PuppetError, match="memory used up"):
        far.step(warp, guide)
    far.close()
