"""What of a drawn face is skin, what hair before it, and how it looks where eyes, brows and mouth are taken away."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from pose.tracking.features import EYES, MOUTH
from pose.tracking.landmarks import FACE_OVAL
from pose.tracking.mesh import eye_distance

GREY = 128.0  # of a and b, in Lab of 8 bits
CHROMA_WEIGHT = 2.0  # a hue differs by less than a shade does, and says more
SKIN = 13.0  # difference from the skin around it, in Lab's 0..255 units, from which a pixel is no skin
# of the way from the eyes to the mouth, where skin is looked for: whites are above, lips, teeth and beards below
CHEEKS = (0.2, 0.9)
# of the way from eye to eye, beside its middle, and of that from the eyes to the mouth, where a nose is: below hair
NOSE = (0.2, (0.25, 0.65))
# of the cheeks and of the nose, that the nose's colour takes at least where it is the skin's
BESIDE_BEARD = (0.15, 0.6)
EYE_ROOM = 0.3  # eye distances around the middle of an eye, that are of the face wherever a tracker has its outline
FARTHEST = 3.0  # shading goes no further from the skin's tone, in SKIN
SHADES = 24  # colours that the hair around the face is reduced to: painted hair runs through many
# Blush is redder than the skin, no paler, and hardly darker: shares of the skin's lightness and of its colourfulness
BLUSH_LIGHT, BLUSH_COLOUR = (0.74, 1.0), 1.05
RARE = 0.004  # of the hair: shades as rare are mixtures at its edges
LINE = 0.55  # of the hair's lightness, below which a pixel is an outline
STRAND = 0.016  # eye distances: half as wide as the thinnest strand that counts
LOCK = 0.035  # eye distances: half as wide as the thinnest lock inside the face that strands may hang on
HAIR = 20.0  # difference from one of them up to which a pixel is hair
SOLID = 200  # alpha, from which a pixel is of the person
REACH = 1.1  # eye distances around the face's outline in which its hair is


@dataclass(frozen=True)
class Canvas:
    """A drawn face and what its pixels are, all (h, w, ...) in one picture.

    rgb: uint8. lab: float32, weighted so that Euclidean distances compare. skin: bool, looks like skin. away: float32,
    difference from the local skin. blush: bool, of the skin and no feature. hair: bool, hair that hangs before the
    face. person: bool, not what is behind. face: (478, 3) landmarks. unit: distance of the outer eye corners, px.
    """

    rgb: np.ndarray
    lab: np.ndarray
    skin: np.ndarray
    away: np.ndarray
    blush: np.ndarray
    hair: np.ndarray
    person: np.ndarray
    face: np.ndarray
    unit: float


@dataclass(frozen=True, eq=False)
class Layer:
    """rgb: (h, w, 3) uint8, straight, going on beyond its edges; alpha: (h, w) float32 0..1."""

    rgb: np.ndarray
    alpha: np.ndarray

    @cached_property
    def pixels(self) -> np.ndarray:
        """(h, w, 4) uint8, straight."""
        return np.dstack([self.rgb, np.rint(255 * np.clip(self.alpha, 0, 1)).astype(np.uint8)])


def pixels(colours: np.ndarray) -> np.ndarray:
    """Float colours as uint8."""
    return np.rint(np.clip(colours, 0, 255)).astype(np.uint8)


def weighted_lab(rgb: np.ndarray) -> np.ndarray:
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lab[..., 1:] *= CHROMA_WEIGHT
    return lab


def canvas(rgb: np.ndarray, alpha: np.ndarray, face: np.ndarray) -> Canvas:
    """rgb (h, w, 3) uint8 and alpha (h, w) uint8 of the person, landmarks in its pixels."""
    unit = eye_distance(face)
    lab = weighted_lab(rgb)
    oval = face[list(FACE_OVAL), :2]
    inside = cv2.fillPoly(np.zeros(rgb.shape[:2], np.uint8), [np.rint(oval).astype(np.int32)], 1)
    tone = _skin_tone(lab, inside > 0, face)
    # the far eye of a turned face lies across an outline that was made for humans
    for eye in EYES:
        middle = tuple(int(v) for v in np.rint(face[list(eye.ring), :2].mean(0)))
        cv2.circle(inside, middle, int(EYE_ROOM * unit), 1, cv2.FILLED)
    inside = inside > 0
    # shading and blush: the skin's colour near each place, from what is certainly skin; twice, to get along a gradient
    local = tone
    for step in (2.0, 1.4):
        sure = (np.linalg.norm(lab - local, axis=2) < step * SKIN) & inside
        local = tone + np.clip(spread(lab, sure, 0.12 * unit) - tone, -FARTHEST * SKIN, FARTHEST * SKIN)
    away = np.linalg.norm(lab - local, axis=2)
    skin = away < SKIN
    person = alpha > SOLID
    return Canvas(rgb, lab, skin, away, _blush(lab, tone), _hair(lab, person, skin, inside, unit), person, face, unit)


def _blush(lab: np.ndarray, tone: np.ndarray) -> np.ndarray:
    light, colour = lab[..., 0] / max(float(tone[0]), 1), lab[..., 1:] - CHROMA_WEIGHT * GREY
    own = tone[1:] - CHROMA_WEIGHT * GREY
    colourful = np.linalg.norm(colour, axis=2) / max(float(np.linalg.norm(own)), 1)
    redder = (colour[..., 0] > max(float(own[0]), 0)) & (colour[..., 0] > 0.5 * np.abs(colour[..., 1]))
    return redder & (colourful > BLUSH_COLOUR) & (light > BLUSH_LIGHT[0]) & (light < BLUSH_LIGHT[1])


def _skin_tone(lab: np.ndarray, inside: np.ndarray, face: np.ndarray) -> np.ndarray:
    """The commonest colour of the cheeks, where neither hair nor eyes nor mouth are; beside a beard that takes most of
    them, that of the nose."""
    eyes = face[[eye.pupil for eye in EYES], :2]
    middle = eyes.mean(0)
    down, right = face[list(MOUTH.middles), :2].mean(0) - middle, eyes[1] - eyes[0]
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    if not len(rows):
        return commonest(lab.reshape(-1, 3))
    view = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    lab, inside = lab[view], inside[view]
    y, x = np.ogrid[view]
    way, beside = (
        ((x - middle[0]) * axis[0] + (y - middle[1]) * axis[1]) / max(float(axis @ axis), 1) for axis in (down, right)
    )
    cheeks = inside & (way > CHEEKS[0]) & (way < CHEEKS[1])
    nose = inside & (way > NOSE[1][0]) & (way < NOSE[1][1]) & (np.abs(beside) < NOSE[0])
    samples = lab[cheeks if cheeks.any() else inside]
    tone = commonest(samples)
    if nose.any():
        between = commonest(lab[nose])
        shares = [(np.linalg.norm(part - between, axis=1) < SKIN).mean() for part in (samples, lab[nose])]
        if np.linalg.norm(between - tone) > 2 * SKIN and (np.array(shares) > BESIDE_BEARD).all():
            return between
    return tone


def commonest(samples: np.ndarray) -> np.ndarray:
    """(3,) of some colours (n, 3) in weighted Lab."""
    samples = samples[:: max(len(samples) // 1000, 1)].astype(np.float64)
    # squares of their distances, by the rule of the square of a difference
    squares = (samples * samples).sum(1)
    near = squares[:, None] + squares[None] - 2 * samples @ samples.T < SKIN * SKIN
    return samples[near[near.sum(1).argmax()]].mean(0)


def spread(picture: np.ndarray, known: np.ndarray, reach: float) -> np.ndarray:
    """A picture (h, w, C) float32 that has the known pixels' colours, smoothed over `reach` px, and goes on smoothly
    where
    nothing is known: ever wider means fill what narrower ones do not reach."""
    weight = known.astype(np.float32)
    total = cv2.GaussianBlur(np.dstack([picture * weight[..., None], weight]), (0, 0), max(reach, 0.5))
    result, left = np.zeros_like(picture, np.float32), np.ones(known.shape, np.float32)
    for _ in range(6):
        share = left * np.clip(total[..., -1] / 0.05, 0, 1)
        result += share[..., None] * total[..., :-1] / np.maximum(total[..., -1:], 1e-6)
        left = left - share
        reach *= 2
        total = _wider(total, reach)
    mean = picture[known].mean(0) if known.any() else picture.reshape(-1, picture.shape[2]).mean(0)
    return result + left[..., None] * mean


def _wider(total: np.ndarray, reach: float) -> np.ndarray:
    """Blurred over `reach` px, at a resolution that fits it."""
    step = max(int(reach / 4), 1)
    size = total.shape[1::-1]
    small = cv2.resize(total, (max(size[0] // step, 1), max(size[1] // step, 1)), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), max(reach / step, 0.5)), size, interpolation=cv2.INTER_LINEAR)


def _hair(lab: np.ndarray, person: np.ndarray, skin: np.ndarray, inside: np.ndarray, unit: float) -> np.ndarray:
    """Pixels in the colours that surround the face and that are connected to them."""
    reach = int(REACH * unit)
    around = cv2.dilate(inside.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
    rows = np.flatnonzero(inside.any(1))
    if not len(rows):
        return np.zeros(skin.shape, bool)
    middle = (rows[0] + rows[-1]) // 2
    outside = around & ~inside & ~skin & person
    outside[middle:] = False  # below are clothes
    if outside.sum() < 50:
        return np.zeros(skin.shape, bool)
    samples = lab[outside]
    samples = samples[:: max(len(samples) // 4000, 1)].astype(np.float32)
    # outlines are not what hair is told by: they are dark around eyes as well
    light = samples[:, 0] > LINE * np.median(samples[:, 0])
    samples = samples[light]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    cv2.setRNGSeed(0)  # the same picture gives the same shades
    _, labels, shades = cv2.kmeans(samples, min(SHADES, len(samples)), None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    shades = shades[np.bincount(labels.ravel(), minlength=len(shades)) > RARE * len(samples)]
    like = around & ~skin & person  # not what the matte took away
    like[like] = np.min([np.linalg.norm(lab[like] - shade, axis=1) for shade in shades], 0) < HAIR
    # lines thinner than a strand hold hair and lashes together
    thick = max(int(STRAND * unit), 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thick + 1, 2 * thick + 1))
    solid = cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    _, labels = cv2.connectedComponents(solid)
    touching = np.unique(labels[outside & (solid > 0)])
    hair = np.isin(labels, touching[touching > 0])
    # an outline of the hair's colour may join an eye or a mouth to it: inside the face only what hangs on a lock counts
    lock = max(int(LOCK * unit), 1)
    kernels = [cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * k + 1, 2 * k + 1)) for k in (lock, 3 * lock)]
    locks = cv2.morphologyEx((hair | ~around).astype(np.uint8), cv2.MORPH_OPEN, kernels[0])
    _, labels = cv2.connectedComponents(locks)
    touching = np.unique(labels[outside & (locks > 0)])
    locks = np.isin(labels, touching[touching > 0]).astype(np.uint8)
    hair &= ~inside | (cv2.dilate(locks, kernels[1]) > 0)
    if not hair.any():
        return hair
    # ... and its outline belongs to it
    dark = lab[..., 0] < LINE * np.median(lab[..., 0][hair])
    outline = cv2.dilate(hair.astype(np.uint8), cv2.dilate(kernel, np.ones((3, 3), np.uint8))) > 0
    return (cv2.dilate(hair.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) | (outline & dark)
