"""Clips of anything, for models of any video: one safetensors file each.

A file holds `frames` (T, H, W, C), uint8, RGB or premultiplied RGBA as the model's codec wants them, and in its
metadata
`source`, the video that it was cut from. The reference is the frame before those that are to be made.

Letters: B batch, T latent frames, N those of them with a truth (the last ones), F = 4 video frames per latent frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from generator.training.portrait_clips import Augmentation, to_video

FRAMES_PER_LATENT = 4  # of every codec that video models have


@dataclass(frozen=True)
class VideoBatch:
    """A `Batch` without conditions. silence: makes a signal that says nothing, (batch, latents, height, width, device,
    dtype), for a control that wants one; None: it wants none."""

    frames: Tensor  # (B, N, F, H, W, C) uint8
    reference: Tensor  # (B, H, W, C) uint8
    prefix: int = 0
    cuts: tuple[int, ...] = ()
    silence: Callable[..., Any] | None = None

    def to(self, device: torch.device | str) -> VideoBatch:
        return replace(self, frames=self.frames.to(device), reference=self.reference.to(device))

    def truth(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
        return to_video(self.frames[:, start:stop], dtype)

    def reference_video(self, dtype: torch.dtype = torch.float32) -> Tensor:
        return to_video(self.reference, dtype)[:, None].expand(-1, FRAMES_PER_LATENT, -1, -1, -1)

    def conditions(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Any:
        return self._silence(self._latents(start, stop), dtype)

    def reference_conditions(self, dtype: torch.dtype = torch.float32) -> Any:
        return self._silence(1, dtype)

    def sequence_conditions(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Any:
        return self._silence(1 + self._latents(start, stop), dtype)

    def _latents(self, start: int, stop: int | None) -> int:
        return len(range(self.prefix + self.frames.shape[1])[start:stop])

    def _silence(self, latents: int, dtype: torch.dtype) -> Any:
        if self.silence is None:
            return None
        batch, height, width = self.reference.shape[:3]
        return self.silence(batch, latents, height, width, device=self.reference.device, dtype=dtype)


@dataclass(frozen=True)
class VideoClip:
    """One file: its path, number of frames T, height, width, and the video that it was cut from."""

    path: Path
    length: int
    height: int
    width: int
    source: str

    @property
    def size(self) -> int:
        return min(self.height, self.width)

    @property
    def latents(self) -> int:
        return (self.length - 1) // FRAMES_PER_LATENT

    @staticmethod
    def open(path: Path) -> VideoClip:
        try:
            with safe_open(path, framework="np") as file:
                length, height, width, channels = file.get_slice("frames").get_shape()
                source = (file.metadata() or {}).get("source", path.stem)
        except (SafetensorError, ValueError) as error:
            wanted = "it needs `frames`, uint8 (T, H, W, C)"
            raise ValueError(f"{path} is not a training clip ({error}): {wanted}") from error
        if channels not in (3, 4) or length <= FRAMES_PER_LATENT:
            found = f"frames {length}x{height}x{width}x{channels}"
            wanted = f"it needs more than {FRAMES_PER_LATENT} RGB or RGBA frames"
            raise ValueError(f"{path} is not a training clip ({found}): {wanted}")
        return VideoClip(path, length, height, width, source)

    def sample(
        self, spans: Sequence[int], prefix: int, crop: int, rng: np.random.Generator, augment: Augmentation
    ) -> dict[str, np.ndarray]:
        """Parts of `spans` latent frames, each from a random moment on, in one random crop; the first after its
        reference. Nothing is mirrored: a camera's way, or writing, has sides."""
        starts = [1 + int(rng.integers(self.length - span * FRAMES_PER_LATENT)) for span in spans]
        y, x = (int(rng.integers(room + 1)) // 2 * 2 for room in (self.height - crop, self.width - crop))
        with safe_open(self.path, framework="np") as file:
            frames = file.get_slice("frames")
            parts = [
                frames[start : start + span * FRAMES_PER_LATENT, y : y + crop, x : x + crop]
                for start, span in zip(starts, spans, strict=True)
            ]
            reference = frames[starts[0] - 1 : starts[0], y : y + crop, x : x + crop][0]
        made = np.concatenate(parts)[prefix * FRAMES_PER_LATENT :]
        return {"frames": made.reshape(-1, FRAMES_PER_LATENT, *made.shape[1:]), "reference": reference}

    @staticmethod
    def collate(samples: Sequence[dict[str, np.ndarray]], prefix: int, cuts: tuple[int, ...]) -> VideoBatch:
        stacked = {key: torch.from_numpy(np.stack([sample[key] for sample in samples])) for key in samples[0]}
        return VideoBatch(**stacked, prefix=prefix, cuts=cuts)
