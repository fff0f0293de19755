"""The maps of a made-up face: what lies where, and that the portrait's own pose changes nothing."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pose.raster import rasterise
from pose.tracking.landmarks import (
    FACE_OVAL,
    LEFT_EYE_LOWER,
    LEFT_EYE_RING,
    LEFT_EYE_UPPER,
    LIPS_INNER,
    LIPS_INNER_LOWER,
    RIGHT_EYE_LOWER,
    RIGHT_EYE_UPPER,
    PoseFrame,
)
from pose.tracking.mesh import face_mesh, fit_similarity
from pose.warp.conditioning import Conditioner
from pose.warp.placement import mesh_triangles

SIZE = 128


def face_at(scale=44.0, centre=(64.0, 52.0), rotation=None):
    points = face_mesh().canonical.copy()
    if rotation is not None:
        points = points @ rotation.T
    return (points * scale + np.array([*centre, 0])).astype(np.float32)


def pose_of(face):
    return PoseFrame(face=face, body=None, left_hand=None, right_hand=None, size=(SIZE, SIZE), time=0.0)


def own_maps(person, face):
    return Conditioner(person, pose_of(face)).maps(pose_of(face))


@pytest.fixture
def person():
    """Smooth colours, so that a warp's interpolation hardly shows; alpha is a big ellipse."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    rgb = np.stack([120 + 90 * x, 100 + 80 * y, 130 - 60 * x * y], -1)
    alpha = np.zeros((SIZE, SIZE), np.uint8)
    cv2.ellipse(alpha, (64, 74), (52, 70), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return np.round(np.concatenate([rgb * (alpha[..., None] / 255), alpha[..., None]], -1)).astype(np.uint8)


def test_own_pose_gives_the_portrait_back(person):
    maps = own_maps(person, face_at())
    assert maps.warp.shape == (SIZE, SIZE, 4) and maps.warp.dtype == np.uint8
    assert maps.guide.shape == (SIZE // 2, SIZE // 2, 8) and maps.guide.dtype == np.uint8
    inside = cv2.erode((person[..., 3] == 255).astype(np.uint8), np.ones((9, 9))) > 0
    eyes = cv2.resize(maps.guide[..., 5], (SIZE, SIZE)) > 0
    assert np.abs(maps.warp.astype(int) - person)[inside & ~eyes].max() <= 3


def test_a_shift_of_the_face_shifts_the_picture(person):
    conditioner = Conditioner(person, pose_of(face_at()))
    moved = conditioner.maps(pose_of(face_at(centre=(70.0, 52.0))))
    cheek = np.s_[66:76, 44:52]
    expected = np.roll(person, 6, axis=1)
    assert np.abs(moved.warp[cheek].astype(int) - expected[cheek]).max() <= 4


def test_guide_colours_are_the_canonical_positions(person):
    maps = own_maps(person, face_at())
    left, right = maps.guide[30, 20, :3].astype(int), maps.guide[30, 44, :3].astype(int)
    assert right[0] - left[0] > 60          # canonical x grows to the right
    assert abs(int(right[1]) - int(left[1])) < 12
    assert maps.guide[2, 2, :3].sum() == 0  # no face in the corner


def test_open_mouth_is_painted_dark_with_teeth_and_closed_mouth_is_not(person):
    closed = face_at()
    middle = closed[list(LIPS_INNER), 1].mean()
    closed[list(LIPS_INNER), 1] = middle
    conditioner = Conditioner(person, pose_of(closed))
    opened = closed.copy()
    opened[list(LIPS_INNER_LOWER), 1] += 14
    maps = conditioner.maps(pose_of(opened))
    y, x = int((opened[13, 1] + opened[14, 1]) / 4), int(opened[13, 0] / 2)
    assert maps.guide[y, x, 4] == 255
    own_mouth = conditioner.maps(pose_of(closed)).guide[..., 4]
    assert own_mouth.max() < 255 or (own_mouth > 127).sum() < 12
    mouth = cv2.resize(maps.guide[..., 4], (SIZE, SIZE)) > 250
    changed = np.abs(maps.warp.astype(int) - person)[mouth][:, :3].max(1)
    assert np.median(changed) > 25


def test_closing_lids_close_the_eye(person):
    conditioner = Conditioner(person, pose_of(face_at()))
    shut = face_at()
    ring = list(LEFT_EYE_RING)
    shut[ring, 1] = shut[ring, 1].max()
    open_area = conditioner.maps(pose_of(face_at())).guide[:, SIZE // 4:, 5].astype(int).sum()
    assert conditioner.maps(pose_of(shut)).guide[:, SIZE // 4:, 5].astype(int).sum() < 0.6 * open_area


def test_turned_head_hides_the_far_cheek(person):
    turn = 0.6
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]], np.float32)
    target = face_at(rotation=rotation)
    maps = Conditioner(person, pose_of(face_at())).maps(pose_of(target))
    face = maps.guide[..., :3].any(-1)
    nose = int(target[1, 0] / 2)
    assert abs(int(face[:, :nose].sum()) - int(face[:, nose:].sum())) > 0.15 * face.sum()
    assert maps.guide[..., 3][face].min() < 200  # parts that the portrait shows foreshortened are less trusted


@pytest.mark.parametrize("shape", [(SIZE, SIZE, 3), (SIZE, SIZE // 2, 4), (SIZE + 4, SIZE + 4, 4)])
def test_wrong_portrait_is_refused(shape):
    with pytest.raises(ValueError, match="portrait"):
        Conditioner(np.zeros(shape, np.uint8), pose_of(face_at()))


def test_pose_without_face_is_refused(person):
    with pytest.raises(ValueError, match="face"):
        Conditioner(person, replace(pose_of(face_at()), face=None))


def test_rasteriser_covers_a_square_once_and_nearest_wins():
    square = np.array([[[1, 1], [9, 1], [9, 9]], [[1, 1], [9, 9], [1, 9]]], np.float32)
    both = np.concatenate([square, square + 4])
    covered = rasterise(both, np.array([5.0, 5.0, 1.0, 1.0]), 16, 16)
    owner = np.full(256, -1)
    owner[covered.pixels] = covered.triangles
    owner = owner.reshape(16, 16)
    assert (owner[1:10, 1:5] >= 0).all() and owner[0].max() == -1
    assert (owner[5:14, 5:14] >= 2).all()
    point = covered.weights[:, covered.pixels == 7 * 16 + 11][:, 0] @ both[owner[7, 11]]
    np.testing.assert_allclose(point, [11, 7], atol=1e-4)


def test_rasteriser_ignores_what_is_outside_and_degenerate():
    corners = np.array([[[-50, -50], [-40, -50], [-50, -40]], [[3, 3], [3, 3], [3, 3]]], np.float32)
    assert len(rasterise(corners, np.zeros(2), 8, 8).pixels) == 0


def test_similarity_fit_recovers_a_known_pose():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(20, 3))
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    found = fit_similarity(points, 2.5 * points @ rotation.T + [1, 2, 3])
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-6)
    assert found.scale == pytest.approx(2.5)


def test_the_mesh_over_open_eyes_and_mouth_faces_the_viewer(person):
    """Else it is culled, and what lies around the face shows through the holes."""
    parted = face_at()
    parted[list(LIPS_INNER_LOWER), 1] += 14
    (ax, ay), (bx, by), (cx, cy) = (parted[corner, :2].T for corner in mesh_triangles()[len(face_mesh().triangles) :].T)
    areas = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    assert (areas < 0.5).all() and (areas < -0.5).mean() > 0.9


def test_a_parted_mouth_is_warped_with_its_lips(person):
    """The lips part further in a turned head, and what the portrait shows between them is stretched, not left
    behind."""
    parted = face_at()
    parted[list(LIPS_INNER_LOWER), 1] += 14
    marked = person.copy()
    cv2.fillPoly(marked, [np.rint(parted[list(LIPS_INNER), :2]).astype(np.int32)], (10, 20, 250, 255))
    turn = 0.5
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]], np.float32)
    target = face_at(rotation=rotation)
    target[list(LIPS_INNER_LOWER), 1] += 16
    warp = Conditioner(marked, pose_of(parted)).maps(pose_of(target)).warp
    x, y = np.rint(target[[13, 14, 82, 87, 312, 317], :2].mean(0)).astype(int)
    assert warp[y, x, 2] > 200 > 100 > warp[y, x, 0]


