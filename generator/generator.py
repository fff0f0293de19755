"""The generator: condition stem + causal transformer + autoencoder, as training and streaming both call it.

One sequence is a reference frame (the portrait under its own pose maps) followed by frames made one after another:

    state = generator.lock(reference_BFCHW, own_conditions)
    z, state = generator.step(conditions, state, noise)       # one forward pass per latent frame (four video frames)
    video, state = generator.decode(z, conditions, state)

The transformer works in x-space, the residual over the warp's own latent: x = (z - z_warp) * residual_gain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from .autoencoder import Autoencoder, DecoderState
from .cache import KVCache, RolloutCache
from .conditions import Conditions, around_face, coarse, holes, inside_person, trusted_skin
from .config import SPATIAL_FACTOR, ModelConfig
from .stem import ConditionStem
from .transformer import CausalTransformer


@dataclass(frozen=True)
class Observation:
    """What the network sees of the conditions of T latent frames."""

    condition: Tensor  # (B, T, stem channels + 16, h, w) input of the transformer
    z_warp: Tensor  # (B, T, 16, h, w) latent of the warp

    def frame(self, index: int) -> Observation:
        return Observation(self.condition[:, index : index + 1], self.z_warp[:, index : index + 1])


@dataclass(frozen=True)
class RolloutState:
    """Where a rollout stands: keys and values so far, the recycled latent, and the decoder's memory."""

    cache: KVCache
    previous: Tensor  # (B, 16, h, w) what the next step gets as its previous latent
    decoder: DecoderState

    def detach(self) -> RolloutState:
        """The same state cut from the graph (between the segments of a long rollout)."""
        return RolloutState(self.cache.detach(), self.previous.detach(), self.decoder.detach())


class Generator(nn.Module):
    """AAPT generator (Lin et al. 2025, arXiv 2506.09350) over the residual of a warped reference."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = ConditionStem(config.stem)
        self.transformer = CausalTransformer(config.transformer)
        self.autoencoder = Autoencoder(config.autoencoder)

    def to_x(self, z: Tensor, z_warp: Tensor) -> Tensor:
        return (z - z_warp) * self.config.residual_gain

    def to_z(self, x: Tensor, z_warp: Tensor) -> Tensor:
        return z_warp + x / self.config.residual_gain

    def recycled(self, z: Tensor, z_warp: Tensor) -> Tensor:
        """What the next frame is given as its previous latent: leaky, so that errors cannot accumulate."""
        return z_warp + self.config.recycle * (z - z_warp)

    def noise(self, batch: int, size: int, generator: torch.Generator | None = None, **kwargs) -> Tensor:
        """Noise of one latent frame: (batch, 16, size/8, size/8)."""
        channels, cells = self.config.transformer.latent_channels, size // SPATIAL_FACTOR
        return torch.randn(batch, channels, cells, cells, generator=generator, **kwargs)

    def observe(self, conditions: Conditions) -> Observation:
        """Encode the conditions of T latent frames; the warp's latent carries no gradient to the autoencoder."""
        with torch.no_grad():
            z_warp = self.autoencoder.project(conditions.packed)
        features = self.stem(conditions.packed, conditions.guide)
        return Observation(torch.cat([features, z_warp.to(features.dtype)], dim=2), z_warp)

    def velocity(self, x_BTChw: Tensor, z_BTChw: Tensor, conditions: Conditions, t_B: Tensor) -> Tensor:
        """Offline, teacher-forced v for frames 1..T-1 (frame 0, the reference, is returned too, and is meaningless).

        x is the noised x_t, z the clean latents: frame 0's is the portrait's, which also fills x's slot 0.
        """
        observation = self.observe(conditions)
        recycled = self.recycled(z_BTChw, observation.z_warp)
        x = torch.cat([z_BTChw[:, :1], x_BTChw[:, 1:]], dim=1)
        previous = torch.cat([z_BTChw[:, :1], z_BTChw[:, :1], recycled[:, 1:-1]], dim=1)[:, : x.shape[1]]
        return self.transformer(x, previous, observation.condition, t_B)

    def lock(self, reference_BFCHW: Tensor, conditions: Conditions, cache: KVCache | None = None) -> RolloutState:
        """Begin a rollout: the portrait's latent and its own maps (T = 1) become block 0, kept for ever as the sink."""
        z = self.autoencoder.encode(reference_BFCHW[:, None])[:, 0]  # (B, 16, h, w)
        observation = self.observe(conditions)
        cache = RolloutCache(self.config.transformer) if cache is None else cache
        self.transformer.step(z, z, observation.condition[:, 0], torch.zeros_like(z[:, 0, 0, 0]), cache)
        return RolloutState(cache, z, DecoderState(z))

    def step(self, conditions: Conditions, state: RolloutState, noise_BChw: Tensor) -> tuple[Tensor, RolloutState]:
        """Make the next latent frame from its conditions (T = 1) in one forward pass: (z_BChw, new state).

        The recycled latent is detached as in the paper; gradient reaches earlier steps through the cache.
        """
        return self.advance(self.observe(conditions), state, noise_BChw)

    def advance(self, observation: Observation, state: RolloutState, noise_BChw: Tensor) -> tuple[Tensor, RolloutState]:
        """`step` on conditions that are already encoded (T = 1)."""
        z_warp = observation.z_warp[:, 0]
        t_B = torch.ones_like(noise_BChw[:, 0, 0, 0])
        v = self.transformer.step(noise_BChw, state.previous, observation.condition[:, 0], t_B, state.cache)
        z = self.to_z(noise_BChw - v, z_warp)
        return z, replace(state, previous=self.recycled(z, z_warp).detach())

    def decode(self, z_BChw: Tensor, conditions: Conditions, state: RolloutState) -> tuple[Tensor, RolloutState]:
        """Decode the newest latent frame: (B, 4, 4, H, W) RGBA in [-1, 1] and the new state."""
        video, decoder = self.autoencoder.decode_step(z_BChw, conditions.packed[:, 0], state.decoder)
        return self.keep_surroundings(video[:, None], conditions)[:, 0], replace(state, decoder=decoder)

    def keep_surroundings(self, video_BTFCHW: Tensor, conditions: Conditions) -> Tensor:
        """Decoded frames with the warp itself where the face is far and at the person's outline, and with its detail on skin
        that it knows. Hair and clothes lose by being drawn anew, a still outline never shimmers, and the frames of glasses
        and the hairs of a beard, which no two people have alike, would be averaged away."""
        if self.config.reach is None:
            return video_BTFCHW
        warp = conditions.warp
        share = around_face(conditions.guide, self.config.reach) * inside_person(warp) * (1 - holes(video_BTFCHW, warp))
        change = video_BTFCHW - warp
        change = torch.lerp(change, coarse(change), trusted_skin(conditions.guide).to(change.dtype))
        return torch.addcmul(warp, change, share.to(change.dtype))
