"""The driver's neutral face: taken after a countdown, judged, and remembered per camera and portrait."""

from __future__ import annotations

import hashlib
import math
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from pose.motion.neutral import find_neutral
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import eye_distance
from pose.tracking.signals import expression, head_pose

COUNTDOWN_SECONDS = 3
HOLD_SECONDS = 1.2  # that the face is looked at after the countdown
GOOD_EYES = 0.16  # distance of the outer eye corners as a share of the picture, from which nothing is lost
DARK, BRIGHT = 50.0, 225.0  # mean brightness of a face, 0..255
MOST_TURN = 12.0  # degrees
MOST_MOTION = 0.05  # eye distances that a face held still moves about
MOST_MOUTH = 0.06  # gap of the inner lips in eye distances


@dataclass(frozen=True)
class Fit:
    """How good a calibration is: 0..100, and what would make it better ("" where it is good)."""

    score: int
    advice: str


class Calibration:
    """Collects poses from a countdown to its end. `add` returns the neutral pose and its fit when it is complete."""

    def __init__(self, started: float):
        self.started = started
        self._poses: list[PoseFrame] = []
        self._light: list[float] = []

    def remaining(self, now: float) -> int:
        """Whole seconds of the countdown that are left; 0 while the face is looked at."""
        return max(0, math.ceil(COUNTDOWN_SECONDS - (now - self.started)))

    def add(self, pose: PoseFrame, light: float | None) -> tuple[PoseFrame, Fit] | Fit | None:
        """One more pose, and how bright its face is. A Fit alone says why it failed."""
        since = pose.time - self.started - COUNTDOWN_SECONDS
        if since < 0:
            return None
        if pose.face is not None and (not self._poses or self._poses[0].size == pose.size):
            self._poses.append(pose)
            if light is not None:
                self._light.append(light)
        if since < HOLD_SECONDS:
            return None
        if len(self._poses) < 4:
            return Fit(0, "no face was seen; look into the camera, with light on your face, and calibrate again")
        neutral = find_neutral(self._poses)
        return neutral, judge(self._poses, neutral, float(np.median(self._light)) if self._light else None)


def judge(poses: list[PoseFrame], neutral: PoseFrame, light: float | None) -> Fit:
    """The fit of a calibration from its poses, its neutral pose, and the brightness of the face."""
    eyes = eye_distance(neutral.face) / min(neutral.size)
    yaw, pitch, _ = head_pose(neutral)
    centres = np.array([pose.face[list(FACE_OVAL), :2].mean(axis=0) for pose in poses]) / eye_distance(neutral.face)
    motion = float(centres.std(axis=0).max())
    mouth = expression(neutral).mouth_open
    outline = neutral.face[list(FACE_OVAL), :2] / np.array(neutral.size)
    # each quality 1 where it is good, falling to 0; with the advice that mends it
    qualities = [
        (min(eyes / GOOD_EYES, 1), "move closer to the camera"),
        (1.0 if ((outline > 0) & (outline < 1)).all() else 0.5, "move to the middle of the picture"),
        (1 - min(max(math.hypot(yaw, pitch) / MOST_TURN - 1, 0), 1), "look straight into the camera"),
        (1 - min(max(motion / MOST_MOTION - 0.5, 0), 1), "hold still"),
        (1 - min(max(mouth / MOST_MOUTH - 1, 0), 1), "close your mouth"),
    ]
    if light is not None:
        qualities.append((min(light / DARK, 1), "get more light on your face"))
        qualities.append((1.0 if light < BRIGHT else 0.6, "turn the light on your face down"))
    worst, advice = min(qualities)
    score = round(100 * worst * float(np.mean([value for value, _ in qualities])))
    return Fit(score, "" if worst > 0.85 else advice)


def face_light(image: np.ndarray, pose: PoseFrame) -> float | None:
    """Mean brightness 0..255 of the face in (H, W, 3) RGB; None without a face in the picture."""
    if pose.face is None:
        return None
    low = np.clip(pose.face[:, :2].min(0), 0, None).astype(int)
    high = np.clip(pose.face[:, :2].max(0), 0, pose.size).astype(int)
    if (high - low < 2).any():
        return None
    return float(image[low[1] : high[1] : 4, low[0] : high[0] : 4].mean())


def data_folder() -> Path:
    """Where calibrations and own weights are kept on this system."""
    return Path(platformdirs.user_data_dir("puppet", appauthor=False))


class CalibrationMemory:
    """Neutral poses on disk, one small file per camera and portrait. A file that cannot be read is no calibration."""

    def __init__(self, folder: Path):
        self._folder = folder

    def load(self, camera: str, portrait: str) -> PoseFrame | None:
        try:
            with np.load(self._path(camera, portrait), allow_pickle=False) as data:
                parts = {name: data[name] for name in ("face", "body") if name in data}
                width, height = map(int, data["size"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None
        if parts.get("face", np.empty(0)).shape != (478, 3):
            return None
        return PoseFrame(parts["face"], parts.get("body"), None, None, (width, height), 0.0)

    def save(self, camera: str, portrait: str, neutral: PoseFrame) -> None:
        """Raises OSError where it cannot be written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        parts = {"face": neutral.face, "size": np.array(neutral.size)}
        if neutral.body is not None:
            parts["body"] = neutral.body
        path = self._path(camera, portrait)
        temporary = path.with_suffix(".partial.npz")
        np.savez(temporary, **parts)
        os.replace(temporary, path)

    def _path(self, camera: str, portrait: str) -> Path:
        return self._folder / (hashlib.sha256(f"{camera}\n{portrait}".encode()).hexdigest()[:16] + ".npz")
