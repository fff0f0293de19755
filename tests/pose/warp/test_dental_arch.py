import numpy as np
import pytest

from pose.tracking.mesh import Similarity3D
from pose.tracking.signals import angles_rotation
from pose.warp.dental_arch import WIDEST, DentalArch


@pytest.mark.parametrize("turn", [(0, 0, 0), (25, -15, 10), (-30, 20, -5)])
def test_pixels_are_told_their_places_on_a_turned_arch(turn):
    arch = DentalArch(Similarity3D(80.0, angles_rotation(*turn), np.array([120.0, 90.0, 5.0])), np.array([0.02, -0.24]))
    x, y = (axis.ravel().astype(np.float32) for axis in np.meshgrid(np.linspace(-0.15, 0.15, 7), (0.6, 0.75, 0.9)))
    pixels = arch.points(x, y)
    across, down = arch.places(pixels[:, 0], pixels[:, 1])
    np.testing.assert_allclose(across, x, atol=1e-4)
    np.testing.assert_allclose(down, y, atol=1e-4)


def test_beside_the_far_side_of_a_turned_arch_there_is_nothing():
    arch = DentalArch(Similarity3D(80.0, angles_rotation(35, 0, 0), np.zeros(3)), np.array([0.0, -0.24]))
    far = arch.points(np.linspace(-0.6, 0.6, 121), np.zeros(121))[:, 0]
    across, _ = arch.places(np.array([far.max() + 1, far.mean()]), np.zeros(2))
    assert across[0] == WIDEST and abs(across[1]) < 0.6
