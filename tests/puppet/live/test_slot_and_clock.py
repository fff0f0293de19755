"""Nothing queues: slots keep the newest, the grid is even, the sender never stops."""

import threading
import time

import numpy as np
import pytest

from pose.tracking.landmarks import empty_pose
from puppet.core.latest_value import LatestValue
from puppet.core.pose_resampler import PoseResampler
from puppet.errors import PuppetError
from puppet.live.adaptive_quality import LEVELS, AdaptiveQuality
from puppet.live.buffered_frames import GROUPS, BufferedFrames
from puppet.live.gather import Beat
from puppet.live.sender import Sender
from puppet.live.statistics import Statistics
from tests.puppet.live.stand_ins import Memory, make_picture, wait_until
from tests.puppet.poses import pose_at


def test_the_newest_item_wins_and_a_closed_slot_wakes_its_reader():
    slot = LatestValue()
    for item in range(3):
        slot.put(item)
    assert slot.take(0) == 2 and slot.dropped == 2 and slot.take(0) is None
    taken = []
    reader = threading.Thread(target=lambda: taken.append(slot.take(30)))
    reader.start()
    slot.close()
    reader.join(10)
    assert taken == [None]
    slot.put(1)
    assert slot.take(0) is None


@pytest.mark.parametrize("camera_rate", [15, 30, 60])
def test_ticks_are_an_even_grid_of_the_true_motion(camera_rate):
    ticks, out = PoseResampler(24), []
    for k in range(2 * camera_rate + 1):
        time = k / camera_rate
        out += ticks.add(pose_at(100 + 40 * time, time=time))
    times = np.array([pose.time for pose in out])
    np.testing.assert_allclose(np.diff(times), 1 / 24, atol=1e-9)
    # the face moves at 40 pixels a second: at every tick it is where it was at that very moment
    shift = np.array([pose.face[0, 0] for pose in out]) - out[0].face[0, 0]
    np.testing.assert_allclose(shift, 40 * times, atol=1e-3)


def test_a_tick_waits_at_most_half_a_frame_of_a_webcam_for_its_pose():
    ticks, waits = PoseResampler(24), []
    for k in range(120):
        waits += [k / 30 - pose.time for pose in ticks.add(pose_at(100, time=k / 30))]
    assert max(waits) < 0.5 / 30 + 1e-6 and min(waits) > -0.018
    ticks.add(empty_pose((256, 256), 4.0))  # a face that has gone is not carried on
    assert all(pose.face is None for pose in ticks.add(empty_pose((256, 256), 4 + 1 / 30)))


def test_a_jittery_camera_of_the_grids_rate_never_waits_for_its_next_frame():
    ticks, waits, random = PoseResampler(24), [], np.random.default_rng(0)
    for k in range(240):
        time = k * 1001 / 24000 + random.uniform(0, 0.003)
        served = ticks.add(pose_at(100, time=time))
        waits += [time - pose.time for pose in served]
    assert len(waits) >= 238
    assert np.quantile(waits, 0.95) < 0.004


def test_ticks_start_anew_after_a_pause_and_at_another_size():
    ticks = PoseResampler(24)
    ticks.add(pose_at(100, time=0.0))
    assert [pose.time for pose in ticks.add(pose_at(100, time=5.0))] == [5.0]
    assert [pose.size for pose in ticks.add(pose_at(100, size=128, time=5.05))] == [(128, 128)]
    ticks.add(empty_pose((128, 128), 5.1))
    ticks.rate = 8
    assert ticks.add(empty_pose((128, 128), 5.15)) == []


def buffered() -> BufferedFrames:
    return BufferedFrames(Statistics(), AdaptiveQuality(1 / 24))


def test_playout_spaces_pictures_evenly_whose_groups_come_at_once():
    buffer, shown = buffered(), []
    for group in range(12):
        first = group * 4 / 24
        buffer.queue([make_picture(time=first + k / 24) for k in range(4)], first + 0.25)
        for k in range(4):
            shown.append((now := first + 0.25 + k / 24, buffer.pick(now)))
    np.testing.assert_allclose([now - picture.time for now, picture in shown], 0.25, atol=1e-6)
    assert buffer._timings.milliseconds()["wait"] == pytest.approx(1000 * 1.5 / 24)  # 0 to 3 ticks
    assert buffer.pick(100.0) is None


def test_one_late_group_does_not_delay_all_that_follow():
    buffer = buffered()
    for group in range(GROUPS):
        late = 0.5 if group == 5 else 0.25
        buffer.queue([make_picture(time=group * 4 / 24)], group * 4 / 24 + late)
        buffer.pick(group * 4 / 24 + late)
    assert buffer.delay == pytest.approx(0.25)


