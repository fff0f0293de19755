import numpy as np
import pytest
import torch
from safetensors import safe_open

from generator.training.data import (
    Augmentation,
    BatchShape,
    Clips,
    Loader,
    flip_boxes,
    flip_guide,
    gain_colour,
    make_batch,
    ping_pong,
    read_clip,
)


def test_ping_pong_never_jumps():
    index = ping_pong(7, 50, 6)
    assert index.min() == 0 and index.max() == 5
    assert set(np.abs(np.diff(index))) == {1}


def test_flip_turns_canonical_x_round_only_on_the_face():
    guide = np.zeros((2, 4, 8), np.uint8)
    guide[0, 0] = [10, 20, 30, 40, 50, 60, 70, 80]
    guide[1, 3, 4] = 9
    flipped = flip_guide(guide)
    assert flipped[0, 3].tolist() == [245, 20, 30, 40, 50, 60, 70, 80]
    assert flipped[1, 0].tolist() == [0, 0, 0, 0, 9, 0, 0, 0]
    assert np.array_equal(flip_guide(flipped), guide)


def test_flip_of_boxes_swaps_the_eyes():
    boxes = np.array([[[20, 40, 44, 50], [40, 10, 50, 16], [10, 11, 22, 17]]], np.int16)
    flipped = flip_boxes(boxes, 64)
    assert flipped[0].tolist() == [[20, 40, 44, 50], [42, 11, 54, 17], [14, 10, 24, 16]]
    assert np.array_equal(flip_boxes(flipped, 64), boxes)


def test_gain_keeps_colours_premultiplied():
    rgba = np.random.default_rng(0).integers(0, 255, (9, 9, 4), dtype=np.uint8)
    rgba[..., :3] = np.minimum(rgba[..., :3], rgba[..., 3:])
    out = gain_colour(rgba, np.array([1.3, 0.5, 1.0]))
    assert (out[..., :3] <= out[..., 3:]).all()
    assert np.array_equal(out[..., 2:], rgba[..., 2:])


def test_flipped_sample_is_the_mirror_of_the_plain_one(clip_folder):
    clips = Clips(clip_folder).training
    shape = BatchShape(size=1, latents=2, crop=64)
    plain = make_batch(clips, shape, (1,), Augmentation(flip=0, colour=0, wander=0))
    mirrored = make_batch(clips, shape, (1,), Augmentation(flip=1, colour=0, wander=0))
    assert torch.equal(mirrored.frames, plain.frames.flip(-2))
    assert torch.equal(mirrored.reference, plain.reference.flip(-2))
    assert torch.equal(mirrored.guide[..., 1:], plain.guide.flip(-2)[..., 1:])


def test_batch_shapes_and_prefix(clip_folder):
    batch = make_batch(Clips(clip_folder).training, BatchShape(size=2, latents=2, crop=48, prefix=(3, 3)), (0,))
    assert batch.prefix == 3
    assert batch.frames.shape == (2, 2, 4, 48, 48, 4)
    assert batch.warp.shape == (2, 5, 4, 48, 48, 4)
    assert batch.guide.shape == (2, 5, 4, 24, 24, 8)
    assert batch.boxes.shape == (2, 2, 4, 3, 4)
    assert batch.truth().shape == (2, 2, 4, 4, 48, 48)
    assert batch.truth().abs().max() <= 1


def test_crops_line_up(clip_folder):
    """The synthetic inner mouth is exactly where the guide says, so truth and guide were cut at the same place."""
    plain = Augmentation(flip=0, colour=0)
    batch = make_batch(Clips(clip_folder).training, BatchShape(size=4, latents=2, crop=48), (3,), plain)
    mouth = batch.guide[..., 4] > 0
    truth = batch.frames[:, :, :, ::2, ::2]
    warp = batch.warp[:, :, :, ::2, ::2]
    assert mouth.any()
    assert (truth[mouth].int() - warp[mouth].int()).abs().sum(-1).min() > 0
    assert torch.equal(truth[~mouth], warp[~mouth])


def test_batches_depend_on_the_step_alone(clip_folder):
    clips = Clips(clip_folder).training
    shape = BatchShape(size=2, latents=1, crop=48, prefix=(0, 2))
    first, later = Loader(clips, shape, (5,)), Loader(clips, shape, (5,), first=3)
    try:
        batches = [next(first) for _ in range(4)]
        assert torch.equal(batches[3].frames, next(later).frames)
        assert torch.equal(batches[3].warp, make_batch(clips, shape, (5, 3)).warp)
    finally:
        first.close()
        later.close()


def test_read_clip_is_what_is_on_disk(clip_folder):
    clip = Clips(clip_folder).training[0]
    batch = read_clip(clip, 3)
    with safe_open(clip.path, framework="np") as file:
        frames = file.get_tensor("frames")
    assert np.array_equal(batch.frames[0].flatten(0, 1).numpy(), frames)


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match="puppet actors"):
        Clips(tmp_path)
    (tmp_path / "clip_000000.safetensors").write_bytes(b"not a clip")
    with pytest.raises(ValueError, match="clip_000000"):
        Clips(tmp_path)
