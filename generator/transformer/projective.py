"""Attention that knows where each frame's camera stands: PRoPE (Li et al. 2025, arXiv 2507.10496), as minWM uses it.

A camera is the matrix P = lift(K) [R | t] that takes points of the world to its picture. Queries are multiplied by P
transposed, keys and values by its inverse, four channels at a time, and what comes out of the attention by P: tokens of
two frames then see each other through the one camera's inverse and the other, the same wherever the world's origin
lies.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Cameras(NamedTuple):
    """What queries, keys and outputs of T latent frames are multiplied by, (B, T, 4, 4) float32 each."""

    query: Tensor
    key: Tensor
    out: Tensor

    @staticmethod
    def of(world_to_camera_BT44: Tensor, focal_BT2: Tensor) -> Cameras:
        """From poses (OpenCV's axes: x right, y down, z forwards) and focal lengths in widths and heights of the
        picture.

        The principal point is taken to be the middle of the picture and left out (minWM).
        """
        pose, focal = world_to_camera_BT44.float(), focal_BT2.float()
        scale = torch.cat([focal, torch.ones_like(focal)], -1)  # the diagonal of lift(K)
        turn_back = pose[..., :3, :3].mT
        inverse = torch.zeros_like(pose)
        inverse[..., :3, :3] = turn_back
        inverse[..., :3, 3:] = -turn_back @ pose[..., :3, 3:]
        inverse[..., 3, 3] = 1
        out = scale[..., :, None] * pose
        return Cameras(out.mT, inverse / scale[..., None, :], out)

    def frames(self, start: int, stop: int) -> Cameras:
        return Cameras(*(matrix[:, start:stop] for matrix in self))

    def repeat(self, count: int) -> Cameras:
        return Cameras(*(matrix.repeat(count, 1, 1, 1) for matrix in self))


def project(x_BTLHD: Tensor, matrix_BT44: Tensor) -> Tensor:
    """Every four channels of every head multiplied by the matrix of their frame, in float32; keeps the dtype."""
    x = x_BTLHD.float().unflatten(-1, (-1, 4)) @ matrix_BT44.mT[:, :, None, None]
    return x.flatten(-2).to(x_BTLHD.dtype)
