"""Run under torchrun by the tests of this folder: `worker.py CHECK`; every process exits with 0 where the check holds."""

from __future__ import annotations

import sys

import torch
import torch.distributed as dist

from generator.codecs.tiny import TinyCodec, TinyCodecConfig
from generator.codecs.wan import WanCodec, WanCodecConfig
from generator.distributed.slabs import Slabs
from generator.distributed.split_decode import SplitDecoder

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
        split, state = SplitDecoder(codec, Slabs.of(COLUMNS)), codec.initial_state()
        for z_BChw, expected in zip(z_BTChw.unbind(1), whole):
            video, state = split.decode_step(z_BChw, state)
            assert expected.std() > 1e-3
            torch.testing.assert_close(video, expected, atol=1e-5, rtol=1e-5)


CHECKS = {check.__name__: check for check in (decoders,)}

if __name__ == "__main__":
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    torch.manual_seed(0)
    CHECKS[sys.argv[1]]()
    dist.destroy_process_group()
