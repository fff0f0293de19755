"""Figures: arms that reach, skin that folds, a renderer of textured parts, on small made-up data."""

from __future__ import annotations

import numpy as np
import pytest

from generator.actors.figure.arms import arm_rotations, axis_angle, hand_landmarks, rest_hand, slerp
from generator.actors.figure.body import Edges
from generator.actors.figure.closet import Closet
from generator.actors.figure.expression import Expressions
from generator.actors.figure.face_map import face_map
from generator.actors.figure.gestures import MANNERS, sample_hands
from generator.actors.figure.lighting import sample_light
from generator.actors.figure.mesh import Part, only
from generator.actors.figure.pictures import filled, read_picture
from generator.actors.figure.renderer import FigureRenderer
from generator.actors.figure.rig import BONE_INDEX, BONES, FINGERS, Rig, apply, blend, strongest
from generator.actors.ict import ActorAssetError
from generator.actors.landmark_rings import BETWEEN, EDGES
from generator.actors.makehuman import MakeHuman
from generator.actors.renderer import NoGraphics
from generator.actors.scene import Camera
from generator.actors.surfaces import Corners
from tests.generator.actors.test_renderer import RADIUS, sphere, write_makehuman

SIZE = 64
BASE_VERTICES = 13380  # of the body of MakeHuman's base mesh; helpers follow


def made_up_skeleton() -> tuple[Rig, np.ndarray, np.ndarray]:
    """A rig of two arms hanging out sideways, and heads and tails (J, 3) of its bones, cm."""
    parents = [-1]
    for name in BONES[1:]:
        stem, _, side = name.partition(".")
        chain = {"clavicle": "spine01", "shoulder01": "clavicle", "upperarm01": "shoulder01",
                 "upperarm02": "upperarm01", "lowerarm01": "upperarm02", "lowerarm02": "lowerarm01",
                 "wrist": "lowerarm02"}  # fmt: skip
        if stem in chain:
            parent = chain[stem] + (f".{side}" if stem != "clavicle" else "")
        elif stem.startswith("finger"):
            finger, joint = stem.split("-")
            parent = f"wrist.{side}" if joint == "1" else f"{finger}-{int(joint) - 1}.{side}"
        elif stem.startswith("metacarpal"):
            parent = f"wrist.{side}"
        else:
            parent = BONES[BONE_INDEX[name] - 1]
        parents.append(BONE_INDEX[parent])
    heads, tails = np.zeros((2, len(BONES), 3))
    for side, x in (("L", 1.0), ("R", -1.0)):
        place = {"clavicle": (3, 0, 0), "shoulder01": (10, 0, 0), "upperarm01": (16, 0, 0), "upperarm02": (20, -4, 0),
                 "lowerarm01": (31, -17, 0), "lowerarm02": (36, -22, 8), "wrist": (42, -28, 16)}  # fmt: skip
        place |= {f"metacarpal{k}": (43, -30 - k, 18) for k in (1, 2, 3, 4)}
        for k, finger in enumerate(FINGERS):
            for joint, bone in enumerate(finger):
                place[bone] = (44 - 0.6 * joint, -29 - 1.5 * k - 1.2 * joint, 19 + 2.5 * joint)
        for bone, point in place.items():
            heads[BONE_INDEX[f"{bone}.{side}"]] = np.array(point) * [x, 1, 1]
        for finger in FINGERS:
            end = BONE_INDEX[f"{finger[-1]}.{side}"]
            tails[end] = heads[end] + np.array([-0.8 * x, -1.4, 2.0])
    joints = tuple((np.array([0]), np.array([0])) for _ in BONES)
    return Rig(np.array(parents), joints, np.zeros((1, 4), int), np.ones((1, 4))), heads, tails


