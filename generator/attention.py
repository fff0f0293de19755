"""Attention kernels by name.  All take q (B, L, H, D), k and v (B, N, H, D) without a mask and return (B, L, H, D)."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]


def sdpa(q_BLHD: Tensor, k_BNHD: Tensor, v_BNHD: Tensor) -> Tensor:
    """torch's scaled dot product attention, which picks the best kernel that torch has for the device."""
    q, k, v = (x.transpose(1, 2) for x in (q_BLHD, k_BNHD, v_BNHD))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2)


def xformers(q_BLHD: Tensor, k_BNHD: Tensor, v_BNHD: Tensor) -> Tensor:
    """xformers' memory-efficient attention (CUDA)."""
    from xformers.ops import memory_efficient_attention

    return memory_efficient_attention(q_BLHD, k_BNHD, v_BNHD)


BACKENDS: dict[str, Attention] = {"sdpa": sdpa, "xformers": xformers}


def get_attention(name: str, device: torch.device, dtype: torch.dtype, heads: int = 4, head_dim: int = 64) -> Attention:
    """The kernel called `name`, after comparing it with `sdpa` on the device.

    "auto" prefers xformers on CUDA and warns when it has to fall back; a kernel asked for by name raises ValueError
    instead.
    """
    if name != "auto" and name not in BACKENDS:
        raise ValueError(f"no attention backend {name!r}; known: auto, {', '.join(BACKENDS)}")
    if name == "sdpa" or (name == "auto" and device.type != "cuda"):
        return sdpa
    chosen = "xformers" if name == "auto" else name
    fault = _fault(BACKENDS[chosen], device, dtype, heads, head_dim)
    if fault is None:
        return BACKENDS[chosen]
    message = f"attention backend {chosen!r} cannot be used on {device}: {fault}"
    if name != "auto":
        raise ValueError(f"{message}; choose 'sdpa' or 'auto'")
    warnings.warn(f"{message}; using 'sdpa'", stacklevel=2)
    return sdpa


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
