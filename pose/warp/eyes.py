"""White and iris of an eye that turns or widens beyond what the portrait shows of it, in the portrait's own colours."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import Patch, polygon_in, polygon_mask, polygon_patch, ramp
from pose.tracking.features import Eye

from .canvas import EYE_OPENING, IRIS, Canvas, blend
from .light import LightSettings, PortraitLight


@dataclass(frozen=True)
class EyeSettings:
    """Colours are RGB in neutral light. Openings are fractions of the portrait's own."""

    iris: tuple[float, ...] = (58, 42, 34)
    iris_width: float = 0.42  # of an eye's
    turned: tuple[float, float] = (0.1, 0.35)  # iris widths between which a turned eye shows what the portrait's hid
    widened: tuple[float, float] = (1.1, 1.4)  # openings between which a widened eye does
    narrowed: tuple[float, float] = (0.15, 0.4)  # fraction closed, by which the lids shade the eye
    limbus: float = 0.3  # of an iris's radius, over which it goes over into the white
    pupil_radius: float = 0.58  # of the iris's
    pupil_dark: float = 0.75  # of the iris's light that the pupil lacks
    lid_shadow: float = 0.55  # light left under the upper lid
    shadow_reach: float = 0.6  # of the gap of the lids, over which its shadow ends
    rim_light: float = 0.6  # at the rim of the opening
    rim_reach: float = 0.1  # of the eye's width, over which the rim's shade fades
    lash_margin: float = 0.04  # of the eye's width around the opening that is lashes: not to be spread over a wider eye
    own_white: float = 0.7  # weight of the portrait's white, the rest is a white in its light
    bared: float = 0.6  # of the way to that light, of the white that a turn or wide lids bring out of the lids' shade
    least_white: int = 6  # px of white to sample it
    least_iris: int = 4  # px of iris to sample it


@dataclass(frozen=True)
class EyeAppearance:
    """What the portrait shows of one eye.

    seen: (S, S, 2) uint8, where its white and where its iris may be copied from; white, iris: their colours, (3,)
    float32 RGB, and lit, a white in the portrait's light; gaze, opening: as `eye_state` has them.
    """

    seen: np.ndarray
    white: np.ndarray
    lit: np.ndarray
    iris: np.ndarray
    gaze: complex
    opening: float


def eye_state(points: np.ndarray) -> tuple[complex, float]:
    """Where the iris is between the corners of its eye, and how far the lids are apart, both in widths of the eye.

    points: (17, 3) the eye's ring and its pupil, in any unit.
    """
    ring, pupil = (points[:16, :2] @ (1, 1j)).tolist(), complex(*points[16, :2])
    first, last = ring[0], ring[8]
    width = last - first or 1e-6
    opening = abs(sum(ring[9:]) - sum(ring[1:8])) / 7
    return (pupil - (first + last) / 2) / width, opening / abs(width)


