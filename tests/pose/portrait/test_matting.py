import cv2
import numpy as np
import pytest

from pose.portrait import matting
from pose.portrait.matting import guided_filter, person_matte, refine_matte
from tests.pose.faces import face


def figure(size=256):
    """A plain head and shoulders (no face drawn, so that no network knows it): picture, mask, landmarks."""
    random = np.random.default_rng(1)
    mask = np.zeros((size, size), np.uint8)
    landmarks = face(scale=45, at=(size / 2, 90))
    cv2.ellipse(mask, (size // 2, 100), (44, 62), 0, 0, 360, 1, -1)
    cv2.fillPoly(mask, [np.array([[100, 140], [156, 140], [220, 200], [230, 256], [26, 256], [36, 200]])], 1)
    picture = np.where(mask[..., None] > 0, (150, 110, 90), (70, 90, 130)) + random.normal(0, 6, (size, size, 1))
    return np.clip(picture, 0, 255).astype(np.uint8), mask.astype(np.float32), landmarks


def overlap(alpha, mask):
    return ((alpha > 0.5) & (mask > 0)).sum() / ((alpha > 0.5) | (mask > 0)).sum()


def test_guided_filter_draws_a_mask_to_the_pictures_edge():
    picture, mask, _ = figure()
    blurred = cv2.GaussianBlur(mask, (0, 0), 5)
    moved = np.roll(blurred, 4, axis=1)
    refined = refine_matte(picture, moved)
    assert np.abs(refined - mask).mean() < 0.6 * np.abs(moved - mask).mean()
    assert refined.dtype == np.float32 and refined.min() >= 0 and refined.max() <= 1
    flat = np.full((32, 32, 3), 0.5, np.float32)
    np.testing.assert_allclose(guided_filter(flat, np.full((32, 32), 0.25), 4, 1e-4), 0.25, atol=1e-5)


def test_where_the_network_sees_nobody_head_and_shoulders_are_cut_out(monkeypatch):
    picture, mask, landmarks = figure()
    monkeypatch.setattr(matting, "_segment", lambda picture: np.zeros(picture.shape[:2], np.float32))
    alpha = person_matte(picture, landmarks)
    assert overlap(alpha, mask) > 0.9
    np.testing.assert_array_equal(person_matte(picture, landmarks), alpha)


def test_only_the_part_with_the_face_is_kept_and_holes_are_closed(monkeypatch):
    picture, mask, landmarks = figure()
    seen = mask.copy()
    seen[10:60, 200:250] = 1  # somebody else
    seen[170:180, 120:130] = 0
    monkeypatch.setattr(matting, "_segment", lambda picture: seen)
    alpha = person_matte(picture, landmarks)
    assert alpha[15:55, 205:245].max() < 0.05
    assert alpha[172:178, 122:128].min() > 0.95
    assert alpha[200, 128] == 1


def test_large_pictures_keep_their_size(monkeypatch):
    picture, mask, landmarks = figure()
    large = cv2.resize(picture, (1100, 1100))
    monkeypatch.setattr(matting, "_segment", lambda small: cv2.resize(mask, small.shape[1::-1]))
    alpha = person_matte(large, landmarks * (1100 / 256))
    assert alpha.shape == (1100, 1100)
    assert overlap(alpha, cv2.resize(mask, (1100, 1100))) > 0.95


def test_the_network_itself_runs():
    pytest.importorskip("mediapipe")
    picture, _, landmarks = figure()
    alpha = person_matte(picture, landmarks)
    assert alpha.shape == picture.shape[:2] and 0.02 < alpha.mean() < 0.98
    assert alpha[100, 128] == 1
