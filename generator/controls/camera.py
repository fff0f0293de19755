"""Control by a camera: the model is told where the camera of every frame stands (minWM: PRoPE inside the attention).

Poses are world to camera with OpenCV's axes (x right, y down, z forwards). The unit of length is the model's own (minWM
moves 0.08 of it in a latent frame).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..codecs.codec import LatentCodec
from ..transformer.projective import Cameras
from .control import Observation


@dataclass(frozen=True)
class CameraPath:
    """Where the camera is in every video frame of T latent frames."""

    world_to_camera: Tensor  # (B, F, 4, 4)
    focal: Tensor  # (B, F, 2) focal lengths in widths and heights of the picture


@dataclass(frozen=True)
class ProjectiveCameraConfig:
    def build(self, latent_channels: int, dim: int) -> ProjectiveCamera:
        return ProjectiveCamera()


class ProjectiveCamera(nn.Module):
    """Takes a `CameraPath`; the pose of a latent frame is that of its last video frame."""

    channels = 0

    def observe(self, signal: CameraPath, codec: LatentCodec) -> Observation:
        frames = signal.world_to_camera.shape[1]
        last = slice((frames - 1) % codec.time_factor, None, codec.time_factor)
        return Observation(cameras=Cameras.of(signal.world_to_camera[:, last], signal.focal[:, last]))

    def blank(self, codec: LatentCodec, batch: int, latents: int, height: int, width: int, **kwargs) -> CameraPath:
        """A camera that stands still; kwargs: device and dtype."""
        frames = batch, codec.time_factor * latents
        pose = torch.eye(4, **kwargs).expand(*frames, 4, 4)
        return CameraPath(pose, torch.ones(*frames, 2, **kwargs))

    def side(self, signal: CameraPath) -> None:
        return None

    def finish(self, video_BFCHW: Tensor, signal: CameraPath) -> Tensor:
        return video_BFCHW
