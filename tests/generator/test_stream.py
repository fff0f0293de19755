"""A stream of any model: any height and width, prompts that change while it runs."""

import threading
from dataclasses import replace

import pytest
import torch

from generator.codecs.tiny import TinyCodecConfig
from generator.config import ModelConfig
from generator.controls.camera import RayCameraConfig
from generator.controls.none import NoControlConfig
from generator.controls.trajectory import parse_moves
from generator.model import VideoModel
from generator.spaces import IdentitySpace
from generator.stream import Stream
from generator.transformer.cache import RolloutCache
from generator.transformer.config import TransformerConfig

SIZE = (32, 48)
CONFIG = ModelConfig(
    name="words", size=SIZE, codec=TinyCodecConfig(channels=4, decoder_widths=(8, 8, 8, 8), encoder_width=8),
    control=NoControlConfig(), space=IdentitySpace(),
    transformer=TransformerConfig(
        dim=32, layers=2, heads=2, ffn_dim=48, in_channels=8, out_channels=4, window=3, sink_distance=4,
        frequency_dim=16, text_dim=6,
    ),
)


def build(config=CONFIG, size=None):
    torch.manual_seed(0)
    return Stream(VideoModel(config), size, "cpu", "float32")


def embedding(seed):
    return torch.randn(1, 4, 6, generator=torch.Generator().manual_seed(seed))


def test_a_prompt_counts_from_the_next_latent_and_clears_nothing():
    stream, latents = build(), []
    step = stream.model.step
    stream.model.step = lambda *arguments: latents.append(step(*arguments)) or latents[-1]
    stream.prompt(embedding(1)).result()
    stream.lock()
    for frame in range(4):
        if frame == 2:
            stream.prompt(embedding(2)).result()
        stream.step()
    # the same by hand, with one cache all along
    model, noise = VideoModel(CONFIG), torch.Generator().manual_seed(0)
    model.load_state_dict(stream.model.state_dict())
    with torch.no_grad():
        state = model.lock(None, None, RolloutCache(CONFIG.transformer))
        for frame in range(4):
            text = model.encode_text(embedding(1 if frame < 2 else 2))
            z, state = model.step(None, state, model.noise(1, *SIZE, noise), text)
            torch.testing.assert_close(latents[frame][0], z, atol=1e-5, rtol=0)


def test_steps_go_on_while_a_prompt_is_encoded_and_the_newest_wins():
    stream, may_go, began, threads = build(), threading.Event(), threading.Event(), []

    def slowly():
        threads.append(threading.get_ident())
        began.set()
        assert may_go.wait(30)
        return embedding(1)

    stream.prompt(embedding(3)).result()
    before = stream._text
    stream.lock()
    futures = [stream.prompt(slowly)]
    assert began.wait(30)
    futures += [stream.prompt(embedding(2)), stream.prompt(embedding(4))]
    assert stream.step().shape[-2:] == SIZE and stream._text is before
    may_go.set()
    for future in futures:
        future.result(30)
    torch.testing.assert_close(stream._text[0][0][0], stream.model.encode_text(embedding(4))[0][0][0])
    assert threads[0] != threading.get_ident()


def test_what_goes_wrong_with_a_prompt_is_told_and_the_old_one_stays():
    stream = build()
    stream.prompt(embedding(1)).result()
    before = stream._text
    with pytest.raises(ZeroDivisionError):
        stream.prompt(lambda: 1 / 0).result(30)
    assert stream._text is before


def test_a_prompt_for_a_model_without_text_is_refused():
    config = replace(CONFIG, transformer=replace(CONFIG.transformer, text_dim=None))
    with pytest.raises(ValueError, match="knows no text"):
        build(config).prompt(embedding(1))


@pytest.mark.parametrize("size", [(16, 16), (48, 32), (32, 96)])
def test_any_size_that_the_codec_can_make(size):
    stream = build(size=size)
    stream.lock(torch.zeros(1, 1, 3, *size))
    assert stream.step().shape == (1, 4, 3, *size)
    with pytest.raises(ValueError, match="cannot make 40x32"):
        build(size=(32, 40))


def test_a_camera_that_moves_changes_the_frames_from_then_on():
    config = replace(
        CONFIG, control=RayCameraConfig(), transformer=replace(CONFIG.transformer, in_channels=32), name="camera"
    )

    def frames(moves):
        stream, path = build(config), parse_moves(moves, 4)
        stream.lock(torch.zeros(1, 1, 3, *SIZE), path.signal(0, 1, SIZE))
        return [stream.step(path.signal(1 + 4 * i, 4, SIZE)) for i in range(3)]

    still, turning = frames("w*0"), frames("w*0, right*0, s*0, left*2")
    later = frames("u*1, right*2")
    assert torch.equal(still[0], frames("w*0")[0])
    assert (still[0] - turning[0]).abs().max() > 1e-6 and (still[1] - later[1]).abs().max() > 1e-6
