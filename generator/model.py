"""A video model: transformer, codec, control and space, as training and streaming both call it.

A sequence is a reference frame (kept in sight for ever), then blocks of latent frames made one after another:

    state = model.lock(reference_BFCHW, own_signal)
    z, state = model.step(signal, state, noise)          # AAPT: one forward pass per latent frame
    video, state = model.decode(z, signal, state)

Letters: B batch, T latent frames, F video frames, C channels, S denoising steps (of the block that takes most). A
text is what `encode_text` returns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from .config import ModelConfig
from .controls.control import Observation
from .transformer.cache import KVCache, RolloutCache
from .transformer.transformer import CausalTransformer, Text


@dataclass(frozen=True)
class RolloutState:
    """Where a rollout stands: keys and values so far, the recycled latent, and the decoder's memory."""

    cache: KVCache
    previous: Tensor | None  # (B, C, h, w) what the next step gets as its previous latent; None: nothing
    decoder: Any
    beginning: bool = True  # nothing was made yet

    def detach(self) -> RolloutState:
        """The same state cut from the graph (between the segments of a long rollout)."""
        previous = None if self.previous is None else self.previous.detach()
        return replace(self, cache=self.cache.detach(), previous=previous, decoder=self.decoder.detach())


def stack(dtype: torch.dtype, *parts_BTChw: Tensor | None) -> Tensor:
    """A network's input: noised latent, control channels, previous latent, those of them that there are."""
    return torch.cat([part.to(dtype) for part in parts_BTChw if part is not None], dim=2)


