"""Paths of a camera: from moves (w/a/s/d and turns, as minWM has them) or from a file. Poses are camera to world, one
a video frame, with OpenCV's axes (x right, y down, z forwards); the first one is where the world begins.

    path = read_path("w*8, right*4", frames_per_move=4)
    signal = path.signal(first=0, count=4, size=(480, 832))
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .camera import CameraPath

STEP = 0.08  # units of length that a move of one latent frame goes (minWM)
ANGLE = math.radians(3)  # that a move of one latent frame turns (minWM)
FOCAL = (0.5050505, 0.8978676)  # in widths and heights of a picture of 16:9: what minWM was trained with
# letters go, words and the letters i, j, k, l turn; (right, down, forwards) and (yaw to the right, pitch upwards)
GOES = {
    "w": (0, 0, 1), "s": (0, 0, -1), "d": (1, 0, 0), "a": (-1, 0, 0), "u": (0, -1, 0), "dn": (0, 1, 0),
}  # fmt: skip
TURNS = {
    "l": (1, 0), "right": (1, 0), "j": (-1, 0), "left": (-1, 0), "i": (0, 1), "up": (0, 1), "k": (0, -1), "down": (0,
-1), }  # fmt: skip
MOVE = re.compile(r"([a-z]+)(?:\s*[*-]\s*(\d+))?")
ROW = 19  # numbers in a line of RealEstate10K: time, focal lengths, centre, two of nothing, 3x4 world to camera


@dataclass(frozen=True)
class Trajectory:
    camera_to_world: Tensor  # (F, 4, 4) float64
    focal: Tensor  # (F, 2) in widths and heights of the picture

    def signal(self, first: int, count: int, size: tuple[int, int]) -> CameraPath:
        """Of video frames first .. first + count - 1 of pictures of height x width; a path that has ended stands
        still."""
        last = len(self.camera_to_world) - 1
        frames = torch.arange(first, first + count).clamp_max(last)
        world_to_camera = torch.linalg.inv(self.camera_to_world)
        before = world_to_camera[min(max(first - 1, 0), last)]
        return CameraPath(
            world_to_camera[frames][None].float(), self.focal[frames][None].float(), size, before[None].float()
        )


def read_path(text: str, frames_per_move: int) -> Trajectory:
    """A file of that name where there is one, else moves. Raises ValueError, in one line, for neither."""
    path = Path(text)
    if path.suffix.lower() in (".txt", ".json"):
        if not path.is_file():
            raise ValueError(f"path {text} does not exist: give a file of poses, or moves such as w*8,right*4")
        return read_json(path) if path.suffix.lower() == ".json" else read_poses(path)
    return parse_moves(text, frames_per_move)


def parse_moves(text: str, frames_per_move: int) -> Trajectory:
    """ "w*19", "a*10, l*9", "up-4": each move takes so many latent frames, each of `frames_per_move` video frames.
    Letters in one word follow one another: "wwad"."""
    pose = torch.eye(4, dtype=torch.float64)
    poses = [pose]
    for part in (part.strip() for part in text.lower().split(",")):
        found = MOVE.fullmatch(part)
        names = [] if found is None else [found[1]] if found[1] in GOES | TURNS else list(found[1])
        if found is None or not set(names) <= (GOES | TURNS).keys():
            known = " ".join((*GOES, *TURNS))
            raise ValueError(f"{part!r} is no move of a camera: write MOVE*COUNT, as w*8, with one of {known}")
        for name in names:
            step = move(name, 1 / frames_per_move)
            for _ in range(int(found[2] or 1) * frames_per_move):
                pose = pose @ step
                poses.append(pose)
    return Trajectory(torch.stack(poses), torch.tensor(FOCAL).expand(len(poses), 2))


def move(name: str, part: float) -> Tensor:
    """What a part of a move does to a camera, (4, 4)."""
    step = torch.eye(4, dtype=torch.float64)
    if name in GOES:
        step[:3, 3] = STEP * part * torch.tensor(GOES[name], dtype=torch.float64)
        return step
    yaw, pitch = (ANGLE * part * turn for turn in TURNS[name])
    cos, sin = math.cos(yaw + pitch), math.sin(yaw + pitch)  # one of them is 0
    rotation = [[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]] if yaw else [[1, 0, 0], [0, cos, -sin], [0, sin, cos]]
    step[:3, :3] = torch.tensor(rotation, dtype=torch.float64)
    return step


def read_json(path: Path) -> Trajectory:
    """{"focal": [x, y], "poses": [4x4 camera to world, ...]}, focal lengths in widths and heights of the picture."""
    try:
        data = json.loads(path.read_text())
        poses = torch.tensor(data["poses"], dtype=torch.float64)
        focal = torch.tensor(data.get("focal", FOCAL), dtype=torch.float64)
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"path {path} holds no poses ({error}): {read_json.__doc__}") from None
    return _checked(path, poses, focal.expand(len(poses), 2) if focal.dim() == 1 else focal)


def read_poses(path: Path) -> Trajectory:
    """Lines of RealEstate10K, as camera datasets and Wan-Fun have them: 19 numbers a video frame."""
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
        rows = torch.tensor([[float(word) for word in line] for line in lines if len(line) == ROW], dtype=torch.float64)
    except (ValueError, OSError) as error:
        raise ValueError(f"path {path} cannot be read ({error}): lines have {ROW} numbers") from None
    if not len(rows):
        raise ValueError(f"path {path} holds no poses: lines have {ROW} numbers, as RealEstate10K's")
    world_to_camera = torch.eye(4, dtype=torch.float64).repeat(len(rows), 1, 1)
    world_to_camera[:, :3] = rows[:, 7:].unflatten(-1, (3, 4))
    first = world_to_camera[0]
    return _checked(path, first @ torch.linalg.inv(world_to_camera), rows[:, 1:3])


def _checked(path: Path, poses: Tensor, focal: Tensor) -> Trajectory:
    if poses.dim() != 3 or poses.shape[1:] != (4, 4) or not len(poses) or focal.shape != (len(poses), 2):
        raise ValueError(f"path {path}: poses are {tuple(poses.shape)}, which is not a list of 4x4 matrices")
    rotation = poses[:, :3, :3]
    if not (rotation @ rotation.mT - torch.eye(3, dtype=torch.float64)).abs().max() < 1e-2 or not (focal > 0).all():
        raise ValueError(f"path {path}: a pose's rotation is not one, or a focal length is not positive")
    return Trajectory(poses, focal)