@pytest.mark.parametrize("side", ["L", "R"])
def test_arms_bring_the_hand_where_it_shall_be(side: str) -> None:
    rig, heads, tails = made_up_skeleton()
    x = 1.0 if side == "L" else -1.0
    left, right = sample_hands(np.random.default_rng(0), 30, "signing", chin=10.0)
    hand = left if side == "L" else right
    shoulder = heads[BONE_INDEX[f"upperarm01.{side}"]]
    wrist = shoulder + np.array([-12.0 * x, -8.0, 24.0]) + np.linspace(0, 5, 30)[:, None]
    hand = type(hand)(**{**vars(hand), "wrist": wrist})
    rotation = np.tile(np.eye(3), (30, len(BONES), 1, 1))
    for bone, turn in arm_rotations(heads, tails, side, hand).items():
        np.testing.assert_allclose(turn @ np.swapaxes(turn, 1, 2), np.tile(np.eye(3), (30, 1, 1)), atol=1e-5)
        rotation[:, bone] = turn
    # Shoulder blade and the arm's twisting bones give way a little; what counts is the wrist.
    for bone in ("clavicle", "shoulder01", "upperarm01"):
        rotation[:, BONE_INDEX[f"{bone}.{side}"]] = rotation[:, BONE_INDEX[f"upperarm02.{side}"]]
    rotation[:, BONE_INDEX[f"clavicle.{side}"]] = rotation[:, BONE_INDEX[f"shoulder01.{side}"]] = np.eye(3)
    rotation[:, BONE_INDEX[f"lowerarm01.{side}"]] = rotation[:, BONE_INDEX[f"lowerarm02.{side}"]]
    matrices = rig.transforms(heads, rotation, np.zeros((30, 3)))
    marks = hand_landmarks(heads, tails, matrices, side)
    assert marks.shape == (30, 21, 3)
    assert np.linalg.norm(marks[:, 0] - wrist, axis=1).max() < 3.0
    point, palm = rest_hand(heads, tails, side)
    turned = rotation[:, BONE_INDEX[f"wrist.{side}"]] @ palm
    assert ((turned * hand.palm).sum(1) > 0.3).all(), "the palm looks where it shall"
    assert abs(point @ palm) < 1e-6


def test_bent_fingers_come_nearer_to_the_wrist() -> None:
    rig, heads, tails = made_up_skeleton()
    hand, _ = sample_hands(np.random.default_rng(1), 2, "rest", chin=10.0)
    hand = type(hand)(**{**vars(hand), "bend": np.array([[0.0] * 5, [1.0] * 5])})
    rotation = np.tile(np.eye(3), (2, len(BONES), 1, 1))
    for bone, turn in arm_rotations(heads, tails, "L", hand).items():
        rotation[:, bone] = turn
    marks = hand_landmarks(heads, tails, rig.transforms(heads, rotation, np.zeros((2, 3))), "L")
    reach = np.linalg.norm(marks[:, [8, 12, 16, 20]] - marks[:, :1], axis=2)
    assert (reach[1] < 0.85 * reach[0]).all()


def test_hands_of_each_manner_move_or_rest() -> None:
    rng = np.random.default_rng(2)
    for manner in MANNERS:
        travel = max(np.ptp(hand.wrist, axis=0).max() for hand in sample_hands(rng, 48, manner, chin=-6.0))
        assert (travel > 4.0) == (manner != "rest")
    with pytest.raises(ValueError, match="no manner of hands named juggling"):
        sample_hands(rng, 4, "juggling", chin=0.0)


def test_rotations_by_axis_and_their_parts() -> None:
    quarter = axis_angle(np.array([0, 0, 1.0]), np.array([np.pi / 2]))
    np.testing.assert_allclose(quarter[0] @ [1, 0, 0], [0, 1, 0], atol=1e-6)
    half = slerp(quarter, 0.5)
    np.testing.assert_allclose(half @ half, quarter, atol=1e-6)


def test_blending_of_bones() -> None:
    weights = np.zeros((2, 6))
    weights[0, 2], weights[1, [1, 4]] = 1.0, (0.25, 0.75)
    bones, shares = strongest(weights)
    np.testing.assert_allclose(shares.sum(1), 1.0)
    matrices = np.tile(np.eye(3, 4), (6, 1, 1))
    matrices[:, 0, 3] = np.arange(6)
    moved = apply(blend(matrices, bones, shares), np.zeros((2, 3)))
    np.testing.assert_allclose(moved[:, 0], [2.0, 0.25 + 3.0], atol=1e-6)


