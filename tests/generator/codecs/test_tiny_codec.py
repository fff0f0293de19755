"""The tiny autoencoder: against what the published module gave at the same random weights, and stream against whole."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from generator.codecs.codec import frame_count
from generator.codecs.tiny import TAEW21, TAEW22, TinyCodec, TinyCodecConfig
from generator.importers.codec_names import tiny
from tests.generator.importers.random_weights import random_tensor, random_weights

PUBLISHED = Path(__file__).parents[1] / "importers/data/taehv.safetensors"
SMALL = TinyCodecConfig(decoder_widths=(16, 12, 8, 8), encoder_width=8)


def codec_of(config: TinyCodecConfig, gain: float = 0.8) -> TinyCodec:
    """At the weights that the published module was given under its own names."""
    codec, names = TinyCodec(config), tiny(config)
    expected = codec.state_dict()
    weights = random_weights({theirs: tuple(expected[ours].shape) for theirs, ours in names.items()}, 5, gain)
    codec.load_state_dict({names[theirs]: weight for theirs, weight in weights.items()})
    return codec.eval()


@pytest.mark.parametrize("name, config", [("taew2_1", TAEW21), ("taew2_2", TAEW22)])
@torch.no_grad()
def test_parity_with_the_published_module(name: str, config: TinyCodecConfig) -> None:
    published, codec = load_file(PUBLISHED), codec_of(config)
    side = 2 * codec.space_factor
    latents = codec.encode(random_tensor((1, 9, 3, side, side), 6).clamp(-1, 1))
    torch.testing.assert_close(latents, published[f"{name}.latents"], atol=1e-4, rtol=0)
    video = codec.decode(2 * random_tensor((1, 3, config.channels, 2, 2), 7))
    torch.testing.assert_close(video.add(1).div(2).clamp(0, 1), published[f"{name}.video"], atol=1e-4, rtol=0)
    assert published[f"{name}.video"].std() > 0.1


@torch.no_grad()
def test_stream_equals_whole() -> None:
    codec = codec_of(SMALL)
    z_BTChw = random_tensor((2, 4, 16, 3, 2), 1)
    whole = codec.decode(z_BTChw)
    assert whole.shape[1] == frame_count(codec, 4) == 13
    state, frames = codec.initial_state(), []
    for z_BChw in z_BTChw.unbind(1):
        chunk, state = codec.decode_step(z_BChw, state)
        frames.append(chunk)
    assert [chunk.shape[1] for chunk in frames] == [1, 4, 4, 4]
    torch.testing.assert_close(torch.cat(frames, 1), whole, atol=1e-5, rtol=0)
    later = codec.decode(z_BTChw[:, 2:], state=codec.initial_state(z_BTChw[:, :2]))
    torch.testing.assert_close(later, whole[:, 5:], atol=1e-5, rtol=0)

    video = random_tensor((1, 8, 3, 16, 24), 2).clamp(-1, 1)
    first, state = codec.encode_step(video[:, :4])
    second, _ = codec.encode_step(video[:, 4:], state)
    torch.testing.assert_close(torch.stack([first, second], 1), codec.encode(video), atol=1e-5, rtol=0)


def test_bad_sizes_are_named() -> None:
    codec = codec_of(SMALL)
    with pytest.raises(ValueError, match="20x16 is no multiple of this codec's 8 pixels"):
        codec.encode(torch.zeros(1, 1, 3, 16, 20))
    with pytest.raises(ValueError, match="encodes 4 video frames here, not 1"):
        codec.encode_step(torch.zeros(1, 1, 3, 16, 16))
