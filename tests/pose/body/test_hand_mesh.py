import numpy as np
import pytest

from pose.body.hand_mesh import hand_mesh, turns_between, vertex_normals
from pose.tracking.signals import angles_rotation


@pytest.mark.parametrize("left", [True, False])
def test_a_hand_on_its_own_points_is_at_rest(left):
    mesh = hand_mesh(left)
    vertices, normals = mesh.posed(mesh.points[:21], mesh.points[21])
    np.testing.assert_allclose(vertices, mesh.vertices, atol=1e-4)
    assert (normals * vertex_normals(mesh.vertices, mesh.triangles)).sum(1).min() > 0.999


def test_a_similarity_of_the_points_is_one_of_the_mesh():
    mesh = hand_mesh(True)
    rotation, shift = angles_rotation(30, -20, 70), np.array([100.0, 60.0, 5.0])
    points = 25 * mesh.points @ rotation.T + shift
    vertices, _ = mesh.posed(points[:21], points[21])
    np.testing.assert_allclose(vertices, 25 * mesh.vertices @ rotation.T + shift, atol=2e-3)


def test_a_bent_finger_bends_alone_and_keeps_its_thickness():
    mesh = hand_mesh(True)
    points = mesh.points.astype(np.float64).copy()
    for joint in (6, 7, 8):  # the index finger folds towards the palm
        points[joint] = points[5] + (points[joint] - points[5]) @ angles_rotation(0, 60, 0).T
    vertices, _ = mesh.posed(points[:21], points[21])
    moved = np.linalg.norm(vertices - mesh.vertices, axis=1)
    index = mesh.weights[:, 8:11].sum(1)
    assert moved[index > 0.99].max() > 0.3
    assert moved[index < 0.01].max() < 0.02
    ring = mesh.weights[:, 10] > 0.99  # the last joint of the finger, rigid
    before, after = (np.linalg.norm(v[ring] - v[ring].mean(0), axis=1) for v in (mesh.vertices, vertices))
    np.testing.assert_allclose(after, before, atol=0.02)


def test_the_other_hand_is_the_mirror_image_with_its_normals_outwards():
    left, right = hand_mesh(True), hand_mesh(False)
    np.testing.assert_array_equal(right.vertices, left.vertices * [-1, 1, 1])
    for mesh in (left, right):
        normals = vertex_normals(mesh.vertices, mesh.triangles)
        outward = mesh.vertices - mesh.vertices.mean(0)
        assert (normals * outward).sum(1).mean() > 0


def test_the_smallest_turn_leads_one_direction_onto_the_other():
    generator = np.random.default_rng(0)
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in generator.normal(size=(2, 50, 3)))
    turns = turns_between(a, b)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", turns, a), b, atol=1e-6)
    np.testing.assert_allclose(turns @ turns.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (50, 3, 3)), atol=1e-6)
