import numpy as np
import pytest
import torch

from generator.generator import Generator
from generator.presets import get_preset
from generator.stream import Stream

SIZE = 64


def build(seed=0, **options):
    torch.manual_seed(0)
    generator = Generator(get_preset("tiny"))
    for parameter in generator.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return Stream(generator, device="cpu", dtype=options.pop("dtype", "float32"), seed=seed, **options)


def maps(seed):
    source = np.random.default_rng(seed)
    warp = source.integers(0, 256, (4, SIZE, SIZE, 4), dtype=np.uint8)
    warp[..., :3] = np.minimum(warp[..., :3], warp[..., 3:])
    return warp, source.integers(0, 256, (4, SIZE // 2, SIZE // 2, 8), dtype=np.uint8)


def perform(stream, steps=3):
    warp, guide = maps(0)
    stream.lock(warp[0], warp, guide)
    return np.concatenate([stream.step(*maps(index)) for index in range(1, steps + 1)])


def test_four_premultiplied_frames_a_step():
    frames = perform(build())
    assert frames.shape == (12, SIZE, SIZE, 4) and frames.dtype == np.uint8
    assert (frames[..., :3] <= frames[..., 3:]).all()
    assert frames.std() > 1


def test_the_seed_decides_and_locking_starts_over():
    stream = build(seed=7)
    first = perform(stream)
    assert np.array_equal(perform(stream), first)
    assert np.array_equal(perform(build(seed=7)), first)
    assert not np.array_equal(perform(build(seed=8)), first)


def test_half_precision_stays_near_full():
    exact, rough = perform(build()).astype(int), perform(build(dtype="bfloat16")).astype(int)
    assert np.abs(exact - rough).mean() < 3


def test_state_does_not_grow():
    stream = build()

    def held():
        cache = stream._state.cache
        tensors = [*cache.keys, *cache.values, *cache.sink_keys, stream._state.previous, stream._state.decoder.z]
        return len(tensors), sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    perform(stream, steps=1)
    after_one = held()
    for index in range(12):
        stream.step(*maps(index))
    assert held() == after_one
    assert set(stream.timings) == {"generate", "decode"}


def test_decoding_a_window_is_decoding_the_whole_picture():
    """Smooth maps with a face in a corner: the same frames, and the warp itself, untouched, where none is drawn."""
    y, x = np.mgrid[:SIZE, :SIZE]
    warp = np.stack([100 + x, 90 + y, 120 + 0 * x, 255 + 0 * x], -1).astype(np.uint8)[None].repeat(4, 0)
    guide = np.zeros((4, SIZE // 2, SIZE // 2, 8), np.uint8)
    guide[:, 4:10, 5:11, :3] = 128

    def frames(windowed):
        stream = build()
        assert stream._windowed
        stream._windowed = windowed
        stream.lock(warp[0], warp, guide)
        return np.concatenate([stream.step(warp, guide) for _ in range(3)]).astype(int)

    window, whole = frames(True), frames(False)
    assert np.abs(window - np.tile(warp, (3, 1, 1, 1))).max() > 20  # something is drawn
    assert np.abs(window - whole).max() <= 3
    assert np.array_equal(window[:, 44:], np.tile(warp, (3, 1, 1, 1))[:, 44:])


def test_without_a_face_the_warp_stays():
    stream = build()
    warp, guide = maps(0)
    stream.lock(warp[0], warp, guide)
    guide[..., :3] = 0
    assert np.array_equal(stream.step(warp, guide), warp)


def test_step_needs_a_person():
    with pytest.raises(ValueError, match="lock"):
        build().step(*maps(0))


@pytest.mark.parametrize("spoil, pattern", [
    (lambda warp, guide: (warp[:3], guide), r"warp must be .*\(4, 64, 64, 4\)"),
    (lambda warp, guide: (warp.astype(np.float32), guide), "warp must be a uint8"),
    (lambda warp, guide: (warp, guide[..., :7]), "guide must be"),
    (lambda warp, guide: (warp, None), "not NoneType"),
])
def test_wrong_maps(spoil, pattern):
    stream = build()
    perform(stream, steps=1)
    with pytest.raises(ValueError, match=pattern):
        stream.step(*spoil(*maps(1)))


@pytest.mark.parametrize("option, pattern", [
    ({"attention": "magic"}, "no attention backend"),
    ({"attention": "xformers"}, "needs a CUDA device"),
    ({"dtype": "int3"}, "unknown number format"),
])
def test_impossible_choices(option, pattern):
    with pytest.raises(ValueError, match=pattern):
        build(**option)


def test_automatic_attention_works_everywhere():
    assert np.array_equal(perform(build(attention="auto")), perform(build()))