def test_a_painted_eye_lies_in_the_shadow_of_its_upper_lid(person):
    """The portrait's eyes are shut, so those of the target are painted."""
    shut, target = face_at(), face_at()
    for lower, upper in ((LEFT_EYE_LOWER, LEFT_EYE_UPPER), (RIGHT_EYE_LOWER, RIGHT_EYE_UPPER)):
        shut[list(upper)] = shut[list(lower)]
        target[list(upper), 1] -= 3
    warp = Conditioner(person, pose_of(shut)).maps(pose_of(target)).warp.astype(int)
    for lower, upper in ((LEFT_EYE_LOWER, LEFT_EYE_UPPER), (RIGHT_EYE_LOWER, RIGHT_EYE_UPPER)):
        # beside the iris
        high, low = target[upper[1], :2], target[lower[1], :2]
        top, bottom = (warp[tuple(np.rint(high + k * (low - high)).astype(int)[::-1])][:3].sum() for k in (0.25, 0.75))
        assert top < 0.95 * bottom


def test_no_seam_shows_where_the_mesh_ends_and_the_head_goes_on():
    """The middle of the forehead is raised alone: around its rim the portrait's pixels move along, none is left out."""
    person = np.zeros((SIZE, SIZE, 4), np.uint8)
    person[..., 0] = 2 * np.arange(SIZE)[:, None] * (SIZE - 1) // SIZE  # the row of each pixel, doubled
    person[..., 3] = 255
    still = face_at(centre=(64.0, 96.0))
    raised = still.copy()
    forehead = (raised[:, 1] < raised[33, 1] - 6) & (np.abs(raised[:, 0] - 64) < 8)
    raised[forehead, 1] -= 8
    warp = Conditioner(person, pose_of(still)).maps(pose_of(raised)).warp
    column = warp[:, 64, 0] / 2 * SIZE / (SIZE - 1)
    top = int(raised[10, 1])
    assert column[top + 2] - (top + 2) == pytest.approx(8, abs=1)  # the mesh itself
    assert column[1] - 1 == pytest.approx(0, abs=1)  # far above nothing moves
    steps = np.diff(column[: top + 3])
    assert steps.min() >= 0 and steps.max() <= 3.1  # and in between nothing jumps


