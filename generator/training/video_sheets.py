"""How training goes for models of any video: held-out clips and what the model makes of their first frame."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch

from generator.model import VideoModel
from generator.training.data import BatchShape, ClipList, Silent
from generator.training.sequences import Rollout, encode_reference
from generator.training.sheets import over_grey, to_pixels
from generator.training.video_clips import VideoClip

COLUMNS, CELL = 6, 128  # moments of a clip on a sheet, and pixels of one


@torch.no_grad()
def evaluate(
    model: VideoModel, clips: Sequence[VideoClip], latents: int, crop: int, path: Path | None
) -> dict[str, float]:
    """Roll out over the held-out clips, write the sheet (truth over output), return figures: mean absolute error of 255
    of output and of the reference held still, and the output's in the last quarter over that in the first."""
    rows, errors, still, drifts = [], [], [], []
    for number, clip in enumerate(clips):
        shape = BatchShape(size=1, latents=min(latents, clip.latents), crop=crop)
        batch = Silent(ClipList((clip,)), model).batch(shape, (0, number)).to(next(model.parameters()).device)
        rollout = Rollout(model, batch, torch.Generator(batch.frames.device).manual_seed(0))
        z = rollout.extend(shape.latents)
        state = model.codec.initial_state(encode_reference(model.codec, batch))
        made = to_pixels(model.codec.decode(z, None, state))[0]
        truth = batch.frames[0].flatten(0, 1).cpu().numpy()  # (F, H, W, C)
        error = np.abs(made.astype(np.float32) - truth).mean((1, 2, 3))
        quarter = max(1, len(error) // 4)
        errors.append(error.mean())
        still.append(np.abs(batch.reference.cpu().numpy().astype(np.float32) - truth).mean())
        drifts.append(error[-quarter:].mean() / max(error[:quarter].mean(), 1e-6))
        moments = np.linspace(0, len(truth) - 1, COLUMNS).round().astype(int)
        rows += [np.concatenate(list(_rgb(video[moments])), 1) for video in (truth, made)]
    if path and find_spec("PIL"):
        from PIL import Image

        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(rows)).resize((COLUMNS * CELL, len(rows) * CELL)).save(path)
    return {"l1": float(np.mean(errors)), "still_l1": float(np.mean(still)), "drift": float(np.mean(drifts))}


def _rgb(frames: np.ndarray) -> np.ndarray:
    return over_grey(frames) if frames.shape[-1] == 4 else frames
