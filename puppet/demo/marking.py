"""Points that a session clicks into a picture on which no face is found, and the sidecar file made of them.

"left" and "right" are as one sees the picture; the sidecar may name them so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from pose.errors import PortraitError
from pose.portrait.sidecar import OPTIONAL, REQUIRED, pose_from_points, sidecar_path
from pose.tracking.landmarks import FACE_OVAL, LEFT_EYE_RING, LIPS_OUTER, RIGHT_EYE_RING, PoseFrame

LONGEST_SHOWN = 800  # px of the picture that is clicked on
COLOUR, CHOSEN, EDGE = (255, 106, 0), (0, 200, 255), (255, 255, 255)


@dataclass(frozen=True)
class Marking:
    """The points of one picture of `size` (width, height), in its pixels, as far as they were clicked."""

    size: tuple[int, int]
    points: dict[str, tuple[float, float]] = field(default_factory=dict)

    def marked(self, name: str, x: float, y: float) -> Marking:
        return replace(self, points=self.points | {name: (round(float(x), 1), round(float(y), 1))})

    @property
    def next(self) -> str | None:
        """The point to click next; None where all that are needed are there."""
        return next((name for name in REQUIRED if name not in self.points), None)

    def pose(self) -> PoseFrame:
        """The face fitted to the points. Raises PortraitError where they do not make a face."""
        return pose_from_points(self.points, self.size)

    def write(self, picture: Path) -> Path:
        """The sidecar beside `picture`."""
        path = sidecar_path(picture)
        path.write_text(json.dumps(self.points, indent=2) + "\n", encoding="utf-8")
        return path


def label(name: str) -> str:
    """'mouth_left' -> 'left corner of the mouth'."""
    special = {
        "mouth_left": "left corner of the mouth",
        "mouth_right": "right corner of the mouth",
        "nose": "tip of the nose",
        "left_eye": "middle of the left eye",
        "right_eye": "middle of the right eye",
        "mouth_top": "upper edge of the lips",
        "mouth_bottom": "lower edge of the lips",
    }
    if name in special:
        return special[name]
    side, _, part = name.partition("_eye_")
    return f"{side} eye, {part}" if part else name.replace("_", " ")


def choices() -> list[tuple[str, str]]:
    """(what to read, name) of every point; those that are needed are numbered."""
    needed = [(f"{number}. {label(name)}", name) for number, name in enumerate(REQUIRED, 1)]
    return needed + [(f"{label(name)} (optional)", name) for name in OPTIONAL]


def shown_scale(size: tuple[int, int]) -> float:
    """Pixels of the clicked picture per pixel of the portrait of `size` (width, height)."""
    return min(1.0, LONGEST_SHOWN / max(size))


def draw(picture: np.ndarray, marking: Marking, chosen: str | None) -> np.ndarray:
    """The (H, W, 3) uint8 picture to click on: scaled down, with the points and, where they suffice, the face."""
    scale = shown_scale(marking.size)
    size = (max(1, round(marking.size[0] * scale)), max(1, round(marking.size[1] * scale)))
    image = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture.copy()
    if marking.next is None:
        _draw_face(image, marking, scale)
    numbers = {name: str(number) for number, name in enumerate(REQUIRED, 1)}
    radius = max(3, round(max(size) / 110))
    for name, point in marking.points.items():
        at = tuple(round(value * scale) for value in point)
        cv2.circle(image, at, radius, CHOSEN if name == chosen else COLOUR, -1, cv2.LINE_AA)
        cv2.circle(image, at, radius, EDGE, 1, cv2.LINE_AA)
        beside = (at[0] + radius + 2, at[1] - radius)
        for colour, width in (((0, 0, 0), 5), (EDGE, 2)):
            cv2.putText(image, numbers.get(name, ""), beside, cv2.FONT_HERSHEY_SIMPLEX, 0.7, colour, width, cv2.LINE_AA)
    return image


def _draw_face(image: np.ndarray, marking: Marking, scale: float) -> None:
    try:
        face = marking.pose().face[:, :2] * scale
    except PortraitError:
        return  # it is said when the points are used
    for ring in (FACE_OVAL, LEFT_EYE_RING, RIGHT_EYE_RING, LIPS_OUTER):
        line = np.rint(face[list(ring)] * 8).astype(np.int32)  # in eighths of a pixel
        cv2.polylines(image, [line], True, CHOSEN, 1, cv2.LINE_AA, shift=3)
