"""The imitated camera: exact alpha, landmarks where the rows were exposed, blur of what moves."""

import numpy as np
import pytest

from generator.actors.webcam import (
    SUBFRAMES,
    Webcam,
    develop,
    expose,
    expose_points,
    exposure_times,
    row_weights,
    sample_webcam,
)

SIZE = 48


def camera(**changes) -> Webcam:
    plain = {"shutter": 0.4, "rolling": 0.4, "gain": np.ones(3), "gamma": 1.0, "softness": 0.0}
    plain |= {"noise": 0.0, "sharpening": 0.0, "quality": 0}
    return Webcam(**{**plain, **changes})


def disc(x: float) -> np.ndarray:
    """(S, S, 4) premultiplied grey disc."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    alpha = np.clip(12.5 - np.hypot(rows - SIZE / 2, columns - x), 0, 1)[..., None]
    return (np.concatenate([np.full((SIZE, SIZE, 3), 0.5) * alpha, alpha], -1) * 255).round().astype(np.uint8)


def test_a_perfect_camera_changes_nothing() -> None:
    frames = np.stack([disc(20.0), disc(28.0)])
    background = np.full((SIZE, SIZE, 3), 90, np.uint8)
    out = develop(camera(), np.random.default_rng(0), frames, background)
    assert np.abs(out.astype(int) - frames).max() <= 1


def test_alpha_stays_and_colours_stay_premultiplied() -> None:
    frames = np.stack([disc(24.0)])
    background = np.random.default_rng(1).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    worst = camera(gain=np.array([1.2, 1.0, 0.8]), softness=1.0, noise=8.0, sharpening=0.5, quality=40)
    out = develop(worst, np.random.default_rng(2), frames, background)
    np.testing.assert_array_equal(out[..., 3], frames[..., 3])
    assert (out[..., :3] <= out[..., 3:]).all()
    inside = frames[0, ..., 3] == 255
    assert out[0, inside, 0].mean() > 1.1 * out[0, inside, 2].mean(), "the camera's cast is on the person"
    assert out[0, inside].astype(float).std(0)[1] > 3, "and so is its noise"


def test_what_stands_still_is_sharp_and_what_moves_is_not() -> None:
    still = expose(camera(), np.stack([disc(24.0)] * SUBFRAMES))
    assert np.abs(still.astype(int) - disc(24.0)).max() <= 1
    moving = expose(camera(), np.stack([disc(x) for x in (20.0, 24.0, 28.0)]))
    soft = ((moving[..., 3] > 20) & (moving[..., 3] < 235)).sum()
    assert soft > 2 * ((still[..., 3] > 20) & (still[..., 3] < 235)).sum()


def test_landmarks_lie_where_their_row_saw_them() -> None:
    rolling = camera(rolling=0.8, shutter=0.1)
    points = np.zeros((SUBFRAMES, 3, 3))
    points[..., 1] = [2.0, SIZE / 2, SIZE - 2.0]  # top, middle, bottom
    points[..., 0] = exposure_times(rolling)[:, None] * 10 + 20  # 10 px a frame to the right
    x = expose_points(rolling, points, SIZE)[:, 0]
    assert x[0] < x[1] - 1 and x[1] == pytest.approx(20, abs=0.2) and x[2] > x[1] + 1
    np.testing.assert_allclose(row_weights(rolling, np.linspace(0, 1, 9)).sum(1), 1.0)


def test_cameras_are_plausible() -> None:
    drawn = [sample_webcam(np.random.default_rng(seed), natural=True) for seed in range(60)]
    assert all(0 < c.shutter <= 1 and 0 <= c.rolling <= 1 and (c.quality == 0 or 55 <= c.quality <= 96) for c in drawn)
    assert np.median([c.noise for c in drawn]) < 3 < max(c.noise for c in drawn)
