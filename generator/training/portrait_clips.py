"""Clips of one face, one safetensors file each, all uint8 premultiplied RGBA, read slice by slice.

A file holds T video frames at S x S pixels:
`frames` (T, S, S, 4) truth, `warp` (T, S, S, 4), `guide` (T, S/2, S/2, 8), `reference` (S, S, 4),
`reference_warp` (S, S, 4), `reference_guide` (S/2, S/2, 8), `boxes` int16 (T, 3, 4): x0, y0, x1, y1 in pixels of
the mouth, the person's left eye and right eye; and in its metadata `source`, the video that it was cut from.

Letters: B batch, T latent frames, N those of them with a truth (the last ones), F = 4 video frames per latent frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from generator.portrait.conditions import Conditions
from generator.portrait.layout import CANONICAL, FRAMES_PER_LATENT

FIELDS = {"frames", "warp", "guide", "reference", "reference_warp", "reference_guide", "boxes"}
MOUTH, LEFT_EYE, RIGHT_EYE = range(3)  # rows of `boxes`
CANONICAL_X = 0  # guide channel: canonical face x as colour, 0 where there is no face


@dataclass(frozen=True)
class Augmentation:
    """How far a sample may depart from the clip on disk."""

    flip: float = 0.5  # probability of mirroring left and right
    colour: float = 0.3  # probability of a colour gain, the same for truth, warp and reference
    gain: float = 0.2  # largest relative gain per channel
    wander: float = 0.15  # probability of a crop anywhere instead of near the face
    still: float = 0.0  # probability that the person holds the portrait's pose, where the portrait itself is the truth


@dataclass(frozen=True)
class PortraitBatch:
    """uint8 tensors of B clips (boxes int16, in pixels of the crop)."""

    frames: Tensor  # (B, N, F, H, W, 4) premultiplied RGBA
    warp: Tensor  # (B, T, F, H, W, 4)
    guide: Tensor  # (B, T, F, H/2, W/2, 8)
    reference: Tensor  # (B, H, W, 4)
    reference_warp: Tensor  # (B, H, W, 4)
    reference_guide: Tensor  # (B, H/2, W/2, 8)
    boxes: Tensor  # (B, N, F, 3, 4)
    cuts: tuple[int, ...] = ()  # latent frames at which the conditions jump to another part of the clip

    @property
    def prefix(self) -> int:
        return self.warp.shape[1] - self.frames.shape[1]

    def to(self, device: torch.device | str) -> PortraitBatch:
        tensors = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "cuts"}
        return replace(self, **{name: tensor.to(device, non_blocking=True) for name, tensor in tensors.items()})

    def truth(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Tensor:
        """Latent frames start..stop of the N: (B, n, F, 4, H, W) in [-1, 1]."""
        return to_video(self.frames[:, start:stop], dtype)

    def reference_video(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """(B, F, 4, H, W): the portrait held still, in [-1, 1]."""
        return to_video(self.reference, dtype)[:, None].expand(-1, FRAMES_PER_LATENT, -1, -1, -1)

    def conditions(self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32) -> Conditions:
        """Conditions of latent frames start..stop of the T."""
        return Conditions.from_uint8(self.warp[:, start:stop], self.guide[:, start:stop], dtype)

    def reference_conditions(self, dtype: torch.dtype = torch.float32) -> Conditions:
        """The portrait's own maps as one latent frame (T = 1)."""
        warp = self.reference_warp[:, None, None].expand(-1, 1, FRAMES_PER_LATENT, -1, -1, -1)
        guide = self.reference_guide[:, None, None].expand(-1, 1, FRAMES_PER_LATENT, -1, -1, -1)
        return Conditions.from_uint8(warp, guide, dtype)

    def sequence_conditions(
        self, start: int = 0, stop: int | None = None, dtype: torch.dtype = torch.float32
    ) -> Conditions:
        """Those of the reference, then of latent frames start..stop."""
        reference, present = self.reference_conditions(dtype), self.conditions(start, stop, dtype)
        return Conditions(torch.cat([reference.warp, present.warp], 1), torch.cat([reference.guide, present.guide], 1))


