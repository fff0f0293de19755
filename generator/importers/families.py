"""Which published weights become which models, and under which names their tensors come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from ..codecs.tiny import TAEW21, TAEW22, TinyCodecConfig
from ..codecs.wan import WanCodecConfig
from ..config import ModelConfig
from ..controls.pictures import PicturesControlConfig
from ..models.forcing import FORCING_MODELS
from ..models.model import Model
from ..models.wan import WAN_MODELS
from . import codec_names, wan_names

Names = dict[str, str]

PUBLISHED: tuple[Model, ...] = (*WAN_MODELS, *FORCING_MODELS)


@dataclass(frozen=True)
class Layout:
    """One way in which the network of a model is published: its tensors' names -> ours."""

    title: str  # for messages
    config: ModelConfig
    names: Names


@dataclass(frozen=True)
class CodecLayout:
    """The same for an autoencoder, which is published in a file of its own."""

    title: str
    config: Any
    names: Names


def layouts(config: ModelConfig) -> Iterator[Layout]:
    """All layouts in which a model is published."""
    configs = [config]
    if isinstance(config.control, PicturesControlConfig):  # Fun-Control 1.1; 1.0 has no reference
        configs.append(replace(config, control=replace(config.control, reference=False)))
    for variant in configs:
        tables = [("Wan's", wan_names.original), ("diffusers'", wan_names.diffusers)]
        for title, table in tables[: 1 if variant.transformer.projective else 2]:  # diffusers has no PRoPE
            names = {theirs: f"network.{ours}" for theirs, ours in table(variant.transformer).items()}
            if getattr(variant.control, "reference", False):
                names |= {f"ref_conv.{kind}": f"control.reference.{kind}" for kind in ("weight", "bias")}
            yield Layout(f"{config.name} under {title} names", variant, names)


def codec_layouts(config: ModelConfig) -> Iterator[CodecLayout]:
    """All autoencoders for a model's latents: Wan's own under two sets of names, and a tiny one."""
    yield CodecLayout("Wan's autoencoder", config.codec, _prefixed(codec_names.wan_original, config.codec))
    yield CodecLayout("Wan's autoencoder", config.codec, _prefixed(codec_names.wan_diffusers, config.codec))
    tiny = tiny_of(config.codec)
    yield CodecLayout("the tiny autoencoder", tiny, _prefixed(codec_names.tiny, tiny))


def _prefixed(table: Callable[[Any], Names], config: Any) -> Names:
    return {theirs: f"codec.{ours}" for theirs, ours in table(config).items()}


def tiny_of(config: WanCodecConfig) -> TinyCodecConfig:
    """The tiny codec for the same latents."""
    published = TAEW22 if config.patch > 1 else TAEW21
    return replace(published, channels=config.channels)
