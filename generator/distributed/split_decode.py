"""Decoding one latent frame on several processes: each has a slab of columns, and every convolution gets the columns
that it needs of its neighbours. Exact: what comes out is what one process would have made.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from ..codecs.codec import LatentCodec
from .slabs import Slabs


def with_halo(x: Tensor, width: int, slabs: Slabs) -> Tensor:
    """(..., W) -> (..., width + W + width): the neighbours' columns at both sides, zeros beyond the picture."""
    edges = torch.stack([x[..., :width], x[..., -width:]]).contiguous()
    parts = [torch.empty_like(edges) for _ in slabs.counts]
    dist.all_gather(parts, edges, slabs.group)
    nothing = torch.zeros_like(edges[0])
    left = parts[slabs.rank - 1][1] if slabs.rank > 0 else nothing
    right = parts[slabs.rank + 1][0] if slabs.rank + 1 < slabs.cards else nothing
    return torch.cat([left, x, right], -1)


class SplitDecoder:
    """`decode_step` and `initial_state` of a codec whose decoder is made of convolutions, layers of single pixels, and
    attention over a frame (Wan's, and the tiny ones). It changes the codec's layers in place: from then on every
    process of the group must decode together. States are those of a process's slab.

    Raises ValueError for a codec that looks at the picture in another way.
    """

    def __init__(self, codec: LatentCodec, group: dist.ProcessGroup | None = None) -> None:
        layers = getattr(codec, "decoder_layers", None)
        if layers is None:
            raise ValueError(
                f"{type(codec).__name__} cannot be split by columns; let every process decode the whole picture"
            )
        self._decode_step, self._initial_state = codec.decode_step, codec.initial_state
        self._group = group
        self._slabs: Slabs | None = None  # of the picture that is being decoded
        for module in nn.ModuleList(layers).modules():
            if isinstance(module, (nn.Conv2d, nn.Conv3d)) and module.padding[-1] > 0:
                module._conv_forward = self._exchanging_edges(module)
            elif hasattr(module, "attend"):
                module.attend = self._over_all_slabs(module.attend)

    def decode_step(self, z_BChw: Tensor, state, side: Tensor | None = None) -> tuple[Tensor, object]:
        """(video_BFCHW, state) of the whole latent frame."""
        self._slabs = slabs = Slabs.of(z_BChw.shape[-1], self._group)
        video, state = self._decode_step(slabs.own(z_BChw), state, None if side is None else slabs.own(side))
        return slabs.gather(video), state

    def initial_state(self, past_BTChw: Tensor | None = None):
        if past_BTChw is None:
            return self._initial_state()
        self._slabs = slabs = Slabs.of(past_BTChw.shape[-1], self._group)
        return self._initial_state(slabs.own(past_BTChw))

    def _exchanging_edges(self, conv: nn.Conv2d | nn.Conv3d) -> Callable[..., Tensor]:
        """The convolution with the neighbours' columns where it has zeros beside a slab."""
        apply = F.conv2d if isinstance(conv, nn.Conv2d) else F.conv3d
        width = conv.padding[-1]
        if conv.stride[-1] != 1 or conv.kernel_size[-1] != 2 * width + 1:
            raise ValueError(f"a convolution with kernel {conv.kernel_size} and stride {conv.stride} cannot be split")

        def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
            x, padding = with_halo(x, width, self._slabs), (*conv.padding[:-1], 0)
            return apply(x, weight, bias, conv.stride, padding, conv.dilation, conv.groups)

        return forward

    def _over_all_slabs(self, attend: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """Attention of a slab's pixels to those of the whole frame; q, k, v (N, C, H, W)."""

        def forward(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return attend(q, self._slabs.gather(k), self._slabs.gather(v))

        return forward
