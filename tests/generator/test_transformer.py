"""The offline pass, the differentiable rollout and the ring-buffer stream are one computation."""

from dataclasses import replace

import pytest
import torch

from generator.cache import RolloutCache, StreamCache
from generator.config import TransformerConfig
from generator.transformer import CausalTransformer

SMALL = TransformerConfig(
    dim=48, layers=2, heads=2, ffn_dim=64, condition_channels=6, window=2, sink_distance=3, frequency_dim=16
)
TRUNK = replace(SMALL, trunk_channels=16, trunk_depth=1)
TEXT = replace(SMALL, text_dim=10)


def build(config, dtype=torch.float32):
    torch.manual_seed(0)
    model = CausalTransformer(config)
    for parameter in model.parameters():  # zero-initialised layers would hide differences
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.to(dtype)


def inputs(config, frames, batch=2, rows=4, columns=6):
    generator = torch.Generator().manual_seed(1)
    draw = lambda channels: torch.randn(batch, frames, channels, rows, columns, generator=generator)  # noqa: E731
    t_B = torch.rand(batch, generator=generator)
    return draw(16), draw(16), draw(config.condition_channels), t_B


def streamed(model, parts, cache, text=None):
    x, previous, condition, t_B = parts
    outputs = []
    for frame in range(x.shape[1]):
        t = torch.zeros_like(t_B) if frame == 0 else t_B
        outputs.append(model.step(x[:, frame], previous[:, frame], condition[:, frame], t, cache, text))
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("config", [SMALL, TRUNK], ids=["patchify", "trunk"])
@pytest.mark.parametrize("cache_class", [RolloutCache, StreamCache])
@pytest.mark.parametrize("frames", [1, 3, 9])  # 9 is longer than the window and than the sink distance
def test_cached_steps_equal_the_offline_pass(config, cache_class, frames):
    model, parts = build(config), inputs(config, frames)
    with torch.no_grad():
        offline = model(*parts)
        online = streamed(model, parts, cache_class(config))
    torch.testing.assert_close(online, offline, atol=1e-5, rtol=0)
    assert offline.abs().max() > 0.1


def test_text_is_attended_and_streams_like_offline():
    model, parts = build(TEXT), inputs(TEXT, 4)
    with torch.no_grad():
        text = model.encode_text(torch.randn(2, 5, 10, generator=torch.Generator().manual_seed(2)))
        other = model.encode_text(torch.zeros(2, 5, 10))
        offline = model(*parts, text)
        torch.testing.assert_close(streamed(model, parts, StreamCache(TEXT), text), offline, atol=1e-5, rtol=0)
        assert (model(*parts, other) - offline).abs().max() > 1e-3


def test_causal_with_a_window_and_a_sink():
    """Frame 6 sees the reference, and through two layers of window 2 the frames from 2 on, but never the future."""
    model, (x, previous, condition, t_B) = build(SMALL), inputs(SMALL, 8)
    x.requires_grad_()
    model(x, previous, condition, t_B)[:, 6].sum().backward()
    seen = x.grad.abs().sum(dim=(0, 2, 3, 4)) > 0
    assert seen.tolist() == [True, False, True, True, True, True, True, False]


def test_gradient_flows_through_the_rollout_cache_and_is_cut_by_detach():
    model, (x, previous, condition, t_B) = build(TRUNK), inputs(TRUNK, 4)
    x.requires_grad_()
    cache = RolloutCache(TRUNK)
    outputs = streamed(model, (x, previous, condition, t_B), cache)
    (through,) = torch.autograd.grad(outputs[:, 3].sum(), x, retain_graph=True)
    assert (through.abs().sum(dim=(0, 2, 3, 4)) > 0).all()

    later = model.step(previous[:, 0], previous[:, 0], condition[:, 0], t_B, cache.detach())
    assert torch.autograd.grad(later.sum(), x, allow_unused=True)[0] is None


def test_gradients_of_rollout_and_offline_pass_agree():
    config, gradients = TRUNK, []
    for run in (lambda m, p: m(*p), lambda m, p: streamed(m, p, RolloutCache(config))):
        model, parts = build(config), inputs(config, 5)
        run(model, parts)[:, 1:].square().mean().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=0, msg=name)


def test_stream_cache_does_not_grow():
    model, parts = build(SMALL), inputs(SMALL, 12, batch=1)
    cache = StreamCache(SMALL)
    with torch.no_grad():
        streamed(model, [p[:, :1] if p.dim() > 1 else p for p in parts], cache)
        buffers = [*cache.keys, *cache.values, *cache.sink_keys]
        places = [tensor.data_ptr() for tensor in buffers]
        for i in range(1, 12):
            model.step(parts[0][:, i], parts[1][:, i], parts[2][:, i], parts[3], cache)
    assert [tensor.data_ptr() for tensor in (*cache.keys, *cache.values, *cache.sink_keys)] == places
    assert cache.frame == 12
    tokens = 2 * 3
    assert all(tensor.shape[1] == (SMALL.window + 2) * tokens for tensor in cache.keys)


def test_an_hour_later_the_same_frames_give_the_same_result():
    """Attention sees capped distances only, so the frame number must not matter once the window is full."""
    model, (x, previous, condition, t_B) = build(SMALL), inputs(SMALL, 6)
    results = []
    for start in (20, 6 * 3600 + 20):  # latent frames: 6 a second
        cache = StreamCache(SMALL)
        with torch.no_grad():
            model.step(x[:, 0], previous[:, 0], condition[:, 0], torch.zeros_like(t_B), cache)
            cache.frame = start  # slots not yet written hold zeros in both runs
            for frame in range(1, 6):
                out = model.step(x[:, frame], previous[:, frame], condition[:, frame], t_B, cache)
        results.append(out)
    torch.testing.assert_close(results[0], results[1], atol=1e-5, rtol=0)


def test_sink_distance_is_capped():
    model = build(SMALL)
    turns = model.turns(0, 8, 2, 2, torch.device("cpu"))
    _, reference = turns[0]
    for frame, (_, sink) in enumerate(turns):
        expected, _ = turns[max(0, frame - SMALL.sink_distance)]
        torch.testing.assert_close(sink, expected)
    torch.testing.assert_close(reference, turns[0][0])


def test_untrained_trunk_model_predicts_the_warp():
    """At t = 1 the estimate is noise - v; before training it is zero: nothing is added to the warp."""
    torch.manual_seed(0)
    model, (x, previous, condition, _) = CausalTransformer(TRUNK), inputs(TRUNK, 2)
    v = model(x, previous, condition, torch.ones(2))
    torch.testing.assert_close(x - v, torch.zeros_like(x))
