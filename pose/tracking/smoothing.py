"""Smoothing of tracked landmarks against jitter, without slowing a blink or a syllable.

A one-euro filter (Casiez et al., CHI 2012) per landmark, in time and not in frames, with speeds measured in eye
distances per second so that it acts alike on a face near the camera and far from it. Two things differ from the
paper's form, both for the sake of fast small motions such as lips at five syllables a second: the speed decays slowly
after it rose, because at the turning points of a syllable it is zero while the motion goes on; and speeds that the
tracker's noise alone makes do not open the filter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .landmarks import (
    FACE_OVAL,
    FACE_POINTS,
    IRISES,
    LEFT_EYE_RING,
    LEFT_SHOULDER,
    LIPS_INNER,
    LIPS_OUTER,
    RIGHT_EYE_RING,
    RIGHT_SHOULDER,
    PoseFrame,
)
from .mesh import eye_distance

LOST_AFTER = 0.5  # seconds without a part after which it starts anew
SHOULDERS_IN_EYES = 3.5  # shoulder width in eye distances, where no face tells the size


@dataclass(frozen=True)
class OneEuroSettings:
    """Constants of one group of landmarks; lengths are in eye distances."""

    cutoff: float  # Hz, of a landmark at rest
    gain: float  # Hz per eye distance/s by which the cutoff rises above the noise
    noise_speed: float  # eye distances/s that jitter alone reaches
    memory: float = 0.15  # s in which the remembered speed falls to 1/e


FEATURES = OneEuroSettings(cutoff=3.0, gain=250.0, noise_speed=0.12)  # eyes, irises and lips
FACE = OneEuroSettings(cutoff=2.0, gain=150.0, noise_speed=0.14)
OUTLINE = OneEuroSettings(cutoff=1.5, gain=60.0, noise_speed=0.18)
HANDS = OneEuroSettings(cutoff=2.0, gain=30.0, noise_speed=0.40)
BODY = OneEuroSettings(cutoff=1.2, gain=10.0, noise_speed=0.50)


class OneEuro:
    """The filter for (points, 3) arrays. `groups` name the landmarks that have other settings than the default."""

    def __init__(
        self, points: int, default: OneEuroSettings, groups: dict[tuple[int, ...], OneEuroSettings] | None = None
    ):
        self._cutoff = np.full(points, default.cutoff)
        self._gain = np.full(points, default.gain)
        self._noise = np.full(points, default.noise_speed)
        self._memory = default.memory
        for indices, settings in (groups or {}).items():
            at = list(indices)
            self._cutoff[at], self._gain[at], self._noise[at] = settings.cutoff, settings.gain, settings.noise_speed
        self.reset()

    def reset(self) -> None:
        """Take the next points as they are."""
        self._points: np.ndarray | None = None

    def __call__(self, points_N3: np.ndarray, time: float, unit: float, trust: np.ndarray | None = None) -> np.ndarray:
        """Smoothed points. unit: eye distance in pixels; trust (N,) 0..1 slows points that are hardly seen."""
        if self._points is None or not 0 <= time - self._time <= LOST_AFTER:
            self._points = points_N3.astype(np.float64)
            self._measured, self._measured_time, self._time = self._points, time, time
            self._speed = np.zeros(len(points_N3))
            return points_N3.astype(np.float32)
        elapsed = time - self._time
        if elapsed == 0:
            return self._points.astype(np.float32)
        self._speed = self._speed * np.exp(-elapsed / self._memory)
        if not np.array_equal(points_N3, self._measured):  # points that are carried on tell nothing of the speed
            since = max(time - self._measured_time, 1e-6)
            speed = np.linalg.norm(points_N3 - self._measured, axis=1) / (since * max(unit, 1e-6))
            self._speed = np.maximum(self._speed, speed)
            self._measured, self._measured_time = points_N3.astype(np.float64), time
        cutoff = self._cutoff + self._gain * np.maximum(self._speed - self._noise, 0)
        if trust is not None:
            cutoff = cutoff * np.clip(trust, 0.1, 1)
        alpha = 1 / (1 + 1 / (2 * np.pi * cutoff * elapsed))
        self._points = self._points + alpha[:, None] * (points_N3 - self._points)
        self._time = time
        return self._points.astype(np.float32)


class PoseSmoother:
    """Smooths one person's frames in the order of their times; a part that was lost starts anew when it comes back."""

    def __init__(self) -> None:
        features = LIPS_INNER + LIPS_OUTER + LEFT_EYE_RING + RIGHT_EYE_RING + IRISES
        self._face = OneEuro(FACE_POINTS, FACE, {FACE_OVAL: OUTLINE, features: FEATURES})
        self._body = OneEuro(33, BODY)
        self._visibility: np.ndarray | None = None
        self._left_hand = OneEuro(21, HANDS)
        self._right_hand = OneEuro(21, HANDS)
        self._unit: float | None = None

    def __call__(self, pose: PoseFrame) -> PoseFrame:
        if pose.face is not None:
            self._unit = eye_distance(pose.face)
        elif self._unit is None and pose.body is not None:
            shoulders = pose.body[LEFT_SHOULDER, :2] - pose.body[RIGHT_SHOULDER, :2]
            self._unit = max(float(np.hypot(*shoulders)) / SHOULDERS_IN_EYES, 1.0)
        unit = self._unit or 1.0
        return replace(
            pose,
            face=_smooth(self._face, pose.face, pose.time, unit),
            body=self._smooth_body(pose.body, pose.time, unit),
            left_hand=_smooth(self._left_hand, pose.left_hand, pose.time, unit),
            right_hand=_smooth(self._right_hand, pose.right_hand, pose.time, unit),
        )

    def _smooth_body(self, body: np.ndarray | None, time: float, unit: float) -> np.ndarray | None:
        if body is None:
            self._body.reset()
            self._visibility = None
            return None
        visibility = body[:, 3]
        if self._visibility is not None:
            visibility = self._visibility + 0.3 * (visibility - self._visibility)
        self._visibility = visibility
        points = self._body(body[:, :3], time, unit, visibility)
        return np.concatenate([points, visibility[:, None]], axis=1).astype(np.float32)

    def reset(self) -> None:
        """The next frame belongs to another video or another person."""
        for part in (self._face, self._body, self._left_hand, self._right_hand):
            part.reset()
        self._visibility, self._unit = None, None


def _smooth(part: OneEuro, points: np.ndarray | None, time: float, unit: float) -> np.ndarray | None:
    if points is None:
        part.reset()
        return None
    return part(points, time, unit)
