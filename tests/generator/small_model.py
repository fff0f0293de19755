"""A video model of a few thousand parameters without a face: text, a previous latent, a window that three blocks
fill."""

from __future__ import annotations

import torch

from generator.codecs.tiny import TinyCodecConfig
from generator.config import ModelConfig
from generator.controls.none import NoControlConfig
from generator.model import VideoModel
from generator.spaces import IdentitySpace
from generator.transformer.config import TransformerConfig

HEIGHT, WIDTH = 48, 112  # three rows and seven columns of tokens: neither two nor four divide them
TEXT_DIM = 6


def small_model(seed: int = 0) -> VideoModel:
    torch.manual_seed(seed)
    config = ModelConfig(
        name="small",
        size=(HEIGHT, WIDTH),
        transformer=TransformerConfig(
            dim=32, layers=2, heads=4, ffn_dim=48, in_channels=8, out_channels=4, window=2, sink_distance=2,
            frequency_dim=16, text_dim=TEXT_DIM, grid=(2, 4),
        ),
        codec=TinyCodecConfig(channels=4, decoder_widths=(16, 12, 8, 8), encoder_width=8),
        control=NoControlConfig(),
        space=IdentitySpace(),
    )
    return VideoModel(config).eval()
