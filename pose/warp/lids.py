"""The skin of a closing lid. An open eye folds it away, and the tracker's lid line runs through the lashes; so a warp
that closes the eye stretches lashes and shadow over it, a dark smudge. Here the lid gets the colour of the skin around
the eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import ramp, smoothstep
from pose.tracking.features import Eye
from pose.tracking.signals import lid_gap

from .canvas import Canvas
from .light import LUMA


@dataclass(frozen=True)
class LidSettings:
    """Heights are fractions of the lid's, from its rim to its fold; widths fractions of the eye's."""

    closing: tuple[float, float] = (0.25, 0.75)  # of its own opening by which an eye has closed: no paint, full paint
    least: float = 0.02  # paint below which none is seen
    narrow: float = 0.15  # opening over width; an eye that is never wider closes by fractions of this one
    lashes: float = 0.16  # height of the rim's dark, which stays
    edge: float = 0.22  # height of the soft edges
    shaded: float = 0.88  # of the light on the skin under the eye reaches a lid under its brow
    corners: float = 0.10  # width over which the paint comes in from the eye's corners
    spread: float = 0.20  # width over which the skin's colours are averaged
    lash_line: float = 0.06  # width: how far the lashes' dark reaches beyond the slit between the lids
    dark: float = 0.9  # how much of the slit is lashes when the eye is closed
    hanging: float = 0.6  # how much of the eye just under the rim they cover then
    lash: float = 0.35  # their colour in that of the skin, where the portrait's own lashes are no darker
    darkest: float = 25.0  # percentile of the brightness along the upper lid, up to which it is lashes
    wet: float = 0.12  # width below the lower lid's line, over which white of the eye may still lie
    opaque: float = 0.85  # what is left of the stretched lid is its texture
    under: float = 0.30  # width below the lower lid, where the skin is that the lid's rim is like
    rim_above: float = 0.35  # weight at the rim of the skin above the lid, which is all of its colour at its upper end
    higher: float = 0.35  # height above the fold that the paint reaches
    least_height: float = 0.03  # width that a lid is taken to be high at least
    least_width: int = 4  # px: smaller eyes are left as they are
    seen_alpha: int = 200  # of the person (0..255), from which its skin is sampled


class LidPainter:
    """Paints the closing lid of one eye of a portrait. person_SS4: premultiplied RGBA; face: its landmarks."""

    def __init__(self, person_SS4: np.ndarray, face: np.ndarray, eye: Eye, settings: LidSettings = LidSettings()):
        self._eye, self._settings = eye, settings
        self._opening = _opening(face, eye)
        # deep in its socket the lid is in the shadow in which the brow lays it, else as light as what is above it
        below, above = (
            _median_colour(person_SS4, face[list(row)], settings.seen_alpha) for row in (eye.below, eye.above)
        )
        found = [colour for colour in (None if below is None else settings.shaded * below, above) if colour is not None]
        self._skin = max(found, key=np.sum, default=None)
        if self._skin is not None:
            own = _darkest_colour(person_SS4, face[list(eye.upper)], settings)
            self._lash = min((settings.lash * self._skin, own), key=np.sum)

    def paint(self, canvas: Canvas) -> None:
        s, own = self._settings, self._opening
        closing = (own - _opening(canvas.target.face, self._eye)) / max(own, s.narrow)
        if ramp(closing, s.closing) > s.least and self._skin is not None:
            self._cover(canvas.picture, canvas.target.face, float(smoothstep(closing, s.closing)))

    def _cover(self, picture_SS4: np.ndarray, face: np.ndarray, strength: float) -> None:
        s, eye, skin, size = self._settings, self._eye, self._skin, len(picture_SS4)
        lower_rim = (eye.lid_rim[0], *eye.lower, eye.lid_rim[-1])
        rim, fold, lower = (face[list(row), :2] for row in (eye.lid_rim, eye.lid_fold, lower_rim))
        # the eye's own frame: along its corners, and up from there
        along = rim[-1] - rim[0]
        width = float(np.hypot(*along))
        points = np.concatenate([rim, lower, fold + s.higher * (fold - rim)])
        x0, y0 = np.clip(np.floor(points.min(0) - 2).astype(int), 0, size)
        x1, y1 = np.clip(np.ceil(points.max(0) + 3).astype(int), 0, size)
        if width < s.least_width or x1 - x0 < 2 or y1 - y0 < 2:
            return
        along = along / width
        up = np.array([along[1], -along[0]])
        up = up if ((fold - rim) @ up).sum() >= 0 else -up
        x, y = np.arange(x0, x1, dtype=np.float32)[None] + 0.5, np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5
        a = ((x - rim[0, 0]) * along[0] + (y - rim[0, 1]) * along[1]) / width  # 0 outer corner, 1 inner
        h = ((x - rim[0, 0]) * up[0] + (y - rim[0, 1]) * up[1]) / width

        def line(points_N2: np.ndarray) -> np.ndarray:
            """Height of a row of landmarks at every pixel's place along the eye."""
            from_corner = (points_N2 - rim[0]) / width
            return np.interp(a, np.maximum.accumulate(from_corner @ along), from_corner @ up).astype(np.float32)

        floor, bottom, top = line(lower), line(rim), line(fold)
        inside = np.clip(np.minimum(a, 1 - a) / s.corners, 0, 1) * np.float32(strength)
        v = (h - bottom) / np.maximum(top - bottom, s.least_height)  # 0 rim, 1 fold
        paint = np.clip((v - s.lashes) / s.edge, 0, 1) * np.clip((1 + s.higher - v) / (s.higher + s.edge), 0, 1)
        slit = np.clip(1 - np.maximum(floor - h, h - bottom) / s.lash_line, 0, 1)  # 1 between the lids
        shut = np.clip(1 - (bottom - floor) / (2 * s.lash_line), 0, 1)  # 0 where the eye is seen
        slit *= shut
        paint = np.maximum(paint, shut * np.clip(2 * (1 + (h - floor) / s.wet), 0, 1) * (h <= bottom))
        hanging = np.clip(1 - np.abs(h - bottom + s.lash_line / 2) / s.lash_line, 0, 1)  # the upper lid's, over the eye
        lashes = np.maximum(slit * s.dark, hanging * s.hanging)
        # a lid is like the skin beyond both of its ends: that under the eye, and more and more that below the brow
        spread = 2 * int(s.spread / 2 * width) + 1

        def skin_at(height: np.ndarray) -> np.ndarray:
            """(h, w, 3) colours at some height of each pixel's place along the eye, without their grain."""
            x, y = (corner + width * (a * along[k] + height * up[k]) - 0.5 for k, corner in enumerate(rim[0]))
            seen = cv2.remap(picture_SS4, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)
            seen = cv2.blur(seen, (spread, spread)).astype(np.float32)
            return seen[..., :3] + skin * (1 - seen[..., 3:] / 255)

        below = s.shaded * skin_at(floor - s.under)
        above = skin_at(bottom + (1 + s.higher) * (top - bottom))
        weight = s.rim_above + (1 - s.rim_above) * np.clip(v / (1 + s.higher), 0, 1)
        colours = below + weight[..., None] * (above - below)
        view = picture_SS4[y0:y1, x0:x1].astype(np.float32)
        opaque = np.full_like(view[..., 3:], 255)
        for weight, colour in ((paint * s.opaque, colours), (lashes, np.full_like(colours, self._lash))):
            picture = np.concatenate([colour, opaque], 2) * (view[..., 3:] / 255)  # as opaque as the face is
            view += cv2.GaussianBlur(weight * inside, (3, 3), 0)[..., None] * (picture - view)
        picture_SS4[y0:y1, x0:x1] = np.rint(view)