class EyePainter:
    """Paints one eye of one portrait. person_SS4: premultiplied RGBA; face: its landmarks."""

    def __init__(
        self,
        person_SS4: np.ndarray,
        face: np.ndarray,
        eye: Eye,
        light: PortraitLight,
        settings: EyeSettings = EyeSettings(),
    ):
        self._eye, self._settings = eye, settings
        self._points = np.array([*eye.ring, eye.pupil])
        self._appearance = self._sample(person_SS4, face, light)

    def paint(self, canvas: Canvas) -> None:
        eye, own, s, face = self._eye, self._appearance, self._settings, canvas.target.face
        patch = polygon_patch(face[eye.ring, :2], canvas.size)
        if patch is None:
            return
        if canvas.guide is not None:
            _draw_guide(canvas.guide, face, eye, patch)
        bared, narrowed = self._change(canvas)
        alpha = max(bared, narrowed)
        if alpha == 0:
            return
        seen = cv2.remap(own.seen, canvas.source(patch.rows, patch.columns), None, cv2.INTER_LINEAR)  # (h, w, 2)
        radius = np.linalg.norm(face[eye.iris_circle, :2] - face[eye.pupil, :2], axis=1).mean()
        dx, dy = patch.x - face[eye.pupil, 0], patch.y - face[eye.pupil, 1]
        inward = radius - np.sqrt(dx * dx + dy * dy)
        disc = np.minimum(np.maximum(inward / max(1.0, s.limbus * radius) + 0.5, 0), 1)
        # white may only come from the portrait's white, iris only from its iris
        shown = seen[..., 0] + (seen[..., 1].astype(np.float32) - seen[..., 0]) * disc
        unseen = patch.mask * (alpha - shown * np.float32(alpha / 255))
        if unseen.max(initial=0) < 1:
            return
        pupil = np.minimum(np.maximum(inward - s.pupil_radius * radius + 0.5, 0), 1)
        white = own.white + (s.bared * bared) * np.maximum(own.lit - own.white, 0)
        inside = white + disc[..., None] * (own.iris * (1 - s.pupil_dark * pupil[..., None]) - white)
        inside *= self._light(patch, face)[..., None]
        blend(canvas.picture, patch.rows, patch.columns, inside, unseen * np.float32(1 / 255))

    def _change(self, canvas: Canvas) -> tuple[float, float]:
        """By how much (0..1) the target's eye shows what the portrait's does not: bared by a turn or by wide lids, or
        shaded by narrow ones."""
        own, s = self._appearance, self._settings
        in_own_head = canvas.head.inverse(canvas.target.face[self._points])  # as the head's own motion left them
        gaze, opening = eye_state(in_own_head)
        turned = abs(gaze - own.gaze) / s.iris_width
        opening = opening / max(own.opening, 1e-3)
        bared = max(float(ramp(turned, s.turned)), float(ramp(opening, s.widened)))
        return bared, float(ramp(1 - opening, s.narrowed))

    def _light(self, patch: Patch, face: np.ndarray) -> np.ndarray:
        """(h, w) the upper lid and its lashes throw their shadow on the eye, and its rim is darker."""
        s, ring = self._settings, self._eye.ring
        spread = max(1.0, s.rim_reach * max(patch.mask.shape))
        shade = cv2.GaussianBlur(patch.mask, (0, 0), spread, borderType=cv2.BORDER_CONSTANT)
        upper, lower = (face[list(row), :2].mean(0) for row in (ring[9:], ring[1:8]))
        gap = lower - upper
        gap = gap * np.float32((1 - s.lid_shadow) / s.shadow_reach / max(float(gap @ gap), 0.25))
        down = (patch.x - upper[0]) * gap[0] + ((patch.y - upper[1]) * gap[1] + s.lid_shadow)
        light = np.minimum(np.maximum(down, s.lid_shadow), 1)
        return (shade * np.float32((1 - s.rim_light) / 255) + np.float32(s.rim_light)) * light

    def _sample(self, person_SS4: np.ndarray, face: np.ndarray, light: PortraitLight) -> EyeAppearance:
        """Where the eye is too narrow to sample, the generic colours in the portrait's light."""
        eye, s, size = self._eye, self._settings, len(person_SS4)
        opening = polygon_mask(face[eye.ring, :2], size)
        disc = polygon_mask(face[eye.iris_circle, :2], size)
        width = max(1, int(np.ceil(s.lash_margin * np.linalg.norm(face[eye.ring[0], :2] - face[eye.ring[8], :2]))))
        inner = cv2.erode(opening, np.ones((2 * width + 1, 1), np.uint8))
        white = lit = np.minimum(np.array(LightSettings().sclera, np.float32) * light.gain, 255)
        iris = np.array(s.iris, np.float32) * light.gain
        rgb = person_SS4[..., :3]
        on_white, on_iris = rgb[(inner > 200) & (disc < 20)], rgb[(inner > 200) & (disc > 230)]
        if len(on_white) >= s.least_white:
            bright = on_white[np.argsort(on_white.sum(1))[len(on_white) // 2 :]].astype(np.float32)
            white = (1 - s.own_white) * white + s.own_white * bright.mean(0)
        if len(on_iris) >= s.least_iris:
            iris = np.median(on_iris.astype(np.float32), 0)
        around = cv2.dilate(disc, np.ones((2 * width + 1, 2 * width + 1), np.uint8))
        seen = np.stack([cv2.min(inner, 255 - around), cv2.min(inner, disc)], -1)
        return EyeAppearance(seen, white, lit, iris, *eye_state(face[self._points]))


def _draw_guide(guide: np.ndarray, face: np.ndarray, eye: Eye, patch: Patch) -> None:
    """The opening, and the iris as far as it lies in it."""
    view = guide[patch.halved()]
    opening, disc = (polygon_in(face[ring, :2], *patch.halved(), 0.5) for ring in (eye.ring, eye.iris_circle))
    view[..., EYE_OPENING] = cv2.max(view[..., EYE_OPENING], opening)
    view[..., IRIS] = cv2.max(view[..., IRIS], cv2.min(disc, opening))
