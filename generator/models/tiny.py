"""`tiny`: about a million parameters, for tests."""

from __future__ import annotations

from ..codecs.patch import PatchCodecConfig
from ..config import ModelConfig
from ..controls.portrait import PortraitControlConfig
from ..portrait.stem import StemConfig
from ..portrait.trunk import TrunkConfig
from ..spaces import ResidualSpace
from ..transformer.config import TransformerConfig
from .model import Model

TINY = Model(
    config=ModelConfig(
        name="tiny",
        size=(64, 64),
        transformer=TransformerConfig(
            dim=128,
            layers=3,
            heads=4,
            ffn_dim=256,
            in_channels=32,
            out_channels=32,
            window=2,
            sink_distance=3,
            grid=(8, 8),
            frequency_dim=64,
        ),
        trunk=TrunkConfig(in_channels=80, out_channels=16, depth=1),
        codec=PatchCodecConfig(encoder_channels=(16, 32, 48), decoder_channels=(64, 24, 16), decoder_depth=(1, 1, 1)),
        control=PortraitControlConfig(StemConfig(frame_channels=16, channels=32), reach=2),
        space=ResidualSpace(gain=2.0, recycle=0.5),
    ),
    recipe="shipped",
    licence="Apache-2.0",
    citation="AAPT: Lin et al. 2025, arXiv 2506.09350",
    weights="random",
)
