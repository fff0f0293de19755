import numpy as np
import pytest

from pose.tracking.landmarks import empty_pose
from pose.tracking.signals import angles_rotation, expression, head_pose, rotation_angles
from tests.pose.faces import pose


@pytest.mark.parametrize("angles", [(0, 0, 0), (30, -10, 5), (-45, 20, -25), (10, 35, 60)])
def test_angles_and_rotation_are_inverse(angles):
    rotation = angles_rotation(*angles)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(rotation_angles(rotation), angles, atol=1e-9)


def test_head_pose_of_a_posed_face_with_its_signs():
    np.testing.assert_allclose(head_pose(pose(turn=(25, -12, 8))), (25, -12, 8), atol=0.01)
    turned = pose(turn=(25, 0, 0)).face
    assert turned[1, 0] > pose().face[1, 0] + 5, "a positive yaw brings the nose to the right"
    assert pose(turn=(0, 20, 0)).face[1, 1] > pose().face[1, 1] + 5, "a positive pitch brings the nose down"
    assert head_pose(empty_pose((8, 8))) is None and expression(empty_pose((8, 8))) is None


def test_expression_does_not_depend_on_size_place_and_turn():
    near = expression(pose(mouth=0.2, eyes=0.6, gaze=0.03, scale=150, at=(200, 90), turn=(20, -10, 15)))
    far = expression(pose(mouth=0.2, eyes=0.6, gaze=0.03, scale=40))
    for name in near.__dataclass_fields__:
        assert getattr(near, name) == pytest.approx(getattr(far, name), abs=2e-3), name


def test_expression_measures_what_it_is_named_after():
    rest, acted = expression(pose()), expression(pose(mouth=0.3, eyes=0.3, gaze=0.05))
    assert acted.mouth_open - rest.mouth_open == pytest.approx(0.3, abs=0.03)
    assert acted.lid_left == pytest.approx(0.3 * rest.lid_left, rel=0.05)
    assert acted.lid_right == pytest.approx(0.3 * rest.lid_right, rel=0.05)
    assert acted.gaze_x > rest.gaze_x + 0.1
    assert acted.brow_left == pytest.approx(rest.brow_left, abs=1e-6)
