from dataclasses import replace

import pytest
import torch

from generator.codecs.patch import PatchCodec, displace, from_patches, to_patches
from generator.convolutions import pack, unpack
from generator.models import get_model


@pytest.fixture(scope="module")
def codec():
    torch.manual_seed(0)
    model = PatchCodec(get_model("tiny").config.codec)
    for parameter in model.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    return model.eval().requires_grad_(False)


def pictures(B=1, T=5, size=32, seed=1):
    """Smooth moving RGBA in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(B * T, 16, size // 8, size // 8, generator=generator)
    video = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").tanh()
    return video.view(B, 4 * T, 4, size, size)


def packs(video):
    """As the decoder is shown a warp."""
    return pack(video.unflatten(1, (-1, 4)))


def test_packing_is_lossless():
    video = pictures()
    packed = packs(video)
    assert packed.shape == (1, 5, 4, 16, 16, 16)
    assert torch.equal(unpack(packed).flatten(1, 2), video)
    # channel order: row, column, RGBA of each 2x2 block
    assert torch.equal(packed[0, 0, 0, 4:8, 3, 2], video[0, 0, :, 6, 5])
    patches = to_patches(packed)
    assert patches.shape == (1, 5, 4, 4, 1024)
    assert torch.equal(from_patches(patches), packed)


def test_streamed_decoding_equals_offline(codec):
    side, first = packs(pictures(seed=2)), codec.initial_state(torch.randn(1, 1, 16, 4, 4))
    z = codec.encode(pictures())
    for state in (first, codec.initial_state()):
        offline, frames = codec.decode(z, side, state), []
        for index in range(z.shape[1]):
            video, state = codec.decode_step(z[:, index], state, side[:, index])
            frames.append(video)
        torch.testing.assert_close(torch.cat(frames, dim=1), offline, atol=1e-5, rtol=0)


def test_encoding_looks_at_its_own_four_frames_only(codec):
    video = pictures()
    z = codec.encode(video)
    assert z.shape == (1, 5, 16, 4, 4)
    torch.testing.assert_close(codec.encode(video[:, 8:12]), z[:, 2:3], atol=1e-5, rtol=0)


def test_the_decoder_uses_warp_and_past(codec):
    z, warp = codec.encode(pictures()), pictures(seed=2)
    base = codec.decode(z, packs(warp))
    assert (codec.decode(z, packs(warp.flip(-1))) - base).abs().max() > 1e-2
    state = codec.initial_state(torch.zeros_like(z[:, :1]))
    change = (codec.decode(z, packs(warp), state) - base).abs().amax(dim=(0, 2, 3, 4))
    assert change[:4].min() > 1e-4 and change[4:].max() == 0


def test_the_decoder_sees_maps_where_it_is_made_for_them(codec):
    z, side, maps = codec.encode(pictures()), packs(pictures(seed=2)), torch.rand(1, 5, 4, 8, 16, 16)
    shown = torch.cat([side, maps], 3)
    assert torch.equal(codec.decode(z, shown), codec.decode(z, side)), "made for none"
    torch.manual_seed(0)
    seeing = PatchCodec(replace(get_model("tiny").config.codec, maps=8)).eval().requires_grad_(False)
    torch.testing.assert_close(seeing.decode(seeing.project(side), shown), unpack(side).flatten(1, 2), msg="neutral")
    for parameter in seeing.parameters():
        parameter.data += 0.02 * torch.randn_like(parameter)
    other = torch.cat([side, maps.flip(-1)], 3)
    assert (seeing.decode(z, other) - seeing.decode(z, shown)).abs().max() > 1e-3


def test_decoding_without_the_side_picture_is_refused(codec):
    with pytest.raises(ValueError, match="side picture"):
        codec.decode(torch.zeros(1, 1, 16, 4, 4))


def test_pca_gives_whitened_latents_and_a_good_picture_at_once():
    torch.manual_seed(0)
    model = PatchCodec(get_model("tiny").config.codec)
    mixing = torch.randn(8, 1024, dtype=torch.float64).float()
    sources = torch.randn(2, 6, 8, 8, 8)  # eight sources per cell: sixteen components must suffice
    video = unpack(from_patches(0.1 * sources @ mixing + 0.2)).flatten(1, 2)
    explained = model.initialise_from_pca(video)
    assert explained == pytest.approx(1, abs=1e-4)
    z = model.project(packs(video))
    assert torch.equal(z, model.encode(video))  # the convolutions start at zero
    spread = z.movedim(2, 0).flatten(1).std(dim=1)
    torch.testing.assert_close(spread[:8], torch.ones(8), atol=1e-2, rtol=0)
    rebuilt = model.decode(z, packs(video))
    torch.testing.assert_close(rebuilt, video, atol=2e-3, rtol=0)


def test_pca_needs_footage():
    with pytest.raises(ValueError, match="more than 16 patches"):
        PatchCodec(get_model("tiny").config.codec).initialise_from_pca(torch.zeros(1, 4, 4, 32, 32))


def test_untrained_decoder_gives_the_warp_back_for_the_warps_own_latent():
    codec = PatchCodec(get_model("tiny").config.codec)
    warp = torch.rand(1, 8, 4, 64, 64) * 2 - 1
    with torch.no_grad():
        decoded = codec.decode(codec.project(packs(warp)), packs(warp))
    torch.testing.assert_close(decoded, warp, atol=1e-5, rtol=0)


def test_displaced_pictures_are_fetched_from_so_many_pixels_away():
    picture = pictures(T=1, size=32)[0, :1]
    flow = torch.zeros(1, 2, 4, 4)
    torch.testing.assert_close(unpack(displace(pack(picture), flow)), picture, atol=1e-5, rtol=0)
    flow[:, 0], flow[:, 1] = 3, -2  # x, y
    moved = unpack(displace(pack(picture), flow))
    torch.testing.assert_close(moved[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-4, rtol=0)
