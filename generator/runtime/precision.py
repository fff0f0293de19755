"""Which device and number format to run in, and the cast that keeps what must stay float32."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)


def resolve_device(name: str | torch.device) -> torch.device:
    """ "auto", "cpu", "cuda", "cuda:1" or "mps" -> device.  Raises ValueError when it is not there."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise ValueError(f"unknown device {str(name)!r}; choose auto, cpu, cuda or mps") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("no CUDA device is available; choose --device cpu, or install a CUDA build of torch")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"there is no device {device}; this machine has {torch.cuda.device_count()}")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ValueError("no Metal device is available; choose --device cpu")
    return device


def resolve_dtype(name: str | torch.dtype, device: torch.device) -> torch.dtype:
    """ "auto" -> bfloat16 where the device computes in it natively, else float32; or a dtype by name."""
    if isinstance(name, torch.dtype):
        return name
    names = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if name in names:
        return names[name]
    if name != "auto":
        raise ValueError(f"unknown number format {name!r}; choose auto, {', '.join(names)}")
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if device.type == "cpu" and cpu_has_bfloat16() else torch.float32


def cpu_has_bfloat16() -> bool:
    """True where matrix products in bfloat16 are done by the processor itself (AMX or AVX512-BF16)."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    if capabilities:
        return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    try:
        with open("/proc/cpuinfo") as file:
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def kept_in_float32(model: nn.Module) -> set[str]:
    """Names of the parameters that some module of `model` names in its `keep_fp32`."""
    names = set()
    for prefix, module in model.named_modules():
        kept = set(getattr(module, "keep_fp32", ()))
        if kept:
            inside = f"{prefix}." if prefix else ""
            names |= {f"{inside}{name}" for name, _ in module.named_parameters() if set(name.split(".")) & kept}
    return names


def cast(model: Model, device: torch.device, dtype: torch.dtype) -> Model:
    """Move the model in place; parameters named by a module's `keep_fp32` stay float32, unrounded, convolutions
    channels-last."""
    kept = kept_in_float32(model)
    for name, parameter in model.named_parameters():
        data = parameter.data.to(device, torch.float32 if name in kept else dtype)
        parameter.data = data.contiguous(memory_format=torch.channels_last) if data.dim() == 4 else data
    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = buffer.to(device)
    return model
