"""The head model's loading and shaping, the landmark map and the statistics of random performances."""

import numpy as np
import pytest

from generator.actors.ict import (
    EXPRESSION_INDEX,
    EXPRESSIONS,
    IDENTITIES,
    PARTS,
    ActorAssetError,
    IctModel,
    VertexNormals,
    rotations,
)
from generator.actors.landmark_rings import BETWEEN, EDGES
from generator.actors.landmarks import landmark_map, landmarks_of, tracker_noise
from generator.actors.motion import (
    GAZE_LIMITS,
    HEAD_LIMITS,
    HEAD_PIVOT,
    place_head,
    plausible,
    sample_performance,
    sample_portrait_pose,
)
from generator.actors.speech import weights_of

MATERIALS = ("M_Face", "M_ScleraLeft", "M_IrisLeft", "M_ScleraRight", "M_IrisRight", "M_GumsTongue", "M_Teeth")
ICT_VERTICES = 26719


def fake_arrays(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """A model of 28 vertices in the packed layout: one quad per material."""
    count = 4 * len(MATERIALS)
    corner = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], np.float32)
    neutral = np.concatenate([corner + (3 * i - 9, 0, i) for i in range(len(MATERIALS))]).astype(np.float32)
    quads = range(0, count, 4)
    faces = np.concatenate([[(i, i + 1, i + 2), (i, i + 2, i + 3)] for i in quads])
    return {
        "neutral": neutral,
        "uv": rng.random((count, 2)).astype(np.float32),
        "faces": faces.astype(np.int32),
        "faces_uv": faces.astype(np.int32),
        "face_material": np.repeat(np.arange(len(MATERIALS)), 2).astype(np.uint8),
        "materials": np.array(MATERIALS),
        "identity_i16": rng.integers(-2000, 2000, (IDENTITIES, count, 3)).astype(np.int16),
        "identity_scale": np.full(IDENTITIES, 1e-5, np.float32),
        "expression_i16": rng.integers(-2000, 2000, (53, count, 3)).astype(np.int16),
        "expression_scale": rng.uniform(1e-4, 2e-4, 53).astype(np.float32),
        "expression_names": np.array(EXPRESSIONS),
        "landmarks68": np.arange(68, dtype=np.int32) % count,
    }


@pytest.fixture
def fake(tmp_path):
    arrays = fake_arrays(np.random.default_rng(0))
    path = tmp_path / "face.npz"
    np.savez(path, **arrays)
    return arrays, path


def write_obj(path, vertices, arrays=None):
    lines = [f"v {x:.9f} {y:.9f} {z:.9f}" for x, y, z in vertices]
    if arrays is not None:
        lines += [f"vt {u:.9f} {v:.9f}" for u, v in arrays["uv"]]
        for i, name in enumerate(arrays["materials"]):
            corners = " ".join(f"{4 * i + k + 1}/{4 * i + k + 1}" for k in range(4))  # quads, as the published mesh
            lines += [f"usemtl {name}", f"f {corners}"]
    path.write_text("\n".join(lines) + "\n")


def deltas(arrays, kind):
    return arrays[f"{kind}_i16"] * arrays[f"{kind}_scale"][:, None, None]


def test_packed_model_shapes_linearly(fake):
    arrays, path = fake
    model = IctModel.load(path)
    neutral = model.shape(np.zeros(IDENTITIES), np.zeros((1, 53)))[0]
    weights = np.zeros((3, 53), np.float32)
    weights[1, 5], weights[2, 5], weights[2, 40] = 0.5, 1.0, 0.25
    shaped = model.shape(np.zeros(4), weights)
    assert shaped.shape == (3, 28, 3) and shaped.dtype == np.float32
    expression = deltas(arrays, "expression")
    np.testing.assert_allclose(shaped[0], neutral, atol=1e-5)
    np.testing.assert_allclose(shaped[1], neutral + 0.5 * expression[5], atol=1e-5)
    np.testing.assert_allclose(shaped[2], neutral + expression[5] + 0.25 * expression[40], atol=1e-5)


def test_expressions_are_found_by_name_not_by_place(fake, tmp_path):
    arrays, path = fake
    order = np.random.default_rng(1).permutation(53)
    shuffled = {**arrays, **{key: arrays[key][order] for key in arrays if key.startswith("expression")}}
    np.savez(tmp_path / "shuffled.npz", **shuffled)
    np.testing.assert_array_equal(
        IctModel.load(path).expression_basis, IctModel.load(tmp_path / "shuffled.npz").expression_basis
    )


def test_folder_of_meshes_equals_packed_model(fake, tmp_path):
    arrays, path = fake
    folder = tmp_path / "clone" / "FaceXModel"
    folder.mkdir(parents=True)
    write_obj(folder / "generic_neutral_mesh.obj", arrays["neutral"], arrays)
    for i, delta in enumerate(deltas(arrays, "identity")):
        write_obj(folder / f"identity{i:03d}.obj", arrays["neutral"] + delta)
    for name, delta in zip(EXPRESSIONS, deltas(arrays, "expression")):
        write_obj(folder / f"{name}.obj", arrays["neutral"] + delta)
    packed = IctModel.load(path)
    for given in (folder, folder.parent):
        model = IctModel.load(given)
        assert model.materials == MATERIALS
        for name in ("neutral", "uv", "faces", "faces_uv", "face_material", "identity_basis", "expression_basis"):
            np.testing.assert_allclose(getattr(model, name), getattr(packed, name), atol=2e-6, err_msg=name)


