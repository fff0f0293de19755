"""Drawn characters driven: eyes shut and open, look and widen; mouths open, close and change width; hair stays
before."""

from dataclasses import replace

import numpy as np
import pytest

from pose.portrait.drawn.analysis import FINER
from pose.portrait.drawn.fit import fitted_landmarks
from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import Similarity3D
from pose.tracking.signals import angles_rotation, head_transform, to_head_frame
from pose.warp.conditioning import Conditioner
from pose.warp.drawn.brow import painted_brow
from pose.warp.drawn.eye import painted_eye
from pose.warp.drawn.layers import over, whole_box
from pose.warp.drawn.mouth import painted_mouth
from tests.pose import characters

REST = np.zeros(2, np.float32)


@pytest.fixture(scope="module", params=characters.STYLES)
def character(request):
    """Style, person, drawing."""
    return characters.character(request.param)


def box(drawing, layer):
    h, w = layer.skin.alpha.shape
    return np.ascontiguousarray(drawing.finer[layer.y : layer.y + h, layer.x : layer.x + w, :3])


def laid(drawing, layer, paint, *state):
    """A feature painted over the portrait, all of its box."""
    colours, alpha = paint(layer, *state, whole_box(layer.skin))
    own = box(drawing, layer).transpose(2, 0, 1).astype(float)
    return np.ascontiguousarray(np.rint(over(alpha, colours, own)).transpose(1, 2, 0).astype(np.uint8))


def content(view, layer):
    """How much of a box is something else than skin."""
    view = view[..., :3]
    away = np.linalg.norm(view.astype(float) - layer.skin.rgb, axis=2)
    return float(np.clip(away / 60, 0, 1)[layer.front.alpha < 0.3].mean())


def test_eyes_shut_to_a_line_and_open_again(character):
    _, _, drawing = character
    for eye in drawing.eyes:
        shares = [content(laid(drawing, eye, painted_eye, opening, REST), eye) for opening in np.linspace(1, 0, 9)]
        assert np.all(np.diff(shares) < 0.02 * shares[0])
        assert shares[-1] < 0.42 * shares[0]  # the lash line is what is left
        assert shares[-1] > 0.02 * shares[0]
        assert content(laid(drawing, eye, painted_eye, 1.25, REST), eye) >= 0.98 * shares[0]


