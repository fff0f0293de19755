"""Small random clips in the training format: a moving disc with a mouth that opens, and a warp that has no mouth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def write_clip(path: Path, seed: int, length: int = 12, size: int = 64) -> None:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] + 0.5
    skin, lips = rng.integers(80, 255, 3), rng.integers(0, 120, 3)
    texture = rng.integers(-20, 20, (size, size, 1))

    def picture(cx: float, cy: float, opening: float) -> np.ndarray:
        out = np.zeros((size, size, 4), np.uint8)
        face = (x - cx) ** 2 + (y - cy) ** 2 < (0.35 * size) ** 2
        out[face, :3] = np.clip(skin + texture[face], 0, 255)
        out[face, 3] = 255
        mouth = ((x - cx) / (0.12 * size)) ** 2 + ((y - cy - 0.15 * size) / (opening * size + 1e-6)) ** 2 < 1
        out[mouth, :3] = lips
        return out

    def guide(cx: float, cy: float, opening: float) -> np.ndarray:
        out = np.zeros((size, size, 8), np.uint8)
        face = (x - cx) ** 2 + (y - cy) ** 2 < (0.35 * size) ** 2
        out[face, 0] = np.clip(128 + 300 * (x - cx) / size, 1, 255)[face]
        out[face, 1] = np.clip(128 + 300 * (y - cy) / size, 1, 255)[face]
        out[face, 2], out[face, 3] = 128, 200
        mouth = ((x - cx) / (0.12 * size)) ** 2 + ((y - cy - 0.15 * size) / (opening * size + 1e-6)) ** 2 < 1
        out[mouth, 4] = 255
        return out[::2, ::2]

    time = np.arange(length) / 24
    cx = size * (0.5 + 0.08 * np.sin(6 * time + rng.uniform(0, 6)))
    cy = size * (0.5 + 0.04 * np.sin(5 * time + rng.uniform(0, 6)))
    opening = 0.08 * np.abs(np.sin(9 * time + rng.uniform(0, 6)))
    box = size / 192
    boxes = [
        [(a - 24 * box, b + 12 * box, a + 24 * box, b + 44 * box),
         (a + 12 * box, b - 24 * box, a + 36 * box, b - 10 * box),
         (a - 36 * box, b - 24 * box, a - 12 * box, b - 10 * box)]
        for a, b in zip(cx, cy)
    ]  # fmt: skip
    save_file(
        {
            "frames": np.stack([picture(*values) for values in zip(cx, cy, opening)]),
            "warp": np.stack([picture(a, b, 0) for a, b in zip(cx, cy)]),
            "guide": np.stack([guide(*values) for values in zip(cx, cy, opening)]),
            "reference": picture(size / 2, size / 2, 0),
            "reference_warp": picture(size / 2, size / 2, 0),
            "reference_guide": guide(size / 2, size / 2, 0),
            "boxes": np.round(boxes).clip(0, size).astype(np.int16),
        },
        path,
    )


def write_clips(folder: Path, count: int, **kwargs) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        write_clip(folder / f"clip_{i:06d}.safetensors", i, **kwargs)
    return folder
