from dataclasses import replace

import numpy as np
import pytest
import torch

from generator.model import VideoModel
from generator.models import get_model
from generator.portrait.conditions import Conditions, to_bytes
from generator.portrait.scale import Scale
from generator.portrait.stream import PortraitStream
from generator.portrait.window import PATIENCE, FaceCamera, Framing, Window, moved

SIZE, LARGE = 64, 128


def build(seed=0, size=SIZE, face=None, **options):
    torch.manual_seed(0)
    config = get_model("tiny").config.resized(size, size)
    generator = VideoModel(replace(config, control=replace(config.control, face=face)))
    for parameter in generator.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return PortraitStream(generator, device="cpu", dtype=options.pop("dtype", "float32"), seed=seed, **options)


def maps(seed):
    source = np.random.default_rng(seed)
    warp = source.integers(0, 256, (4, SIZE, SIZE, 4), dtype=np.uint8)
    warp[..., 3] = 255  # the person everywhere
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
        state = stream._stream.state
        cache = state.cache
        tensors = [*cache.keys, *cache.values, *cache.sink_keys, state.previous, state.decoder.z]
        return len(tensors), sum(tensor.untyped_storage().nbytes() for tensor in tensors)

    perform(stream, steps=1)
    after_one = held()
    for index in range(12):
        stream.step(*maps(index))
    assert held() == after_one
    assert set(stream.timings) == {"generate", "decode"}


