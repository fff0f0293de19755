"""Prompts as embeddings: by umT5, or from the file of an embedding that was made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from generator.text import TOKENS, TextEncoder, TextError
from puppet.errors import PuppetError, reported_as_puppet_error

KEY = "embedding"  # tensor (N, width) of a file of an embedding


def prompt_encoder(folder: Path | None, width: int) -> Callable[[str], Tensor]:
    """A prompt -> (1, 512, width). A prompt that ends in .safetensors is the file of an embedding.

    folder: of a release that umT5 comes with; read when the first prompt needs it.
    Raises PuppetError, as does the encoder, in one line.
    """
    opened: list[TextEncoder] = []

    def encode(prompt: str) -> Tensor:
        if prompt.endswith(".safetensors"):
            return checked(read_embedding(Path(prompt)), width, prompt)
        if folder is None:
            raise PuppetError(
                "a prompt needs umT5: give the folder of a Wan release with --text-encoder, or a file of an embedding"
            )
        with reported_as_puppet_error(TextError):
            if not opened:
                opened.append(TextEncoder.open(folder))
            return checked(opened[0](prompt), width, f"--text-encoder {folder}")

    return encode


def checked(embedding_BND: Tensor, width: int, source: str) -> Tensor:
    if embedding_BND.dim() != 3 or embedding_BND.shape[2] != width or embedding_BND.shape[1] > TOKENS:
        found = tuple(embedding_BND.shape[1:])
        raise PuppetError(f"{source} gives a text of {found}: the model takes up to {TOKENS} tokens of width {width}")
    return torch.nn.functional.pad(embedding_BND, (0, 0, 0, TOKENS - embedding_BND.shape[1]))


def read_embedding(path: Path) -> Tensor:
    """(1, N, width) float32."""
    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor(KEY).float()[None]
    except (SafetensorError, OSError) as error:
        raise PuppetError(f"prompt {path} is no embedding ({error}): a file holds one tensor '{KEY}'") from error
