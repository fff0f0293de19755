from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from generator.training.data import BatchShape, Clips, Loader
from generator.training.portrait_clips import (
    FRAMES_PER_LATENT,
    Augmentation,
    flip_boxes,
    flip_guide,
    gain_colour,
    read_clip,
)
from tests.generator.training.synthetic import write_clip

PLAIN = Augmentation(flip=0, colour=0, wander=0)


def make_batch(clips, shape, seed, augment=Augmentation()):
    return clips.batch(shape, seed, augment)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    """Clips of 24 frames that show their number: frame i is of grey 10 i."""
    folder = tmp_path_factory.mktemp("numbered")
    for number in range(3):
        path = folder / f"clip_{number:06d}.safetensors"
        write_clip(path, number, length=24)
        arrays = load_file(path)
        for name in ("frames", "warp"):
            arrays[name][:] = 10 * np.arange(24, dtype=np.uint8)[:, None, None, None]
        save_file(arrays, path)
    return Clips(folder)


@pytest.mark.parametrize("shape", [BatchShape(2, 3, 48, (0, 2)), BatchShape(2, 12, 48, segment=3)])
def test_frames_run_forwards_and_jump_only_at_cuts(numbered, shape):
    cut_seen = False
    for seed in range(8):
        batch = numbered.training.batch(shape, (seed,), PLAIN)
        number = batch.warp[:, :, :, 0, 0, 0].flatten(1).int() // 10  # (B, frames)
        jumps = {i + 1 for i in range(number.shape[1] - 1) if (number[:, i + 1] != number[:, i] + 1).any()}
        assert jumps <= {cut * FRAMES_PER_LATENT for cut in batch.cuts}
        assert all(cut % (shape.segment or 99) == 0 for cut in batch.cuts)
        cut_seen |= bool(batch.cuts)
        assert torch.equal(batch.frames[:, :, :, 0, 0, 0].flatten(1).int() // 10, number[:, 4 * batch.prefix :])
    assert cut_seen == (shape.latents == 12)


def test_a_segment_that_no_clip_holds_is_told(numbered):
    with pytest.raises(ValueError, match="6 latent frames where 7 in a row are needed.*--frames"):
        numbered.training.batch(BatchShape(1, 14, 48, segment=7), (0,))


def test_no_video_is_in_training_and_held_out(tmp_path):
    for number in range(6):
        path = tmp_path / f"clip_{number:06d}.safetensors"
        write_clip(path, number)
        save_file(load_file(path), path, metadata={"source": f"video{number // 3}.mp4"})
    clips = Clips(tmp_path)
    training, held_out = ({clip.source for clip in part.clips} for part in (clips.training, clips.held_out))
    assert training == {"video0.mp4"} and held_out == {"video1.mp4"}
    for number in range(3, 6):
        (tmp_path / f"clip_{number:06d}.safetensors").unlink()
    clips = Clips(tmp_path)  # of one video the last clip
    assert [clip.path.stem for clip in clips.held_out.clips] == ["clip_000002"] and len(clips.training) == 2


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


def test_a_person_who_holds_still_is_the_portrait(clip_folder):
    shape = BatchShape(size=2, latents=2, crop=32, prefix=(1, 1))
    still = make_batch(Clips(clip_folder).training, shape, (1,), replace(PLAIN, still=1.0))
    for moving, own in (("frames", "reference"), ("warp", "reference_warp"), ("guide", "reference_guide")):
        video, picture = getattr(still, moving), getattr(still, own)
        assert torch.equal(video, picture[:, None, None].expand_as(video))
    assert not still.boxes.any()


def test_batch_shapes_and_prefix(clip_folder):
    batch = make_batch(Clips(clip_folder).training, BatchShape(size=2, latents=2, crop=48, prefix=(1, 1)), (0,))
    assert batch.prefix == 1
    assert batch.frames.shape == (2, 2, 4, 48, 48, 4)
    assert batch.warp.shape == (2, 3, 4, 48, 48, 4)
    assert batch.guide.shape == (2, 3, 4, 24, 24, 8)
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
    first, later = Loader(clips, (shape, shape), (5,)), Loader(clips, (shape, shape), (5,), first=3)
    try:
        batches = [next(first) for _ in range(4)]
        for one, other in zip(batches[3], next(later), strict=True):
            assert torch.equal(one.frames, other.frames)
        assert torch.equal(batches[3][0].warp, make_batch(clips, shape, (5, 3)).warp)
        assert not torch.equal(batches[3][0].frames, batches[3][1].frames)
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
