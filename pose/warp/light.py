"""The light of a portrait, by which what it does not show is painted."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import polygon_mask
from pose.tracking.features import EYES, MOUTH, Eye
from pose.tracking.signals import lid_gap

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # BT.601


@dataclass(frozen=True)
class LightSettings:
    """What is known of skin and eyes in neutral light. Lumas and colours in 8-bit grey levels."""

    light_skin: tuple[float, ...] = (205, 160, 140)  # RGB: the tint of skin is told against it
    sclera: tuple[float, ...] = (205, 196, 192)  # RGB of the white of an eye
    white_luma: float = 135.0  # of the brighter part of the white of an eye, shaded by its lids
    cheek_luma: float = 160.0
    least_white: int = 30  # pixels of white in both eyes that tell the light
    bright_percentile: float = 80.0  # of the whites' luma: iris and lashes at their rim are darker
    skin_tint: float = 0.4  # weight of the skin's tint where no white tells it: skin has a colour of its own
    white_tint: float = 0.8  # weight of the whites' tint: they are veined
    tint_limits: tuple[float, float] = (0.7, 1.2)  # per channel, beyond which it is the thing and not the light
    gain_limits: tuple[float, float] = (0.25, 1.2)  # a black picture still shows a mouth, a bright one burns out
    covered: float = 0.3  # luma of what is brightest in an eye over the skin's, below which glasses or hair cover it
    covered_opening: float = 0.12  # over its width: narrower eyes are too dark to tell
    covered_percentile: float = 95.0  # of the luma inside an eye, up to which it is the brightest
    opaque: int = 150  # alpha of a lid opening or another hollow (0..255) inside which it is sampled
    eye_iris: int = 20  # coverage of the iris (0..255) up to which it is the white
    deep_percentile: float = 3.0  # of the luma around the nostrils and on the lips, up to which it is the deepest shade
    deep_luma: float = 0.36  # of the skin's, that the deepest shade has at most, in soft light from the front


@dataclass(frozen=True, eq=False)
class PortraitLight:
    """The light of one portrait.

    skin: (3,) RGB of the cheeks; gain: (3,) of what is painted in neutral light, per channel; depths: (3,) RGB of the
    deepest shade; softness: 0..1, how much of the light comes into hollows; eyes: those that nothing dark covers.
    """

    skin: np.ndarray
    gain: np.ndarray
    depths: np.ndarray
    softness: float
    eyes: tuple[Eye, ...] = EYES


NOSTRILS = (98, 97, 2, 326, 327, 294, 331, 1, 102, 64)  # landmarks around both, at the lower end of the nose
CHEEKS_AND_BROW = (50, 280, 101, 330, 117, 346, 9)  # landmarks on bare skin


def skin_colour(person_SS4: np.ndarray, face: np.ndarray) -> np.ndarray:
    """(3,) RGB, median around landmarks on the cheeks and between the brows."""
    points = np.clip(face[list(CHEEKS_AND_BROW), :2].astype(int), 1, len(person_SS4) - 2)
    patch = np.concatenate([person_SS4[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 4) for x, y in points])
    return np.median(patch[:, :3], 0).astype(np.float32)


def portrait_light(
    person_SS4: np.ndarray, face: np.ndarray, settings: LightSettings = LightSettings()
) -> PortraitLight:
    """The light of a portrait. person_SS4: uint8 premultiplied RGBA; face: (478, 3) its landmarks.

    The whites of the eyes tell it, which are alike in all people, but lids and brows may shade them; the cheeks lie in
    full light, but half of their colour is the skin's own. So where the whites are darker, both count, and the colour
    of the whites as far as they are lit.
    """
    s, skin = settings, skin_colour(person_SS4, face)
    gain, lit = float(skin @ LUMA) / s.cheek_luma, 0.0
    tint = 1 + s.skin_tint * (_tint(skin, s.light_skin, s) - 1)
    eyes = tuple(eye for eye in EYES if not _is_covered(person_SS4, face, eye, skin, s))
    whites = np.concatenate([np.empty((0, 3), np.uint8), *(_white_pixels(person_SS4, face, eye, s) for eye in eyes)])
    if len(whites) >= s.least_white:
        luma = whites @ LUMA
        by_whites = float(np.percentile(luma, s.bright_percentile)) / s.white_luma
        lit = float(np.clip(by_whites / max(gain, 1e-3) * 2 - 1, 0, 1))
        bright = whites[luma >= np.median(luma)].mean(0)
        tint += lit * (1 + s.white_tint * (_tint(bright, s.sclera, s) - 1) - tint)
        gain = max(by_whites, (gain + by_whites) / 2)
    depths = _deepest_shade(person_SS4, face, s)
    reaching = s.deep_luma * float(skin @ LUMA) / max(float(depths @ LUMA), 1.0)
    depths *= min(reaching, 1.0)  # where nothing is dark, as in flat light or a coarse picture, a mouth still is
    # the root, because a hollow is darker than what lies at its opening
    softness = min(max(reaching, 1.0) ** -0.5, 1.0)
    return PortraitLight(skin, (np.clip(gain, *s.gain_limits) * tint).astype(np.float32), depths, softness, eyes)


def _deepest_shade(person_SS4: np.ndarray, face: np.ndarray, settings: LightSettings) -> np.ndarray:
    """(3,) RGB of the darkest of nostrils and lips: as dark is the inside of a mouth."""
    darkest = []
    for hull in (NOSTRILS, MOUTH.outer):
        outline = cv2.convexHull(face[list(hull), :2].astype(np.float32))[:, 0]
        colours = person_SS4[..., :3][polygon_mask(outline, len(person_SS4)) > settings.opaque].astype(np.float32)
        if len(colours):
            luma = colours @ LUMA
            darkest.append(colours[luma <= np.percentile(luma, settings.deep_percentile)].mean(0))
    return min(darkest, key=LUMA.dot, default=np.zeros(3, np.float32))


def _is_covered(person_SS4: np.ndarray, face: np.ndarray, eye: Eye, skin: np.ndarray, s: LightSettings) -> bool:
    """Whether an open eye shows nothing but dark: sunglasses, a patch, hair."""
    width = max(float(np.linalg.norm(np.subtract(*face[list(eye.corners)]))), 1e-6)
    if lid_gap(face, eye.upper, eye.lower) < s.covered_opening * width:
        return False
    inside = person_SS4[..., :3][polygon_mask(face[eye.ring, :2], len(person_SS4)) > s.opaque]
    if not len(inside):
        return False
    return float(np.percentile(inside @ LUMA, s.covered_percentile)) < s.covered * float(skin @ LUMA)


def _white_pixels(person_SS4: np.ndarray, face: np.ndarray, eye: Eye, s: LightSettings) -> np.ndarray:
    """(N, 3) RGB of the white of one eye."""
    size = len(person_SS4)
    opening, disc = polygon_mask(face[eye.ring, :2], size), polygon_mask(face[eye.iris_circle, :2], size)
    return person_SS4[..., :3][(opening > s.opaque) & (disc < s.eye_iris)]


def _tint(colour: np.ndarray, neutral: tuple[float, ...], s: LightSettings) -> np.ndarray:
    """(3,) colour of the light, of luma about 1, under which something of a neutral colour looks like this."""
    neutral = np.array(neutral, np.float32)
    return np.clip(colour / max(float(colour @ LUMA), 1.0) / (neutral / (neutral @ LUMA)), *s.tint_limits)
