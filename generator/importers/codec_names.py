"""Tensor names of published video autoencoders -> ours, as tables that cover every tensor.

A table is a dict {theirs: ours}.  Wan's autoencoders come under two sets of names: Wan's own files, and diffusers'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..codecs.tiny import BLOCKS, TinyCodecConfig
from ..codecs.wan import WanCodecConfig

Names = dict[str, str]

# inside a residual block and a resampling step: (Wan's, diffusers', ours)
BLOCK = (
    ("residual.0.gamma", "norm1.gamma", "norm1.gamma"),
    ("residual.2.weight", "conv1.weight", "conv1.weight"),
    ("residual.2.bias", "conv1.bias", "conv1.bias"),
    ("residual.3.gamma", "norm2.gamma", "norm2.gamma"),
    ("residual.6.weight", "conv2.weight", "conv2.weight"),
    ("residual.6.bias", "conv2.bias", "conv2.bias"),
)
SHORTCUT = (
    ("shortcut.weight", "conv_shortcut.weight", "shortcut.weight"),
    ("shortcut.bias", "conv_shortcut.bias", "shortcut.bias"),
)
ATTENTION = tuple((name,) * 3 for name in ("norm.gamma", "to_qkv.weight", "to_qkv.bias", "proj.weight", "proj.bias"))
RESAMPLE = (("resample.1.weight",) * 2 + ("conv.weight",), ("resample.1.bias",) * 2 + ("conv.bias",))
RESAMPLE_IN_TIME = (*RESAMPLE, ("time_conv.weight",) * 3, ("time_conv.bias",) * 3)


def wan_original(config: WanCodecConfig) -> Names:
    """Names of `Wan2.1_VAE.pth` and `Wan2.2_VAE.pth`."""
    return {theirs: ours for theirs, _, ours in _wan(config)}


def wan_diffusers(config: WanCodecConfig) -> Names:
    """Names of diffusers' `AutoencoderKLWan`."""
    return {theirs: ours for _, theirs, ours in _wan(config)}


def _wan(config: WanCodecConfig) -> Iterator[tuple[str, str, str]]:
    stages, nested = len(config.multiples), config.stage_shortcuts
    yield from _affine("conv1", "quant_conv", "quant")
    yield from _affine("conv2", "post_quant_conv", "post_quant")
    for half in ("encoder", "decoder"):
        yield from _affine(f"{half}.conv1", f"{half}.conv_in", f"{half}.conv_in")
        yield (f"{half}.head.0.gamma", f"{half}.norm_out.gamma", f"{half}.norm_out.gamma")
        yield from _affine(f"{half}.head.2", f"{half}.conv_out", f"{half}.conv_out")
        for i, (theirs, part) in enumerate((("resnets.0", BLOCK), ("attentions.0", ATTENTION), ("resnets.1", BLOCK))):
            yield from _inside(f"{half}.middle.{i}", f"{half}.mid_block.{theirs}", f"{half}.middle.{i}", part)

    widths = [config.encoder_width * m for m in (1, *config.multiples)]
    for s in range(stages):
        for j in range(config.depth + 1):
            flat = s * (config.depth + 1) + j  # Wan 2.1 counts blocks and steps of all stages in one list
            wan = f"encoder.downsamples.{s}.downsamples.{j}" if nested else f"encoder.downsamples.{flat}"
            if j < config.depth:
                diffusers = f"encoder.down_blocks.{s}.resnets.{j}" if nested else f"encoder.down_blocks.{flat}"
                part = BLOCK + SHORTCUT if j == 0 and widths[s] != widths[s + 1] else BLOCK
                yield from _inside(wan, diffusers, f"encoder.stages.{s}.blocks.{j}", part)
            elif s < stages - 1:
                diffusers = f"encoder.down_blocks.{s}.downsampler" if nested else f"encoder.down_blocks.{flat}"
                part = RESAMPLE_IN_TIME if config.down_in_time[s] else RESAMPLE
                yield from _inside(wan, diffusers, f"encoder.stages.{s}.resample", part)

    widths = [config.decoder_width * m for m in config.multiples[::-1]]
    for s in range(stages):
        inputs = widths[max(s - 1, 0)] // (2 if s and not nested else 1)
        for j in range(config.depth + 2):
            flat = s * (config.depth + 2) + j
            wan = f"decoder.upsamples.{s}.upsamples.{j}" if nested else f"decoder.upsamples.{flat}"
            if j < config.depth + 1:
                part = BLOCK + SHORTCUT if j == 0 and inputs != widths[s] else BLOCK
                yield from _inside(wan, f"decoder.up_blocks.{s}.resnets.{j}", f"decoder.stages.{s}.blocks.{j}", part)
            elif s < stages - 1:
                diffusers = f"decoder.up_blocks.{s}.{'upsampler' if nested else 'upsamplers.0'}"
                part = RESAMPLE_IN_TIME if config.down_in_time[::-1][s] else RESAMPLE
                yield from _inside(wan, diffusers, f"decoder.stages.{s}.resample", part)


def _affine(*layers: str) -> Iterator[tuple[str, ...]]:
    for kind in ("weight", "bias"):
        yield tuple(f"{layer}.{kind}" for layer in layers)


def _inside(
    wan: str, diffusers: str, ours: str, part: Iterable[tuple[str, str, str]]
) -> Iterator[tuple[str, str, str]]:
    for names in part:
        yield tuple(f"{prefix}.{name}" for prefix, name in zip((wan, diffusers, ours), names))


def tiny(config: TinyCodecConfig) -> Names:
    """Names of `taew2_1.pth` and `taew2_2.pth`: two flat lists of layers, those without weights counted too."""
    names = {}

    def add(theirs: str, ours: str, bias: bool = True) -> None:
        for kind in ("weight", "bias")[: 1 + bias]:
            names[f"{theirs}.{kind}"] = f"{ours}.{kind}"

    def add_blocks(half: str, first: int, ours: str) -> None:
        for block in range(BLOCKS):
            for i in range(3):  # the ReLUs between them are counted
                add(f"{half}.{first + block}.conv.{2 * i}", f"{ours}.blocks.{block}.conv{i + 1}")

    add("encoder.0", "encoder_in")
    for s in range(len(config.pool_in_time)):
        first = 2 + s * (BLOCKS + 2)  # pool, convolution, blocks
        add(f"encoder.{first}.conv", f"down.{s}.pool", bias=False)
        add(f"encoder.{first + 1}", f"down.{s}.conv", bias=False)
        add_blocks("encoder", first + 2, f"down.{s}")
    add(f"encoder.{2 + len(config.pool_in_time) * (BLOCKS + 2)}", "encoder_out")

    add("decoder.1", "decoder_in")
    for s in range(len(config.grow_in_time)):
        first = 3 + s * (BLOCKS + 3)  # blocks, enlargement, growth, convolution
        add_blocks("decoder", first, f"up.{s}")
        add(f"decoder.{first + BLOCKS + 1}.conv", f"up.{s}.grow", bias=False)
        add(f"decoder.{first + BLOCKS + 2}", f"up.{s}.conv", bias=False)
    add(f"decoder.{4 + len(config.grow_in_time) * (BLOCKS + 3)}", "decoder_out")
    return names
