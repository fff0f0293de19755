"""The space in which the transformer works: latents as they are, or their residual over a control's base latent.

x is what the transformer denoises, z a latent of the codec, both (..., C, h, w).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class IdentitySpace:
    """x = z. recycling: the previous latent is given to the next frame by channels (AAPT, section 3.2)."""

    recycling: bool = True

    def to_x(self, z: Tensor, base: Tensor | None) -> Tensor:
        return z

    def to_z(self, x: Tensor, base: Tensor | None) -> Tensor:
        return x

    def recycled(self, z: Tensor, base: Tensor | None) -> Tensor | None:
        """What the next frame is given as its previous latent; None: nothing."""
        return z if self.recycling else None


@dataclass(frozen=True)
class ResidualSpace:
    """x = (z - base) * gain, the change that a control's base latent needs."""

    gain: float = 1.0  # so that x has about unit variance
    recycle: float = 1.0  # weight of the made latent in the recycled one, the rest is the base's: errors leak away

    recycling = True

    def to_x(self, z: Tensor, base: Tensor) -> Tensor:
        return (z - base) * self.gain

    def to_z(self, x: Tensor, base: Tensor) -> Tensor:
        return base + x / self.gain

    def recycled(self, z: Tensor, base: Tensor) -> Tensor:
        return base + self.recycle * (z - base)
