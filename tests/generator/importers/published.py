"""Every published family at a tiny size, and checkpoints of it with random weights as its makers would write them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from generator.codecs.tiny import TinyCodecConfig
from generator.codecs.wan import WanCodecConfig
from generator.importers import codec_names
from generator.importers.families import PUBLISHED, Layout, layouts
from generator.model import VideoModel
from generator.models.model import Model
from tests.generator.importers.random_weights import random_weights

DIM, HEADS, TEXT_DIM, IMAGE_DIM = 48, 2, 20, 12


def tiny_codec(config: WanCodecConfig) -> WanCodecConfig:
    wide = config.stage_shortcuts
    return replace(
        config, mean=config.mean[: 6 if wide else 4], deviation=config.deviation[: 6 if wide else 4], encoder_width=8,
        decoder_width=16 if wide else 8,
    )


def tiny(model: Model) -> Model:
    """The same family with everything that only costs time taken down; block, window, steps and control stay."""
    config = model.config
    codec = tiny_codec(config.codec)
    latents = config.transformer.in_channels // config.codec.channels  # how many are stacked
    transformer = replace(
        config.transformer, dim=DIM, heads=HEADS, layers=2, ffn_dim=64, in_channels=latents * codec.channels,
        out_channels=codec.channels, text_dim=TEXT_DIM, image_dim=config.transformer.image_dim and IMAGE_DIM,
    )
    unit = codec.space_factor * transformer.patch
    return replace(model, config=replace(config, size=(2 * unit, 3 * unit), transformer=transformer, codec=codec))


TINY: dict[str, Model] = {model.name: tiny(model) for model in PUBLISHED}
TINY_DECODER = TinyCodecConfig(channels=4)


def shapes_of(layout: Layout) -> dict[str, tuple[int, ...]]:
    """Of a network checkpoint, under the names of its makers."""
    with torch.device("meta"):
        ours = {name: tuple(tensor.shape) for name, tensor in VideoModel(layout.config).state_dict().items()}
    return {theirs: their_shape(theirs, ours[name]) for theirs, name in layout.names.items()}


def weights_of(layout: Layout, seed: int = 0) -> dict[str, Tensor]:
    return random_weights(shapes_of(layout), seed)


def their_shape(name: str, ours: tuple[int, ...]) -> tuple[int, ...]:
    if name.endswith(("modulation", "scale_shift_table")):
        return (1, *ours)
    if name == "patch_embedding.weight":
        return (*ours[:2], 1, *ours[2:])
    return ours


def codec_weights(config: WanCodecConfig | TinyCodecConfig, diffusers: bool = False) -> dict[str, Tensor]:
    with torch.device("meta"):
        ours = {name: tuple(tensor.shape) for name, tensor in config.build().state_dict().items()}
    if isinstance(config, TinyCodecConfig):
        names = codec_names.tiny(config)
    else:
        names = (codec_names.wan_diffusers if diffusers else codec_names.wan_original)(config)
    shapes = {}
    for theirs, name in names.items():
        extra = (1, 1) if ".norm.gamma" in theirs else (1, 1, 1) if theirs.endswith("gamma") else ()
        shapes[theirs] = (*ours[name], *extra)
    return random_weights(shapes, seed=1)


def write_release(folder: Path, model: Model, layout: Layout | None = None) -> Path:
    """A folder as Wan's releases are: transformer and autoencoder beside one another."""
    folder.mkdir(parents=True, exist_ok=True)
    layout = layout or next(layouts(model.config))
    save_file(weights_of(layout), folder / "diffusion_pytorch_model.safetensors")
    torch.save(codec_weights(layout.config.codec), folder / "Wan2.1_VAE.pth")
    return folder
