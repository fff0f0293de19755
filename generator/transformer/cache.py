"""Keys and values of a rollout: the sink (the first latent frames) for ever and the last `window` latent frames.

Keys are stored turned to their absolute place and time, because attention sees differences only. The sink's are turned
further in time for every block, so that their distance never exceeds what training saw (`sink_distance`).

A pass of the transformer asks `plan` once where its frames go and what they see, then calls `update` in every layer and
`advance` at the end. A pass that must leave no trace (a denoising step) runs on a `scratch` copy.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from .config import TransformerConfig
from .rope import Rotary, Turn, rotate

# keys and values in parts (B, n, H, D) that follow one another, N together; mask (N,) bool, True where there is one
Seen = tuple[Sequence[Tensor], Sequence[Tensor], Tensor | None]


class Place(NamedTuple):
    """Where consecutive frames of a pass are kept, and what they see."""

    tokens: int  # of a latent frame
    sinks: int  # how many of the frames belong to the sink
    turn: Turn | None  # of the sink, in time
    slots: Tensor | None = None  # of each token in a ring
    mask: Tensor | None = None


class KVCache(ABC):
    """`frame` is the number of the next latent frame, an int or a 0-dim tensor.

    origin: row and column (tokens) of what is seen in a larger picture; it may change from step to step.
    full: nothing that a block may see is missing any more, so that no mask is needed; see `passed`.
    """

    full = False

    def __init__(self, config: TransformerConfig) -> None:
        self.config = config
        self.frame: int | Tensor = 0
        self.origin: tuple[float, float] = (0.0, 0.0)
        self._rotary: tuple[tuple, Rotary] | None = None

    def rotary(self, rows: int, columns: int, device: torch.device) -> Rotary:
        """Tables for tokens at the present origin, kept from step to step."""
        key = (rows, columns, device, self.origin)
        if self._rotary is None or self._rotary[0] != key:
            config = self.config
            made = Rotary(config.head_dim, rows, columns, device, config.rope_theta, self.origin, config.grid)
            self._rotary = key, made
        return self._rotary[1]

    def frames(self, count: int, device: torch.device) -> Tensor:
        """Numbers of the next latent frames, (count,)."""
        return torch.arange(count, device=device) + self.frame

    def sink_turn(self, first: Tensor, rotary: Rotary) -> Turn | None:
        """What brings the sink to within its distance of frame `first`, (1,)."""
        if self.config.sink_distance is None:
            return None
        return rotary.time((first - self.config.sink_distance).clamp_min(0))

    @abstractmethod
    def plan(self, offset: int, count: int, tokens: int, rotary: Rotary, device: torch.device) -> Place:
        """For `count` frames that begin `offset` frames after the next one and see each other."""

    @abstractmethod
    def update(self, layer: int, place: Place, key_BNHD: Tensor, value_BNHD: Tensor) -> Seen:
        """Store turned keys and values of the frames of a place; return all that they attend to."""

    @abstractmethod
    def advance(self, count: int) -> None:
        """The pass over `count` frames is over."""

    @abstractmethod
    def passed(self, count: int) -> None:
        """So many frames were made and stay. Told once a step, outside of what is compiled or recorded, which a number
        that changes from step to step would end."""

    @abstractmethod
    def scratch(self) -> KVCache:
        """For a pass that must leave no trace in this one. Of a ring, use one at a time, and before this one goes
        on."""

    @abstractmethod
    def detach(self) -> KVCache:
        """A cache with the same content that carries no gradient."""


class RolloutCache(KVCache):
    """Lists of tensors, nothing in place: gradient flows through it to earlier frames (AAPT's student forcing)."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        # per layer a list of frames: key and value (B, L, H, D)
        self.sink: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(config.layers)]
        self.recent: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(config.layers)]

    def plan(self, offset, count, tokens, rotary, device):
        first = self.frame + offset
        sinks = min(max(self.config.sink - first, 0), count)
        return Place(tokens, sinks, self.sink_turn(torch.full((1,), first, device=device), rotary))

    def update(self, layer, place, key_BNHD, value_BNHD):
        sink, recent = self.sink[layer], self.recent[layer]
        turned = [(key if place.turn is None else rotate(key, place.turn), value) for key, value in sink]
        entries = [*turned, *recent, (key_BNHD, value_BNHD)]
        frames = list(zip(key_BNHD.split(place.tokens, 1), value_BNHD.split(place.tokens, 1)))
        self.sink[layer] = [*sink, *frames[: place.sinks]]
        self.recent[layer] = [*recent, *frames[place.sinks :]][-self.config.window :]
        return [key for key, _ in entries], [value for _, value in entries], None

    def advance(self, count):
        self.frame += count

    def passed(self, count):
        pass  # nothing is masked here

    def scratch(self) -> RolloutCache:
        made = copy.copy(self)
        made.sink, made.recent = list(self.sink), list(self.recent)
        return made

    def detach(self) -> RolloutCache:
        made = copy.copy(self)
        made.sink, made.recent = (
            [[(key.detach(), value.detach()) for key, value in frames] for frames in layers]
            for layers in (self.sink, self.recent)
        )
        return made


