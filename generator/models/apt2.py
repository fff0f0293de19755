"""`apt2-8b`: the scale of the paper (AAPT, sections 3.1 and 4; arXiv 2506.09350), for measuring and for whoever has
the data.

Given there: 8 billion parameters, 36 blocks, a window of 30 latent frames at 736x416 and of 15 at 1280x720 beside the
first frame, the previous latent by channels, text and, for people, pose channels. Not given: width, heads,
feed-forward. Here they are chosen for 8.0 billion parameters in Wan's block, with 32 heads of 128, which 2, 4 and 8
cards can share.
"""

from __future__ import annotations

from dataclasses import replace

from ..codecs.tiny import TAEW21
from ..config import ModelConfig
from ..controls.pictures import PicturesControlConfig
from ..spaces import IdentitySpace
from ..transformer.config import TransformerConfig
from .model import Model

LATENT = 16  # channels
TEXT_DIM = 4096  # umT5-xxl

APT2_8B = Model(
    config=ModelConfig(
        name="apt2-8b",
        size=(416, 736),
        transformer=TransformerConfig(
            dim=4096,
            layers=36,
            heads=32,
            ffn_dim=10240,
            in_channels=4 * LATENT,  # noise, pose pictures, start picture, previous latent
            out_channels=LATENT,
            text_dim=TEXT_DIM,
            window=30,
            sink_distance=30,
            grid=(26, 46),
        ),
        codec=TAEW21,  # the paper decodes by a light decoder too
        control=PicturesControlConfig(reference=False),
        space=IdentitySpace(),
    ),
    recipe="paper",
    licence="Apache-2.0",
    citation="AAPT: Lin et al. 2025, arXiv 2506.09350",
    weights="none are public: random",
)

APT2_8B_720P = replace(
    APT2_8B,
    config=replace(
        APT2_8B.config,
        name="apt2-8b-720p",
        size=(720, 1280),
        transformer=replace(APT2_8B.config.transformer, window=15, sink_distance=15),
    ),
)
