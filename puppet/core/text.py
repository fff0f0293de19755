"""Prompts as embeddings: umT5 through transformers (extra text), or an embedding that was made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from puppet.errors import PuppetError

TOKENS = 512  # of a prompt; Wan's models see it padded to that with zeros
KEY = "embedding"  # tensor (N, width) of a file of an embedding


def prompt_encoder(folder: Path | None, width: int) -> Callable[[str], Tensor]:
    """A prompt -> (1, TOKENS, width). A prompt that ends in .safetensors is the file of an embedding.

    folder: of umT5 and its tokenizer as transformers save them; read when the first prompt needs it.
    Raises PuppetError, as does the encoder, in one line.
    """
    loaded: list = []

    def encode(prompt: str) -> Tensor:
        if prompt.endswith(".safetensors"):
            return padded(_read(Path(prompt)), width, prompt)
        if folder is None:
            raise PuppetError(
                "a prompt needs umT5: give its folder with --text-encoder, or the .safetensors file of an embedding as prompt"
            )
        if not loaded:
            loaded.extend(_load(folder))
        tokenizer, encoder = loaded
        words = tokenizer(prompt, max_length=TOKENS, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            found = encoder(**words).last_hidden_state[0]
        return padded(found.float(), width, str(folder))

    return encode


def padded(embedding_ND: Tensor, width: int, source: str) -> Tensor:
    if embedding_ND.dim() != 2 or embedding_ND.shape[1] != width or len(embedding_ND) > TOKENS:
        raise PuppetError(
            f"{source} gives a text of {tuple(embedding_ND.shape)}: the model takes up to {TOKENS} tokens of width {width}"
        )
    return torch.nn.functional.pad(embedding_ND, (0, 0, 0, TOKENS - len(embedding_ND)))[None]


def _read(path: Path) -> Tensor:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return file.get_tensor(KEY).float()
    except (SafetensorError, OSError) as error:
        raise PuppetError(f"prompt {path} is no embedding ({error}): a file holds one tensor '{KEY}'") from error


def _load(folder: Path) -> tuple:
    try:
        from transformers import AutoTokenizer, UMT5EncoderModel
    except ImportError as error:
        raise PuppetError("prompts need transformers: pip install 'puppet-live[text]'") from error
    if not folder.is_dir():
        raise PuppetError(f"--text-encoder {folder} is not a folder: give that of umT5 and its tokenizer")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        encoder = UMT5EncoderModel.from_pretrained(folder, local_files_only=True, dtype="auto", use_safetensors=True)
    except (OSError, ValueError) as error:
        raise PuppetError(f"--text-encoder {folder} is not umT5 as transformers save it: {error}") from error
    return tokenizer, encoder.eval().requires_grad_(False)
