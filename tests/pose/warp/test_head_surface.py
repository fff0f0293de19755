"""The head behind the face: what a turned portrait hides, and what its silhouette is."""

import cv2
import numpy as np
import pytest

from pose.raster import signed_areas
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import face_mesh, mirrored_landmarks
from pose.warp.conditioning import Conditioner
from pose.warp.head_surface import HeadSurface
from pose.warp.mirror import MirrorFill
from pose.warp.placement import mesh_triangles
from pose.warp.silhouette import Silhouette
from tests.pose.faces import face

SIZE = 256
TRIANGLES = mesh_triangles()


def pose(points):
    return PoseFrame(points, None, None, None, (SIZE, SIZE), 0.0)


def silhouette(points):
    return Silhouette(TRIANGLES)(signed_areas(points, TRIANGLES) < 0)


def skin(points, left_light=1.0):
    """A head of one colour on a transparent ground, the person's left half of its face in a light of its own."""
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    cv2.ellipse(picture, (128, 120), (90, 115), 0, 0, 360, (200, 150, 120, 255), -1)
    half = [*FACE_OVAL[: len(FACE_OVAL) // 2 + 1], 17, 0, 2, 1, 4, 5, 195, 197, 6, 168, 8, 9, 151]
    mask = cv2.fillPoly(np.zeros((SIZE, SIZE), np.uint8), [np.rint(points[half, :2]).astype(np.int32)], 1) > 0
    picture[mask, :3] = (picture[mask, :3] * left_light).astype(np.uint8)
    return picture


def test_a_frontal_face_ends_in_its_oval_and_a_turned_one_in_its_cheek():
    assert set(silhouette(face()).tolist()) <= set(FACE_OVAL)
    turned = face(turn=(40, 0, 0))
    outline = silhouette(turned)
    assert not set(outline.tolist()) <= set(FACE_OVAL)
    oval, shown = turned[list(FACE_OVAL), 0], turned[outline, 0]
    assert shown.max() - shown.min() > oval.max() - oval.min()  # the far cheek stands out before it
    assert Silhouette(TRIANGLES)(np.zeros(len(TRIANGLES), bool)) is None


def test_the_surface_reaches_the_outline_of_the_head():
    points = face()
    surface = HeadSurface(skin(points), points, silhouette(points))
    rim, last = surface._points[: len(FACE_OVAL)], surface._points[-len(FACE_OVAL) :]
    np.testing.assert_allclose(rim, points[list(FACE_OVAL), :2], atol=1e-3)
    inside = ((last - (128, 120)) / (90, 115)) ** 2
    upper = last[:, 1] < 120
    assert (np.abs(np.sqrt(inside.sum(1)[upper]) - 1) < 0.25).all()


def test_other_sides_of_landmarks():
    other = mirrored_landmarks()
    assert other[33] == 263 and other[61] == 291 and other[1] == 1
    assert (other[other] == np.arange(478)).mean() > 0.98


def test_a_frontal_portrait_needs_no_other_side():
    points = face()
    fill = MirrorFill(skin(points), points)
    assert fill.weights(points) is None
    assert fill.weights(face(turn=(25, 0, 0))) is None or fill.weights(face(turn=(25, 0, 0))).max() < 0.5


@pytest.mark.parametrize("yaw", [-40, 40])
def test_what_a_turned_portrait_hides_comes_from_its_other_side(yaw):
    """A patch on the near cheek is seen on both sides when the head turns back, and only there."""
    points = face(turn=(yaw, 0, 0))
    portrait = skin(points)
    near, far = (50, 280) if points[50, 0] - points[234, 0] > points[454, 0] - points[280, 0] else (280, 50)
    fill = MirrorFill(portrait, points)
    assert fill.weights(points) is None  # at its own pose it is as it is
    front = face()
    weights = fill.weights(front)
    side = np.sign(face_mesh().canonical[far, 0])
    assert weights.max() > 0.5
    assert (np.sign(face_mesh().canonical[weights > 0.3, 0]) == side).mean() > 0.95
    warp = Conditioner(portrait, pose(points)).maps(pose(front)).warp
    for at in (near, far):
        x, y = front[at, :2].astype(int)
        np.testing.assert_allclose(warp[y, x], (200, 150, 120, 255), atol=4)


@pytest.mark.parametrize("yaw", [-40, 40])
def test_the_other_side_comes_in_the_light_of_the_hidden_one(yaw):
    points = face(turn=(yaw, 0, 0))
    fill = MirrorFill(skin(points, left_light=0.7), points)
    hidden = fill.weights(face()) > 0.5
    left = face_mesh().canonical[hidden, 0].mean() > 0
    gain = fill.light[hidden].mean()
    assert gain < 0.9 if left else gain > 1.2