def test_missing_and_broken_models_say_where_to_get_one(fake, tmp_path):
    arrays, _ = fake
    with pytest.raises(ActorAssetError, match="ICT-VGL/ICT-FaceKit"):
        IctModel.load(tmp_path / "nothing.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(ActorAssetError, match="not a readable face model"):
        IctModel.load(tmp_path / "text.npz")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ActorAssetError, match="generic_neutral_mesh.obj"):
        IctModel.load(tmp_path / "empty")
    np.savez(tmp_path / "old.npz", **{**arrays, "expression_names": np.array([f"x{i}" for i in range(53)])})
    with pytest.raises(ActorAssetError, match="lacks the expressions browDown_L"):
        IctModel.load(tmp_path / "old.npz")


def test_wrong_shapes_are_refused(fake):
    model = IctModel.load(fake[1])
    with pytest.raises(ValueError, match="expression must be"):
        model.shape(np.zeros(10), np.zeros((2, 52)))
    with pytest.raises(ValueError, match="identity must be"):
        model.shape(np.zeros(101), np.zeros((2, 53)))
    with pytest.raises(ValueError, match="gaze must be"):
        model.shape(np.zeros(10), np.zeros((2, 53)), np.zeros((3, 2)))


def test_parts_and_gaze_turn_the_eyeballs_only(fake):
    model = IctModel.load(fake[1])
    named = [PARTS[i] for i in model.face_part[::2]]
    assert named[:5] == ["skin", "sclera_left", "iris_left", "sclera_right", "iris_right"]
    assert model.vertices_of("skin").sum() == 4 and len(model.faces_of("teeth_upper", "sclera_left")) == 4
    straight, turned = model.shape(np.zeros(1), np.zeros((2, 53)), np.array([[0.0, 0.0], [0.3, -0.2]]))
    eyes = model.vertices_of("sclera_left", "iris_left", "sclera_right", "iris_right")
    np.testing.assert_array_equal(straight[~eyes], turned[~eyes])
    centres = model.eye_centres(np.zeros(1))
    for side, centre in zip(("left", "right"), centres):
        ball = model.vertices_of(f"sclera_{side}", f"iris_{side}")
        radius = [np.linalg.norm(shape[ball] - centre, axis=1) for shape in (straight, turned)]
        np.testing.assert_allclose(*radius, rtol=1e-4)
        assert np.abs(straight[ball] - turned[ball]).max() > 0.1


def test_rotations_turn_the_way_they_say():
    forward, up = np.array([0, 0, 1.0]), np.array([0, 1.0, 0])
    yaw, pitch, roll, all_three = rotations(np.array([[0.3, 0, 0], [0, 0.3, 0], [0, 0, 0.3], [0.5, -0.4, 0.2]]))
    assert (yaw @ forward)[0] > 0.29 and (pitch @ forward)[1] > 0.29 and (roll @ up)[0] < -0.29
    np.testing.assert_allclose(all_three @ all_three.T, np.eye(3), atol=1e-6)


def test_vertex_normals_of_a_tetrahedron():
    vertices = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (9, 9, 9)], np.float32)
    faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    normals = VertexNormals(faces, 5)(np.stack([vertices, 2 * vertices]))
    np.testing.assert_allclose(normals[0, 0], -np.ones(3) / np.sqrt(3), atol=1e-6)
    np.testing.assert_allclose(normals[0], normals[1], atol=1e-6)
    np.testing.assert_array_equal(normals[0, 4], (0, 0, 1))


def test_landmark_map_is_barycentric_and_keeps_the_lips_apart():
    mapping = landmark_map()
    assert mapping.vertices.shape == mapping.weights.shape == (478, 3)
    assert mapping.vertices.min() >= 0 and mapping.vertices.max() < ICT_VERTICES
    np.testing.assert_allclose(mapping.weights.sum(1), 1.0, atol=1e-5)
    assert mapping.weights.min() >= 0
    assert (mapping.vertices[:468] < 9409).all()  # face landmarks on the skin
    assert (mapping.vertices[468:] >= 21451).all() and (mapping.vertices[468:] < 24591).all()  # irises on eyeballs
    upper, lower = (set(mapping.vertices[list(EDGES[k][0][1:-1])].flat) for k in (0, 1))
    assert not upper & lower
    upper, lower = (set(mapping.vertices[list(BETWEEN[k][0][1:-1])].flat) for k in (0, 2))
    assert not upper & lower


def test_landmarks_are_weighted_vertices():
    mesh = np.random.default_rng(0).normal(size=(2, ICT_VERTICES, 3)).astype(np.float32)
    mapping, points = landmark_map(), landmarks_of(mesh)
    assert points.shape == (2, 478, 3)
    expected = sum(mapping.weights[200, k] * mesh[1, mapping.vertices[200, k]] for k in range(3))
    np.testing.assert_allclose(points[1, 200], expected, atol=1e-5)


