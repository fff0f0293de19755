"""Accelerators that `puppet bench --plan` speaks of, with the peaks that their makers publish."""

from __future__ import annotations

from dataclasses import dataclass

GB = 10**9
TERA = 10**12


@dataclass(frozen=True)
class Accelerator:
    """Peaks for dense matrices (no structured sparsity), accumulated in float32."""

    name: str
    tflops_bf16: float  # 10^12 floating-point operations a second
    tflops_fp8: float | None  # None: no fp8 units
    memory_gb: int  # 10^9 bytes
    bandwidth_gb_s: float  # 10^9 bytes a second, of its own memory
    link_gb_s: float  # 10^9 bytes a second, to the other cards of one machine, each way


# Sources: NVIDIA H100, H200 and A100 data sheets (SXM form); Ada and Blackwell GeForce architecture papers.
ACCELERATORS = (
    Accelerator("H100", 989, 1979, 80, 3350, 450),
    Accelerator("H200", 989, 1979, 141, 4800, 450),
    Accelerator("A100", 312, None, 80, 2039, 300),
    Accelerator("RTX 4090", 165, 330, 24, 1008, 32),  # PCIe 4.0 x16, no NVLink
    Accelerator("RTX 5090", 210, 419, 32, 1792, 64),  # PCIe 5.0 x16, no NVLink
)
