"""Named models.  `get_preset("pocket")` is the shipped one; `tiny` is for tests."""

from __future__ import annotations

import difflib

from .config import AutoencoderConfig, ModelConfig, StemConfig, TransformerConfig

PRESETS: dict[str, ModelConfig] = {
    config.name: config
    for config in (
        ModelConfig(
            name="tiny",
            size=64,
            transformer=TransformerConfig(
                dim=128, layers=3, heads=4, ffn_dim=256, condition_channels=48, window=2, sink_distance=3,
                frequency_dim=64, trunk_channels=32, trunk_depth=1,
            ),
            stem=StemConfig(frame_channels=16, channels=32),
            autoencoder=AutoencoderConfig(
                encoder_channels=(16, 32, 48), decoder_channels=(64, 24, 16), decoder_depth=(1, 1, 1)
            ),
            recycle=0.5,
            residual_gain=2.0,
            reach=2,
        ),
        ModelConfig(
            name="pocket",
            size=256,
            transformer=TransformerConfig(
                dim=256, layers=4, heads=4, ffn_dim=768, condition_channels=144, window=4, sink_distance=5,
                trunk_channels=96, trunk_depth=2,
            ),
            stem=StemConfig(frame_channels=64, channels=128),
            autoencoder=AutoencoderConfig(
                encoder_channels=(48, 96, 128), decoder_channels=(160, 48, 24), decoder_depth=(1, 1, 1)
            ),
            recycle=0.5,
            residual_gain=2.0,
            reach=4,
            face=96,
        ),
    )
}


def get_preset(name: str) -> ModelConfig:
    """The preset of that name.  Raises ValueError, naming the nearest one, when there is none."""
    if name in PRESETS:
        return PRESETS[name]
    near = difflib.get_close_matches(name, PRESETS, n=1, cutoff=0.0)
    raise ValueError(f"no model named {name!r}; did you mean {near[0]!r}? Known: {', '.join(sorted(PRESETS))}")
