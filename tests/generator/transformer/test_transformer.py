"""The offline pass, the differentiable rollout and the ring-buffer stream are one computation."""

from dataclasses import replace

import pytest
import torch

from generator.portrait.trunk import TrunkConfig
from generator.transformer.cache import RolloutCache, StreamCache
from generator.transformer.config import TransformerConfig
from generator.transformer.transformer import CausalTransformer

SMALL = TransformerConfig(
    dim=48, layers=2, heads=2, ffn_dim=64, in_channels=6, out_channels=6, window=2, sink_distance=3, frequency_dim=16
)
TEXT = replace(SMALL, text_dim=10)
BLOCKS = replace(SMALL, block=3, window=4)
NO_SINK = replace(SMALL, block=2, window=3, sink=0, sink_distance=None)
LARGE_SINK = replace(SMALL, block=2, sink=3, sink_distance=None)
TRUNK = TrunkConfig(in_channels=9, out_channels=4, depth=1)


def build(config, trunk=None, dtype=torch.float32):
    torch.manual_seed(0)
    model = CausalTransformer(config)
    model = trunk.build(model) if trunk else model
    for parameter in model.parameters():  # zero-initialised layers would hide differences
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.to(dtype)


def inputs(channels, frames, batch=2, rows=4, columns=6):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(batch, frames, channels, rows, columns, generator=generator)
    t_BT = torch.rand(batch, 1, generator=generator).repeat(1, frames)
    t_BT[:, 0] = 0
    return x, t_BT


def groups_of(frames, block):
    """The reference alone, then blocks."""
    return [1] + [min(block, frames - first) for first in range(1, frames, block)]


def streamed(model, x, t_BT, cache, groups, text=None):
    outputs, first = [], 0
    for count in groups:
        part = slice(first, first + count)
        outputs.append(model.step(x[:, part], t_BT[:, part], cache, text))
        first += count
    return torch.cat(outputs, dim=1)


@pytest.mark.parametrize("config, trunk", [
    (SMALL, None), (SMALL, TRUNK), (BLOCKS, None), (NO_SINK, None), (LARGE_SINK, None),
    (replace(SMALL, fp32_residual=True), None),
], ids=["one", "trunk", "blocks", "no sink", "large sink", "fp32 residual"])
@pytest.mark.parametrize("cache_class", [RolloutCache, StreamCache])
@pytest.mark.parametrize("frames", [1, 3, 11])  # 11 is longer than the window and than the sink distance
def test_cached_steps_equal_the_offline_pass(config, trunk, cache_class, frames):
    model, (x, t) = build(config, trunk), inputs(trunk.in_channels if trunk else 6, frames)
    groups = groups_of(frames, config.block)
    with torch.no_grad():
        offline = model(x, t, groups=groups)
        online = streamed(model, x, t, cache_class(config), groups)
    torch.testing.assert_close(online, offline, atol=1e-5, rtol=0)
    assert offline.abs().max() > 0.1


def test_text_is_attended_and_streams_like_offline():
    model, (x, t), groups = build(TEXT), inputs(6, 4), [1] * 4
    with torch.no_grad():
        text = model.encode_text(torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(2)))
        other = model.encode_text(torch.zeros(2, 5, 10))
        offline = model(x, t, text, groups)
        online = streamed(model, x, t, StreamCache(TEXT), groups, text)
        torch.testing.assert_close(online, offline, atol=1e-5, rtol=0)
        assert (model(x, t, other, groups) - offline).abs().max() > 1e-3


def test_an_image_is_attended_besides_the_text():
    model, (x, t) = build(replace(TEXT, image_dim=7)), inputs(6, 2)
    with torch.no_grad():
        words = torch.randn(2, 5, 10)
        outputs = [model(x, t, model.encode_text(words, image)) for image in (None, *torch.randn(2, 2, 3, 7))]
    assert all((a - b).abs().max() > 1e-4 for a, b in zip(outputs, outputs[1:]))


def seen_by(model, frame, frames, groups):
    x, t = inputs(6, frames)
    x.requires_grad_()
    model(x, t, groups=groups)[:, frame].sum().backward()
    return "".join(".x"[int(seen)] for seen in x.grad.abs().sum(dim=(0, 2, 3, 4)) > 0)


def test_causal_with_a_window_and_a_sink():
    """Frame 6 sees the reference, and through two layers of window 2 the frames from 2 on, but never the future."""
    assert seen_by(build(SMALL), 6, 8, [1] * 8) == "x.xxxxx."


def test_frames_of_a_block_see_each_other_and_what_is_before():
    """Without a sink, and through two layers of window 3: from the blocks 1-2, 3-4, 5-6, 7-8 frame 5 sees all but
    frame 7."""
    one_layer = replace(NO_SINK, layers=1)
    assert seen_by(build(one_layer), 5, 9, groups_of(9, 2)) == "..xxxxx.."
    assert seen_by(build(replace(LARGE_SINK, layers=1)), 7, 9, groups_of(9, 2)) == "xxx..xxxx"


def test_one_group_of_all_is_bidirectional():
    assert seen_by(build(SMALL), 1, 8, None) == "xxxxxxxx"


def test_prefix_frames_are_seen_and_yield_nothing():
    model, (x, t) = build(SMALL), inputs(6, 3)
    prefix = torch.randn(2, 1, 6, 48, requires_grad=True)
    out = model(x, t, prefix_BTLD=prefix)
    assert out.shape == x.shape
    out[:, -1].sum().backward()
    assert prefix.grad.abs().max() > 0
    with torch.no_grad():  # they take the place in time before the first frame
        moved = build(SMALL)
        tokens = moved.patch_embedding(x[:, 0]).flatten(2).mT[:, None]
        both = moved(x[:, 1:], t[:, :1].expand(-1, 3), prefix_BTLD=tokens)
        torch.testing.assert_close(both, moved(x, t[:, :1].expand(-1, 3))[:, 1:], atol=1e-5, rtol=0)


