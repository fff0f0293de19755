"""Keys and values of a rollout: the reference frame for ever (the sink) and the last `window` latent frames.

Frame 0 is the reference.  Its keys are kept un-rotated and turned anew for every frame, so that its rotary distance can
be capped; all other keys are stored with their absolute phase, because attention only sees differences.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from .config import TransformerConfig
from .rope import rotate


class KVCache(ABC):
    """`frame` is the index of the next latent frame; the transformer advances it."""

    def __init__(self, config: TransformerConfig) -> None:
        self.window = config.window
        self.frame = 0

    @abstractmethod
    def update(
        self, layer: int, frame: int, key_BLHD: Tensor, value_BLHD: Tensor, phase: Tensor, sink_phase: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Store the un-rotated key and value of `frame`; return all keys and values (B, N, H, D) that it attends to."""

    @abstractmethod
    def detach(self) -> KVCache:
        """A cache with the same content that carries no gradient."""


class RolloutCache(KVCache):
    """Lists of tensors, nothing in place: gradient flows through it to earlier frames (AAPT's student forcing)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.sink: list[tuple[Tensor, Tensor]] = []  # per layer: un-rotated key, value
        self.recent: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(config.layers)]

    def update(self, layer, frame, key_BLHD, value_BLHD, phase, sink_phase):
        if frame == 0:
            self.sink.append((key_BLHD, value_BLHD))
            return rotate(key_BLHD, phase), value_BLHD
        sink_key, sink_value = self.sink[layer]
        entries = [*self.recent[layer], (rotate(key_BLHD, phase), value_BLHD)]  # window + the frame itself
        self.recent[layer] = entries[-self.window :]
        keys = torch.cat([rotate(sink_key, sink_phase), *(key for key, _ in entries)], dim=1)
        values = torch.cat([sink_value, *(value for _, value in entries)], dim=1)
        return keys, values

    def detach(self) -> RolloutCache:
        copy = object.__new__(RolloutCache)
        copy.window, copy.frame = self.window, self.frame
        copy.sink = [(key.detach(), value.detach()) for key, value in self.sink]
        copy.recent = [[(key.detach(), value.detach()) for key, value in entries] for entries in self.recent]
        return copy


class StreamCache(KVCache):
    """Ring buffers of fixed size [sink | window + 1 frames], written in place: constant memory, no host sync."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.keys: list[Tensor] = []  # per layer (B, (window + 2) * L, H, D)
        self.values: list[Tensor] = []
        self.sink_keys: list[Tensor] = []  # per layer (B, L, H, D), un-rotated

    def update(self, layer, frame, key_BLHD, value_BLHD, phase, sink_phase):
        L = key_BLHD.shape[1]
        if frame == 0:
            shape = (key_BLHD.shape[0], (self.window + 2) * L, *key_BLHD.shape[2:])
            self.keys.append(key_BLHD.new_zeros(shape))
            self.values.append(value_BLHD.new_zeros(shape))
            self.sink_keys.append(key_BLHD.clone())
            slot = 0
        else:
            slot = 1 + (frame - 1) % (self.window + 1)
            self.keys[layer][:, :L] = rotate(self.sink_keys[layer], sink_phase)
        self.keys[layer][:, slot * L : (slot + 1) * L] = rotate(key_BLHD, phase)
        self.values[layer][:, slot * L : (slot + 1) * L] = value_BLHD
        filled = (1 + min(frame, self.window + 1)) * L
        return self.keys[layer][:, :filled], self.values[layer][:, :filled]

    def detach(self) -> StreamCache:
        return self
