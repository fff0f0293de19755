"""Attention kernels by name.  All take q (B, L, H, D), k and v (B, N, H, D) and a mask (N,) bool of the keys that are
there (None: all are), and return (B, L, H, D)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Attention = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]


def sdpa(q_BLHD: Tensor, k_BNHD: Tensor, v_BNHD: Tensor, mask_N: Tensor | None = None) -> Tensor:
    """torch's scaled dot product attention, which picks the best kernel that torch has for the device."""
    q, k, v = (x.transpose(1, 2) for x in (q_BLHD, k_BNHD, v_BNHD))
    mask = None if mask_N is None else mask_N.expand(q.shape[-2], -1)
    return F.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2)


def xformers(q_BLHD: Tensor, k_BNHD: Tensor, v_BNHD: Tensor, mask_N: Tensor | None = None) -> Tensor:
    """xformers' memory-efficient attention (CUDA)."""
    from xformers.ops import memory_efficient_attention

    if mask_N is None:
        return memory_efficient_attention(q_BLHD, k_BNHD, v_BNHD)
    (B, L, H, _), N = q_BLHD.shape, len(mask_N)
    bias = q_BLHD.new_zeros(-(-N // 8) * 8)  # the kernel wants rows that begin at multiples of eight
    bias[:N].masked_fill_(~mask_N, float("-inf"))
    return memory_efficient_attention(q_BLHD, k_BNHD, v_BNHD, attn_bias=bias.expand(B, H, L, -1)[..., :N])


BACKENDS: dict[str, Attention] = {"sdpa": sdpa, "xformers": xformers}


def get_attention(name: str, device: torch.device, dtype: torch.dtype, heads: int = 4, head_dim: int = 64) -> Attention:
    """The kernel called `name`, after comparing it with `sdpa` on the device.

    "auto" is `sdpa`. Raises ValueError where the kernel cannot be used.
    """
    if name != "auto" and name not in BACKENDS:
        raise ValueError(f"no attention backend {name!r}; known: auto, {', '.join(BACKENDS)}")
    if name in ("auto", "sdpa"):
        return sdpa
    fault = _fault(BACKENDS[name], device, dtype, heads, head_dim)
    if fault is not None:
        raise ValueError(f"attention backend {name!r} cannot be used on {device}: {fault}; choose 'sdpa' or 'auto'")
    return BACKENDS[name]


@torch.inference_mode()
def _fault(attention: Attention, device: torch.device, dtype: torch.dtype, heads: int, head_dim: int) -> str | None:
    """Why this kernel is unusable here, or None when it agrees with `sdpa`."""
    if device.type != "cuda":
        return "it needs a CUDA device"
    generator = torch.Generator(device).manual_seed(0)
    q = torch.randn(1, 64, heads, head_dim, generator=generator, device=device).to(dtype)
    k, v = torch.randn(2, 1, 192, heads, head_dim, generator=generator, device=device).to(dtype).unbind(0)
    try:
        difference = (attention(q, k, v).float() - sdpa(q, k, v).float()).abs().max().item()
    except ImportError:
        return "it is not installed"
    except (RuntimeError, NotImplementedError, ValueError) as error:
        return str(error).strip().splitlines()[0]
    tolerance = 1e-4 if dtype == torch.float32 else 3e-2
    return None if difference <= tolerance else f"its result differs from torch's by {difference:.3g}"