def test_tracker_noise_has_the_sizes_it_promises():
    rng = np.random.default_rng(0)
    clean = np.zeros((40, 478, 3), np.float32)
    noisy = np.stack([tracker_noise(rng, clean, 100.0) for _ in range(40)])
    assert noisy.dtype == np.float32
    bias = noisy.mean(1, keepdims=True)
    assert 0.5 < bias.std() < 0.7
    assert 0.2 < (noisy - bias).std() < 0.35
    steps = np.diff(noisy, axis=1).std() / (noisy - bias).std()
    assert steps < 1.2  # white noise would give 1.41


@pytest.fixture(scope="module")
def performances():
    rng = np.random.default_rng(0)
    return {small: [sample_performance(rng, 28, small) for _ in range(150)] for small in (True, False)}


def test_performances_stay_within_a_face(performances):
    for clip in performances[True] + performances[False]:
        assert len(clip) == 28 and clip.expression.shape == (28, 53) and clip.shoulders.shape == (28, 4)
        assert all(getattr(clip, name).dtype == np.float32 for name in clip.__dataclass_fields__)
        assert clip.expression.min() >= 0 and clip.expression.max() <= 1
        assert (np.abs(clip.rotation) <= HEAD_LIMITS).all() and (np.abs(clip.gaze) <= GAZE_LIMITS).all()
        close, jaw = (clip.expression[:, EXPRESSION_INDEX[name]] for name in ("mouthClose", "jawOpen"))
        assert (close <= 0.9 * jaw + 1e-6).all()


def test_performances_show_what_training_needs(performances):
    clips = performances[True] + performances[False]

    def share(name, level):
        return np.mean([clip.expression[:, EXPRESSION_INDEX[name]].max() > level for clip in clips])

    assert 0.55 < share("eyeBlink_L", 0.75) < 0.78
    assert 0.12 < share("jawOpen", 0.5) < 0.4
    assert 0.3 < share("mouthSmile_L", 0.4) < 0.65
    small, large = (np.concatenate([clip.rotation for clip in performances[kind]]).std(0) for kind in (True, False))
    assert 0.06 < small[0] < 0.14 and large[0] > 2 * small[0]


def test_eyes_turn_against_the_head_on_the_whole(performances):
    yaw = np.concatenate([clip.rotation[:, 0] for clip in performances[False]])
    gaze = np.concatenate([clip.gaze[:, 0] for clip in performances[False]])
    assert np.corrcoef(yaw, gaze)[0, 1] < -0.5


def test_blinks_last_like_blinks():
    rng = np.random.default_rng(1)
    lengths = []
    for _ in range(60):
        shut = sample_performance(rng, 240, True).expression[:, EXPRESSION_INDEX["eyeBlink_R"]] > 0.3
        edges = np.flatnonzero(np.diff(np.concatenate([[False], shut, [False]]).astype(int)))
        lengths += list((edges[1::2] - edges[::2]) / 24)
    assert 0.08 < np.median(lengths) < 0.25


def test_performances_repeat_with_the_seed():
    first, second = (sample_performance(np.random.default_rng(5), 20, False) for _ in range(2))
    for name in first.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_portrait_poses_are_near_frontal_and_mostly_closed():
    rng = np.random.default_rng(0)
    poses = [sample_portrait_pose(rng) for _ in range(200)]
    assert all(len(pose) == 1 for pose in poses)
    yaw = np.array([pose.rotation[0, 0] for pose in poses])
    assert 0.1 < yaw.std() < 0.2 and np.abs(yaw).max() <= 0.4
    jaw = np.array([pose.expression[0, EXPRESSION_INDEX["jawOpen"]] for pose in poses])
    assert np.mean(jaw < 0.05) > 0.68


def test_plausible_undoes_what_a_face_cannot_do():
    both = plausible(weights_of({"mouthClose": 1.0, "jawOpen": 0.4, "mouthPress": 1.0, "mouthPucker": 3.0})[None])[0]
    assert both[EXPRESSION_INDEX["mouthClose"]] == pytest.approx(0.36)
    assert both[EXPRESSION_INDEX["mouthPress_L"]] == 0
    assert both[EXPRESSION_INDEX["mouthPucker"]] == 1


def test_heads_turn_about_the_neck():
    pivot = np.array(HEAD_PIVOT, np.float32)
    vertices = np.stack([pivot, pivot + (0, 0, 10)])[None].repeat(2, 0).astype(np.float32)
    placed = place_head(vertices, np.array([[0, 0, 0], [0.5, 0, 0]]), np.array([[0, 0, 0], [1.0, 2.0, 3.0]]))
    np.testing.assert_allclose(placed[0], vertices[0], atol=1e-6)
    np.testing.assert_allclose(placed[1, 0], pivot + (1, 2, 3), atol=1e-5)
    assert placed[1, 1, 0] > pivot[0] + 1 + 4