def test_a_scratch_pass_leaves_no_trace():
    for cache_class in (RolloutCache, StreamCache):
        model, (x, t), results = build(BLOCKS), inputs(6, 10), []
        for tries in (0, 2):
            cache = cache_class(BLOCKS)
            with torch.no_grad():
                for first, count in ((0, 1), (1, 3), (4, 3), (7, 3)):
                    part = slice(first, first + count)
                    for _ in range(tries if first else 0):
                        model.step(torch.randn_like(x[:, part]), t[:, part], cache.scratch())
                    out = model.step(x[:, part], t[:, part], cache)
            results.append(out)
        torch.testing.assert_close(results[0], results[1], atol=1e-6, rtol=0)


def test_gradient_flows_through_the_rollout_cache_and_is_cut_by_detach():
    model, (x, t) = build(SMALL, TRUNK), inputs(9, 4)
    x.requires_grad_()
    cache = RolloutCache(SMALL)
    outputs = streamed(model, x, t, cache, [1] * 4)
    (through,) = torch.autograd.grad(outputs[:, 3].sum(), x, retain_graph=True)
    assert (through.abs().sum(dim=(0, 2, 3, 4)) > 0).all()

    later = model.step(x[:, :1].detach(), t[:, 1:2], cache.detach())
    assert torch.autograd.grad(later.sum(), x, allow_unused=True)[0] is None


def test_gradients_of_rollout_and_offline_pass_agree():
    gradients, groups = [], [1] * 5
    for run in (lambda m, x, t: m(x, t, groups=groups), lambda m, x, t: streamed(m, x, t, RolloutCache(SMALL), groups)):
        model = build(SMALL, TRUNK)
        run(model, *inputs(9, 5))[:, 1:].square().mean().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=0, msg=name)


def test_a_stream_has_one_shape_at_one_place_and_a_frame_number_on_the_device():
    model, (x, t) = build(SMALL), inputs(6, 12, batch=1)
    cache, lengths = StreamCache(SMALL), set()
    model.blocks[0].attention = lambda q, k, v, mask, kernel=model.blocks[0].attention: (
        lengths.add((k.shape[1], len(mask))) or kernel(q, k, v, mask)
    )
    with torch.no_grad():
        model.step(x[:, :1], t[:, :1], cache)
        held = lambda: [  # noqa: E731
            tensor.data_ptr() for tensor in (cache.frame, *cache.keys, *cache.values, *cache.sink_keys)
        ]
        places = held()
        for i in range(1, 12):
            model.step(x[:, i : i + 1], t[:, i : i + 1], cache)
    assert held() == places
    assert isinstance(cache.frame, torch.Tensor) and cache.frame == 12
    tokens = 2 * 3
    assert lengths == {((SMALL.window + 2) * tokens,) * 2}  # the same for the first frame and for the twelfth


@pytest.mark.parametrize("hours", [1, 30])
def test_hours_later_the_same_frames_give_the_same_result(hours):
    """Attention sees capped distances only, so the frame number must not matter once the window is full."""
    model, (x, t) = build(SMALL), inputs(6, 6)
    results = []
    for start in (20, hours * 6 * 3600 + 20):  # latent frames: 6 a second
        cache = StreamCache(SMALL)
        with torch.no_grad():
            model.step(x[:, :1], t[:, :1], cache)
            cache.frame.fill_(start)  # slots not yet written hold zeros in both runs
            for i in range(1, 6):
                out = model.step(x[:, i : i + 1], t[:, i : i + 1], cache)
        results.append(out)
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=0)


def test_sink_distance_is_capped():
    """From sink_distance on, the reference looks the same however long ago it was: with nothing else in the window,
    frames 6 and 60 see the same."""
    model, (x, t) = build(SMALL), inputs(6, 2)
    results = []
    for start in (6, 60, 2):
        cache = RolloutCache(SMALL)
        with torch.no_grad():
            model.step(x[:, :1], t[:, :1], cache)
            cache.frame = start
            results.append(model.step(x[:, 1:], t[:, 1:], cache))
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=0)
    assert (results[2] - results[0]).abs().max() > 1e-5


def test_a_picture_that_is_seen_elsewhere_keeps_its_places():
    """A window of a larger picture, moved by an odd half token: keys that are stored stay where they are in the
    picture."""
    model, (x, t) = build(SMALL), inputs(6, 3)

    def run(*origins):
        cache = StreamCache(SMALL)
        with torch.no_grad():
            for i, origin in enumerate(origins):
                cache.origin = origin
                out = model.step(x[:, i : i + 1], t[:, i : i + 1], cache)
        return out

    still = run((0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    elsewhere = run((5.5, 3.0), (5.5, 3.0), (5.5, 3.0))
    torch.testing.assert_close(elsewhere, still, atol=1e-5, rtol=0)  # only differences count
    assert (run((0.0, 0.0), (0.0, 0.0), (0.5, 0.0)) - still).abs().max() > 1e-4


def test_untrained_trunk_model_predicts_nothing():
    """At t = 1 the estimate is minus the output; before training it is zero: nothing is added to the base."""
    torch.manual_seed(0)
    model, (x, t) = TRUNK.build(CausalTransformer(SMALL)), inputs(9, 2)
    assert model(x, t).abs().max() == 0
