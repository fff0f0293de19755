"""Drawing, fitting and loading of actors, on small made-up meshes."""

from __future__ import annotations

import numpy as np
import pytest

from generator.actors.appearance import feature_lines, linear, sample_look
from generator.actors.background import sample_background
from generator.actors.head import HeadMesh, follow_weights
from generator.actors.ict import ActorAssetError
from generator.actors.makehuman import MakeHuman
from generator.actors.renderer import NoGraphics, Renderer, coarser
from generator.actors.scene import Appearance, Camera, Lighting, Surface, about
from generator.actors.surfaces import Attachment, border_distance, nearest, push_out, vertex_normals

SIZE = 64
RADIUS = 6.0
STILL = np.eye(4, dtype=np.float32)


def sphere(radius: float = RADIUS, rows: int = 24, columns: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and outward triangles of a closed ball round the origin."""
    polar = np.linspace(0, np.pi, rows + 1)[:, None]
    turn = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
    points = np.stack([np.sin(polar) * np.sin(turn), np.cos(polar) + 0 * turn, np.sin(polar) * np.cos(turn)], -1)
    i, j = np.mgrid[0:rows, 0:columns]
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    faces = np.concatenate([np.stack([a, c, d], -1).reshape(-1, 3), np.stack([a, d, b], -1).reshape(-1, 3)])
    return (points.reshape(-1, 3) * radius).astype(np.float32), faces.astype(np.int32)


@pytest.fixture(scope="module")
def ball() -> HeadMesh:
    points, faces = sphere()
    extra = np.zeros((len(points), 4), np.float32)
    extra[:, :2] = 1.0
    uv = (points[:, :2] / RADIUS * 0.2 + 0.25).astype(np.float32)
    return HeadMesh(np.arange(len(points)), points, uv, extra, {"skin": faces})


@pytest.fixture(scope="module")
def renderer(ball: HeadMesh):
    try:
        made = Renderer(ball, SIZE, skin_texture=32)
    except NoGraphics as error:
        pytest.skip(f"no OpenGL here: {error}")
    yield made
    made.release()


def look(seed: int = 0, natural: bool = True):
    lines = feature_lines(np.random.default_rng(1).normal(size=(68, 3)).astype(np.float32))
    return sample_look(np.random.default_rng(seed), lines, natural)


def dressed(renderer: Renderer, *surfaces: Surface) -> None:
    chosen = look()
    renderer.dress(Appearance(chosen.bake, chosen.head, chosen.lighting, surfaces))


def draw(renderer: Renderer, camera: Camera, head: np.ndarray = STILL, body: np.ndarray = STILL) -> np.ndarray:
    points = renderer.head.neutral
    values = {"mouth": (0.0, 10.0, 1.0, 0.0)}
    return renderer.draw(points, points / RADIUS, head, body, camera, {"skin": values, "mouth": values})


def centre_of(alpha: np.ndarray) -> np.ndarray:
    """Centre of mass in continuous pixel coordinates."""
    y, x = np.mgrid[0 : alpha.shape[0], 0 : alpha.shape[1]] + 0.5
    return np.array([(x * alpha).sum(), (y * alpha).sum()]) / alpha.sum()


def test_projection_is_what_the_matrix_does() -> None:
    camera = Camera(2.3, 70.0, 0.42, 0.57)
    points = np.random.default_rng(0).normal(size=(50, 3)) * 8
    clip = np.concatenate([points, np.ones((50, 1))], 1) @ camera.matrix().T
    pixels = (clip[:, :2] / clip[:, 3:] + 1) / 2 * SIZE
    np.testing.assert_allclose(camera.project(points, SIZE)[:, :2], pixels, atol=1e-3)
    nearer = camera.project(np.array([[0, 0, 0.0], [0, 0, 5.0]]), SIZE)[:, 2]
    assert nearer[1] < nearer[0] == 0


def test_alpha_is_the_exact_silhouette(renderer: Renderer) -> None:
    dressed(renderer)
    camera = Camera(60.0, 2000.0, 0.40, 0.55)  # so long a lens that the ball's outline is its disc
    picture = draw(renderer, camera)
    alpha = picture[..., 3] / 255.0
    radius = RADIUS * camera.scale * SIZE
    assert alpha.sum() == pytest.approx(np.pi * radius**2, rel=0.02)
    np.testing.assert_allclose(centre_of(alpha), [0.40 * SIZE, 0.55 * SIZE], atol=0.1)
    assert (picture[..., :3] <= picture[..., 3:]).all(), "colours must be premultiplied"
    assert picture[int(0.55 * SIZE), int(0.40 * SIZE), :3].max() > 0


def test_head_and_landmarks_move_together(renderer: Renderer) -> None:
    dressed(renderer)
    camera = Camera(60.0, 2000.0, 0.5, 0.5)
    shift = np.array([3.0, -2.0, 0.0])
    moved = centre_of(draw(renderer, camera, head=about(np.eye(3), np.zeros(3), shift))[..., 3].astype(float))
    np.testing.assert_allclose(moved, camera.project(shift, SIZE)[:2], atol=0.15)


def test_body_carries_what_does_not_follow_the_head(renderer: Renderer, ball: HeadMesh) -> None:
    points, faces = sphere(2.0, 8, 16)
    extra = np.zeros((len(points), 4), np.float32)
    extra[:, 1] = 1.0
    values = {"base_colour": np.ones(3), "surface": (0.0, 10.0, 0.0, 1.0), "wrap": np.zeros(3)}
    dressed(renderer, Surface("solid", points + [0, -12, 0], points / 2, faces, points[:, :2] * 0, extra, values))
    camera = Camera(12.0, 800.0, 0.5, 0.4)
    still = draw(renderer, camera)
    moved = draw(renderer, camera, body=about(np.eye(3), np.zeros(3), np.array([5.0, 0.0, 0.0])))
    below = int(camera.project(np.array([0, -9.0, 0]), SIZE)[1])
    assert (still[: below - 2, :, 3] == moved[: below - 2, :, 3]).all()
    step = centre_of(moved[below:, :, 3].astype(float))[0] - centre_of(still[below:, :, 3].astype(float))[0]
    assert step == pytest.approx(5.0 * camera.scale * SIZE, abs=0.2)


def test_shadows_and_light_directions(renderer: Renderer) -> None:
    chosen = look()
    light = Lighting(
        directions=np.array([[1.0, 0, 0], [1.0, 0, 0], [1.0, 0, 0]]),
        colours=np.array([[1.0] * 3, [0.0] * 3, [0.0] * 3]),
        sky=np.zeros(3),
        ground=np.zeros(3),
    )
    renderer.dress(Appearance(chosen.bake, chosen.head, light, ()))
    picture = draw(renderer, Camera(60.0, 2000.0, 0.5, 0.5)).astype(float).sum(-1)
    middle = SIZE // 2
    assert picture[middle, middle + 4 :].sum() > 1.5 * picture[middle, : middle - 4].sum()


def test_hair_rims_are_half_transparent(renderer: Renderer) -> None:
    points, faces = sphere(8.0, 12, 24)
    top = (points[faces][..., 1] > 0).all(1)
    extra = np.ones((len(points), 4), np.float32)
    extra[:, 2] = border_distance(points, faces[top], reach=2.0)
    values = {"root_colour": np.full(3, 0.1), "tip_colour": np.full(3, 0.2), "strands": (5.0, 0.8, 2.0, 0.5),
              "curl": (0.0, 1.0, 0.2, 0.0), "offset": np.ones(3)}  # fmt: skip
    hair = Surface("hair", points, points / 8, faces[top], points[:, :2], extra, values, points * 0 + [0, 1, 0], True)
    dressed(renderer, hair)
    alpha = draw(renderer, Camera(60.0, 2000.0, 0.5, 0.5))[..., 3]
    plain_extent = RADIUS * 60.0 / 2000.0 * SIZE
    above = int(SIZE / 2 - plain_extent) - 1
    assert alpha[:above].max() == 255 and ((alpha[:above] > 10) & (alpha[:above] < 245)).any()


def test_looks_are_mostly_natural_where_asked() -> None:
    for seed in range(40):
        skin = look(seed).skin
        assert skin[0] > 1.1 * skin[1:].max(), "natural skin reflects red most"
        tooth = look(seed, natural=False).head["mouth"]["tooth_colour"]
        assert np.ptp(tooth) < 0.45 * tooth.max(), "teeth keep their colour in garish looks"
    np.testing.assert_allclose(linear([0, 255]), [0, 1])


def test_background_is_random_and_reproducible() -> None:
    for natural in (True, False):
        first = sample_background(np.random.default_rng(3), 48, natural)
        again = sample_background(np.random.default_rng(3), 48, natural)
        other = sample_background(np.random.default_rng(4), 48, natural)
        assert first.shape == (48, 48, 3) and first.dtype == np.uint8
        assert (first == again).all() and (first != other).any()


def test_push_out_leaves_nothing_inside() -> None:
    points, faces = sphere()
    normals = vertex_normals(points, faces)
    np.testing.assert_allclose(normals[100], points[100] / RADIUS, atol=0.02)
    hair = np.random.default_rng(0).normal(size=(300, 3))
    hair = hair / np.linalg.norm(hair, axis=1, keepdims=True) * np.linspace(RADIUS - 2, RADIUS + 3, 300)[:, None]
    out = push_out(hair.astype(np.float32), points, normals, margin=0.3, reach=4.0)
    assert np.linalg.norm(out, axis=1).min() > RADIUS + 0.2
    far = np.linalg.norm(hair, axis=1) > RADIUS + 1.5
    np.testing.assert_allclose(out[far], hair[far], atol=1e-5)


def test_attachment_follows_the_surface() -> None:
    points, _ = sphere()
    spots = points[::7] * 1.1
    change = np.tile(np.array([[0.5, -1.0, 2.0]], np.float32), (len(points), 1))
    moved = Attachment.to(spots, points).displacement(change)
    np.testing.assert_allclose(moved, change[: len(spots)], atol=1e-5)
    rows, gaps = nearest(points[:20], points)
    assert (gaps < 2e-2).all() and (rows[:, 0][1:] >= 0).all()


def test_coarser_mesh_uses_the_same_vertices() -> None:
    points, faces = sphere()
    small = coarser(points, faces, 1.5)
    assert 0 < len(small) < len(faces) / 2
    assert small.max() < len(points)
    assert (small[:, 0] != small[:, 1]).all()


def test_follow_weights_pass_from_head_to_body() -> None:
    heights = np.array([[0, 5.0, 0], [0, -8.0, 9], [0, -14.0, 0], [0, -30.0, 0]], np.float32)
    weights = follow_weights(heights)
    assert weights[0] == weights[1] == 1 and 0 < weights[2] < 1 and weights[3] == 0


def write_makehuman(folder) -> None:
    (folder / "3dobjs").mkdir(parents=True)
    (folder / "hair" / "cap").mkdir(parents=True)
    (folder / "targets").mkdir()
    base = ["v 0 0 0", "v 2 0 0", "v 0 2 0", "v 0 0 2", "g body", "f 1 2 3", "f 1 3 4"]
    (folder / "3dobjs" / "base.obj").write_text("\n".join(base))
    (folder / "hair" / "cap" / "cap.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nf 1/1 2/1 3/1\n")
    (folder / "hair" / "cap" / "cap.mhclo").write_text(
        "# made up\nname cap\nobj_file cap.obj\nx_scale 0 1 2.0\ny_scale 0 2 2.0\nz_scale 0 3 2.0\nverts 0\n"
        "0 1 2 0.5 0.25 0.25 0.1 0.2 0.3\n3\n1 1 1 1 0 0 0 0 1\ndelete_verts\n0 2 - 3\n"
    )
    (folder / "targets" / "wide.target").write_text("# made up\n1 1.0 0 0\n")


def test_makehuman_assets_are_fitted(tmp_path) -> None:
    write_makehuman(tmp_path / "data")
    people = MakeHuman(tmp_path)
    assert people.hair_names() == ["cap"]
    cap = people.asset("hair", "cap")
    np.testing.assert_allclose(cap.fit(people.base), [[0.6, 0.7, 0.3], [0, 0, 2], [2, 0, 1]], atol=1e-6)
    assert list(cap.hides) == [0, 2, 3]
    # A body half as wide again scales the offsets in x.
    wide = people.shape({"wide": 1.0})
    np.testing.assert_allclose(cap.fit(wide)[0], [0.75 + 0.15, 0.7, 0.3], atol=1e-6)


def test_missing_assets_say_where_they_come_from(tmp_path) -> None:
    with pytest.raises(ActorAssetError, match="makehumancommunity/makehuman"):
        MakeHuman(tmp_path)
    write_makehuman(tmp_path / "data")
    people = MakeHuman(tmp_path / "data")
    with pytest.raises(ActorAssetError, match="no hair named wig"):
        people.asset("hair", "wig")
    clo = tmp_path / "data" / "hair" / "cap" / "cap.mhclo"
    clo.write_text(clo.read_text().replace("3\n1 1 1", "1 1 1"))
    with pytest.raises(ActorAssetError, match="fits 2 vertices but cap.obj has 3"):
        people.asset("hair", "cap")
    with pytest.raises(ActorAssetError, match="cannot read"):
        _ = people.arm_weights


def test_skins_are_found_in_the_repository_and_in_flat_copies(tmp_path) -> None:
    write_makehuman(tmp_path / "data")
    skins = tmp_path / "data" / "skins"
    (skins / "young_asian_male").mkdir(parents=True)
    (skins / "old_asian_male__old_diffuse2.png").write_bytes(b"")
    assert [name for name, _ in MakeHuman(tmp_path).skins()] == ["old_asian_male"]
    material = skins / "young_asian_male" / "young_asian_male.mhmat"
    material.write_text("// made up\nname skin\ndiffuseTexture ../textures/young_diffuse3.png\n")
    ((name, path),) = MakeHuman(tmp_path).skins()
    assert name == "young_asian_male" and path == (skins / "textures" / "young_diffuse3.png").resolve()
