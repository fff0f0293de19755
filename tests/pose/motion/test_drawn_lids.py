"""Lids of drawn characters: both together, shut until clearly open again, winks after a moment of doubt."""

import numpy as np
import pytest

from pose.motion.drawn_lids import DrawnLids
from pose.motion.retargeting import Retargeter
from pose.tracking.features import EYES
from pose.tracking.landmarks import PoseFrame
from pose.tracking.signals import head_transform, lid_gap, to_head_frame
from tests.pose import characters

OWN = to_head_frame(characters.pose().face, head_transform(characters.pose().face))
STEP = 1 / 24  # s


def with_gaps(right, left):
    shape = OWN.copy()
    for eye, gap in zip(EYES, (right, left)):
        upper, lower = list(eye.upper), list(eye.lower)
        shape[upper] += (1 - gap) * (shape[lower] - shape[upper])
    return shape


def openings(lids, readings):
    """(T, 2) what is shown of the right and the left eye."""
    shown = []
    for k, (right, left) in enumerate(readings):
        shape = lids(with_gaps(right, left), k * STEP)
        shown.append([lid_gap(shape, e.upper, e.lower) / lid_gap(OWN, e.upper, e.lower) for e in EYES])
    return np.array(shown)


def test_an_open_eye_follows_and_keeps_its_place():
    shown = openings(DrawnLids(OWN), [(1.0, 1.0), (0.9, 0.9), (1.1, 1.1)])
    assert shown == pytest.approx(np.array([[1.0] * 2, [0.9] * 2, [1.1] * 2]), abs=1e-3)
    assert np.abs(DrawnLids(OWN)(OWN, 0.0) - OWN).max() < 1e-6


def test_lids_that_hover_do_not_flicker():
    noise = np.random.default_rng(0)
    blink = [(1, 1), (0.7, 0.7), (0.2, 0.2), (0.2, 0.2)]
    hover = [(v, v) for v in 0.50 + noise.uniform(-0.04, 0.06, 40)]
    shown = openings(DrawnLids(OWN), blink + hover + [(1, 1)] * 4)
    assert (shown[5:44] == 0).all()  # shut stays shut
    assert shown[-1] == pytest.approx([1, 1], abs=1e-3)
    shown = openings(DrawnLids(OWN), [(1, 1)] * 4 + hover)
    assert shown[5:].min() > 0.2  # what did not shut stays open


def test_eyes_that_look_down_open_after_a_blink():
    shown = openings(DrawnLids(OWN), [(1, 1), (0.2, 0.2), (0.2, 0.2)] + [(0.6, 0.6)] * 12)
    assert shown[3].max() == 0
    assert shown[-1].min() > 0.3


def test_both_eyes_shut_though_one_is_read_worse():
    shown = openings(DrawnLids(OWN), [(1, 1), (0.3, 0.55), (0.3, 0.55), (0.3, 0.55), (0.9, 0.7)])
    assert shown[:, 0] == pytest.approx(shown[:, 1], abs=1e-6)
    assert shown[3].max() == 0


def test_a_wink_is_one_eyes_and_a_bouncing_reading_is_none():
    shown = openings(DrawnLids(OWN), [(1, 1)] * 2 + [(0.0, 1.0)] * 8 + [(1, 1)] * 4)
    assert shown[8, 0] == 0 and shown[8, 1] > 0.9
    assert shown[-1] == pytest.approx([1, 1], abs=1e-3)
    shown = openings(DrawnLids(OWN), [(1, 1), (0.0, 0.0), (0.0, 0.0), (0.0, 0.7), (0.0, 0.0), (1, 1)])
    assert (shown[2:5] == 0).all()


def test_a_retargeter_settles_the_lids_of_drawings_only():
    driver = PoseFrame(characters.face(scale=60, at=(150, 120)), None, None, None, (300, 240), 0.0)
    narrow = characters.face(scale=60, at=(150, 120))
    for eye in EYES:
        upper, lower = list(eye.upper), list(eye.lower)
        narrow[upper] += 0.62 * (narrow[lower] - narrow[upper])
    gaps = []
    for drawn in (True, False):
        retargeter = Retargeter(characters.pose(), driver, drawn=drawn)
        for k in range(4):
            face = retargeter.retarget(PoseFrame(narrow, None, None, None, (300, 240), k * STEP)).face
        shape = to_head_frame(face, head_transform(face))
        gaps.append(lid_gap(shape, EYES[0].upper, EYES[0].lower) / lid_gap(OWN, EYES[0].upper, EYES[0].lower))
    assert gaps[0] < 1e-3 < gaps[1]
