"""Prompts -> what a transformer attends to: umT5's encoder (Chung et al. 2023, arXiv 2304.09151), by `transformers`.

    encoder = TextEncoder.open(Path("Wan2.1-T2V-1.3B"))
    stream.prompt(lambda: encoder("a boat on a lake"))   # encoded in the thread of the stream's prompts

`transformers` (extra `text`) is imported when an encoder is opened, and nothing is ever downloaded. umT5-xxl has 5.7
billion parameters, 11 GB in bfloat16: on the CPU a prompt takes seconds, and the encoder may be dropped afterwards.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .importers.source import SourceError, open_source

TOKENS = 512  # that Wan's models attend to; behind the prompt's own they are zeros
WAN_ENCODER, WAN_TOKENIZER = "models_t5*.pth", "google/umt5-xxl"  # in a folder of Wan's releases
DIFFUSERS_ENCODER, DIFFUSERS_TOKENIZER = "text_encoder", "tokenizer"  # in a folder of diffusers'
BUCKETS_REACH = 128  # tokens; umT5's relative positions are the same beyond


class TextError(Exception):
    """Why a prompt cannot be encoded; one line with cause and cure."""


class TextEncoder:
    """Called with a prompt, gives its embedding (1, 512, D)."""

    def __init__(self, encoder: nn.Module, tokenizer: Any) -> None:
        self.encoder, self.tokenizer = encoder.eval().requires_grad_(False), tokenizer

    @staticmethod
    def open(folder: Path, device: str | torch.device = "cpu", dtype: torch.dtype = torch.bfloat16) -> TextEncoder:
        """The encoder and the tokenizer of a folder as Wan or diffusers release it. Raises TextError."""
        try:
            from transformers import AutoTokenizer, UMT5EncoderModel
        except ImportError:
            raise TextError(
                "prompts are read with transformers, which is missing: pip install 'puppet-live[text]'"
            ) from None
        published = sorted(folder.glob(WAN_ENCODER))
        if not published and not (folder / DIFFUSERS_ENCODER).is_dir():
            raise TextError(
                f"no text encoder in {folder}; give the folder of Wan-AI/Wan2.1-T2V-1.3B (with {WAN_ENCODER} and "
                f"{WAN_TOKENIZER}/) or of its diffusers form (with {DIFFUSERS_ENCODER}/ and {DIFFUSERS_TOKENIZER}/)"
            )
        place = folder / (WAN_TOKENIZER if published else DIFFUSERS_TOKENIZER)
        if not place.is_dir():
            raise TextError(f"the tokenizer {place} is missing; download it with the rest of the folder")
        try:
            tokenizer = AutoTokenizer.from_pretrained(str(place), local_files_only=True)
            if published:
                encoder = wan_encoder(published[0], dtype)
            else:
                inside = str(folder / DIFFUSERS_ENCODER)
                encoder = UMT5EncoderModel.from_pretrained(inside, local_files_only=True, dtype=dtype)
        except (OSError, ValueError, SourceError) as error:
            raise TextError(f"the text encoder in {folder} cannot be read: {str(error).splitlines()[0]}") from None
        return TextEncoder(encoder.to(device), tokenizer)

    @torch.inference_mode()
    def __call__(self, prompt: str) -> Tensor:
        """The embedding of a prompt (1, 512, D) float32; what is too long is cut off."""
        words = " ".join(html.unescape(prompt).split())
        tokens = self.tokenizer(words, truncation=True, max_length=TOKENS, return_tensors="pt").input_ids
        found = self.encoder(tokens.to(self.encoder.device)).last_hidden_state.float()
        return torch.cat([found, found.new_zeros(1, TOKENS - found.shape[1], found.shape[2])], 1)


def wan_encoder(path: Path, dtype: torch.dtype) -> nn.Module:
    """umT5 from a file under Wan's names, its size read from the tensors. Raises SourceError."""
    from transformers import UMT5Config, UMT5EncoderModel

    source = open_source(path)
    if "token_embedding.weight" not in source or "blocks.0.pos_embedding.embedding.weight" not in source:
        raise SourceError(f"{path} is no umT5 encoder under Wan's names; get models_t5_umt5-xxl-enc-bf16.pth")
    words, width = source["token_embedding.weight"].shape
    buckets, heads = source["blocks.0.pos_embedding.embedding.weight"].shape
    layers = sum(name.endswith(".attn.q.weight") for name in source)
    config = UMT5Config(
        vocab_size=words, d_model=width, d_kv=source["blocks.0.attn.q.weight"].shape[0] // heads, num_heads=heads,
        d_ff=source["blocks.0.ffn.fc1.weight"].shape[0], num_layers=layers, relative_attention_num_buckets=buckets,
        relative_attention_max_distance=BUCKETS_REACH, feed_forward_proj="gated-gelu", dropout_rate=0.0,
    )  # fmt: skip
    with torch.device("meta"):
        encoder = UMT5EncoderModel(config)
    names = umt5_names(layers)
    if names.keys() != source.keys():
        odd = sorted(names.keys() ^ source.keys())[0]
        raise SourceError(f"{path} is no umT5 encoder under Wan's names: {odd!r}; get models_t5_umt5-xxl-enc-bf16.pth")
    tensors = {ours: source[theirs].read().to(dtype) for theirs, ours in names.items()}
    tensors["encoder.embed_tokens.weight"] = tensors["shared.weight"]
    encoder.load_state_dict(tensors, strict=True, assign=True)
    return encoder


def umt5_names(layers: int) -> Mapping[str, str]:
    """Names of Wan's file -> those of transformers' `UMT5EncoderModel`."""
    names = {"token_embedding.weight": "shared.weight", "norm.weight": "encoder.final_layer_norm.weight"}
    for layer in range(layers):
        attention, feed_forward = (f"encoder.block.{layer}.layer.{part}" for part in range(2))
        inside = {
            "norm1": f"{attention}.layer_norm", "norm2": f"{feed_forward}.layer_norm",
            "pos_embedding.embedding": f"{attention}.SelfAttention.relative_attention_bias",
            "ffn.gate.0": f"{feed_forward}.DenseReluDense.wi_0", "ffn.fc1": f"{feed_forward}.DenseReluDense.wi_1",
            "ffn.fc2": f"{feed_forward}.DenseReluDense.wo",
            **{f"attn.{side}": f"{attention}.SelfAttention.{side}" for side in "qkvo"},
        }  # fmt: skip
        names |= {f"blocks.{layer}.{theirs}.weight": f"{ours}.weight" for theirs, ours in inside.items()}
    return names