def test_a_groove_is_hollow_and_a_bump_is_not() -> None:
    x, y = np.meshgrid(np.arange(9.0), np.arange(9.0))
    flat = np.stack([x.ravel(), y.ravel(), 0 * x.ravel()], 1)
    i = (np.arange(8)[:, None] * 9 + np.arange(8)).ravel()
    faces = np.concatenate([np.stack([i, i + 1, i + 10], 1), np.stack([i, i + 10, i + 9], 1)])
    edges = Edges.of(faces, 81)
    normals = np.tile([0.0, 0, 1], (81, 1))
    groove, bump = flat.copy(), flat.copy()
    groove[40, 2], bump[40, 2] = -0.5, 0.5
    assert edges.hollow(groove, normals)[40] == pytest.approx(0.5)
    assert edges.hollow(bump, normals)[40] == pytest.approx(-0.5)
    assert np.abs(edges.hollow(flat, normals)).max() < 1e-9


def test_face_map_lies_on_the_body_and_keeps_the_lips_apart() -> None:
    mapping = face_map()
    assert mapping.vertices.shape == mapping.weights.shape == (468, 3)
    assert 0 <= mapping.vertices.min() and mapping.vertices.max() < BASE_VERTICES
    np.testing.assert_allclose(mapping.weights.sum(1), 1.0, atol=1e-5)
    for rings, (upper, lower) in ((EDGES, (0, 1)), (BETWEEN, (0, 2))):
        above, below = (set(mapping.vertices[list(rings[k][0][1:-1])].flat) for k in (upper, lower))
        assert not above & below


def test_lights_are_metered_on_the_face() -> None:
    for seed in range(30):
        light = sample_light(np.random.default_rng(seed), natural=True)
        np.testing.assert_allclose(np.linalg.norm(light.directions, axis=1), 1.0, atol=1e-6)
        assert (light.colours >= 0).all() and 0.2 < light.exposure * (light.colours[0].mean() + light.sky.mean()) < 2.5


@pytest.fixture(scope="module")
def renderer():
    try:
        made = FigureRenderer(SIZE)
    except NoGraphics as error:
        pytest.skip(f"no OpenGL here: {error}")
    yield made
    made.release()


def ball_part(material: str, picture: np.ndarray | None, first: int = 0, **rest) -> Part:
    points, faces = sphere()
    uv = np.stack([np.clip(points[:, 0] / RADIUS * 0.45 + 0.5, 0, 1), points[:, 1] / RADIUS * 0.45 + 0.5], 1)
    values = {"base_colour": np.full(3, 0.5), "second_colour": np.full(3, 0.5), "dye": (0.0, 0.0, 0.0, 0.0),
              "surface": (0.0, 0.5, 0.0, 1.0), "root_colour": np.full(3, 0.1), "tip_colour": np.full(3, 0.4),
              "strands": (0.5, 0.2, 0.0, 1.0)}  # fmt: skip
    source = first + np.arange(len(points))
    return Part("ball", material, source, faces, uv, points, values, picture, np.zeros_like(points), **rest)


def dress(renderer: FigureRenderer, *parts: Part) -> tuple[np.ndarray, np.ndarray]:
    points, _ = sphere()
    white = np.full((4, 4, 4), 255, np.uint8)
    renderer.dress(parts, sample_light(np.random.default_rng(0), True), {"tone": np.ones(3)}, white, white)
    vertices = np.tile(points, (len(parts), 1))
    return vertices, vertices / RADIUS


