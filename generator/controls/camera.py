"""Control by a camera: the model is told where the camera of every frame stands. minWM's by PRoPE inside the
attention, our own by the ray of every latent cell as channels, seen from where the camera was a video frame before
(AAPT, appendix G).

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
    size: tuple[int, int] | None = None  # height and width of the picture in pixels; for rays
    before: Tensor | None = None  # (B, 4, 4) pose of the video frame before the first one; None: it is the first one's

    def to(self, device: torch.device) -> CameraPath:
        before = None if self.before is None else self.before.to(device)
        return CameraPath(self.world_to_camera.to(device), self.focal.to(device), self.size, before)


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
        return CameraPath(pose, torch.ones(*frames, 2, **kwargs), (height, width))

    def side(self, signal: CameraPath) -> None:
        return None

    def finish(self, video_BFCHW: Tensor, signal: CameraPath) -> Tensor:
        return video_BFCHW


RAY = 6  # channels: moment and direction (Pluecker coordinates)


@dataclass(frozen=True)
class RayCameraConfig:
    frames: int = 4  # video frames of a latent frame

    def build(self, latent_channels: int, dim: int) -> RayCamera:
        return RayCamera(self)


class RayCamera(ProjectiveCamera):
    """Takes a `CameraPath`; channels (B, T, 6 * frames, h, w). A latent frame of a single video frame repeats it."""

    def __init__(self, config: RayCameraConfig) -> None:
        super().__init__()
        self.frames, self.channels = config.frames, RAY * config.frames

    def observe(self, signal: CameraPath, codec: LatentCodec) -> Observation:
        if signal.size is None:
            raise ValueError("rays need the size of the picture: give the path its size")
        height, width = (extent // codec.space_factor for extent in signal.size)
        rays = relative_rays(signal, height, width)  # (B, F, 6, h, w)
        alone = rays.shape[1] % self.frames
        if alone:  # a video begins with a frame that has a latent of its own
            rays = torch.cat([rays[:, :alone].repeat_interleave(self.frames // alone, 1), rays[:, alone:]], 1)
        return Observation(channels=rays.unflatten(1, (-1, self.frames)).flatten(2, 3))


def relative_rays(path: CameraPath, height: int, width: int) -> Tensor:
    """The rays through height x width cells of every frame, in the axes of the camera a frame before: (B, F, 6, h, w),
    the moment (origin x direction) and the direction of unit length."""
    world_to_camera = path.world_to_camera.float()
    first = world_to_camera[:, :1] if path.before is None else path.before.float()[:, None]
    before = torch.cat([first, world_to_camera[:, :-1]], 1)
    relative = before @ torch.linalg.inv(world_to_camera)  # this camera -> the one before, (B, F, 4, 4)
    device = relative.device
    y = (torch.arange(height, device=device) + 0.5) / height - 0.5  # in heights of the picture, from its middle
    x = (torch.arange(width, device=device) + 0.5) / width - 0.5
    grid = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1)  # (h, w, 2)
    ahead = grid / path.focal.float()[:, :, None, None]  # (B, F, h, w, 2)
    ahead = torch.nn.functional.normalize(torch.nn.functional.pad(ahead, (0, 1), value=1.0), dim=-1)
    direction = torch.einsum("bfij,bfhwj->bfhwi", relative[..., :3, :3], ahead)
    origin = relative[..., :3, 3][:, :, None, None].expand_as(direction)
    return torch.cat([torch.linalg.cross(origin, direction), direction], -1).movedim(-1, 2)