def face_maps(top, left, height=6, width=6):
    """Smooth maps with a face there, in pixels of the guide."""
    y, x = np.mgrid[:LARGE, :LARGE]
    warp = np.stack([100 + x // 2, 90 + y // 2, 120 + 0 * x, 255 + 0 * x], -1).astype(np.uint8)[None].repeat(4, 0)
    guide = np.zeros((4, LARGE // 2, LARGE // 2, 8), np.uint8)
    guide[:, top : top + height, left : left + width, :3] = 128
    return warp, guide


def test_streaming_a_window_is_the_generator_on_that_part_of_the_picture():
    stream, (warp, guide) = build(size=LARGE), face_maps(9, 10)
    stream.lock(warp[0], warp, guide)
    frames = np.concatenate([stream.step(warp, guide) for _ in range(3)])
    window = stream._window
    assert max(window.size) <= 10 and np.array_equal(frames[:, 96:], np.tile(warp, (3, 1, 1, 1))[:, 96:])
    generator, source = stream._stream.model, torch.Generator().manual_seed(0)
    conditions = Conditions.from_uint8(*(
        torch.from_numpy(part[(slice(None), *window.of(scale))].copy())[None, None]
        for part, scale in ((warp, 8), (guide, 4))
    ))
    expected = []
    with torch.no_grad():
        state = generator.lock(conditions.warp[:, 0], conditions)
        for _ in range(3):
            noise = generator.noise(1, LARGE, LARGE, source)[(..., *window.of(1))]
            z, state = generator.step(conditions, state, noise)
            video, state = generator.decode(z, conditions, state)
            expected.append(to_bytes(video[0].movedim(-3, -1)).numpy())
    shown = frames[(slice(None), *window.of(8))].astype(int)
    assert np.abs(shown - np.concatenate(expected)).max() <= 1
    assert np.abs(shown - np.tile(warp, (3, 1, 1, 1))[(slice(None), *window.of(8))]).max() > 20  # something is drawn


def test_a_large_face_is_seen_small_and_what_changes_is_enlarged():
    stream, (warp, guide) = build(size=LARGE, face=24), face_maps(20, 18, 26, 22)
    stream.lock(warp[0], warp, guide)
    frames = np.concatenate([stream.step(warp, guide) for _ in range(3)]).astype(int)
    assert stream._scale == Scale(LARGE, 48)  # 52 pixels of 128 become at most 24
    half, (seen_warp, seen_guide) = build(size=48), (stream._scale.shrink(part) for part in (warp, guide))
    assert seen_warp.shape == (4, 48, 48, 4) and seen_guide.shape == (4, 24, 24, 8)
    half.lock(seen_warp[0], seen_warp, seen_guide)
    change = np.concatenate([half.step(seen_warp, seen_guide) for _ in range(3)]).astype(np.float32)
    change -= np.tile(seen_warp, (3, 1, 1, 1))
    change = torch.from_numpy(change).movedim(-1, 1)
    change = torch.nn.functional.interpolate(change, (LARGE, LARGE), mode="bilinear").movedim(1, -1).numpy()
    expected = np.clip(np.tile(warp, (3, 1, 1, 1)) + change, 0, 255)
    expected[..., :3] = np.minimum(expected[..., :3], expected[..., 3:])
    assert np.abs(change).max() > 20  # something is drawn
    off = np.abs(frames - expected)  # `half` is cut to what a byte holds before it is enlarged
    assert off.mean() < 0.2 and off.max() < 8
    stream.lock(warp[0], *face_maps(9, 10))
    assert stream._scale == Scale(LARGE, LARGE)  # a small face is seen as it is


def test_the_window_follows_the_face_and_grows_with_it():
    stream, (warp, guide) = build(size=LARGE), face_maps(9, 10)
    stream.lock(warp[0], warp, guide)
    stream.step(warp, guide)
    first = stream._window
    stream.step(*face_maps(11, 12))
    assert stream._window == first  # a small motion is no reason
    stream.step(*face_maps(48, 50))
    assert stream._window.size == first.size and stream._window != first
    far = stream.step(*face_maps(48, 50))
    assert np.abs(far[:, 100:106, 102:108].astype(int) - warp[:, 100:106, 102:108]).max() > 10  # drawn where it is now
    assert np.array_equal(far[:, :32, :32], warp[:, :32, :32])
    stream.step(*face_maps(2, 2, 60, 60))
    assert stream._window == stream._camera.framing.whole
    assert stream.step(*face_maps(9, 10)).shape == (4, LARGE, LARGE, 4)
    assert stream._window == stream._camera.framing.whole


def test_keys_keep_their_places_in_the_picture_when_the_window_moves():
    """By an odd number of cells too, which is half a token."""
    stream, (warp, guide) = build(size=LARGE), face_maps(9, 10)
    stream.lock(warp[0], warp, guide)
    windows = []
    for place in ((9, 10), (25, 10), (30, 40)):
        stream.step(*face_maps(*place))
        window, cache = stream._window, stream._stream.state.cache
        windows.append(window)
        assert cache.origin == (window.top / 2, window.left / 2)
    assert len({(window.top, window.left) for window in windows}) == 3
    assert any(window.top % 2 or window.left % 2 for window in windows)


def test_a_face_is_seen_through_the_same_window_on_every_device():
    """What is generated must not depend on where: the whole picture on a GPU would be another picture."""
    stream, (_, guide) = build(size=LARGE), face_maps(9, 10)
    stream.device = stream._stream.device = torch.device("meta")
    stream._look(Scale(LARGE, LARGE))
    stream._camera.lock(guide)
    assert max(stream._camera.window.size) <= 10


def test_a_window_that_grew_is_fitted_anew_to_what_the_last_seconds_needed():
    camera = FaceCamera(Framing(cells=32, patch=2, reach=4))
    guide = np.zeros((4, 128, 128, 8), np.uint8)

    def face(height, width):
        guide[:] = 0
        guide[:, 40 : 40 + height, 40 : 40 + width, :3] = 128
        return guide

    camera.lock(face(40, 32))
    home = camera.window.size
    camera.follow(face(88, 88))
    grown = camera.window.size
    assert grown[0] > home[0] and grown[1] > home[1]
    for step in range(2 * PATIENCE):  # it came closer for a moment; then only a jaw drops now and then
        camera.follow(face(60 if step % 20 == 0 else 40, 32))
    assert home[0] < camera.window.size[0] < grown[0] and camera.window.size[1] == home[1]
    for _ in range(2 * PATIENCE):
        camera.follow(face(40, 32))
    assert camera.window.size == home
    assert camera.follow(np.zeros_like(guide)) is None and camera.window.size == home


def test_a_new_window_goes_on_where_the_old_one_was():
    """The frames after a change of the window are those that would have come without it, but for a few levels."""

    def frames(patience):
        stream, (warp, guide) = build(size=LARGE), face_maps(9, 10)
        stream.lock(warp[0], warp, guide)
        stream.step(*face_maps(9, 10, 30, 30))  # grown
        stream._camera._steps, stream._camera._needed = patience, stream._camera._home.size
        return np.concatenate([stream.step(warp, guide) for _ in range(2)]).astype(int), stream._window.size

    changed, small = frames(PATIENCE - 1)
    kept, large = frames(0)
    assert small[0] < large[0]
    assert np.abs(changed - kept).mean() < 1


def test_what_a_window_showed_moves_with_it():
    z = torch.arange(16.0).view(1, 1, 4, 4)
    before = Window(2, 2, 4, 4)
    assert torch.equal(moved(z, before, before), z)
    shifted = moved(z, before, Window(3, 1, 4, 4))
    assert torch.equal(shifted[..., :3, 1:], z[..., 1:, :3])
    assert torch.equal(shifted[..., 3, :], shifted[..., 2, :]) and torch.equal(shifted[..., 0], shifted[..., 1])
    assert torch.equal(moved(z, before, Window(2, 2, 6, 6))[..., :4, :4], z)


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
