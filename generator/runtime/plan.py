"""What one latent frame costs, counted from the configuration alone: no weights, no accelerator.

Operations: one multiply-add is two FLOP, as torch's own counter has it; only matrix products and convolutions count.
Letters: L tokens of a latent frame, K keys that a token attends to, N text tokens, D width, P cards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from .accelerators import GB, Accelerator

TERA = 10**12


@dataclass(frozen=True)
class Part:
    """One part of the work on a latent frame, of all cards together."""

    flop: int
    bytes: int  # read from memory at least once: weights, and cached keys and values

    def seconds(self, accelerator: Accelerator, cards: int) -> float:
        """Lower bound by the roofline: arithmetic or memory traffic, whichever takes longer."""
        arithmetic = self.flop / (accelerator.tflops_bf16 * TERA)
        traffic = self.bytes / (accelerator.bandwidth_gb_s * GB)
        return max(arithmetic, traffic) / cards


@dataclass(frozen=True)
class Plan:
    """One latent frame of a stream whose window is full."""

    parameters: int  # of the whole model, codec included
    tokens: int  # L
    keys: int  # K
    video_frames: int  # that one latent frame stands for
    linear: Part  # projections, feed-forward, patches in and out, time embedding
    attention: Part  # self-attention over the window, the reference and the frame itself
    text: Part  # cross-attention; zero for a model without text
    control: Part  # what encodes the conditions
    decode: Part
    weight_bytes: int
    cache_bytes: int  # keys and values of window, reference and frame, and those of the text
    activation_bytes: int  # largest tensors alive at once in a block
    communication_bytes: int  # that each card sends for a latent frame (Ulysses)
    cards: int

    @property
    def parts(self) -> dict[str, Part]:
        return {name: getattr(self, name) for name in ("linear", "attention", "text", "control", "decode")}

    @property
    def flop(self) -> int:
        return sum(part.flop for part in self.parts.values())

    @property
    def memory_bytes_a_card(self) -> int:
        """Weights are on every card; the cache is split by heads, activations by tokens."""
        return self.weight_bytes + (self.cache_bytes + self.activation_bytes) // self.cards

    def seconds(self, accelerator: Accelerator) -> float:
        """Lower bound of a latent frame: every part at its roofline, and the exchange between cards not hidden."""
        work = sum(part.seconds(accelerator, self.cards) for part in self.parts.values())
        return work + self.communication_bytes / (accelerator.link_gb_s * GB)

    def frames_a_second(self, accelerator: Accelerator) -> float:
        return self.video_frames / self.seconds(accelerator)

    def fits(self, accelerator: Accelerator) -> bool:
        return self.memory_bytes_a_card <= accelerator.memory_gb * GB


def counted_flop(work: Callable[[], object]) -> int:
    """FLOP of calling `work`, by torch's counter; on meta tensors nothing is computed."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def ulysses_bytes(tokens: int, dim: int, layers: int, cards: int, element: int) -> int:
    """Bytes that each of P cards sends for a latent frame: queries, keys and values from tokens to heads and the result
    back, of which the card's own share stays (DeepSpeed-Ulysses, arXiv 2309.14509)."""
    return 4 * layers * tokens * dim * element * (cards - 1) // cards**2
