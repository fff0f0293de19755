"""Training clips: one safetensors file each, all uint8 premultiplied RGBA, read slice by slice.

A file holds T video frames at S x S pixels:
`frames` (T, S, S, 4) truth, `warp` (T, S, S, 4), `guide` (T, S/2, S/2, 8), `reference` (S, S, 4),
`reference_warp` (S, S, 4), `reference_guide` (S/2, S/2, 8), `boxes` int16 (T, 3, 4): x0, y0, x1, y1 in pixels of
the mouth, the person's left eye and right eye.

    clips = Clips(folder)
    for batch in Loader(clips.training, BatchShape(size=8, latents=3, crop=128), seed=0):
        batch = batch.to(device)
        batch.truth, batch.conditions(), batch.reference_conditions()

Letters: B batch, T latent frames, N those of them with a truth (the last ones), F = 4 video frames per latent.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
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


@dataclass(frozen=True)
class BatchShape:
    size: int  # clips per batch
    latents: int  # latent frames that come with their truth
    crop: int  # pixels, a multiple of 16
    prefix: tuple[int, int] = (0, 0)  # least and most latent frames before them, conditions only


@dataclass(frozen=True)
class Batch:
    """uint8 tensors of B clips (boxes int16, in pixels of the crop)."""

    frames: Tensor  # (B, N, F, H, W, 4) premultiplied RGBA
    warp: Tensor  # (B, T, F, H, W, 4)
    guide: Tensor  # (B, T, F, H/2, W/2, 8)
    reference: Tensor  # (B, H, W, 4)
    reference_warp: Tensor  # (B, H, W, 4)
    reference_guide: Tensor  # (B, H/2, W/2, 8)
    boxes: Tensor  # (B, N, F, 3, 4)

    @property
    def prefix(self) -> int:
        return self.warp.shape[1] - self.frames.shape[1]

    def to(self, device: torch.device | str) -> Batch:
        return Batch(*(getattr(self, field.name).to(device, non_blocking=True) for field in fields(self)))

    def truth(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """(B, N, F, 4, H, W) in [-1, 1]."""
        return to_video(self.frames, dtype)

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


def to_video(pixels: Tensor, dtype: torch.dtype) -> Tensor:
    """uint8 (..., H, W, C) to [-1, 1] (..., C, H, W); the memory stays channels-last."""
    return pixels.to(dtype).mul_(1 / 127.5).sub_(1).movedim(-1, -3)


def ping_pong(start: int, count: int, length: int) -> np.ndarray:
    """`count` frame numbers that walk to and fro over 0..length-1, so a short clip serves an unroll of any length."""
    if length == 1:
        return np.zeros(count, dtype=np.int64)
    period = 2 * (length - 1)
    phase = (start + np.arange(count)) % period
    return np.where(phase < length, phase, period - phase)


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
class Clip:
    """One file: its path, number of frames T and size S."""

    path: Path
    length: int
    size: int

    @staticmethod
    def open(path: Path) -> Clip:
        try:
            with safe_open(path, framework="np") as file:
                length, height, width, channels = file.get_slice("frames").get_shape()
                missing = FIELDS - set(file.keys())
        except (SafetensorError, ValueError) as error:
            raise ValueError(f"{path} is not a training clip ({error}); make clips with `puppet actors`") from error
        if missing or height != width or channels != 4 or length < FRAMES_PER_LATENT:
            found = f"frames {length}x{height}x{width}x{channels}, missing {sorted(missing)}"
            raise ValueError(f"{path} is not a training clip ({found}); make clips with `puppet actors`")
        return Clip(path, length, height)

    def sample(self, shape: BatchShape, prefix: int, rng: np.random.Generator, augment: Augmentation) -> dict:
        """A random window, crop and flip as arrays named like the fields of `Batch`, without the batch axis."""
        total = (prefix + shape.latents) * FRAMES_PER_LATENT
        first = prefix * FRAMES_PER_LATENT
        index = ping_pong(int(rng.integers(2 * self.length)), total, self.length)
        low, high = int(index.min()), int(index.max()) + 1
        with safe_open(self.path, framework="np") as file:
            boxes = file.get_tensor("boxes")[index]
            y, x = choose_crop(boxes[first:], self.size, shape.crop, rng, augment.wander)
            rows, columns = slice(y, y + shape.crop), slice(x, x + shape.crop)
            half_rows = slice(y // 2, (y + shape.crop) // 2)
            half_columns = slice(x // 2, (x + shape.crop) // 2)
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
        out["boxes"] = (boxes[first:] - np.array([x, y, x, y])).clip(0, shape.crop).astype(np.int16)
        colours = ("frames", "warp", "reference", "reference_warp")
        if rng.random() < augment.flip:
            for name in colours:
                out[name] = out[name][..., ::-1, :]
            for name in ("guide", "reference_guide"):
                out[name] = flip_guide(out[name])
            out["boxes"] = flip_boxes(out["boxes"], shape.crop)
        if rng.random() < augment.colour:
            gains = (1 + augment.gain * rng.uniform(-1, 1)) * (1 + 0.5 * augment.gain * rng.uniform(-1, 1, 3))
            for name in colours:
                out[name] = gain_colour(out[name], gains)
        for name in ("frames", "warp", "guide", "boxes"):
            out[name] = out[name].reshape(-1, FRAMES_PER_LATENT, *out[name].shape[1:])
        return out


def choose_crop(
    boxes: np.ndarray, size: int, crop: int, rng: np.random.Generator, wander: float
) -> tuple[int, int]:
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


class Clips:
    """The clips of a folder. About one in fifty, at least one and at most 16, is held out for sheets and figures."""

    def __init__(self, folder: Path | str):
        paths = sorted(Path(folder).glob("clip_*.safetensors"))
        if not paths:
            raise ValueError(f"no clip_*.safetensors in {folder}: make some with `puppet actors {folder} --clips 100`")
        clips = [Clip.open(path) for path in paths]
        held = min(16, max(1, len(clips) // 50)) if len(clips) > 1 else 0
        self.training: list[Clip] = clips[: len(clips) - held]
        self.held_out: list[Clip] = clips[len(clips) - held :] or clips

    def crop(self, wanted: int) -> int:
        """The crop in pixels that every clip can give: `wanted`, or the smallest clip if that is less."""
        return min(wanted, min(clip.size for clip in self.training)) // 16 * 16


def collate(samples: Sequence[dict]) -> Batch:
    stacked = {key: torch.from_numpy(np.stack([sample[key] for sample in samples])) for key in samples[0]}
    return Batch(**stacked)


def make_batch(
    clips: Sequence[Clip], shape: BatchShape, seed: Sequence[int], augment: Augmentation = Augmentation()
) -> Batch:
    """The batch of a seed: the same numbers give the same batch, whatever was drawn before."""
    rng = np.random.default_rng(list(seed))
    prefix = int(rng.integers(shape.prefix[0], shape.prefix[1] + 1))
    chosen = rng.integers(len(clips), size=shape.size)
    return collate([clips[i].sample(shape, prefix, rng, augment) for i in chosen])


def read_clip(clip: Clip, latents: int, size: int | None = None) -> Batch:
    """The first frames of a clip as they are on disk (centre crop to `size`), going to and fro if it is short."""
    crop = size or clip.size // 16 * 16
    with safe_open(clip.path, framework="np") as file:
        index = ping_pong(0, latents * FRAMES_PER_LATENT, clip.length)
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


class Loader:
    """Endless batches from one background thread, two ahead. Batch i depends on (seed, i) alone, so a resumed run
    that starts at `first` sees what the uninterrupted run would have seen."""

    def __init__(
        self,
        clips: Sequence[Clip],
        shape: BatchShape,
        seed: Sequence[int],
        first: int = 0,
        augment: Augmentation = Augmentation(),
    ):
        self._queue: queue.Queue = queue.Queue(maxsize=2)
        self._stop = threading.Event()
        self._arguments = (clips, shape, tuple(seed), augment)
        self._thread = threading.Thread(target=self._work, args=(first,), daemon=True)
        self._thread.start()

    def _work(self, step: int) -> None:
        clips, shape, seed, augment = self._arguments
        while not self._stop.is_set():
            try:
                item = make_batch(clips, shape, (*seed, step), augment)
            except Exception as error:  # handed to the trainer, which raises it
                item = error
            while not self._stop.is_set():
                try:
                    self._queue.put(item, timeout=0.1)
                    break
                except queue.Full:
                    continue
            if isinstance(item, Exception):
                return
            step += 1

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
