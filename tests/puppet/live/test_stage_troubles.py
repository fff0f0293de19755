"""What goes wrong on a stage: slow readers, changes at the wrong moment, clocks that jump, a process that was
asleep."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from pose.tracking.landmarks import empty_pose
from puppet.live.adaptive_quality import AdaptiveQuality
from puppet.live.driver_state import DriverState
from puppet.live.frame_source import ReprojectedFrames
from puppet.live.gather import PoseGather
from puppet.live.sender import MOST_BEHIND, Sender
from puppet.live.session import still
from puppet.live.statistics import Statistics
from puppet.outputs.base import MOST_WAITING
from tests.puppet.live.stand_ins import FakeRenderer, Memory, make_character, wait_until
from tests.puppet.live.test_loop import Running, live_pictures
from tests.puppet.poses import pose_at


def test_a_consumer_that_reads_slowly_delays_nobody_and_sees_the_newest():
    class Slow(Memory):
        name = "slow"

        def send(self, picture):
            time.sleep(0.15)
            super().send(picture)

    slow = Slow()
    with Running() as run:
        run.sender.add(slow)
        wait_until(lambda: len(slow.pictures) >= 12)
        fast = len(run.output.pictures)
        ages = [sent - picture.time for sent, picture in zip(slow.times, slow.pictures, strict=True) if picture.live]
        (worker,) = [worker for worker in run.sender._workers if worker.output is slow]
        dropped = worker.dropped
    assert fast > 2 * len(slow.pictures) and dropped > 0
    # behind by what may wait, and never by more: the tenth is no older than the third
    assert max(ages[-3:]) < min(ages[:3]) + (MOST_WAITING + 1) * 0.15 + 0.5


def test_a_portrait_change_while_the_generator_is_mid_group():
    class Held(FakeRenderer):
        def __init__(self):
            super().__init__()
            self.begun, self.go = threading.Event(), threading.Event()

        def __call__(self, batch):
            self.begun.set()
            self.go.wait(30)
            frames = super().__call__(batch).copy()
            frames[..., :3] = np.minimum(frames[..., :3] + 30 * (frames[..., 3:] > 0), frames[..., 3:])
            return frames

    first, second = make_character("a.png", grey=60), make_character("b.png", grey=160)
    renderer = Held()
    with Running(renderer=renderer, character=first) as run:
        assert renderer.begun.wait(60)
        run.driver.set_character(second)
        wait_until(lambda: run.output.pictures[-1].background is second.background)
        renderer.go.set()  # the first one's batch comes now, too late
        wait_until(lambda: run.output.pictures[-1].appearance is not None)
        run.new_pictures(12)
        assert run.loop.error is None and run.sender.error is None
    for picture in live_pictures(run):  # never one's person, or its change, before the other's background
        level = np.median(picture.person[..., :3][picture.person[..., 3] == 255])
        own = 60 if picture.background is first.background else 160
        assert own - 10 < level < own + 40, (own, level)
    assert renderer.characters == [first, second]


@pytest.mark.parametrize("jump", [-30.0, -0.02, 0.0, 7.0, 40_000.0])
def test_a_clock_that_jumps_costs_a_moment_and_nothing_else(jump):
    character = make_character()
    state, gather = DriverState(character, "relative", 1.0, "fake", None, print), PoseGather(Statistics().timings)
    quality = AdaptiveQuality(1 / 60)
    frames = ReprojectedFrames(Statistics(), quality)
    batches, shown = [], []
    for k in range(90):
        now = 100 + k / 30 + (jump if k >= 40 else 0)
        pose = empty_pose((256, 256), now) if k in (38, 39) else pose_at(120 + 10 * np.sin(k / 5), time=now)
        target = state.target(pose)
        frames.show(*target, True, False)
        shown.append(frames.pick(now + 0.01))
        batches += gather.add(*target, True, 24)
    after = [batch for batch in batches if batch.targets[0].time >= 100 + 40 / 30 + jump]
    assert len(after) >= 8  # 50 frames of the camera are 40 of the generator
    assert all(picture is None or np.isfinite(picture.person).all() for picture in shown)
    faces = np.array([target.face[:, 0].mean() for batch in after[-4:] for target in batch.targets])
    assert np.ptp(faces) > 1  # it follows again


def test_a_clock_that_stood_still_is_not_made_up_for():
    class Stalling:
        def __init__(self):
            self.stalled = False

        def pick(self, now):
            if not self.stalled:
                self.stalled = True
                time.sleep(1.0)  # as if the process had been asleep
            return None

    output = Memory()
    sender = Sender(still(make_character()), Stalling(), Statistics(), print, 60)
    sender.add(output)
    sender.start()
    output.wait_for(1)
    woke = output.times[0]
    wait_until(lambda: time.perf_counter() > woke + 0.5)
    sender.close()
    burst = sum(moment < woke + 0.1 for moment in output.times)
    assert burst <= 0.1 * 60 + MOST_BEHIND + 2


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
def test_a_suspended_process_wakes_and_goes_on(tmp_path, portrait):
    out = tmp_path / "out.mp4"
    command = [
        sys.executable, "-m", "puppet.cli", "live", "--model", "tiny", "--weights", "random", "--size", "64",
        "--device", "cpu", "--camera", "synthetic", "--output", str(out), "--fps", "30", "--json",
        "--settings", str(tmp_path / "settings.toml"),
    ]  # fmt: skip
    (tmp_path / "settings.toml").write_text("")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "neutral face" in process.stderr.readline()
        time.sleep(2)
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(1.5)
        os.kill(process.pid, signal.SIGCONT)
        time.sleep(3)
        process.send_signal(signal.SIGTERM)
        printed, messages = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, messages
    report = json.loads(printed)
    assert report["max_gap_ms"] >= 1400 and report["new_pictures_per_second"] > 1
    assert out.exists()


def test_a_pose_of_another_portrait_is_never_predicted_from():
    frames = ReprojectedFrames(Statistics(), AdaptiveQuality(1 / 60))
    first, second = make_character("a.png"), make_character("b.png")
    frames.show(first, first.portrait.pose, True, False)
    moved = replace(second.portrait.pose, face=second.portrait.pose.face + np.float32(9), time=0.02)
    frames.show(second, moved, True, False)
    picture = frames.pick(0.04)
    np.testing.assert_array_equal(picture.person, second.conditioner.maps(moved).warp)
