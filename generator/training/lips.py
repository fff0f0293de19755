"""Whether a model that was fitted to a person draws between the lips better than the warp: asked of clips that the
training has not seen, and kept with the weights (`PortraitControlConfig.lips`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from generator.model import VideoModel
from generator.portrait.layout import INNER_MOUTH
from generator.training.portrait_clips import PortraitClip, read_clip
from generator.training.sheets import render

LEAST_GAIN = 1.0  # dB in a second or a few of video: less may be chance


def draws_lips_better(model: VideoModel, clips: Sequence[Path]) -> bool:
    """model: one that draws between the lips. False where the clips show no open mouth."""
    drawn = stayed = 0.0
    for path in clips:
        clip = PortraitClip.open(path)
        batch = read_clip(clip, clip.latents)
        frames = render(model, batch, torch.Generator().manual_seed(0))
        inside = batch.guide[..., INNER_MOUTH].numpy().repeat(2, -2).repeat(2, -1) / 255.0  # (1, N, F, H, W)
        truth = batch.frames.numpy()
        drawn += _error(frames, truth, inside)
        stayed += _error(batch.warp.numpy(), truth, inside)
    return drawn * 10 ** (LEAST_GAIN / 10) < stayed


def _error(frames: np.ndarray, truth: np.ndarray, weight: np.ndarray) -> float:
    """Sum of squared differences of colour."""
    difference = frames[..., :3].astype(np.float32) - truth[..., :3]
    return float((np.square(difference).sum(-1) * weight).sum())
