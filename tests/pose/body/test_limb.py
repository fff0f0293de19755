import numpy as np
import pytest

from pose.body.limb import END, START, Strip, centre_line, sample_grid, strip_parts
from pose.body.parts import lay_parts

JOINTS = np.array([[60.0, 60, 0], [60, 120, 0], [60, 180, 0]])


def strip(reach=12.0):
    """Bands along the limb in red, its opacity 1 everywhere."""
    rows = np.linspace(START, END, 400)[:, None]
    texture = np.zeros((400, 48, 4), np.uint8)
    texture[..., 0] = np.clip(100 + 50 * rows, 0, 255)
    texture[..., 3] = 255
    return Strip(texture, np.full(10, reach))


def drawn(joints, size=256):
    picture = np.zeros((size, size, 4), np.uint8)
    lay_parts(picture, strip_parts(strip(), joints))
    return picture


def test_a_straight_limb_shows_its_texture_in_place():
    picture = drawn(JOINTS)
    assert (picture[60:180, 50:70, 3] == 255).all()
    assert (picture[:, :46, 3] == 0).all() and (picture[:, 74:, 3] == 0).all()
    np.testing.assert_allclose(picture[90, 60, 0], 125, atol=2)
    np.testing.assert_allclose(picture[150, 60, 0], 175, atol=2)


@pytest.mark.parametrize("angle", [30, 90, 140, -120])
def test_a_bent_limb_has_no_hole_along_its_line(angle):
    wrist = JOINTS[1] + 60 * np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle)), 0])
    joints = np.array([JOINTS[0], JOINTS[1], wrist]) + [60, 0, 0]
    picture = drawn(joints)
    points, normals = centre_line(joints[:, :2], np.linspace(0, 2, 60))
    for across in (-6, 0, 6):
        x, y = np.floor(points + across * normals).astype(int).T
        assert (picture[y, x, 3] == 255).all()
    x, y = points[30].astype(int)
    assert abs(int(picture[y, x, 0]) - 150) <= 12  # the elbow's texel is at the elbow


def test_a_limb_outside_the_picture_draws_nothing():
    assert not drawn(JOINTS + [500, 0, 0]).any()


def test_half_of_a_limb_outside_is_cut_at_the_edge():
    picture = drawn(JOINTS - [60, 0, 0])
    assert (picture[60:180, :10, 3] == 255).all() and not picture[:, 14:].any()


def test_the_grid_runs_along_the_limb_with_its_middle_on_the_line():
    grid = sample_grid(JOINTS[:, :2], np.full(200, 10.0), 21)
    np.testing.assert_allclose(grid[:, 10, 0], 60, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(grid[:, 0] - grid[:, -1], axis=1), 20, atol=1e-3)
