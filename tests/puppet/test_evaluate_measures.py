"""Each measure on inputs whose value is known."""

import cv2
import numpy as np
import pytest

from pose.tracking.mesh import face_mesh
from pose.tracking.signals import angles_rotation
from puppet.evaluate import measures
from puppet.evaluate.scores import Rollout

SIZE = 64


def face_sequence(yaw=None, gap=None, count=40, unit=20.0):
    """(T, 478, 3): the canonical face, turned by `yaw` degrees, its mouth opened by `gap` eye distances."""
    yaw, gap = (np.zeros(count) if values is None else values for values in (yaw, gap))
    faces = []
    for angle, opening in zip(yaw, gap, strict=True):
        face = face_mesh().canonical.astype(np.float64).copy()
        lower = [95, 88, 178, 87, 14, 317, 402, 318, 324]
        upper = [191, 80, 81, 82, 13, 312, 311, 310, 415]
        face[lower, 1:] = face[upper, 1:] + [opening, 0]
        face = face @ angles_rotation(angle, 0, 0).T * unit
        face[:, :2] += [SIZE / 2, SIZE / 2.5]
        faces.append(face)
    return np.array(faces, np.float32)


def pictures(count=4, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE, SIZE, 3), np.uint8)


def test_identical_pictures_are_perfect():
    video, faces = pictures(), face_sequence(gap=np.full(4, 0.3), count=4)
    assert measures.psnr(video, video) == np.inf
    assert measures.region_psnr(video, video, faces, measures.MOUTH) == np.inf
    assert measures.region_psnr(video, video, faces, measures.EYES) == np.inf
    assert measures.mouth_w1(video, video, faces) == 0
    assert measures.akd(faces, faces) == 0
    assert measures.sharpness(video, video) == 1
    assert measures.face_rate(faces) == 1


def test_psnr_of_a_constant_error():
    truth = np.full((3, SIZE, SIZE, 3), 100, np.uint8)
    assert measures.psnr(truth + 10, truth) == pytest.approx(20 * np.log10(255 / 10))
    # a frame that is equal says nothing about the others
    output = truth + 10
    output[0] = truth[0]
    assert measures.psnr(output, truth) == pytest.approx(20 * np.log10(255 / 10))
    with pytest.raises(ValueError, match="different shapes"):
        measures.psnr(truth, truth[:, :32])


def test_region_psnr_sees_its_region_only():
    faces = face_sequence(count=2)
    truth = np.full((2, SIZE, SIZE, 3), 100, np.uint8)
    output = truth.copy()
    x0, y0, x1, y1 = measures.box(faces[0], measures.LIPS_OUTER, SIZE)
    output[:, y0:y1, x0:x1] += 20
    assert measures.region_psnr(output, truth, faces, measures.MOUTH) == pytest.approx(20 * np.log10(255 / 20))
    assert measures.region_psnr(output, truth, faces, measures.EYES) == np.inf
    faces[:] = np.nan
    assert np.isnan(measures.region_psnr(output, truth, faces, measures.MOUTH))


def test_box_has_its_margin_and_stays_inside():
    face = np.zeros((478, 3), np.float32)
    face[[0, 1], :2] = [[10.2, 20.0], [14.0, 30.5]]
    assert measures.box(face, (0, 1), 64) == (6, 16, 18, 35)
    assert measures.box(face, (0, 1), 16) == (6, 15, 16, 16)


def test_wasserstein_of_constants_and_of_a_shuffle():
    assert measures.wasserstein1(np.full(9, 10, np.uint8), np.full(9, 250, np.uint8)) == 240
    values = np.arange(100)
    assert measures.wasserstein1(values, np.random.default_rng(0).permutation(values)) == 0
    with pytest.raises(ValueError, match="different sizes"):
        measures.wasserstein1(values, values[:5])


def test_mouth_w1_of_constant_colours():
    faces = face_sequence(gap=[0.3, 0.3, 0.01], count=3)
    black, white = np.zeros((3, SIZE, SIZE, 3), np.uint8), np.full((3, SIZE, SIZE, 3), 255, np.uint8)
    # in 8-bit Lab black is (0, 128, 128) and white (255, 128, 128): the mean of 255, 0 and 0
    assert measures.mouth_w1(black, white, faces) == pytest.approx(85)
    # what happens where the mouth is shut, or outside the lips, does not matter
    output = white.copy()
    output[2] = 0
    output[:, :10] = 0
    assert measures.mouth_w1(output, white, faces) == 0
    assert np.isnan(measures.mouth_w1(black, white, face_sequence(count=3)))


