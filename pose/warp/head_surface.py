"""The head behind the face's outline: rings from the mesh's rim to the outline of skull and hair.

A head is about a ball: its surface goes on behind the rim of the face and turns away until it ends in the outline.
Under a turn, its points at the rim move with the face, those at the outline with the middle of the skull, and those
between move less the further back they lie. So the rings share the rim's vertices, and no seam can open between the
two; where the rings fold over themselves, they lie behind the face, which hides them.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.tracking.landmarks import CHIN, FACE_OVAL, FOREHEAD
from pose.tracking.mesh import eye_distance

from .flow import OuterMotion

RIM = len(FACE_OVAL)


@dataclass(frozen=True)
class SurfaceSettings:
    """Lengths in eye distances; places on the way from the rim of the face (0) to the outline of the head (1)."""

    rings: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    reach: tuple[float, float] = (0.45, 1.0)  # nearest and furthest place of the outline from the rim
    margin: float = 0.10  # beyond the outline of the matte: loose hair and its softness
    neck_reach: float = 0.4  # below the jaw, where no outline ends the head
    smoothing: int = 5  # rim points over which the outline is smoothed
    least_hidden: float = 0.02  # of the rim behind the portrait's own cheek, from which that matters
    past: float = 0.04  # beyond that cheek, where its own edge no longer shows
    opaque: int = 128  # alpha (0..255) inside the outline


class HeadSurface:
    """The rings of one portrait. person_SS4: uint8 premultiplied RGBA; face: (478, 3) its landmarks; outline: (N,)
    landmarks of the silhouette of its face, None where none of it is seen.

    triangles: (T, 3) int of its vertices, ring by ring outwards from the rim of the face, each in the order of
    `FACE_OVAL`. depth: (T,) 0 at the rim, 1 at the outline of the head. count: of its vertices.
    """

    def __init__(
        self,
        person_SS4: np.ndarray,
        face: np.ndarray,
        outline: np.ndarray | None,
        settings: SurfaceSettings = SurfaceSettings(),
    ):
        self._settings = s = settings
        rim = face[list(FACE_OVAL), :2]
        away = rim - rim.mean(0)
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
        self._rim, self._away, self._unit = rim, away.astype(np.float32), eye_distance(face)
        reach = self._outline(person_SS4[..., 3], face, rim, away)
        places = np.array(s.rings, np.float32)
        self._beyond = places[:, None] * reach  # (rings, 36) px from the rim
        self._points = self._along(self._beyond)
        self.count = len(self._points)
        # no kink at the rim nor at the outline
        self._follow = (1 - smoothstep(places, (0, 1)))[:, None, None].astype(np.float32)  # (rings, 1, 1)
        self._hidden = _depth_inside(rim, self._away, face, outline)
        self._hides = bool(self._hidden.max() > s.least_hidden * self._unit)
        k, ring = np.arange(RIM), np.arange(len(places) - 1)[:, None] * RIM
        inner, following = (ring + k).ravel(), (ring + (k + 1) % RIM).ravel()
        outer, outer_following = inner + RIM, following + RIM
        self.triangles = np.concatenate(
            [np.stack([inner, following, outer], 1), np.stack([following, outer_following, outer], 1)]
        )
        self.depth = np.tile(np.repeat(places[1:], RIM), 2)

    def pose(self, face: np.ndarray, outline: np.ndarray | None, outer: OuterMotion) -> tuple[np.ndarray, np.ndarray]:
        """Where the vertices go and where in the portrait they come from, (R, 2) each.

        face: (478, 3) the target's; outline: (N,) landmarks of its silhouette.
        """
        rim = face[list(FACE_OVAL), :2]
        moved = outer.guess(self._points)
        excess = rim - moved[:RIM]  # what the face does beyond the motion of the head's outline
        moved = moved + (self._follow * excess).reshape(-1, 2)
        moved[RIM:] -= outer.missed(moved[RIM:])
        source = self._past_own_outline(face, rim, outline) if self._hides else self._points.copy()
        source[-RIM:] = outer.backward(moved[-RIM:])
        return moved, source

    def _past_own_outline(self, face: np.ndarray, rim: np.ndarray, outline: np.ndarray | None) -> np.ndarray:
        """(R, 2) What a turned portrait's own cheek hides is no picture of what lies behind: as far as the target shows
        it, what the portrait shows beside that cheek stands in."""
        away = rim - rim.mean(0)
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
        shown = 1 - _depth_inside(rim, away, face, outline) / np.maximum(self._hidden, 1e-3)
        past = self._hidden + self._settings.past * self._unit
        missing = np.where(self._hidden > 0, np.maximum(past - self._beyond, 0), 0) * np.clip(shown, 0, 1)
        return self._along(self._beyond + missing)

    def _along(self, beyond: np.ndarray) -> np.ndarray:
        """(R, 2) px, so far (rings, 36) beyond the rim."""
        return (self._rim + beyond[..., None] * self._away).reshape(-1, 2).astype(np.float32)

    def _outline(self, alpha: np.ndarray, face: np.ndarray, rim: np.ndarray, away: np.ndarray) -> np.ndarray:
        """(36,) how far from each rim point the head's outline is, in pixels."""
        s, unit, size = self._settings, eye_distance(face), len(alpha)
        steps = np.linspace(0, s.reach[1], 48)
        at = rim[:, None] + steps[:, None] * unit * away[:, None]  # (36, 48, 2)
        x, y = np.clip(np.floor(at).astype(int), 0, size - 1).transpose(2, 0, 1)
        outside = (alpha[y, x] < s.opaque) & ((at >= 0) & (at < size)).all(2)
        first = np.where(outside.any(1), outside.argmax(1), len(steps) - 1)
        reach = np.clip(steps[first] + s.margin, *s.reach)
        # below the jaw the neck goes on
        down = face[CHIN, :2] - face[FOREHEAD, :2]
        down = down / max(np.hypot(*down), 1e-6)
        neck = np.clip((away @ down - 0.2) / 0.4, 0, 1)
        reach = reach + neck * (s.neck_reach - reach)
        kernel = np.ones((1, s.smoothing)) / s.smoothing
        padded = np.concatenate([reach[-s.smoothing :], reach, reach[: s.smoothing]])[None]
        smooth = cv2.filter2D(padded, -1, kernel)[0, s.smoothing : -s.smoothing]
        return (smooth * unit).astype(np.float32)


def _depth_inside(rim: np.ndarray, away: np.ndarray, face: np.ndarray, outline: np.ndarray | None) -> np.ndarray:
    """(36,) how far along `away` each point of the rim lies behind the face's silhouette, 0 where it is on it."""
    if outline is None:
        return np.zeros(len(rim), np.float32)
    start = face[outline, :2]
    along = np.roll(start, -1, 0) - start
    offset = start - rim[:, None]  # (36, N, 2)
    cross = away[:, None, 0] * along[:, 1] - away[:, None, 1] * along[:, 0]
    cross = np.where(np.abs(cross) < 1e-6, 1e-6, cross)
    distance = (offset[..., 0] * along[:, 1] - offset[..., 1] * along[:, 0]) / cross
    place = (offset[..., 0] * away[:, None, 1] - offset[..., 1] * away[:, None, 0]) / cross
    crossed = (place >= 0) & (place <= 1) & (distance > 1e-3)
    return np.where(crossed, distance, 0).max(1).astype(np.float32)
