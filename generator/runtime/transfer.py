"""Pictures to a device and back. Through page-locked memory a copy to a GPU does not stop Python, and is many times
faster."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Transfer:
    """One buffer of page-locked memory a direction, kept from step to step; on a CPU, arrays are used where they
    lie."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._pinned = device.type == "cuda"
        self._up: dict[str, tuple[Tensor, torch.cuda.Event]] = {}
        self._down: Tensor | None = None

    def up(self, name: str, array: np.ndarray) -> Tensor:
        """An array on the device. name: one for each array of a step; its buffer is written again in the next one."""
        source = torch.from_numpy(np.ascontiguousarray(array))
        if not self._pinned:
            return source.to(self.device)
        held, copied = self._up.get(name, (None, None))
        if held is None or held.shape != source.shape or held.dtype != source.dtype:
            held, copied = torch.empty_like(source, pin_memory=True), torch.cuda.Event()
        else:
            copied.synchronize()  # the copy before has left the buffer
        held.copy_(source)
        on_device = held.to(self.device, non_blocking=True)
        copied.record(torch.cuda.current_stream(self.device))
        self._up[name] = held, copied
        return on_device

    def down(self, tensor: Tensor) -> np.ndarray:
        """A tensor of the device as an array of its own, once it is there."""
        if not self._pinned:
            return tensor.cpu().numpy()
        if self._down is None or self._down.shape != tensor.shape or self._down.dtype != tensor.dtype:
            self._down = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        self._down.copy_(tensor, non_blocking=True)
        torch.cuda.current_stream(self.device).synchronize()
        return self._down.numpy().copy()