@pytest.mark.parametrize("phase", [0.001, 0.02, 0.035, 0.041])
def test_the_clock_moves_to_where_pictures_are_due_and_shows_each_of_them(phase):
    """A simulated sender: the clock begins at any phase and the delay jitters by a millisecond."""
    buffer, random, clock, period = buffered(), np.random.default_rng(0), phase, 1 / 24
    numbers, slack, coming = [], [], 0
    for _ in range(400):
        clock += period
        while (age := 0.25 + random.uniform(0, 0.001)) + coming * 4 * period <= clock:
            buffer.queue([make_picture(time=(4 * coming + k) * period) for k in range(4)], coming * 4 * period + age)
            coming += 1
        if due := buffer.pick(clock):
            numbers.append(round(due.time * 24))
            slack.append(clock - due.time - buffer.delay)
            clock += buffer.phase_correction(due, clock, period)
    assert 0 <= min(slack[-100:]) and max(slack[-100:]) < 0.008
    assert len(set(numbers)) == len(numbers) and numbers[-1] - numbers[0] - len(numbers) < 3


def test_a_slow_generator_costs_the_age_of_the_appearance_and_comes_back():
    quality, now = AdaptiveQuality(1 / 60), 0.0
    quality.observe_picture(0.005)
    seen = []
    for _ in range(200):
        now += 0.3
        if level := quality.observe_batch(0.3, now):
            seen.append(level)
    assert seen == list(LEVELS[1:5])  # four frames in 0.3 s: 12 a second is the first that fits
    for _ in range(2000):
        now += 0.05
        quality.observe_batch(0.02, now)
    assert quality.level is LEVELS[0]


def test_new_pictures_at_every_tick_are_given_up_last():
    quality, now, seen = AdaptiveQuality(1 / 60), 0.0, []
    for _ in range(400):
        now += 0.1
        quality.observe_picture(0.02)
        if level := quality.observe_batch(0.02, now):
            seen.append(level)
    assert seen == list(LEVELS[1:])
    assert [level.ticks_per_picture for level in seen] == [1, 1, 1, 1, 1, 2]


def test_a_hopelessly_slow_generator_never_slows_the_motion():
    quality, now = AdaptiveQuality(1 / 60), 0.0
    for _ in range(100):
        now += 5.0
        quality.observe_picture(0.005)
        quality.observe_batch(5.0, now)
    assert quality.level.ticks_per_picture == 1 and quality.level.rate == 8


def running_sender(*outputs, failures=None):
    statistics = Statistics()
    report = (lambda output, error: failures.append((output, error))) if failures is not None else None
    frames = BufferedFrames(statistics, AdaptiveQuality(1 / 24))
    sender = Sender(make_picture(7), frames, statistics, report)
    sender.offer = lambda pictures: frames.queue(pictures, time.perf_counter())
    for output in outputs:
        sender.add(output)
    sender.start()
    return sender, statistics


def test_the_sender_repeats_the_last_picture_and_shows_new_ones_in_order():
    output = Memory()
    sender, statistics = running_sender(output)
    output.wait_for(5)
    now = time.perf_counter()
    pictures = [make_picture(10 + k, now - 0.2 + k / 24) for k in range(4)]
    sender.offer(pictures)
    wait_until(lambda: pictures[-1] in output.pictures)
    sender.close()
    assert output.closed == 1 and (output.size, output.fps) == ((64, 64), 24)
    levels = [int(picture.person[0, 0, 0]) for picture in output.pictures]
    assert levels[:5] == [7] * 5 and levels == sorted(levels)
    summary = statistics.summary()
    assert summary["frames"] == len(levels)
    assert summary["motion_latency_ms"]["p50"] >= 200
    assert statistics.repeated >= 5


def test_the_card_replaces_everything_at_once_and_a_freeze_keeps_the_picture():
    output = Memory()
    sender, _ = running_sender(output)
    sender.card = card = make_picture(200)
    wait_until(lambda: card in output.pictures)
    sender.card, sender.frozen = None, True
    held = sender.last
    sender.offer([make_picture(50, time.perf_counter() - 1)])
    count = len(output.pictures)
    output.wait_for(count + 10)
    sender.close()
    assert sender.last is held and output.pictures[-1] is held


def test_a_slow_output_loses_pictures_and_a_broken_one_leaves_the_others_alone():
    class Slow(Memory):
        def send(self, picture):
            gate.wait(10)
            super().send(picture)

    gate, failures = threading.Event(), []
    good, slow, broken = Memory(), Slow(), Memory(broken_after=2)
    sender, _ = running_sender(good, slow, broken, failures=failures)
    good.wait_for(12)
    wait_until(lambda: failures)
    ((output, error),) = failures
    assert output is broken and isinstance(error, PuppetError) and "plug was pulled" in str(error)
    assert broken not in sender.outputs and broken.closed == 1
    gate.set()
    sender.close()
    assert 1 <= len(slow.pictures) < len(good.pictures) and slow.closed == 1


def test_a_beat_keeps_its_rate_on_a_clock_that_it_does_not_divide():
    for fps, rate in ((60, 24), (30, 24), (24, 24), (60, 8)):
        beat = Beat()
        due = [k for k in range(10 * fps) if beat(5 + k / fps + 0.002 * (k % 2), rate, 1 / fps)]
        assert abs(len(due) - 10 * rate) <= 1
        assert np.ptp(np.diff(due)) <= 1 + (fps == 30)
    assert beat(100.0, 8, 1 / 60) and not beat(100.02, 8, 1 / 60)  # after a pause at once, and then at its rate
    assert beat(3.0, 8, 1 / 60) and not beat(3.02, 8, 1 / 60)  # and where the clock jumped back
