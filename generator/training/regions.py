"""Where a pixel counts more: the face, the boxes of mouth and eyes, the inside of the mouth; and enlarged crops."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from generator.portrait.layout import CANONICAL, INNER_MOUTH
from generator.training.portrait_clips import LEFT_EYE, MOUTH, RIGHT_EYE, PortraitBatch

OUTLINE = 8  # pixels


@dataclass(frozen=True)
class RegionWeights:
    """Added to the 1 of every pixel."""

    face: float = 1.0
    eyes: float = 4.0
    mouth: float = 4.0
    inner_mouth: float = 6.0
    outline: float = 2.0  # within OUTLINE pixels of where the person ends


def box_mask(boxes: Tensor, height: int, width: int, margin: float = 0.15) -> Tensor:
    """(..., 4) pixel boxes to bool (..., 1, H, W), each box widened by `margin` of its longer side."""
    boxes = boxes.float()
    x0, y0, x1, y1 = boxes.unbind(-1)
    pad = margin * torch.maximum(x1 - x0, y1 - y0)
    x = torch.arange(width, device=boxes.device) + 0.5
    y = torch.arange(height, device=boxes.device) + 0.5
    inside_x = (x >= (x0 - pad)[..., None]) & (x <= (x1 + pad)[..., None])  # (..., W)
    inside_y = (y >= (y0 - pad)[..., None]) & (y <= (y1 + pad)[..., None])  # (..., H)
    real = ((x1 > x0) & (y1 > y0))[..., None, None]
    return (inside_y[..., :, None] & inside_x[..., None, :] & real)[..., None, :, :]


def pixel_weights(batch: PortraitBatch, weights: RegionWeights, dtype: torch.dtype) -> Tensor:
    """(B, N, F, 1, H, W) for the frames of a batch that have a truth."""
    height, width = batch.frames.shape[3:5]
    guide = batch.guide[:, batch.prefix :]  # (B, N, F, h, w, 8)
    half = weights.face * (guide[..., CANONICAL].amax(-1) > 0).to(dtype)
    half = half + weights.inner_mouth / 255 * guide[..., INNER_MOUTH].to(dtype)  # (B, N, F, h, w)
    half = half + weights.outline * outline(batch.frames[..., ::2, ::2, 3].to(dtype) / 255)
    total = F.interpolate(half.flatten(0, 2)[:, None], scale_factor=2, mode="nearest")
    total = total.unflatten(0, half.shape[:3]) + 1  # (B, N, F, 1, H, W)
    total += weights.mouth * box_mask(batch.boxes[..., MOUTH, :], height, width)
    left, right = (box_mask(batch.boxes[..., eye, :], height, width) for eye in (LEFT_EYE, RIGHT_EYE))
    eyes = left | right
    return total.add_(eyes, alpha=weights.eyes)


def outline(alpha: Tensor) -> Tensor:
    """(..., h, w) coverage at half resolution -> about 1 near its edge, 0 elsewhere, same shape."""
    flat = alpha.flatten(0, -3)[:, None]
    reach = OUTLINE // 2
    highest, lowest = (F.max_pool2d(s * flat, 2 * reach + 1, stride=1, padding=reach) for s in (1, -1))
    return (highest + lowest).view(alpha.shape)


def resample(pictures: Tensor, boxes: Tensor, size: int) -> Tensor:
    """Square crops (M, C, size, size) of (M, C, H, W), bilinear; boxes (M, 4) x0, y0, x1, y1 in pixels, square.
    The gradient flows to the pictures; outside a picture its border goes on."""
    height, width = pictures.shape[-2:]
    x0, y0, x1, y1 = boxes.float().unbind(-1)
    theta = torch.zeros(len(boxes), 2, 3, device=pictures.device)
    theta[:, 0, 0] = (x1 - x0) / width
    theta[:, 1, 1] = (y1 - y0) / height
    theta[:, 0, 2] = (x0 + x1) / width - 1
    theta[:, 1, 2] = (y0 + y1) / height - 1
    grid = F.affine_grid(theta, [len(boxes), 1, size, size], align_corners=False)
    return F.grid_sample(pictures.float(), grid, padding_mode="border", align_corners=False).to(pictures.dtype)