class StreamCache(KVCache):
    """Ring buffers [sink | window + block frames] at fixed addresses, written in place; the frame number is a tensor,
    the number of keys constant and what is not there yet masked: no host synchronisation, no growing shape."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__(config)
        self.ring = config.window + config.block  # frames
        self.keys: list[Tensor] = []  # per layer (B, (sink + ring) * L, H, D)
        self.values: list[Tensor] = []
        self.sink_keys: list[Tensor] = []  # per layer (B, sink * L, H, D), as they were stored
        self._sinks = 0  # frames of the sink that are there
        self._passed = 0  # frames, as far as the host was told

    def plan(self, offset, count, tokens, rotary, device):
        if not isinstance(self.frame, Tensor):
            self.frame = torch.tensor(self.frame, device=device)
        config, first = self.config, self.frame + offset
        sinks = min(config.sink - self._sinks, count)
        if count - sinks > self.ring:
            raise ValueError(f"a pass over {count} latent frames does not fit a ring of {self.ring}")
        frames = first + torch.arange(count, device=device)  # (count,)
        frame_slots = torch.where(frames < config.sink, frames, config.sink + (frames - config.sink) % self.ring)
        slots = (frame_slots[:, None] * tokens + torch.arange(tokens, device=device)).flatten()
        # the newest frame that each slot of the ring holds, once this pass is written
        last, slot = first + count - 1 - config.sink, torch.arange(self.ring, device=device)
        held = config.sink + last - (last - slot) % self.ring
        in_ring = (held >= config.sink) & (held >= first - config.window)
        in_sink = torch.arange(config.sink, device=device) <= first + count - 1
        mask = torch.cat([in_sink, in_ring]).repeat_interleave(tokens)
        if self.full and offset == 0 and count == config.block:
            mask = None  # kernels without a mask are the fastest ones by far
        return Place(tokens, sinks, self.sink_turn(first[None], rotary), slots, mask)

    def update(self, layer, place, key_BNHD, value_BNHD):
        width = self.config.sink * place.tokens
        if layer == len(self.keys):
            shape = (key_BNHD.shape[0], width + self.ring * place.tokens, *key_BNHD.shape[2:])
            self.keys.append(key_BNHD.new_zeros(shape))
            self.values.append(value_BNHD.new_zeros(shape))
            self.sink_keys.append(key_BNHD.new_zeros((shape[0], width, *shape[2:])))
        keys, values = self.keys[layer], self.values[layer]
        keys.index_copy_(1, place.slots, key_BNHD)
        values.index_copy_(1, place.slots, value_BNHD)
        if place.sinks:
            part = place.sinks * place.tokens
            self.sink_keys[layer].index_copy_(1, place.slots[:part], key_BNHD[:, :part])
        elif width and place.turn is not None:
            keys[:, :width] = rotate(self.sink_keys[layer], place.turn)
        return [keys], [values], place.mask

    def advance(self, count):
        self._sinks = min(self._sinks + count, self.config.sink)
        self.frame += count  # in place

    def passed(self, count):
        self._passed += count
        self.full = self._passed >= self.config.sink + self.config.window

    def scratch(self) -> StreamCache:
        made = copy.copy(self)
        if isinstance(self.frame, Tensor):
            made.frame = self.frame.clone()
        return made

    def detach(self) -> StreamCache:
        return self
