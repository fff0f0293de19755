"""Prompts as embeddings: umT5 (extra text), or an embedding that was made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from generator.text import TOKENS, TextEncoder, TextError
from puppet.errors import PuppetError, reported_as_puppet_error

KEY = "embedding"  # tensor (N, width) of a file of an embedding


def prompt_encoder(folder: Path | None, width: int) -> Callable[[str], Tensor]:
    """A prompt -> (1, TOKENS, width). A prompt that ends in .safetensors is the file of an embedding.

    folder: of umT5 and its tokenizer, a release of Wan's or diffusers'; read when the first prompt needs it.
    Raises PuppetError, as does the encoder, in one line.
    """
    loaded: list[TextEncoder] = []

    def encode(prompt: str) -> Tensor:
        if prompt.endswith(".safetensors"):
            return padded(_read(Path(prompt)), width, prompt)
        if folder is None:
            raise PuppetError(
                "a prompt needs umT5: give its folder with --text-encoder, "
                "or the .safetensors file of an embedding as prompt"
            )
        if not loaded:
            with reported_as_puppet_error(TextError):
                loaded.append(TextEncoder.open(folder))
        return padded(loaded[0](prompt)[0], width, str(folder))

    return encode


def padded(embedding_ND: Tensor, width: int, source: str) -> Tensor:
    if embedding_ND.dim() != 2 or embedding_ND.shape[1] != width or len(embedding_ND) > TOKENS:
        raise PuppetError(
            f"{source} gives a text of {tuple(embedding_ND.shape)}: "
            f"the model takes up to {TOKENS} tokens of width {width}"
        )
    return torch.nn.functional.pad(embedding_ND, (0, 0, 0, TOKENS - len(embedding_ND)))[None]


def _read(path: Path) -> Tensor:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor(KEY).float()
    except (SafetensorError, OSError) as error:
        raise PuppetError(f"prompt {path} is no embedding ({error}): a file holds one tensor '{KEY}'") from error