def test_a_lid_half_way_down_is_bent_as_it_is_drawn():
    for name in ("anime", "chibi", "dark_skin"):
        _, _, drawing = characters.character(name)
        for eye in drawing.eyes:
            view = laid(drawing, eye, painted_eye, 0.5, REST)
            away = np.linalg.norm(view.astype(float) - eye.skin.rgb, axis=2) > 60
            first = away.argmax(0)
            third = (eye.right - eye.left) // 3
            assert first[(eye.left + eye.right) // 2] < first[[eye.left + third // 2, eye.right - third // 2]].min() - 1


def test_a_shut_eye_is_one_line_from_corner_to_corner():
    for name in ("anime", "blush", "chibi"):
        _, _, drawing = characters.character(name)
        for eye in drawing.eyes:
            view = laid(drawing, eye, painted_eye, 0.0, REST).astype(float)
            dark = np.linalg.norm(view - eye.skin.rgb, axis=2) > 60
            columns = slice(eye.left + 6, eye.right - 5)
            places = np.arange(len(dark))[:, None]
            counts = dark.sum(0)[columns]
            assert counts.min() >= 1  # without a break
            middles = (places * dark).sum(0)[columns] / counts
            assert np.abs(np.diff(middles)).max() < 2.5  # and without a hook
            spans = (len(dark) - dark[::-1].argmax(0) - dark.argmax(0))[columns]
            assert (spans <= counts + 1).all()  # nothing else is left of the eye


def test_an_eye_at_rest_is_the_portraits(character):
    _, _, drawing = character
    for eye in drawing.eyes:
        view = laid(drawing, eye, painted_eye, 1.0, REST)
        assert np.abs(view.astype(int) - box(drawing, eye)).mean() < 4


def test_irises_look_around_inside_their_eyes(character):
    _, _, drawing = character
    for eye in drawing.eyes:
        own = box(drawing, eye)
        shift = np.array([0.3 * eye.radius[0], 0], np.float32)
        views = [laid(drawing, eye, painted_eye, 1.0, way) for way in (-shift, shift)]
        y, x = np.mgrid[: own.shape[0], : own.shape[1]]
        middle = (x >= eye.left) & (x <= eye.right) & (y > eye.top + eye.thickness) & (y < eye.bottom)
        # where the dark of the iris is
        darkness = [(255 - view.min(2).astype(float)) * middle for view in views]
        places = [(x * dark).sum() / dark.sum() for dark in darkness]
        assert places[1] - places[0] > 0.1 * shift[0]
        outside = (y > eye.bottom + 3) & (eye.front.alpha < 0.01) | (x < eye.left - 4) & (y > eye.top + 6)
        if not eye.dot:
            assert np.abs(views[0][outside].astype(int) - views[1][outside]).max(initial=0) < 8


def test_mouths_open_close_and_change_width(character):
    style, _, drawing = character
    mouth = drawing.mouth
    unit = FINER * characters.SCALE
    views = [laid(drawing, mouth, painted_mouth, gap * unit, 1.0, 0.0) for gap in (0, 0.03, 0.08, 0.14, 0.2)]
    shares = [content(view, mouth) for view in views]
    assert np.all(np.diff(shares) > 0)
    closed = 0.6 if style.mouth == "lips" else 0.3  # lips are more than a line
    assert shares[0] < closed * shares[-1]

    def width(view):
        columns = (np.linalg.norm(view[..., :3].astype(float) - mouth.skin.rgb, axis=2) > 40).any(0)
        return np.flatnonzero(columns)[-1] - np.flatnonzero(columns)[0]

    narrow, wide = (width(laid(drawing, mouth, painted_mouth, 0.05 * unit, factor, 0.0)) for factor in (0.8, 1.25))
    assert wide > 1.25 * narrow


def test_an_opened_mouth_is_dark_red_inside(character):
    style, _, drawing = character
    mouth = drawing.mouth
    view = laid(drawing, mouth, painted_mouth, 0.15 * FINER * characters.SCALE, 1.0, 0.0)[..., :3].astype(int)
    middle = (mouth.left + mouth.right) // 2
    column = view[:, middle]
    inside = column[np.linalg.norm(column - mouth.skin.rgb[:, middle].astype(int), axis=1) > 60]
    assert len(inside) > 8
    if style.mouth == "line":
        assert (np.abs(inside - mouth.cavity.ravel().astype(int)).max(1) < 12).any()


def test_hair_before_an_eye_is_not_painted_over():
    style, _, drawing = characters.character("fringe")
    eye = drawing.eyes[1]
    own = box(drawing, eye)
    strand = np.abs(own.astype(int) - style.hair).max(2) < 6
    assert strand.sum() > 50
    for opening in (0.0, 0.5, 1.2):
        view = laid(drawing, eye, painted_eye, opening, REST)
        changed = np.abs(view.astype(int) - own).max(2) > 24
        assert changed[strand].mean() < 0.05


def test_brows_rise_and_leave_skin_behind():
    style, _, drawing = characters.character("flat")
    for brow in drawing.brows:
        assert brow is not None
        rows = []
        for rise in (0.0, 8.0):
            view, alpha = painted_brow(brow, rise, whole_box(brow.skin))
            assert 0 <= alpha.min() and alpha.max() <= 1
            dark = np.clip(np.abs(view.transpose(1, 2, 0) - brow.skin.rgb).max(2) - 30, 0, None)
            rows.append((np.arange(len(dark))[:, None] * dark).sum() / dark.sum())
            assert np.abs(brow.skin.rgb.astype(int) - style.skin).max() < 12
        assert abs(rows[0] - rows[1] - 8) < 0.7


def conditioner(character):
    _, person, drawing = character
    own = characters.pose()
    own = PoseFrame(fitted_landmarks(own.face, drawing), None, None, None, own.size, 0.0)
    return Conditioner(person, own, drawing), own


def test_the_head_moves_and_the_features_stay_on_it(character):
    maps, own = conditioner(character)
    shift = np.array([20.0, -10.0, 0], np.float32)
    moved = PoseFrame(own.face + shift, None, None, None, own.size, 0.0)
    here, there = maps.maps(own).warp.astype(int), maps.maps(moved).warp.astype(int)
    part = here[80:210, 70:190, :3]
    assert np.abs(there[70:200, 90:210, :3] - part).mean() < 4


def test_the_guide_shows_the_network_no_face_to_repair(character):
    maps, own = conditioner(character)
    guide = maps.maps(own).guide
    assert not guide[..., :3].any() and not guide[..., 4:7].any()
    assert guide[..., 3][60:90, 50:78].min() > 0


def turned(own, yaw, pitch=0.0, shape=None):
    """The portrait's face on a head turned by degrees; shape: (478, 3) in the head's frame, None for its own."""
    head = head_transform(own.face)
    shape = to_head_frame(own.face, head) if shape is None else shape
    rotation = angles_rotation(yaw, pitch, 0) @ head.rotation
    return replace(own, face=Similarity3D(head.scale, rotation, head.translation)(shape))


@pytest.mark.parametrize("yaw, pitch", [(30, 0), (-30, 0), (20, 15), (-20, -15), (45, 0)])
def test_a_turned_drawing_has_no_edge_and_no_fold(character, yaw, pitch):
    maps, own = conditioner(character)
    target = turned(own, yaw, pitch)
    canvas = maps.paint(target, guided=True)
    source = canvas.source(slice(0, canvas.size), slice(0, canvas.size))
    across, down = np.diff(source, axis=1)[:-1], np.diff(source, axis=0)[:, :-1]
    assert (across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]).min() > 0  # nothing is seen from behind
    assert max(np.linalg.norm(step, axis=2).max() for step in (across, down)) < 5  # nothing is left out
    middle = np.array(characters.AT)
    moved = source[int(middle[1]), int(middle[0]), 0] - middle[0]
    assert abs(moved) > 2 and np.sign(moved) != np.sign(target.face[1, 0] - own.face[1, 0])  # but it does turn
