"""Tensor names of published Wan transformers -> ours, as tables that cover every tensor.

A table is a dict {theirs: ours}.  The releases of Wan, VideoX-Fun, Self-Forcing, Causal-Forcing, One-Forcing and minWM
share Wan's own names; diffusers has others.  Shapes differ by axes of length one alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..transformer.config import TransformerConfig

Names = dict[str, str]

# (Wan's, diffusers', ours); weight and bias each
OUTSIDE = (
    ("patch_embedding", "patch_embedding", "patch_embedding"),
    ("time_embedding.0", "condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("time_embedding.2", "condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("time_projection.1", "condition_embedder.time_proj", "time_projection.1"),
    ("text_embedding.0", "condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("text_embedding.2", "condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("head.head", "proj_out", "head.head"),
)
IMAGE = (
    ("img_emb.proj.0", "condition_embedder.image_embedder.norm1", "image_embedding.norm_in"),
    ("img_emb.proj.1", "condition_embedder.image_embedder.ff.net.0.proj", "image_embedding.ffn.0"),
    ("img_emb.proj.3", "condition_embedder.image_embedder.ff.net.2", "image_embedding.ffn.2"),
    ("img_emb.proj.4", "condition_embedder.image_embedder.norm2", "image_embedding.norm_out"),
)
# within blocks.N
INSIDE = (
    *(
        (f"{o}_attn.{mine}", f"{d}.{theirs}", f"{o}_attn.{mine}")
        for o, d in (("self", "attn1"), ("cross", "attn2"))
        for mine, theirs in zip("qkvo", ("to_q", "to_k", "to_v", "to_out.0"))
    ),
    ("norm3", "norm2", "norm3"),  # diffusers counts the norms in the order of their use
    ("ffn.0", "ffn.net.0.proj", "ffn.0"),
    ("ffn.2", "ffn.net.2", "ffn.2"),
)
INSIDE_IMAGE = (
    ("cross_attn.k_img", "attn2.add_k_proj", "cross_attn.k_image"),
    ("cross_attn.v_img", "attn2.add_v_proj", "cross_attn.v_image"),
)
INSIDE_CAMERAS = (("self_attn.prope_o",) * 3,)  # minWM alone; diffusers has no such layer
# within blocks.N, no bias
GAINS = tuple(
    (f"{o}_attn.norm_{side}.weight", f"{d}.norm_{side}.weight", f"{o}_attn.norm_{side}.weight")
    for o, d in (("self", "attn1"), ("cross", "attn2"))
    for side in "qk"
)
IMAGE_GAIN = ("cross_attn.norm_k_img.weight", "attn2.norm_added_k.weight", "cross_attn.norm_k_image.weight")


def original(config: TransformerConfig) -> Names:
    """Names of Wan's own files."""
    return {theirs: ours for theirs, _, ours in _wan(config)}


def diffusers(config: TransformerConfig) -> Names:
    """Names of diffusers' `WanTransformer3DModel`."""
    return {theirs: ours for _, theirs, ours in _wan(config)}


def _wan(config: TransformerConfig) -> Iterator[tuple[str, str, str]]:
    image = config.image_dim is not None
    yield from _affine(OUTSIDE + (IMAGE if image else ()))
    yield ("head.modulation", "scale_shift_table", "head.modulation")
    layers = INSIDE + (INSIDE_IMAGE if image else ()) + (INSIDE_CAMERAS if config.projective else ())
    gains = GAINS + ((IMAGE_GAIN,) if image else ())
    inside = [*_affine(layers), *gains, ("modulation", "scale_shift_table", "modulation")]
    for block in range(config.layers):
        yield from (tuple(f"blocks.{block}.{name}" for name in names) for names in inside)


def _affine(layers: tuple[tuple[str, str, str], ...]) -> Iterator[tuple[str, str, str]]:
    for names in layers:
        for kind in ("weight", "bias"):
            yield tuple(f"{name}.{kind}" for name in names)