def test_mouth_w1_ignores_where_in_the_mouth():
    faces = face_sequence(gap=[0.5], count=1)
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (16, 3), np.uint8)
    truth = colours[rng.integers(0, 16, (1, SIZE, SIZE))]
    assert measures.mouth_w1(truth[:, :, ::-1], truth, faces) < measures.mouth_w1(255 - truth, truth, faces)


def test_akd_of_shifted_landmarks():
    faces = face_sequence(count=5)
    distance = np.linalg.norm(faces[0, 263] - faces[0, 33])
    shifted = faces + np.array([0.03, 0.04, 7], np.float32) * distance  # depth does not count
    assert measures.akd(shifted, faces) == pytest.approx(5, abs=1e-3)
    shifted[2] = np.nan
    assert measures.akd(shifted, faces) == pytest.approx(5, abs=1e-3)
    assert np.isnan(measures.akd(np.full_like(faces, np.nan), faces))


def test_follow_and_amplitude_of_half_the_turn():
    time = np.linspace(0, 4 * np.pi, 40)
    driver = face_sequence(yaw=10 * np.sin(time))
    signals = measures.following(face_sequence(yaw=5 * np.sin(time)), driver)
    assert set(signals) == {"yaw"}  # nothing else moves
    assert measures.follow(signals) == pytest.approx(1, abs=1e-3)
    assert measures.amplitude(signals) == pytest.approx(0.5, abs=1e-3)
    signals = measures.following(face_sequence(yaw=-10 * np.sin(time)), driver)
    assert measures.follow(signals) == pytest.approx(-1, abs=1e-3)
    assert measures.amplitude(signals) == pytest.approx(1, abs=1e-3)


def test_follow_of_the_mouth():
    gap = np.abs(np.sin(np.linspace(0, 9, 40))) * 0.3
    faces = face_sequence(gap=gap)
    signals = measures.following(faces, faces)
    assert "mouth_open" in signals and "yaw" not in signals
    assert measures.follow(signals) == pytest.approx(1)
    np.testing.assert_allclose(measures.face_signals(faces)["mouth_open"], gap, atol=0.02)


def test_what_stands_still_or_has_no_face_does_not_follow():
    driver = face_sequence(yaw=10 * np.sin(np.linspace(0, 9, 40)))
    for output in (face_sequence(), np.full_like(driver, np.nan)):
        signals = measures.following(output, driver)
        assert signals["yaw"] == (0.0, 0.0)
    assert np.isnan(measures.follow(measures.following(driver, face_sequence())))  # a driver that never moves


def test_identity_is_a_cosine_and_leaves_out_what_was_not_seen():
    portrait = np.array([2.0, 0.0, 0.0])
    rows = np.array([[3.0, 0, 0], [np.nan, np.nan, np.nan], [0, 5.0, 0]])
    assert measures.identity(rows, portrait) == pytest.approx(0.5)
    assert np.isnan(measures.identity(rows[1:2], portrait))


def test_sharpness_of_a_blurred_picture():
    import cv2

    video = pictures(2)
    blurred = np.stack([cv2.GaussianBlur(picture, (0, 0), 2) for picture in video])
    assert measures.sharpness(blurred, video) < 0.1
    assert measures.sharpness(video, blurred) > 10


def test_drift_and_face_rate():
    for curve, drift in ((np.arange(12), 10.5 - 0.5), ([1.0, np.nan, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4], 3.5 - 1)):
        assert Rollout("", {"psnr": np.array(curve)}).summary()["psnr_drift"] == drift
    faces = face_sequence(count=4)
    faces[1] = np.nan
    assert measures.face_rate(faces) == 0.75


def test_seam_sees_a_line_along_the_outline_and_nothing_else():
    faces = face_sequence(count=3, unit=20.0)
    truth = pictures(3, seed=5) // 4
    assert measures.seam(truth, truth, faces) == pytest.approx(1)
    doubled = truth * 2  # sharper everywhere
    assert measures.seam(doubled, truth, faces) == pytest.approx(1, abs=0.05)
    lined = truth.copy()
    for picture, face in zip(lined, faces, strict=True):
        outline = np.round(face[list(measures.FACE_OVAL), :2]).astype(np.int32)
        cv2.polylines(picture, [outline], True, (255, 255, 255), 1)
    assert measures.seam(lined, truth, faces) > 1.5
    assert np.isnan(measures.seam(truth, truth, np.full_like(faces, np.nan)))