def _median_colour(person_SS4: np.ndarray, points: np.ndarray, least_alpha: int) -> np.ndarray | None:
    """(3,) float32 median around some landmarks, None where the person is not."""
    patch = _around(person_SS4, points)
    opaque = patch[patch[:, 3] > least_alpha]
    return np.median(opaque[:, :3], 0).astype(np.float32) if len(opaque) else None


def _darkest_colour(person_SS4: np.ndarray, points: np.ndarray, s: LidSettings) -> np.ndarray:
    """(3,) float32 of the darkest pixels around some landmarks."""
    patch = _around(person_SS4, points)
    luma = patch[:, :3] @ LUMA
    return patch[luma <= np.percentile(luma, s.darkest), :3].mean(0).astype(np.float32)


def _around(person_SS4: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(9 N, 4) the pixels around N landmarks."""
    x, y = np.clip(points[:, :2].astype(int), 1, person_SS4.shape[0] - 2).T
    return np.concatenate([person_SS4[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])


def _opening(face: np.ndarray, eye: Eye) -> float:
    """Gap between the lids over the width of the eye."""
    width = float(np.linalg.norm(face[eye.lid_rim[0]] - face[eye.lid_rim[-1]]))
    return lid_gap(face, eye.upper, eye.lower) / max(width, 1e-6)