def test_the_far_cheek_hides_what_lies_behind_it_along_a_smooth_edge(person):
    """A face of one colour on a head of another turns until its own surface ends it: its edge is neither torn nor in
    stairs, and no strip of face lies beside it."""
    still, marked = face_at(scale=34.0, centre=(64.0, 60.0)), person.copy()
    marked[..., :3], marked[..., 3] = (20, 60, 20), 255
    outline = still[list(FACE_OVAL), :2]
    outline = outline.mean(0) + 1.1 * (outline - outline.mean(0))  # skin goes on a little beyond the mesh
    cv2.fillPoly(marked, [np.rint(outline).astype(np.int32)], (240, 60, 20, 255))
    turn = 0.7
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]], np.float32)
    target = face_at(scale=34.0, centre=(64.0, 60.0), rotation=rotation)
    warp = Conditioner(marked, pose_of(still)).maps(pose_of(target)).warp[..., 0].astype(int)
    eyes = int(target[168, 1])
    for row in warp[eyes + 8 : eyes + 26]:
        changes = np.diff((row > 130).astype(int))
        assert (changes != 0).sum() == 2  # one face, with head on both sides
    edges = []  # of the far cheek, on the left, to fractions of a pixel
    for row in warp[eyes + 8 : eyes + 26]:
        first = int((row > 130).argmax())
        edges.append(first - (row[first] - 130) / max(row[first] - row[first - 1], 1))
    assert np.abs(np.diff(edges, 2)).max() < 0.7


@pytest.mark.parametrize("centre", [(64, -200), (300, 52), (64, 300)])
def test_a_face_outside_the_picture_is_no_error(person, centre):
    maps = Conditioner(person, pose_of(face_at())).maps(pose_of(face_at(centre=centre)))
    assert maps.warp.shape == person.shape
    close = Conditioner(person, pose_of(face_at())).maps(pose_of(face_at(scale=700.0)))
    assert close.guide[..., :3].any()


@pytest.mark.parametrize("turn", [-1.4, 1.4, 3.0])
def test_a_head_turned_away_is_no_error(person, turn):
    rotation = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]], np.float32)
    for centre in ((64, 52), (2, 52), (64, 126)):
        maps = Conditioner(person, pose_of(face_at())).maps(pose_of(face_at(centre=centre, rotation=rotation)))
        assert maps.warp.shape == person.shape


def test_the_warp_alone_is_the_same_picture(person):
    conditioner = Conditioner(person, pose_of(face_at()))
    for target in (pose_of(face_at()), pose_of(face_at(centre=(70.0, 52.0)))):
        np.testing.assert_array_equal(conditioner.warp(target), conditioner.maps(target).warp)
