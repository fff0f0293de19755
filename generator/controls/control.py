"""What every control offers. Letters as in codecs/codec.py.

A control turns a signal (any object of its own kind, for T latent frames) into channels that are stacked with the
noise, tokens that are added to the transformer's, and optionally a base latent that a residual space starts from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

from ..codecs.codec import LatentCodec
from ..transformer.projective import Cameras

Signal = TypeVar("Signal", contravariant=True)


@dataclass(frozen=True)
class Observation:
    """What the model sees of the signal of T latent frames; None where the control has no such thing."""

    channels: Tensor | None = None  # (B, T, control.channels, h, w)
    base: Tensor | None = None  # (B, T, C, h, w) latent
    tokens: Tensor | None = None  # (B, T, L, D) added to the tokens
    prefix: Tensor | None = None  # (B, P, L, D) tokens of reference frames before the first one
    cameras: Cameras | None = None  # of the T latent frames

    def frames(self, start: int, stop: int) -> Observation:
        cut = lambda part: None if part is None else part[:, start:stop]  # noqa: E731
        prefix = self.prefix if start == 0 else None
        cameras = None if self.cameras is None else self.cameras.frames(start, stop)
        return Observation(cut(self.channels), cut(self.base), cut(self.tokens), prefix, cameras)

    def repeat(self, count: int) -> Observation:
        """The batch so many times over."""
        again = lambda part: None if part is None else part.repeat(count, *[1] * (part.dim() - 1))  # noqa: E731
        cameras = None if self.cameras is None else self.cameras.repeat(count)
        return Observation(*(again(part) for part in (self.channels, self.base, self.tokens, self.prefix)), cameras)

    def frame_count(self, frames: int) -> int:
        """Of so many latent frames and the reference frames before them."""
        return frames + (0 if self.prefix is None else self.prefix.shape[1])

    @property
    def beside(self) -> tuple[Tensor | None, Tensor | None, Cameras | None]:
        """What the network takes beside its channels, as its last arguments."""
        return self.tokens, self.prefix, self.cameras


class Control(Protocol[Signal]):
    """An nn.Module that holds weights only."""

    channels: int  # stacked with the noise

    def observe(self, signal: Signal, codec: LatentCodec) -> Observation:
        """The signal of T latent frames. The base latent carries no gradient to the codec."""

    def blank(self, codec: LatentCodec, batch: int, latents: int, height: int, width: int, **kwargs) -> Signal:
        """A signal that says nothing, for pictures of that size: what a plan or a warm-up is made with.

        kwargs: device and dtype of its tensors."""

    def side(self, signal: Signal) -> Tensor | None:
        """What the codec's decoder is shown, (B, T, ...); None: nothing."""

    def finish(self, video_BFCHW: Tensor, signal: Signal) -> Tensor:
        """Decoded frames with what the signal itself knows better put back. F = all frames of the T latent frames."""