class VideoModel(nn.Module):
    """`network` is the transformer, or the transformer with what a model has wrapped around it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.codec = config.codec.build()
        self.control = config.control.build(self.codec.channels, config.transformer.dim)
        transformer = CausalTransformer(config.transformer)
        self.network = transformer if config.trunk is None else config.trunk.build(transformer)
        self.space, self.sampler = config.space, config.sampler
        channels = self.codec.channels
        inputs, found = channels * (1 + self.space.recycling) + self.control.channels, self.network.config
        if (found.in_channels, found.out_channels) != (inputs, channels):
            raise ValueError(
                f"the network of {config.name!r} must have {inputs} in_channels (noise, control, previous latent) and "
                f"{channels} out_channels (latent), not {found.in_channels} and {found.out_channels}"
            )
        self.check_size(*config.size)

    @property
    def transformer(self) -> CausalTransformer:
        return self.network.transformer

    def check_size(self, height: int, width: int) -> None:
        """Raises ValueError where pictures of this size cannot be made."""
        unit = self.codec.space_factor * self.config.transformer.patch
        if height <= 0 or width <= 0 or height % unit or width % unit:
            raise ValueError(
                f"model {self.config.name!r} cannot make {width}x{height}: width and height are multiples of {unit}"
            )

    def noise(self, batch: int, height: int, width: int, generator: torch.Generator | None = None, **kwargs) -> Tensor:
        """Noise of one block of latent frames for pictures of that size: (S, batch, block, C, h, w)."""
        cells = height // self.codec.space_factor, width // self.codec.space_factor
        shape = self.sampler.steps, batch, self.config.transformer.block, self.codec.channels, *cells
        return torch.randn(shape, generator=generator, **kwargs)

    def observe(self, signal: Any) -> Observation:
        return self.control.observe(signal, self.codec)

    def encode_text(self, embedding_BND: Tensor, image_BND: Tensor | None = None) -> Text:
        """Raises ValueError for a model that knows no text."""
        if self.config.transformer.text_dim is None:
            raise ValueError(f"model {self.config.name!r} knows no text: leave the prompt out")
        return self.transformer.encode_text(embedding_BND, image_BND)

    def clean(self, x_t: Tensor, output: Tensor, t_BT: Tensor) -> Tensor:
        """x = x_t - t v, with v = skip x_t + output. At t = 1 a skip of 1 leaves nothing of the noise, exactly."""
        t = t_BT[..., None, None, None].to(x_t.dtype)
        return (1 - self.network.skip * t) * x_t - t * output.to(x_t.dtype)

    def velocity(self, x_BTChw: Tensor, z_BTChw: Tensor, signal: Any, t_B: Tensor, text: Text | None = None) -> Tensor:
        """Offline, teacher-forced v of frames 1..T-1 (frame 0, the reference, is returned too, and is meaningless).

        x is the noised x_t, z the clean latents: frame 0's is the reference's, which also fills x's slot 0.
        """
        observation, block = self.observe(signal), self.config.transformer.block
        T = x_BTChw.shape[1]
        x = torch.cat([z_BTChw[:, :1], x_BTChw[:, 1:]], dim=1)
        recycled = self.space.recycled(z_BTChw, observation.base)
        previous = None
        if recycled is not None:
            before = [0] + [(frame - 1) // block * block for frame in range(1, T)]  # the last one of the block before
            recycled = torch.cat([z_BTChw[:, :1], recycled[:, 1:]], 1)
            previous = recycled[:, before]
        t_BT = t_B[:, None].repeat(1, T)
        t_BT[:, 0] = 0
        groups = [1] + [min(block, T - first) for first in range(1, T, block)]
        stacked = stack(self.network.dtype, x, observation.channels, previous)
        output = self.network(stacked, t_BT, text, groups, *observation.beside)
        return self.network.skip * x_BTChw + output.to(x_BTChw.dtype)

    def lock(
        self, reference_BFCHW: Tensor | None, signal: Any, cache: KVCache | None = None, text: Text | None = None
    ) -> RolloutState:
        """Begin a rollout. The reference (the video frames of one latent frame) and its own signal (T = 1) become
        frame 0, which the sink keeps in sight; without one, the first block is made from noise."""
        cache = RolloutCache(self.config.transformer) if cache is None else cache
        if reference_BFCHW is None:
            return RolloutState(cache, None, self.codec.initial_state())
        z = self.codec.encode(reference_BFCHW)  # (B, 1, C, h, w)
        observation = self.observe(signal)
        previous = z if self.space.recycling else None
        t = torch.zeros_like(z[:, :, 0, 0, 0])
        stacked = stack(self.network.dtype, z, observation.channels, previous)
        self.network.step(stacked, t, cache, text, *observation.beside)
        cache.passed(observation.frame_count(1))
        return RolloutState(cache, z[:, 0] if self.space.recycling else None, self.codec.initial_state(z))

    def step(
        self, signal: Any, state: RolloutState, noise_SBTChw: Tensor, text: Text | None = None
    ) -> tuple[Tensor, RolloutState]:
        """Make the next block of latent frames from its signal: (z_BTChw, new state).

        The recycled latent is detached as in the paper; gradient reaches earlier steps through the cache.
        """
        return self.advance(self.observe(signal), state, noise_SBTChw, text)

    def advance(
        self, observation: Observation, state: RolloutState, noise_SBTChw: Tensor, text: Text | None = None
    ) -> tuple[Tensor, RolloutState]:
        """`step` on a signal that is observed already."""
        previous = None
        if self.space.recycling:
            previous = torch.zeros_like(noise_SBTChw[0, :, 0]) if state.previous is None else state.previous
            previous = previous[:, None].expand(-1, noise_SBTChw.shape[2], -1, -1, -1)

        def output(x_t: Tensor, t: float, cache: KVCache) -> tuple[Tensor, Tensor]:
            t_BT = torch.full_like(x_t[:, :, 0, 0, 0], t)
            stacked = stack(self.network.dtype, x_t, observation.channels, previous)
            return self.network.step(stacked, t_BT, cache, text, *observation.beside), t_BT

        keep_clean = self.sampler.clean_cache is not None
        x = x_t = noise_SBTChw[0]
        for index, t in enumerate(self.sampler.times_of(state.beginning)):
            if index:  # noised anew: x_t = (1 - t) x + t noise
                x_t = (1 - t) * x + t * noise_SBTChw[index]
            x = self.clean(x_t, *output(x_t, t, state.cache.scratch() if keep_clean else state.cache))
        z = self.space.to_z(x, observation.base)
        if keep_clean:
            output(x, self.sampler.clean_cache, state.cache)
        recycled = self.space.recycled(z, observation.base)
        state.cache.passed(observation.frame_count(x.shape[1]))
        return z, replace(state, previous=None if recycled is None else recycled[:, -1].detach(), beginning=False)

    def decode(self, z_BTChw: Tensor, signal: Any, state: RolloutState) -> tuple[Tensor, RolloutState]:
        """Decode the newest latent frames: video (B, F, C, H, W) in [-1, 1] and the new state."""
        side, decoder, parts = self.control.side(signal), state.decoder, []
        for index, z in enumerate(z_BTChw.unbind(1)):
            video, decoder = self.codec.decode_step(z, decoder, None if side is None else side[:, index])
            parts.append(video)
        video = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        return self.control.finish(video, signal), replace(state, decoder=decoder)
