"""Where the network's picture counts and where the warp stays: the face and a soft edge around it, inside the
person."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .conditions import Conditions
from .layout import CANONICAL, INNER_MOUTH

TRANSPARENT = 0.2  # of [-1, 1]: by how much less opaque than the warp something must be to be taken for a hole


def keep_surroundings(
    video_BTFCHW: Tensor, conditions: Conditions, reach: int, lips: bool = False, mend_holes: bool = True
) -> Tensor:
    """Decoded frames with the warp itself where the face is far and at the person's outline: hair and clothes lose by
    being drawn anew, and a still outline never shimmers.

    lips: as in `around_face`. mend_holes: show the warp where the network made somebody transparent. Training must see
    its holes instead: covered by the warp they would cost nothing, and no gradient would ever close them.
    """
    warp = conditions.warp
    alpha = around_face(conditions.guide, reach, lips) * inside_person(warp)
    if mend_holes:
        alpha = alpha * (1 - holes(video_BTFCHW, warp))
    return torch.addcmul(warp, video_BTFCHW - warp, alpha.to(video_BTFCHW.dtype))


def soft_edge(reach: int) -> int:
    """Pixels of the guide around the face mesh beyond which `around_face` is 0."""
    far = max(reach // 2, 1)
    return far + 3 * (far // 2) + 1


def around_face(guide_BTFChw: Tensor, reach: int, lips: bool = False) -> Tensor:
    """(B, T, F, 1, H, W), H = 2h: 1 on the face mesh and within about `reach` pixels of it, falling softly to 0.

    lips: whether between the lips, too. A network that does not know the person learned actors' teeth, and the warp's
    are nearer to real people's."""
    face = (guide_BTFChw[..., CANONICAL, :, :].amax(-3) > 0).to(guide_BTFChw.dtype).flatten(0, 2)[:, None]
    far = max(reach // 2, 1)  # at half resolution
    face = over_neighbours(torch.maximum, face, far)
    for _ in range(3):  # three boxes are nearly a Gaussian
        face = box_mean(face, far // 2)
    if not lips:
        mouth = guide_BTFChw[..., INNER_MOUTH, :, :].flatten(0, 2)[:, None]
        face = face * (1 - box_mean(over_neighbours(torch.maximum, mouth, 1), 1))  # its drawn lips have a pale rim
    face = F.interpolate(face, scale_factor=2, mode="bilinear", align_corners=False)
    return face.unflatten(0, guide_BTFChw.shape[:3])


def inside_person(warp_BTFCHW: Tensor) -> Tensor:
    """(B, T, F, 1, H, W): 1 where the warped portrait is opaque and about two pixels around are too, falling softly to
    0. The outline of a person is a hard edge between two colours, of which a regression makes a fringe."""
    alpha = (warp_BTFCHW[..., 3:, :, :] / 2 + 0.5).flatten(0, 2)
    soft = box_mean(over_neighbours(torch.minimum, alpha, 2), 1)
    return soft.mul(2).sub(1).clamp_(0, 1).unflatten(0, warp_BTFCHW.shape[:3])


def holes(video_BTFCHW: Tensor, warp_BTFCHW: Tensor) -> Tensor:
    """(B, T, F, 1, H, W): how far a picture is less opaque than the warp, 1 where it is for good."""
    missing = warp_BTFCHW[..., 3:, :, :] - video_BTFCHW[..., 3:, :, :]
    return missing.mul(1 / TRANSPARENT).clamp(0, 1)


def over_neighbours(combine: Callable[..., Tensor], x_NCHW: Tensor, radius: int) -> Tensor:
    """torch.maximum, minimum or add over the (2 radius + 1) squared pixels around each, at the border over those that
    are there. On a CPU faster than torch's pooling by far. No gradient."""
    for axis in (-1, -2):
        out, extent = x_NCHW.clone(), x_NCHW.shape[axis]
        for shift in range(1, min(radius, extent - 1) + 1):
            first, last = (0, extent - shift), (shift, extent - shift)
            for here, there in ((first, last), (last, first)):
                part = out.narrow(axis, *here)
                combine(part, x_NCHW.narrow(axis, *there), out=part)
        x_NCHW = out
    return x_NCHW


def box_mean(x_NCHW: Tensor, radius: int) -> Tensor:
    """Mean over the same pixels."""
    count = over_neighbours(torch.add, x_NCHW.new_ones(x_NCHW.shape[-2:]), radius)
    return over_neighbours(torch.add, x_NCHW, radius) / count
