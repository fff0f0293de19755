"""`pocket`: 256x256 portraits in real time on a laptop's CPU."""

from __future__ import annotations

from ..codecs.patch import PatchCodecConfig
from ..config import ModelConfig
from ..controls.portrait import PortraitControlConfig
from ..portrait.layout import GUIDE_CHANNELS, SEEN_FACE
from ..portrait.stem import StemConfig
from ..portrait.trunk import TrunkConfig
from ..spaces import ResidualSpace
from ..transformer.config import TransformerConfig
from .model import Model

POCKET = Model(
    config=ModelConfig(
        name="pocket",
        size=(256, 256),
        transformer=TransformerConfig(
            dim=256,
            layers=4,
            heads=4,
            ffn_dim=768,
            in_channels=96,
            out_channels=96,
            window=4,
            sink_distance=5,
            grid=(8, 8),  # crops of 128 pixels in training
        ),
        trunk=TrunkConfig(in_channels=176, out_channels=16, depth=2),
        codec=PatchCodecConfig(
            encoder_channels=(48, 96, 128),
            decoder_channels=(160, 64, 32),
            decoder_depth=(1, 2, 2),
            maps=GUIDE_CHANNELS,
        ),
        control=PortraitControlConfig(StemConfig(frame_channels=64, channels=128), reach=4, face=SEEN_FACE),
        space=ResidualSpace(gain=2.0, recycle=0.5),
    ),
    recipe="shipped",
    licence="Apache-2.0",
    citation="AAPT: Lin et al. 2025, arXiv 2506.09350",
    weights="shipped, trained by this project on rendered people",
)
