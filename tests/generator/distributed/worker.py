"""Run under torchrun by the tests of this folder: `worker.py CHECK`; every process exits with 0 where the check
holds."""

from __future__ import annotations

import sys

import torch
import torch.distributed as dist

from generator.codecs.tiny import TinyCodec, TinyCodecConfig
from generator.codecs.wan import WanCodec, WanCodecConfig
from generator.distributed.distribute import distribute
from generator.distributed.split_decode import SplitDecoder
from generator.transformer.cache import StreamCache
from tests.generator.small_model import HEIGHT, TEXT_DIM, WIDTH, small_model

ROWS, COLUMNS, LATENTS = 3, 7, 3  # of latent cells: columns that neither two nor four processes divide evenly


@torch.no_grad()
def decoders() -> None:
    """Three latent frames of every codec that can be split, against one process."""
    numbers = dict(mean=(0.1,) * 4, deviation=(1.5,) * 4)
    codecs = (
        WanCodec(WanCodecConfig(**numbers, encoder_width=8, decoder_width=8)),
        WanCodec(WanCodecConfig(**numbers, encoder_width=8, decoder_width=8, patch=2, stage_shortcuts=True)),
        TinyCodec(TinyCodecConfig(decoder_widths=(16, 12, 8, 8), encoder_width=8)),
    )
    for codec in codecs:
        z_BTChw = torch.randn(1, LATENTS, codec.channels, ROWS, COLUMNS)
        whole, state = [], codec.initial_state()
        for z_BChw in z_BTChw.unbind(1):
            video, state = codec.decode_step(z_BChw, state)
            whole.append(video)
        split = SplitDecoder(codec)
        state = split.initial_state()
        for z_BChw, expected in zip(z_BTChw.unbind(1), whole):
            video, state = split.decode_step(z_BChw, state)
            assert expected.std() > 1e-3
            torch.testing.assert_close(video, expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def stream() -> None:
    """Six steps of a stream, its window full, with text: frames on every process equal those of one process."""
    alone, several, text = small_model(), small_model(), torch.randn(1, 3, TEXT_DIM)
    distribute(several)
    reference = torch.rand(1, 1, 3, HEIGHT, WIDTH)
    states = [
        found.lock(reference, None, StreamCache(found.config.transformer), found.encode_text(text))
        for found in (alone, several)
    ]
    for _ in range(6):
        noise, videos = alone.noise(1, HEIGHT, WIDTH), []
        for index, found in enumerate((alone, several)):
            z, state = found.step(None, states[index], noise, found.encode_text(text))
            video, states[index] = found.decode(z, None, state)
            videos.append(video)
        assert videos[0].std() > 1e-3
        torch.testing.assert_close(videos[1], videos[0], atol=1e-5, rtol=1e-5)
    assert states[1].cache.keys[0].shape[2] == 4 // dist.get_world_size()  # each holds its share of the heads


CHECKS = {check.__name__: check for check in (decoders, stream)}

if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    CHECKS[sys.argv[1]]()
    dist.barrier()
    dist.destroy_process_group()
