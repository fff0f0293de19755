"""What hair, neck and shoulders do beyond what follows from the face, seen in the driver's pictures.

A tracker gives a face and a few points of a body; the warp guesses from them how everything around the face moves. So
the driver's own reference frame is warped, as a portrait is, and laid over its background. What still moves between
that and the driver's picture is what the guess has missed: dense inverse search (Kroeger et al., ECCV 2016) measures
it, and the pose carries it to the portrait. It is always measured against the reference, so nothing adds up.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np

from pose.errors import PortraitError
from pose.geometry import smoothstep
from pose.portrait.preparation import prepare_portrait
from pose.scaling import reduced
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import RIGID_LANDMARKS, eye_distance, fit_similarity

from .canvas import Canvas
from .flow import GRID
from .head_warp import HeadWarp


@dataclass(frozen=True)
class SurroundingsSettings:
    """Lengths are in eye distances where nothing else is said."""

    side: int = 160  # px of the pictures that are compared
    reach: float = 0.08  # standard deviation over which flow is averaged
    between: float = 0.6  # the same in distances of the grid's nodes, where that is more
    doubt: float = 0.02  # mean weight at which half of the flow is followed: far from the person nothing moves
    mismatch: float = 10.0  # of 255, difference at the two ends of the flow at which a pixel counts half
    largest: tuple[float, float] = (0.12, 0.24)  # flow that is believed, and that is not: something else lies there
    memory: float = 0.03  # s in which an old measurement falls to 1/e: noise must not shake the hair
    known: tuple[float, float] = (0.35, 0.5)  # mean match of another person's picture, and of the reference's
    patience: float = 1.0  # s of another person, or of other light, after which they become the reference


class Surroundings:
    """Completes the poses of one person's video. Call it with every frame in the order of their times.

    waits: for its references, which take as long to make as twenty frames to compare. Else another thread makes them,
    by `prepare`, and meanwhile nothing is measured.
    """

    def __init__(self, waits: bool = True, settings: SurroundingsSettings = SurroundingsSettings()):
        self._waits, self._settings = waits, settings
        self._search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self.reset()

    def reset(self) -> None:
        """The next frame with a face is the reference."""
        self._reference: _Reference | None = None
        self._wanted: tuple[np.ndarray, PoseFrame] | None = None  # of what a reference is to be made
        self._around: np.ndarray | None = None
        self._known = self._time = 0.0

    def __call__(self, picture: np.ndarray, pose: PoseFrame) -> PoseFrame:
        """The pose with its `around`. picture: (H, H, 3) uint8 RGB that it was found in."""
        if pose.face is None:
            return pose
        side = self._settings.side
        scale = side / picture.shape[0]
        small = reduced(picture, side)
        small_pose = pose.transformed(np.array([[scale, 0, 0], [0, scale, 0]]), (side, side))
        reference = self._reference
        if reference is None:
            self._wanted, self._known = (small, small_pose), pose.time
            if self._waits:
                self.prepare()
            reference = self._reference
        if reference is None:
            return pose
        found, match = reference.compare(small, small_pose, self._search)
        if match >= self._settings.known[1]:
            self._known = pose.time
        elif not 0 <= pose.time - self._known <= self._settings.patience:
            self._reference = None  # the next frame is
        found *= np.float32(smoothstep(match, self._settings.known) / scale)
        if self._around is not None and pose.time > self._time:
            kept = np.exp((self._time - pose.time) / self._settings.memory)
            found += np.float32(kept) * (self._around - found)
        self._around, self._time = found, pose.time
        return replace(pose, around=found)

    def prepare(self) -> None:
        """Make the reference that a frame has asked for, if one has."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None and self._reference is None:
            with suppress(PortraitError):  # too small or turned away: perhaps the next frame
                self._reference = _Reference(*wanted, self._settings)


class _Reference:
    """The driver as they looked once. picture: (side, side, 3) uint8 RGB; pose: theirs in it. Raises PortraitError."""

    def __init__(self, picture: np.ndarray, pose: PoseFrame, settings: SurroundingsSettings):
        self._settings = settings
        portrait = prepare_portrait(picture, settings.side, pose, centred=True)
        self._behind = cv2.cvtColor(portrait.background, cv2.COLOR_RGB2GRAY)
        self._pose, self._warp = portrait.pose, HeadWarp(portrait.person, portrait.pose)

    def compare(self, picture: np.ndarray, pose: PoseFrame, search: cv2.DISOpticalFlow) -> tuple[np.ndarray, float]:
        """What the guess has missed at the nodes of a grid over the picture, (GRID, GRID, 2) float32 px: a pixel shows
        what the guess has so far away. And how alike the two are, 0 to 1."""
        s, side, unit = self._settings, self._settings.side, eye_distance(pose.face)
        head = fit_similarity(self._pose.face[RIGID_LANDMARKS], pose.face[RIGID_LANDMARKS])
        canvas = Canvas.blank(side, pose, head, self._warp.place(pose, head, side), guided=False)
        self._warp.paint(canvas)
        person = np.ascontiguousarray(canvas.picture[..., 3])
        # premultiplied: what is seen of the background is added
        behind = cv2.multiply(self._behind, cv2.bitwise_not(person), scale=1 / 255)
        guess = cv2.add(cv2.cvtColor(canvas.picture, cv2.COLOR_RGBA2GRAY), behind)
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        flow = search.calc(grey, guess, None)
        fetched = cv2.remap(guess, _pixels(side) + flow, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        person = cv2.dilate(person, np.ones((3, 3), np.uint8))
        cv2.fillPoly(person, [np.rint(pose.face[list(FACE_OVAL), :2]).astype(np.int32)], 0.0)
        # at half the size from here on: it is averaged
        flow, person, difference = (
            cv2.resize(each, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            for each in (flow, person, cv2.blur(cv2.absdiff(fetched, grey), (3, 3)))
        )
        person = person * np.float32(1 / 255)
        match = 1 / (1 + np.square(difference * np.float32(1 / s.mismatch)))
        far = smoothstep(cv2.magnitude(flow[..., 0], flow[..., 1]) * np.float32(1 / unit), s.largest)
        weight = person * match
        believed = (weight * (1 - far)).astype(np.float32)
        reach = max(s.reach * unit, s.between * side / GRID) / 2
        sums = cv2.GaussianBlur(cv2.merge([flow[..., 0] * believed, flow[..., 1] * believed, believed]), (0, 0), reach)
        at = np.linspace(0, side / 2 - 1, GRID, dtype=np.float32)
        sums = cv2.remap(sums, *np.meshgrid(at, at), cv2.INTER_LINEAR)
        return sums[..., :2] / (sums[..., 2:] + s.doubt), float(weight.sum() / max(person.sum(), 1e-6))


@lru_cache(maxsize=2)
def _pixels(side: int) -> np.ndarray:
    """(side, side, 2) float32, every pixel its own place; read-only."""
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).astype(np.float32)
    grid.flags.writeable = False
    return grid