def to_video(pixels: Tensor, dtype: torch.dtype) -> Tensor:
    """uint8 (..., H, W, C) to [-1, 1] (..., C, H, W); the memory stays channels-last."""
    return pixels.to(dtype).mul_(1 / 127.5).sub_(1).movedim(-1, -3)


def flip_guide(guide: np.ndarray) -> np.ndarray:
    """Mirror (..., h, w, 8): the canonical x that it carries as a colour becomes 255 - x where there is a face."""
    mirrored = guide[..., ::-1, :].copy()
    face = mirrored[..., CANONICAL].any(axis=-1)
    x = mirrored[..., CANONICAL_X]
    mirrored[..., CANONICAL_X] = np.where(face, 255 - x, x)
    return mirrored


def flip_boxes(boxes: np.ndarray, width: int) -> np.ndarray:
    """Mirror (..., 3, 4): the eyes change places, since left is the person's left."""
    mirrored = boxes[..., [MOUTH, RIGHT_EYE, LEFT_EYE], :]
    return np.stack(
        [width - mirrored[..., 2], mirrored[..., 1], width - mirrored[..., 0], mirrored[..., 3]], axis=-1
    ).astype(boxes.dtype)


def gain_colour(rgba: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Scale the colours of premultiplied uint8 (..., 4); colour never exceeds alpha."""
    tables = np.clip(np.arange(256)[:, None] * gains, 0, 255).astype(np.uint8)  # (256, 3)
    out = np.empty_like(rgba)
    out[..., 3] = rgba[..., 3]
    for channel in range(3):
        np.minimum(np.take(tables[:, channel], rgba[..., channel]), rgba[..., 3], out=out[..., channel])
    return out


@dataclass(frozen=True)
class PortraitClip:
    """One file: its path, number of frames T, size S, and the video that it was cut from."""

    path: Path
    length: int
    size: int
    source: str

    @property
    def latents(self) -> int:
        return self.length // FRAMES_PER_LATENT

    @staticmethod
    def open(path: Path) -> PortraitClip:
        try:
            with safe_open(path, framework="np") as file:
                length, height, width, channels = file.get_slice("frames").get_shape()
                missing = FIELDS - set(file.keys())
                source = (file.metadata() or {}).get("source", path.stem)
        except (SafetensorError, ValueError) as error:
            raise ValueError(f"{path} is not a training clip ({error}); make clips with `puppet actors`") from error
        if missing or height != width or channels != 4 or length < FRAMES_PER_LATENT:
            found = f"frames {length}x{height}x{width}x{channels}, missing {sorted(missing)}"
            raise ValueError(f"{path} is not a training clip ({found}); make clips with `puppet actors`")
        return PortraitClip(path, length, height, source)

    def sample(
        self, spans: Sequence[int], prefix: int, crop: int, rng: np.random.Generator, augment: Augmentation
    ) -> dict:
        """Parts of the clip of `spans` latent frames, each from a random moment on, in one random crop and flip, as
        arrays named like the fields of `PortraitBatch` without the batch axis; `prefix` latent frames have no truth."""
        first = prefix * FRAMES_PER_LATENT
        starts = [int(rng.integers(self.length - span * FRAMES_PER_LATENT + 1)) for span in spans]
        index = np.concatenate([start + np.arange(span * FRAMES_PER_LATENT) for start, span in zip(starts, spans)])
        low, high = int(index.min()), int(index.max()) + 1
        with safe_open(self.path, framework="np") as file:
            boxes = file.get_tensor("boxes")[index]
            y, x = choose_crop(boxes[first:], self.size, crop, rng, augment.wander)
            rows, columns = slice(y, y + crop), slice(x, x + crop)
            half_rows = slice(y // 2, (y + crop) // 2)
            half_columns = slice(x // 2, (x + crop) // 2)
            truth_index = index[first:]
            truth_low, truth_high = int(truth_index.min()), int(truth_index.max()) + 1
            out = {
                "frames": file.get_slice("frames")[truth_low:truth_high, rows, columns][truth_index - truth_low],
                "warp": file.get_slice("warp")[low:high, rows, columns][index - low],
                "guide": file.get_slice("guide")[low:high, half_rows, half_columns][index - low],
                "reference": file.get_slice("reference")[rows, columns],
                "reference_warp": file.get_slice("reference_warp")[rows, columns],
                "reference_guide": file.get_slice("reference_guide")[half_rows, half_columns],
            }
        out["boxes"] = (boxes[first:] - np.array([x, y, x, y])).clip(0, crop).astype(np.int16)
        if augment.still and rng.random() < augment.still:
            for name, own in (("frames", "reference"), ("warp", "reference_warp"), ("guide", "reference_guide")):
                out[name] = np.broadcast_to(out[own], out[name].shape)
            out["boxes"] = np.zeros_like(out["boxes"])  # of this pose they are not known
        colours = ("frames", "warp", "reference", "reference_warp")
        if rng.random() < augment.flip:
            for name in colours:
                out[name] = out[name][..., ::-1, :]
            for name in ("guide", "reference_guide"):
                out[name] = flip_guide(out[name])
            out["boxes"] = flip_boxes(out["boxes"], crop)
        if rng.random() < augment.colour:
            gains = (1 + augment.gain * rng.uniform(-1, 1)) * (1 + 0.5 * augment.gain * rng.uniform(-1, 1, 3))
            for name in colours:
                out[name] = gain_colour(out[name], gains)
        for name in ("frames", "warp", "guide", "boxes"):
            out[name] = out[name].reshape(-1, FRAMES_PER_LATENT, *out[name].shape[1:])
        return out

    @staticmethod
    def collate(samples: Sequence[dict], prefix: int, cuts: tuple[int, ...]) -> PortraitBatch:
        return collate(samples, cuts)


def choose_crop(boxes: np.ndarray, size: int, crop: int, rng: np.random.Generator, wander: float) -> tuple[int, int]:
    """Top left corner (y, x), even. Near the centre of the face boxes (K, 3, 4), or anywhere with chance `wander`."""
    room = size - crop
    if rng.random() < wander:
        y, x = rng.integers(room + 1), rng.integers(room + 1)
    else:
        corners = boxes.reshape(-1, 4)
        centre_x = (corners[:, 0].mean() + corners[:, 2].mean()) / 2
        centre_y = (corners[:, 1].mean() + corners[:, 3].mean()) / 2
        x, y = (np.array([centre_x, centre_y]) - crop / 2 + rng.uniform(-0.2, 0.2, 2) * crop).clip(0, room)
        # the mouth is what the network has to invent: keep it inside
        mouth = boxes[:, MOUTH]
        x = np.clip(x, min(mouth[:, 2].max() - crop, room), max(mouth[:, 0].min(), 0)).clip(0, room)
        y = np.clip(y, min(mouth[:, 3].max() - crop, room), max(mouth[:, 1].min(), 0)).clip(0, room)
    return int(y) // 2 * 2, int(x) // 2 * 2


def collate(samples: Sequence[dict], cuts: tuple[int, ...] = ()) -> PortraitBatch:
    stacked = {key: torch.from_numpy(np.stack([sample[key] for sample in samples])) for key in samples[0]}
    return PortraitBatch(**stacked, cuts=cuts)


def read_clip(clip: PortraitClip, latents: int, size: int | None = None) -> PortraitBatch:
    """The first latent frames of a clip, at most all, as they are on disk (centre crop to `size`)."""
    crop = size or clip.size // 16 * 16
    with safe_open(clip.path, framework="np") as file:
        index = np.arange(min(latents, clip.latents) * FRAMES_PER_LATENT)
        at = (clip.size - crop) // 4 * 2
        whole, half = slice(at, at + crop), slice(at // 2, (at + crop) // 2)
        sample = {name: file.get_slice(name)[: index.max() + 1, whole, whole][index] for name in ("frames", "warp")}
        sample["guide"] = file.get_slice("guide")[: index.max() + 1, half, half][index]
        sample["reference"] = file.get_slice("reference")[whole, whole]
        sample["reference_warp"] = file.get_slice("reference_warp")[whole, whole]
        sample["reference_guide"] = file.get_slice("reference_guide")[half, half]
        sample["boxes"] = (file.get_tensor("boxes")[index] - at).clip(0, crop).astype(np.int16)
    for name in ("frames", "warp", "guide", "boxes"):
        sample[name] = sample[name].reshape(-1, FRAMES_PER_LATENT, *sample[name].shape[1:])
    return collate([sample])
