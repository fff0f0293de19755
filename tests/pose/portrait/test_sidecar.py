import json

import numpy as np
import pytest

from pose.errors import PortraitError
from pose.portrait.sidecar import OPTIONAL, REQUIRED, pose_from_points, read_sidecar, sidecar_path
from pose.tracking.signals import head_pose
from tests.pose.faces import face


def marks(points, names=REQUIRED):
    return {name: points[list(names[name]), :2].mean(axis=0).tolist() for name in names}


@pytest.mark.parametrize("turn", [(0, 0, 0), (-20, 8, 10), (16, -12, -30)])
def test_six_points_give_back_the_face(turn):
    truth = face(turn=turn)
    fitted = pose_from_points(marks(truth), (256, 256))
    error = np.linalg.norm(fitted.face[:, :2] - truth[:, :2], axis=1) / 80
    assert error.mean() < 0.03 and error.max() < 0.12
    np.testing.assert_allclose(head_pose(fitted), turn, atol=6)
    assert fitted.body is None and fitted.size == (256, 256)


def test_marked_points_are_met_even_by_a_cartoons_proportions():
    odd = marks(face())
    odd["chin"][1] += 30
    odd["nose"][0] += 5
    odd["mouth_left"][0] += 12
    fitted = pose_from_points(odd, (256, 256)).face
    for name, indices in REQUIRED.items():
        assert np.linalg.norm(fitted[list(indices), :2].mean(axis=0) - odd[name]) < 1.5, name


def test_optional_points_shape_large_eyes_and_viewers_sides_are_understood():
    truth = face(lids=2.5)
    points = marks(truth, REQUIRED | OPTIONAL)
    fitted = pose_from_points(points, (256, 256)).face
    assert fitted[374, 1] - fitted[386, 1] == pytest.approx(truth[374, 1] - truth[386, 1], rel=0.15)
    swapped = {
        name.replace("left", "RIGHT").replace("right", "left").replace("RIGHT", "right"): value
        for name, value in points.items()
    }
    np.testing.assert_allclose(pose_from_points(swapped, (256, 256)).face, fitted, atol=1e-3)


def test_sidecar_file_is_read_beside_the_picture(tmp_path):
    picture = tmp_path / "hero.png"
    assert read_sidecar(picture, (256, 256)) is None
    sidecar_path(picture).write_text(json.dumps(marks(face())))
    assert (tmp_path / "hero.points.json").is_file()
    assert read_sidecar(picture, (256, 256)).face.shape == (478, 3)
    sidecar_path(picture).write_text("{nonsense")
    with pytest.raises(PortraitError, match="hero.points.json cannot be read"):
        read_sidecar(picture, (256, 256))


@pytest.mark.parametrize(
    "change, message",
    [
        ({"nose": None}, "nose in .* no pair of numbers"),
        ({"nose": [1, 2, 3]}, "no pair of numbers"),
        ({"nose": [float("nan"), 2]}, "no pair of numbers"),
        ({"chin": [900, 20]}, "outside the picture"),
        ({"ear": [20, 20]}, "unknown name: ear"),
        ({"left_eye": [100, 100], "right_eye": [101, 100]}, "less than 6 pixels apart"),
    ],
)
def test_bad_points_are_named(change, message):
    with pytest.raises(PortraitError, match=message):
        pose_from_points(marks(face()) | change, (256, 256))


def test_missing_points_and_other_json():
    points = marks(face())
    del points["chin"]
    with pytest.raises(PortraitError, match="lacks chin; mark the eyes"):
        pose_from_points(points, (256, 256))
    with pytest.raises(PortraitError, match="holds no points"):
        pose_from_points([1, 2], (256, 256))
