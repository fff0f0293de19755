"""Blendshape weights from landmarks and back, on faces that are made up of the basis itself and of tests.pose.faces."""

import numpy as np
import pytest

from pose.motion.blendshapes import ARKIT, AT, SILENT, TOLD, BlendshapeFace, BlendshapeMeter, blendshapes
from pose.tracking.landmarks import LEFT_IRIS, RIGHT_IRIS, empty_pose
from pose.tracking.signals import angles_rotation, expression, head_pose
from tests.pose.faces import pose


def weights_of(**shapes) -> np.ndarray:
    weights = np.zeros(len(ARKIT), np.float32)
    for name, value in shapes.items():
        weights[AT[name]] = value
    return weights


def test_the_names_are_arkits():
    assert len(ARKIT) == len(set(ARKIT)) == 52 and "tongueOut" in ARKIT and "eyeLookInLeft" in ARKIT
    assert set(TOLD) | SILENT == set(ARKIT) and SILENT < set(ARKIT)


def test_the_basis_moves_what_the_names_say():
    basis = blendshapes().basis
    assert basis.shape == (52, 478, 3) and np.isfinite(basis).all() and not basis[AT["tongueOut"]].any()
    assert basis[AT["jawOpen"], 152, 1] > 0.2  # the chin goes down
    assert basis[AT["eyeBlinkLeft"], 386, 1] > 0.05 and abs(basis[AT["eyeBlinkLeft"], 159, 1]) < 0.01
    assert basis[AT["mouthSmileRight"], 61, 1] < -0.02 and basis[AT["mouthSmileRight"], 61, 0] < -0.02
    assert basis[AT["browInnerUp"], 55, 1] < -0.02 and basis[AT["browInnerUp"], 285, 1] < -0.02
    # the person's left is the picture's right; to it the left eye looks out and the right one in
    for name, iris in (("eyeLookOutLeft", LEFT_IRIS), ("eyeLookInRight", RIGHT_IRIS)):
        assert basis[AT[name]][list(iris), 0].min() > 0.05
    for name in ("jawLeft", "mouthLeft"):
        assert basis[AT[name], 17, 0] > 0.05


def test_at_rest_all_weights_are_small():
    meter = BlendshapeMeter(pose())
    assert meter.weights(pose()).max() < 0.05
    assert meter.weights(pose(scale=45, at=(60, 50), turn=(20, -15, 10))).max() < 0.1
    np.testing.assert_allclose(meter.turn(pose()), np.eye(3), atol=1e-6)


def test_weights_go_to_landmarks_and_back():
    rest = pose(stretch=(1.1, 0.95), turn=(5, -3, 2), scale=90)
    face, meter = BlendshapeFace(rest), BlendshapeMeter(rest)
    rng = np.random.default_rng(0)
    true, found = [], []
    for _ in range(40):
        weights = np.zeros(len(ARKIT))
        for name in rng.choice([name for name in TOLD if "Look" not in name], 3, replace=False):
            weights[AT[name]] = rng.uniform(0.2, 0.9)
        true.append(weights)
        found.append(meter.weights(face(weights, angles_rotation(*rng.normal(size=3) * 8))))
    true, found = np.array(true), np.array(found)
    assert found.min() >= 0 and found.max() <= 1 and not found[:, [AT[name] for name in SILENT]].any()
    assert np.corrcoef(true.ravel(), found.ravel())[0, 1] > 0.75
    for name in ("jawOpen", "mouthSmileLeft", "browOuterUpRight", "mouthLeft"):
        alone = meter.weights(face(weights_of(**{name: 0.6}), np.eye(3)))
        assert alone[AT[name]] == pytest.approx(0.6, abs=0.2), name
        assert np.delete(alone, AT[name]).max() < 0.3, name


def test_lids_and_gaze():
    face, meter = BlendshapeFace(pose()), BlendshapeMeter(pose())
    shut = meter.weights(face(weights_of(eyeBlinkLeft=1.0), np.eye(3)))
    assert shut[AT["eyeBlinkLeft"]] > 0.7 and shut[AT["eyeBlinkRight"]] < 0.15
    aside = meter.weights(face(weights_of(eyeLookOutLeft=0.7, eyeLookInRight=0.7), np.eye(3)))
    assert aside[AT["eyeLookOutLeft"]] == pytest.approx(0.7, abs=0.2)
    assert aside[AT["eyeLookInRight"]] == pytest.approx(0.7, abs=0.2)
    assert aside[AT["eyeLookInLeft"]] < 0.1


def test_what_a_face_does_is_told_whatever_its_proportions():
    for stretch in ((1.0, 1.0), (0.8, 1.15)):
        rest = pose(stretch=stretch, scale=50)
        meter = BlendshapeMeter(rest)
        said = meter.weights(BlendshapeFace(rest)(weights_of(jawOpen=0.6), angles_rotation(15, 5, -8)))
        assert said[AT["jawOpen"]] == pytest.approx(0.6, abs=0.15)
        blink = meter.weights(pose(eyes=0.05, stretch=stretch))
        assert min(blink[AT["eyeBlinkLeft"]], blink[AT["eyeBlinkRight"]]) > 0.7


def test_the_face_of_weights_turns_about_the_neck_and_keeps_its_size():
    rest = pose()
    face = BlendshapeFace(rest)
    same = face(weights_of(), np.eye(3), 3.5)
    np.testing.assert_allclose(same.face, rest.face, atol=0.6)
    assert (same.size, same.time, same.body) == (rest.size, 3.5, None)
    turned = face(weights_of(jawOpen=0.7), angles_rotation(25, 10, -5))
    np.testing.assert_allclose(head_pose(turned), (25, 10, -5), atol=0.5)
    assert expression(turned).mouth_open > expression(rest).mouth_open + 0.15
    # the eyes go along to the side that the head turns to
    assert turned.face[168, 0] > rest.face[168, 0] + 10


def test_without_a_face_there_is_nothing_to_measure():
    nobody = empty_pose((64, 64))
    for make in (BlendshapeMeter, BlendshapeFace, BlendshapeMeter(pose()).weights, BlendshapeMeter(pose()).turn):
        with pytest.raises(ValueError, match="need a face"):
            make(nobody)
