"""A tiny umT5 in a folder as Wan releases it: encoder with random weights, and a tokenizer that knows three words."""

from __future__ import annotations

from pathlib import Path

import torch

from generator.text import umt5_names
from tests.generator.importers.random_weights import random_weights

WORDS = 40
LAYERS = 2
WEIGHTS = 2  # seed


def umt5_weights(width: int = 24, heads: int = 3) -> dict[str, torch.Tensor]:
    """Under Wan's names."""
    square, ffn = (width, width), (32, width)
    kinds = {
        "norm1": (width,), "norm2": (width,), "pos_embedding.embedding": (32, heads), "ffn.gate.0": ffn, "ffn.fc1": ffn,
        "ffn.fc2": ffn[::-1],
    }  # fmt: skip
    shapes = {"token_embedding.weight": (WORDS, width), "norm.weight": (width,)}
    for name in umt5_names(LAYERS):
        if name not in shapes:
            shapes[name] = kinds.get(name.split(".", 2)[2].removesuffix(".weight"), square)
    return random_weights(shapes, WEIGHTS)


def write_text_release(folder: Path, width: int = 24, heads: int = 3) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    torch.save(umt5_weights(width, heads), folder / "models_t5_umt5-xxl-enc-bf16.pth")
    words = {"<pad>": 0, "</s>": 1, "<unk>": 2, "boat": 5, "lake": 9, "a": 33}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    plain.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    special = {"pad_token": "<pad>", "unk_token": "<unk>", "eos_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=plain, **special).save_pretrained(folder / "google/umt5-xxl")
    return folder