def test_textured_parts_show_their_picture(renderer: FigureRenderer) -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[..., 3] = 255
    picture[:, :4, 0], picture[:, 4:, 2] = 220, 220  # red on the left, blue on the right
    vertices, normals = dress(renderer, ball_part("cloth", picture))
    camera = Camera(60.0, 2000.0, 0.5, 0.5)
    drawn = renderer.draw(vertices, normals, np.zeros((len(vertices), 2)), None, camera, {})
    alpha = drawn[..., 3] / 255.0
    radius = RADIUS * camera.scale * SIZE
    assert alpha.sum() == pytest.approx(np.pi * radius**2, rel=0.02)
    middle, off = SIZE // 2, int(radius / 2)
    assert drawn[middle, middle - off, 0] > 2 * drawn[middle, middle - off, 2]
    assert drawn[middle, middle + off, 2] > 2 * drawn[middle, middle + off, 0]
    assert (drawn[..., :3] <= drawn[..., 3:]).all(), "colours must be premultiplied"


def test_soft_cards_are_half_transparent(renderer: FigureRenderer) -> None:
    picture = np.full((8, 8, 4), 255, np.uint8)
    picture[..., 3] = 128
    vertices, normals = dress(renderer, ball_part("hair", picture, layer=1))
    drawn = renderer.draw(vertices, normals, np.zeros((len(vertices), 2)), None, Camera(60.0, 2000.0, 0.5, 0.5), {})
    middle = SIZE // 2
    assert 120 < drawn[middle, middle, 3] < 250


def test_what_lies_behind_gets_less_of_the_sky(renderer: FigureRenderer) -> None:
    vertices, normals = dress(renderer, ball_part("cloth", None), ball_part("cloth", None, first=len(sphere()[0])))
    count = len(vertices) // 2
    vertices[:count] *= 0.8  # a ball inside another one
    sky = renderer.occlude(vertices, normals)
    assert sky[:count].mean() < 0.2 and sky[count:].mean() > 0.7


def test_only_keeps_triangles_and_their_corners() -> None:
    corners = Corners.split(np.zeros((4, 2)), np.array([(0, 1, 2), (1, 2, 3)]), np.array([(0, 1, 2), (1, 2, 3)]))
    kept = only(corners, np.array([False, True]))
    assert sorted(kept.source) == [1, 2, 3] and kept.faces.max() == 2


def test_pictures_that_are_not_there_say_how_to_get_them(tmp_path) -> None:
    with pytest.raises(ActorAssetError, match="makehuman-assets has it"):
        read_picture(tmp_path / "skin.png")
    pointer = tmp_path / "pointer.png"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ActorAssetError, match="git lfs pull"):
        read_picture(pointer)


def test_transparent_texels_take_the_colour_around() -> None:
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[:, :16] = (200, 100, 50, 255)
    out = filled(picture)
    np.testing.assert_array_equal(out[..., 3], picture[..., 3])
    np.testing.assert_allclose(out[5, 18, :3], (200, 100, 50), atol=12)


def test_two_renderers_take_turns_in_one_context(renderer: FigureRenderer) -> None:
    other = FigureRenderer(SIZE, renderer.context)
    camera = Camera(60.0, 2000.0, 0.5, 0.5)
    pictures = []
    for one in (renderer, other, renderer):
        vertices, normals = dress(one, ball_part("cloth", None))
        pictures.append(one.draw(vertices, normals, np.zeros((len(vertices), 2)), None, camera, {}))
    assert pictures[0][..., 3].max() == 255
    np.testing.assert_array_equal(pictures[1], pictures[0])
    np.testing.assert_array_equal(pictures[2], pictures[0])


def test_incomplete_assets_are_named(tmp_path) -> None:
    write_makehuman(tmp_path / "data")
    base = tmp_path / "data" / "3dobjs" / "base.obj"
    base.write_text(base.read_text().replace("g body", "g joint-l-eye\nf 1 2 3\ng joint-r-eye\nf 1 2 3\ng body"))
    rig, _, _ = made_up_skeleton()
    expressions = Expressions(np.zeros(0, int), np.zeros((53, 0, 3)))
    with pytest.raises(ActorAssetError, match="no photographic skins.*makehuman-assets"):
        Closet(MakeHuman(tmp_path), rig, expressions)
    skins = tmp_path / "data" / "skins"
    skins.mkdir()
    (skins / "old_asian_male__old.png").write_bytes(b"")
    with pytest.raises(ActorAssetError, match="no eyes in"):
        Closet(MakeHuman(tmp_path), rig, expressions)
