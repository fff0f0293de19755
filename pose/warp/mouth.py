"""The inside of a mouth that opens further than the portrait's: cavity, tongue and teeth.

Teeth follow the skull (upper) and the jaw (lower), all else is toned to the portrait's light. Where the portrait itself
shows the inside (its mouth is open as wide), its own pixels stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import Patch, polygon_in, polygon_patch, ramp, rounded, smoothstep
from pose.tracking.features import MOUTH
from pose.tracking.mesh import eye_distance
from pose.tracking.signals import mouth_opening

from .canvas import INNER_MOUTH, Canvas, blend
from .light import LUMA, PortraitLight
from .teeth import rows_of_teeth


@dataclass(frozen=True)
class MouthSettings:
    """Openings are gaps of the inner lips in eye distances; colours are RGB in neutral light."""

    tongue: tuple[float, ...] = (140, 88, 91)
    # opening of the portrait's mouth over the target's, from which its own inside will do; the same where its own teeth
    # are painted; and the ratio below that over which paint comes in
    shown: float = 0.72
    shown_with_teeth: float = 0.98
    paint_fade: float = 0.35
    least_opening: float = 0.02  # below which less and less is painted
    least_alpha: float = 0.02  # of the paint, below which none is seen
    paler: float = 0.3  # the cavity than the face's deepest shade, which is often on the lips: share of grey in it
    # in speech the tongue fills the mouth; when the jaw drops, it lies on its floor
    tongue_top: tuple[float, float] = (0.0, 0.4)  # where it begins, 0 upper lip, 1 lower lip: before, after the drop
    tongue_slope: float = 1.8  # of its alpha over the height of the mouth
    tongue_alpha: float = 0.9
    tongue_openings: tuple[float, float] = (0.08, 0.26)  # in which it drops
    tongue_sides: tuple[float, float] = (1.0, 0.4)  # of half the mouth's width, where it ends
    # light enters from the front: the closer to the lips, the darker, upper lip most
    rim_light: float = 0.35  # at the lips
    depth_light: float = 0.65 * 1.25  # more in the middle; above 1 together, because the blur never reaches its full
    shade_reach: float = 0.25  # of the mouth's height, over which the rim's shade fades
    shade_margin: int = 5  # px added to that height, so that narrow mouths are shaded, too
    narrow_openings: tuple[float, float] = (0.06, 0.14)  # between which full light comes to reach the teeth
    narrow_light: float = 0.8  # of that light in a mouth that is hardly open
    teeth_hollow: float = 0.3  # power of the light's softness that is left on teeth, which are at the front of it
    lip_shadow: float = 0.055  # eye distances below the upper lip, over which its shadow in hard light fades
    lower_light: float = 0.85  # on the lower teeth, which the upper ones shade
    cheeks: tuple[float, float] = (0.95, 0.5)  # of half the mouth's width: from where cheeks hide all teeth to none


ROUND = (0.25, 0.6)  # height over width of the lips' opening, between which its corners vanish


class MouthPainter:
    """Paints the unseen inside of the mouth of one portrait. person_SS4: premultiplied RGBA; face: its landmarks."""

    def __init__(
        self, person_SS4: np.ndarray, face: np.ndarray, light: PortraitLight, settings: MouthSettings = MouthSettings()
    ):
        self._settings = settings
        self._cavity = light.depths + settings.paler * (light.depths @ LUMA - light.depths)
        self._tongue = np.array(settings.tongue, np.float32) * light.gain * light.softness
        self._softness = light.softness
        self._teeth_light = light.softness**settings.teeth_hollow
        self._opening = mouth_opening(face)
        self._teeth = rows_of_teeth(person_SS4, face, light)
        self._shown = settings.shown_with_teeth if any(row.own for row in self._teeth) else settings.shown

    def paint(self, canvas: Canvas) -> None:
        face, s = canvas.target.face, self._settings
        edge = inner_edge(face)
        patch = polygon_patch(edge, canvas.size)
        if patch is None:
            return
        if canvas.guide is not None:
            canvas.guide[(*patch.halved(), INNER_MOUTH)] = polygon_in(edge, *patch.halved(), 0.5)
        opening = mouth_opening(face)
        alpha = self._alpha(opening)
        if alpha < s.least_alpha or min(patch.mask.shape) < 2:
            return
        height, width = patch.mask.shape
        inside = self._cavity_and_tongue(patch, face, opening)
        reach = max(2.0, s.shade_reach * (height + s.shade_margin))
        shade = cv2.GaussianBlur(patch.mask, (0, 0), reach / 2, borderType=cv2.BORDER_CONSTANT)
        narrow = s.narrow_light + (1 - s.narrow_light) * ramp(opening, s.narrow_openings)
        shade = np.minimum(shade * np.float32(s.depth_light / 255) + np.float32(s.rim_light), 1) * np.float32(narrow)
        inside *= shade[..., None]
        lit = (shade * self._lip_shadow(patch, eye_distance(face)))[..., None]
        half = float(np.linalg.norm(np.subtract(*face[list(MOUTH.corners)])) / max(eye_distance(face), 1e-6)) / 2
        for row, light in zip(self._teeth, (s.lower_light, 1.0), strict=True):
            sprite, across = row.placed(face, canvas.head, patch.x, patch.y)
            placed = sprite.astype(np.float32)
            if not row.own:
                placed *= ramp(np.abs(across) / half, s.cheeks)[..., None]
                placed[..., :3] *= light * lit * self._teeth_light
            inside = placed[..., :3] + inside * (placed[..., 3:] * np.float32(-1 / 255) + 1)
        blend(canvas.picture, patch.rows, patch.columns, inside, patch.mask * np.float32(alpha / 255))

    def _alpha(self, opening: float) -> float:
        """0 where the portrait shows the inside itself, 1 where it has to be painted; smooth, so that nothing pops."""
        if opening <= 1e-4:
            return 0.0
        s = self._settings
        unseen = smoothstep(self._shown - self._opening / opening, (0, s.paint_fade))
        return float(unseen * ramp(opening, (0, s.least_opening)))

    def _lip_shadow(self, patch: Patch, unit: float) -> np.ndarray:
        """(h, w) float32 factors on the light, least under the upper lip. unit: eye distance, px."""
        rim = (patch.mask > 127).argmax(0)
        below = (np.arange(len(patch.mask), dtype=np.float32)[:, None] - rim) / (self._settings.lip_shadow * unit)
        return np.minimum(self._softness + (1 - self._softness) * np.clip(below, 0, 1), 1).astype(np.float32)

    def _cavity_and_tongue(self, patch: Patch, face: np.ndarray, opening: float) -> np.ndarray:
        """(h, w, 3) float32."""
        s, (upper, lower) = self._settings, MOUTH.middles
        axis = face[lower, :2] - face[upper, :2]
        axis = axis / max(float(axis @ axis), 1.0)
        down = (patch.x - face[upper, 0]) * axis[0] + (patch.y - face[upper, 1]) * axis[1]  # 0 upper lip, 1 lower lip
        high, low = s.tongue_top
        top = high + (low - high) * ramp(opening, s.tongue_openings)
        right, left = MOUTH.corners
        side = (face[left, :2] - face[right, :2]) / 2
        side = side / max(float(side @ side), 1.0)
        middle = face[[right, left], :2].mean(0)
        aside = np.abs((patch.x - middle[0]) * side[0] + (patch.y - middle[1]) * side[1])  # 1 at the corners
        floor = np.clip((down - top) * s.tongue_slope, 0, 1) * ramp(aside, s.tongue_sides) * np.float32(s.tongue_alpha)
        return self._cavity + floor[..., None] * (self._tongue - self._cavity)


def inner_edge(face: np.ndarray) -> np.ndarray:
    """(80, 2) px around what parted lips show. Landmarks keep the corners where lips meet; in a round mouth they are
    pressed together there."""
    high, wide = (float(np.linalg.norm(np.subtract(*face[list(ends), :2]))) for ends in (MOUTH.middles, MOUTH.corners))
    return rounded(face[MOUTH.inner, :2], ramp(high / max(wide, 1e-6), ROUND))
