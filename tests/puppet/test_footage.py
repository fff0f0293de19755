"""Training clips are what training reads."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from generator.training.portrait_clips import PortraitClip
from puppet.errors import PuppetError
from puppet.footage import cutting
from puppet.footage.clips import (
    LEAST_CROP,
    as_seen,
    check_shape,
    clip_path,
    contact_sheet,
    feature_boxes,
    make_clip,
    save_clip,
)
from puppet.footage.imitation import BIAS, imitate_matting, imitate_tracker
from tests.puppet.poses import pose_at

SIZE = 64


def small_clip(frames: int = 4):
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (frames, SIZE, SIZE, 4), np.uint8)
    pictures[..., :3] = np.minimum(pictures[..., :3], pictures[..., 3:])
    poses = [pose_at(30.0 + t, 28.0, SIZE, 16.0) for t in range(frames)]
    return make_clip(pictures, poses, pictures[0], poses[0]), pictures


def test_a_clip_is_written_whole_and_read_by_training(tmp_path):
    clip, pictures = small_clip()
    path = clip_path(tmp_path, 7)
    save_clip(path, clip)
    assert [p.name for p in tmp_path.iterdir()] == ["clip_000007.safetensors"]
    assert PortraitClip.open(path).length == 4 and PortraitClip.open(path).size == SIZE
    found = load_file(path)
    assert np.array_equal(found["frames"], pictures)
    assert found["warp"].shape == (4, SIZE, SIZE, 4) and found["guide"].shape == (4, SIZE // 2, SIZE // 2, 8)
    assert found["reference_warp"].shape == (SIZE, SIZE, 4) and found["reference_guide"].shape == (
        SIZE // 2,
        SIZE // 2,
        8,
    )
    assert found["boxes"].dtype == np.int16 and found["boxes"].shape == (4, 3, 4)
    contact_sheet([path], tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_boxes_lie_in_the_picture_and_are_never_empty():
    inside = feature_boxes(pose_at(128.0))
    mouth, left, right = inside
    assert mouth[1] > left[3] and left[0] > right[2]  # below the eyes; the person's left is on the picture's right
    for x in (-300.0, 128.0, 600.0):
        boxes = feature_boxes(pose_at(x))
        assert (boxes >= 0).all() and (boxes <= 256).all() and (boxes[:, 2:] > boxes[:, :2]).all()


def test_the_tracker_errors_are_small_smooth_and_partly_shared():
    rng = np.random.default_rng(0)
    face = pose_at(100.0, eyes=1.0).face
    found, portrait = imitate_tracker(rng, np.repeat(face[None], 40, 0), face)
    errors = found - face
    assert 0.3 * BIAS < errors.std() < 3 * BIAS
    neighbours = np.corrcoef((errors[0, 13] - 0).ravel(), errors[0, 14].ravel())[
        0, 1
    ]  # the lips' middle, above and below
    assert neighbours > 0.5
    shared = errors.mean(0)
    assert np.corrcoef(shared.ravel(), (portrait - face).ravel())[0, 1] > 0.7


def test_a_fallible_matte_stays_premultiplied_and_keeps_the_middle():
    person = np.zeros((96, 96, 4), np.uint8)
    person[24:, 24:72] = (120, 80, 60, 255)
    background = np.full((96, 96, 3), 200, np.uint8)
    for seed in range(8):
        out = imitate_matting(np.random.default_rng(seed), person, background)
        assert out.dtype == np.uint8 and (out[..., :3] <= out[..., 3:]).all()
        assert np.abs(out[60, 48].astype(int) - person[60, 48]).max() <= 1 and out[5, 5, 3] == 0


@pytest.mark.parametrize("size, frames", [(100, 20), (32, 20), (192, 18), (192, 0)])
def test_impossible_shapes_are_named(size, frames):
    with pytest.raises(PuppetError, match="is not possible"):
        check_shape(size, frames, 96)
    with pytest.raises(PuppetError, match="too small"):
        check_shape(64, 4, 8)


def test_a_large_face_is_stored_at_the_size_that_the_model_sees():
    size = 256
    rng = np.random.default_rng(0)
    pictures = np.full((4, size, size, 4), 255, np.uint8)
    pictures[..., :3] = rng.integers(0, 255, (size, size, 3), np.uint8)
    poses = [pose_at(110.0 + t, 110.0, size, 60.0) for t in range(4)]
    clip = make_clip(pictures, poses, pictures[0], poses[0])

    def extent(guide):
        return 2 * max(np.ptp(np.flatnonzero(guide[..., :3].any((axis, 2)))) + 1 for axis in (0, 1))

    face = 2 * extent(clip["reference_guide"]) // 3
    seen = as_seen(clip, face)
    side = seen["frames"].shape[1]
    assert side % 16 == 0 and LEAST_CROP <= side < size and extent(seen["reference_guide"]) <= face
    assert seen["guide"].shape == (4, side // 2, side // 2, 8) and seen["reference_warp"].shape == (side, side, 4)
    assert np.array_equal(seen["boxes"], np.round(clip["boxes"] * (side / size)))
    for untouched in (as_seen(clip, None), as_seen(clip, size)):
        assert all(np.array_equal(untouched[name], clip[name]) for name in clip)


def test_a_stretch_is_learned_with_the_first_portrait_and_others():
    rng = np.random.default_rng(0)
    for portraits, shown in ((13, 3), (2, 3), (1, 3)):
        chosen = cutting._chosen(portraits, shown, rng)
        assert chosen[0] == 0 and len(set(chosen)) == len(chosen) == min(portraits, shown)
        assert max(chosen) < portraits
    assert {cutting._chosen(3, 1, rng)[0] for _ in range(50)} == {0, 1, 2}
