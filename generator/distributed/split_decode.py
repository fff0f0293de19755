"""Decoding one latent frame on several processes: each has a slab of columns, and every convolution gets the columns that it
needs of its neighbours. Exact: what comes out is what one process would have made.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..codecs.codec import LatentCodec
from .slabs import Slabs


def with_halo(x: Tensor, width: int, slabs: Slabs) -> Tensor:
    """(..., W) -> (..., width + W + width): the neighbours' columns at both sides, zeros beyond the picture."""
    edges = torch.stack([x[..., :width], x[..., -width:]]).contiguous()
    parts = [torch.empty_like(edges) for _ in slabs.counts]
    torch.distributed.all_gather(parts, edges, slabs.group)
    nothing = torch.zeros_like(edges[0])
    left = parts[slabs.rank - 1][1] if slabs.rank > 0 else nothing
    right = parts[slabs.rank + 1][0] if slabs.rank + 1 < slabs.cards else nothing
    return torch.cat([left, x, right], -1)


class SplitDecoder:
    """`decode_step` of a codec whose decoder is made of convolutions, layers of single pixels, and attention over a frame
    (Wan's, and the tiny ones). It changes the codec in place: from then on every process must call it together.

    Raises ValueError for a codec that looks at the picture in another way.
    """

    def __init__(self, codec: LatentCodec, slabs: Slabs) -> None:
        layers = getattr(codec, "decoder_layers", None)
        if layers is None:
            raise ValueError(f"{type(codec).__name__} cannot be split by columns; let every process decode the whole picture")
        self.codec, self.slabs = codec, slabs
        for module in nn.ModuleList(layers).modules():
            if isinstance(module, (nn.Conv2d, nn.Conv3d)) and module.padding[-1] > 0:
                _exchange_edges(module, slabs)
            elif hasattr(module, "attend"):
                module.attend = _over_all_slabs(module.attend, slabs)

    def decode_step(self, z_BChw: Tensor, state, side: Tensor | None = None) -> tuple[Tensor, object]:
        """(video_BFCHW, state) of the whole latent frame; the state is of this process's slab."""
        own = None if side is None else self.slabs.own(side)
        video, state = self.codec.decode_step(self.slabs.own(z_BChw), state, own)
        return self.slabs.gather(video), state


def _exchange_edges(conv: nn.Conv2d | nn.Conv3d, slabs: Slabs) -> None:
    """Replace the zeros beside a slab by the neighbours' columns."""
    apply = F.conv2d if isinstance(conv, nn.Conv2d) else F.conv3d
    width = conv.padding[-1]
    if conv.stride[-1] != 1 or conv.kernel_size[-1] != 2 * width + 1:
        raise ValueError(f"a convolution with kernel {conv.kernel_size} and stride {conv.stride} cannot be split")

    def forward(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        padding = (*conv.padding[:-1], 0)
        return apply(with_halo(x, width, slabs), weight, bias, conv.stride, padding, conv.dilation, conv.groups)

    conv._conv_forward = forward


def _over_all_slabs(attend, slabs: Slabs):
    """Attention of a slab's pixels to those of the whole frame; q, k, v (N, C, H, W)."""

    def forward(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return attend(q, slabs.gather(k), slabs.gather(v))

    return forward
