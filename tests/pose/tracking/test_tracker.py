import os
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pose.tracking.face_search import is_face, is_seen_mirrored, plain
from pose.tracking.mesh import eye_distance, mirrored_landmarks
from pose.tracking.native_log import quiet_native_log
from pose.tracking.tracker import Tracker, TrackerUnavailable, fit_picture
from tests.pose.faces import face

BUNDLED = Path(__file__).parents[3] / "puppet" / "media" / "portrait.png"


def test_frames_are_brought_to_a_usable_size():
    large, scale = fit_picture(np.zeros((1080, 2560, 3), np.uint8))
    assert large.shape == (540, 1280, 3) and scale == 0.5
    small, scale = fit_picture(np.zeros((64, 32, 3), np.uint8))
    assert small.shape == (256, 128, 3) and scale == 4
    same, scale = fit_picture(np.zeros((480, 640, 3), np.uint8)[:, ::-1])
    assert scale == 1 and same.flags.c_contiguous


def test_faces_are_told_from_accidents():
    assert is_face(face()) and is_face(face(turn=(30, 10, 40), mouth=0.3))
    assert not is_face(face(scale=4)) and not is_face(face(stretch=(1.0, 0.2)))
    upside_down_features = face()
    upside_down_features[:, 1] *= -1
    upside_down_features[152, 1] *= -1
    assert not is_face(upside_down_features)


def test_native_chatter_is_dropped_and_errors_come_out(capfd):
    with quiet_native_log():
        os.write(2, b"I0000 00:00:17.1  12 gl_context.cc:1] GL version\n")
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n")
        os.write(2, b"W0000 00:00:17.2  12 inference.cc:1] whatever\n")
        os.write(2, b"E0000 00:00:17.3  12 graph.cc:1] the real trouble\n")
        print("a line of Python", file=sys.stderr)
    os.write(2, b"I0000 00:00:17.4  12 afterwards\n")
    err = capfd.readouterr().err
    assert "the real trouble" in err and "a line of Python" in err and "afterwards" in err
    assert "GL version" not in err and "whatever" not in err and "XNNPACK" not in err


def test_without_mediapipe_the_cure_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(TrackerUnavailable, match="pip install mediapipe==0.10.21"):
        Tracker()


def test_bad_frames_a_closed_tracker_and_an_empty_room(capfd):
    pytest.importorskip("mediapipe")
    with Tracker() as tracker:
        for bad in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3)), [[1]]):
            with pytest.raises(ValueError, match="a picture"):
                tracker.track(bad)
        pose = tracker.track(np.full((90, 160, 3), 120, np.uint8), 2.5)
        assert pose.face is None and pose.body is None and pose.size == (160, 90) and pose.time == 2.5
    tracker.close()
    with pytest.raises(ValueError, match="closed"):
        tracker.track(np.zeros((90, 160, 3), np.uint8))
    assert capfd.readouterr().err == ""
    with pytest.raises(ValueError, match="body_every"):
        Tracker(body_every=-1)


def test_the_bundled_portrait_is_tracked_large_small_and_off_centre(capfd):
    pytest.importorskip("mediapipe")
    picture = cv2.cvtColor(cv2.imread(str(BUNDLED)), cv2.COLOR_BGR2RGB)
    height, width = picture.shape[:2]
    with Tracker(static=True) as tracker:
        pose = tracker.track(picture)
        assert pose.face.shape == (478, 3) and is_face(pose.face) and pose.size == (width, height)
        scale = 150 / height
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        room = np.full((600, 800, 3), 110, np.uint8)
        room[20 : 20 + small.shape[0], 30 : 30 + small.shape[1]] = small
        found = tracker.track(room)
    assert np.abs(found.face[:, :2] - (pose.face[:, :2] * scale + (30, 20))).mean() < 3
    with Tracker(body_every=2) as tracker:
        first, second = tracker.track(picture, 0.0), tracker.track(picture, 0.04)
        assert np.abs(first.face - pose.face)[:, :2].mean() < 0.02 * width
        if first.body is not None:
            np.testing.assert_array_equal(first.body, second.body)
        moved = np.roll(picture, 8, axis=1)
        looked = tracker.track(moved, 0.08, body=True)
        assert first.body is None or not np.array_equal(looked.body, first.body)
        carried = tracker.track(picture, 0.12, body=False)  # not looked for, whoever's turn it is
        if looked.body is not None:
            np.testing.assert_array_equal(carried.body[:, 2:], looked.body[:, 2:])  # x and y move on
    assert capfd.readouterr().err == ""


def test_landmarks_do_not_depend_on_the_pictures_scale_and_side():
    pytest.importorskip("mediapipe")
    picture = cv2.cvtColor(cv2.imread(str(BUNDLED)), cv2.COLOR_BGR2RGB)
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    with Tracker(static=True, body_every=0) as tracker:
        face, half, other = (tracker.track(np.ascontiguousarray(p)).face for p in (picture, small, small[:, ::-1]))
    moved = (2 * half - face)[:468, :2].mean(0)  # pixels counted from their corners would move by half a one
    assert np.abs(moved).max() < 0.25
    mirrored = small.shape[1] - other[mirrored_landmarks(), 0]
    assert abs((half[:, 0] - mirrored)[:468].mean()) < 0.006 * eye_distance(half)


def test_what_its_mirror_image_does_not_show_is_no_face():
    pytest.importorskip("mediapipe")
    picture = cv2.cvtColor(cv2.imread(str(BUNDLED)), cv2.COLOR_BGR2RGB)
    with Tracker(static=True, body_every=0) as tracker:
        seen = tracker.track(picture).face
        assert is_seen_mirrored(tracker._mesh, plain, picture, seen)
        moved = seen + np.float32([0, 0.6 * eye_distance(seen), 0])
        assert not is_seen_mirrored(tracker._mesh, plain, picture, moved)
        assert not is_seen_mirrored(tracker._mesh, plain, np.full_like(picture, 120), seen)
        assert not is_seen_mirrored(tracker._mesh, plain, picture, np.zeros_like(seen))
