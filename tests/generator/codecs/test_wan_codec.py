"""Wan's autoencoders: against diffusers at random weights, and the stream against the whole."""

from __future__ import annotations

import pytest
import torch

from generator.codecs.codec import frame_count
from generator.codecs.wan import WAN21, WAN22, WanCodec, WanCodecConfig, WanState, unfold
from generator.codecs.wan_layers import Past
from generator.importers.codec_names import wan_diffusers
from tests.generator.importers.random_weights import random_tensor, random_weights

SMALL = {
    "2.1": WanCodecConfig(mean=WAN21.mean[:4], deviation=WAN21.deviation[:4], encoder_width=8, decoder_width=8),
    "2.2": WanCodecConfig(
        mean=WAN22.mean[:6], deviation=WAN22.deviation[:6], encoder_width=8, decoder_width=16, patch=2,
        stage_shortcuts=True,
    ),
}


def small_codec(layout: str) -> WanCodec:
    codec = WanCodec(SMALL[layout])
    codec.load_state_dict(random_weights({k: tuple(v.shape) for k, v in codec.state_dict().items()}, seed=1))
    return codec.eval()


@pytest.fixture(params=sorted(SMALL))
def codec(request) -> WanCodec:
    return small_codec(request.param)


def video(codec: WanCodec, frames: int) -> torch.Tensor:
    return random_tensor((2, frames, 3, 2 * codec.space_factor, 3 * codec.space_factor), seed=2).clamp(-1, 1)


@pytest.mark.parametrize("layout", sorted(SMALL))
@torch.no_grad()
def test_parity_with_diffusers(layout: str) -> None:
    diffusers = pytest.importorskip("diffusers")
    codec = small_codec(layout)
    config = codec.config
    extra = dict(is_residual=True, patch_size=2, in_channels=12, out_channels=12, scale_factor_spatial=16)
    theirs = diffusers.AutoencoderKLWan(
        base_dim=config.encoder_width, decoder_base_dim=config.decoder_width, z_dim=config.channels,
        latents_mean=list(config.mean), latents_std=list(config.deviation), **(extra if layout == "2.2" else {}),
    ).eval()
    names, expected = wan_diffusers(config), theirs.state_dict()
    ours = codec.state_dict()
    theirs.load_state_dict({name: ours[names[name]].view(expected[name].shape) for name in expected})

    pictures = video(codec, 13)
    mean, deviation = (torch.tensor(x).view(-1, 1, 1, 1) for x in (config.mean, config.deviation))
    z_BTChw = codec.encode(pictures)
    z_BCThw = (theirs.encode(pictures.transpose(1, 2)).latent_dist.mode() - mean) / deviation
    torch.testing.assert_close(z_BTChw, z_BCThw.transpose(1, 2), atol=1e-4, rtol=0)
    assert z_BTChw.std() > 0.1

    expected_video = theirs.decode(z_BCThw * deviation + mean).sample.transpose(1, 2)
    decoded = codec.decode(z_BTChw)
    torch.testing.assert_close(decoded.clamp(-1, 1), expected_video, atol=1e-4, rtol=0)
    assert expected_video.std() > 0.1

    state, frames = codec.initial_state(), []
    for z_BChw in z_BTChw.unbind(1):
        chunk, state = codec.decode_step(z_BChw, state)
        frames.append(chunk)
    assert [chunk.shape[1] for chunk in frames] == [1, 4, 4, 4]
    torch.testing.assert_close(torch.cat(frames, 1).clamp(-1, 1), expected_video, atol=1e-4, rtol=0)


@torch.no_grad()
def test_chunks_of_any_length_give_the_same(codec: WanCodec) -> None:
    z_BTChw = random_tensor((1, 4, codec.channels, 2, 3), seed=3)
    whole = codec.decode(z_BTChw)
    assert whole.shape[1] == frame_count(codec, 4) == 13

    z_BCThw = codec.post_quant((z_BTChw.transpose(1, 2) * codec.deviation) + codec.mean)
    first = Past(())
    codec.decoder(z_BCThw[:, :, :1], first)
    rest = codec.decoder(z_BCThw[:, :, 1:], Past(first.frames()))  # three latents at once
    torch.testing.assert_close(unfold(rest, codec.config.patch).transpose(1, 2), whole[:, 1:], atol=1e-5, rtol=0)

    state = codec.initial_state(z_BTChw[:, :2])
    torch.testing.assert_close(codec.decode(z_BTChw[:, 2:], state=state), whole[:, 5:], atol=1e-5, rtol=0)


@torch.no_grad()
def test_latents_see_no_later_frame(codec: WanCodec) -> None:
    pictures = video(codec, 9)
    changed = pictures.clone()
    changed[:, 5:] = 0
    torch.testing.assert_close(codec.encode(pictures)[:, :2], codec.encode(changed)[:, :2], atol=0, rtol=0)


@torch.no_grad()
def test_state_does_not_grow(codec: WanCodec) -> None:
    state, shapes = codec.initial_state(), []
    for _ in range(4):
        _, state = codec.decode_step(torch.zeros(1, codec.channels, 2, 2), state)
        shapes.append([frames.shape for frames in state.frames])
    assert shapes[0] == shapes[1] == shapes[3]
    assert isinstance(state.detach(), WanState)


def test_bad_sizes_are_named(codec: WanCodec) -> None:
    with pytest.raises(ValueError, match="1 \\+ 4k video frames, not 8"):
        codec.encode(video(codec, 8))
    with pytest.raises(ValueError, match="multiple of this codec's"):
        codec.encode(torch.zeros(1, 1, 3, codec.space_factor, codec.space_factor + 2))
    with pytest.raises(ValueError, match="1 video frame"):
        codec.encode_step(video(codec, 4))


def test_published_sizes() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in WanCodec(WAN21).parameters()) == 126_892_531
        wide = WanCodec(WAN22)
    assert (wide.channels, wide.space_factor, wide.time_factor) == (48, 16, 4)
