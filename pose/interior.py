"""What the portrait does not show: the inside of an opened mouth, the white and iris of an opened eye.

A generic set of teeth follows the skull (upper) and the jaw (lower); it is toned to the portrait's light. Where the portrait
itself shows the inside (its mouth is open as wide), its own pixels stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources

import cv2
import numpy as np

from .landmarks import LEFT_EYE_RING, LIPS_INNER, RIGHT_EYE_RING
from .mesh import RIGID_LANDMARKS, Similarity3D, eye_distance, face_mesh, fit_similarity

CAVITY = np.array([58, 24, 23], np.float32)      # the dark of a mouth in neutral light, RGB
TONGUE = np.array([166, 87, 91], np.float32)
TEETH_LIGHT = np.array([0.80, 0.76, 0.69], np.float32)  # ivory, in the shadow of the lips
SCLERA = np.array([205, 196, 192], np.float32)
LIGHT_SKIN = np.array([205, 160, 140], np.float32)
IRIS = np.array([58, 42, 34], np.float32)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
WHITE_IN_NEUTRAL_LIGHT = 135.0                   # luma of the brighter part of the white of an eye, shaded by its lids
LEAST_WHITE = 30                                 # pixels of it in both eyes that tell the light
SUBNASALE, LOWER_LIP = 2, 17
SHOWN = 0.72                                     # opening of the portrait's mouth over the target's, from which its own inside will do
NARROW = (0.06, 0.14)                            # openings, in eye distances, between which full light comes to reach the teeth
TEETH_DROP = 0.03                                # how much lower than at rest the rows show in speech, in eye distances
LID_SHADOW = 0.55                                # what light is left under the upper lid
EYES = ((RIGHT_EYE_RING, 468), (LEFT_EYE_RING, 473))
_FINER, _SHIFT = 4, 4                            # supersampling and sub-pixel bits of the polygon filler


@dataclass(frozen=True)
class TeethSprites:
    """Frontal pictures of the rows of teeth, premultiplied RGBA, and where they lie in canonical units (x0, y0, x1, y1, z)."""

    upper: np.ndarray
    lower: np.ndarray
    upper_box: np.ndarray
    lower_box: np.ndarray


@lru_cache(maxsize=1)
def teeth_sprites() -> TeethSprites:
    with resources.files("pose").joinpath("data/teeth.npz").open("rb") as file:
        data = np.load(file)
        return TeethSprites(*(data[name] for name in ("upper", "lower", "upper_box", "lower_box")))


@dataclass(frozen=True)
class Patch:
    """A rectangle of a picture and the anti-aliased inside of a polygon in it.

    x, y: (1, w) and (h, 1) float32 positions of its pixels' centres, in the units that the polygon was given in.
    """

    rows: slice
    columns: slice
    mask: np.ndarray  # (h, w) uint8
    x: np.ndarray
    y: np.ndarray


def polygon_patch(points_N2: np.ndarray, size: int, scale: float = 1.0) -> Patch | None:
    """The part of a size x size picture that a polygon covers, None if that is nothing. points in pixels of a picture
    size / scale wide.

    Filled finer than the picture and averaged: OpenCV's own anti-aliasing also draws the outline, which would leave a line
    where lids or lips are closed.
    """
    points = points_N2 * scale
    low, high = points.min(0), points.max(0)
    x0, y0 = (min(max(int(np.floor(v)), 0), size) for v in low)
    x1, y1 = (min(max(int(np.ceil(v)), 0), size) for v in high)
    if x1 <= x0 or y1 <= y0:
        return None
    fine = np.zeros(((y1 - y0) * _FINER, (x1 - x0) * _FINER), np.uint8)
    corners = np.rint(((points - (x0, y0)) * _FINER - 0.5) * (1 << _SHIFT)).astype(np.int32)
    cv2.fillPoly(fine, [corners], 255, cv2.LINE_8, _SHIFT)
    mask = cv2.resize(fine, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    centres = _pixel_centres(size, scale)
    return Patch(slice(y0, y1), slice(x0, x1), mask, centres[None, x0:x1], centres[y0:y1, None])


@lru_cache(maxsize=16)
def _pixel_centres(size: int, scale: float) -> np.ndarray:
    """(size,) float32, read-only."""
    centres = (np.arange(size, dtype=np.float32) + 0.5) / np.float32(scale)
    centres.flags.writeable = False
    return centres


def polygon_mask(points_N2: np.ndarray, size: int, scale: float = 1.0) -> np.ndarray:
    """`polygon_patch` as a whole picture (size, size) uint8."""
    mask = np.zeros((size, size), np.uint8)
    patch = polygon_patch(points_N2, size, scale)
    if patch is not None:
        mask[patch.rows, patch.columns] = patch.mask
    return mask


def mouth_opening(face: np.ndarray) -> float:
    """Gap between the inner lips over the distance of the outer eye corners."""
    return float(np.linalg.norm(face[13] - face[14]) / max(eye_distance(face), 1e-6))


def unseen_share(portrait_opening: float, target_opening: float, least: float) -> float:
    """0 where the portrait shows the inside itself, 1 where it has to be painted; smooth, so that nothing pops."""
    if target_opening <= 1e-4:
        return 0.0
    share = np.clip((SHOWN - portrait_opening / target_opening) / 0.35, 0, 1)
    open_enough = np.clip(target_opening / least, 0, 1)
    return float(share * share * (3 - 2 * share) * open_enough)


@dataclass(frozen=True)
class EyeLook:
    """What the portrait shows of one eye.

    seen: (S, S, 2) uint8, where its white and where its iris may be copied from; white, iris: their colours (3,) float32 RGB.
    """

    seen: np.ndarray
    white: np.ndarray
    iris: np.ndarray


def _corners(box: np.ndarray) -> np.ndarray:
    """(4, 3) corners of a row of teeth as speech shows it, in canonical units."""
    x0, y0, x1, y1, z = box + np.array([0, TEETH_DROP, 0, TEETH_DROP, 0], np.float32)
    return np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float32)


class InteriorPainter:
    """Paints the unseen inside of mouth and eyes of one portrait into a warped picture, in place."""

    def __init__(self, person_SS4: np.ndarray, face: np.ndarray):
        self.size = person_SS4.shape[0]
        self.face = face
        self.mouth_opening = mouth_opening(face)
        self.light = self._light(person_SS4, face)
        self.teeth = self._fitting_teeth(eye_distance(face))
        self.eyes = [self._look(person_SS4, ring, iris) for ring, iris in EYES]
        canonical = face_mesh().canonical
        skull = fit_similarity(canonical[RIGID_LANDMARKS], face[RIGID_LANDMARKS])
        self._lower_teeth = skull(np.concatenate([canonical[LOWER_LIP][None], _corners(self.teeth.lower_box)]))
        self._upper_teeth = skull(np.concatenate([canonical[SUBNASALE][None], _corners(self.teeth.upper_box)]))

    def _light(self, person_SS4: np.ndarray, face: np.ndarray) -> np.ndarray:
        """Gain per channel of the portrait's light. The whites of the eyes tell it, which are alike in all people, or, where
        they are too small to be read, the cheeks, half of whose colour is the skin's own."""
        whites = np.concatenate([self._white_pixels(person_SS4, face, ring, iris) for ring, iris in EYES])
        if len(whites) >= LEAST_WHITE:
            luma = whites @ LUMA
            gain = float(np.percentile(luma, 80)) / WHITE_IN_NEUTRAL_LIGHT
            colour, neutral, trust = whites[luma >= np.median(luma)].mean(0), SCLERA, 0.8
        else:
            cheeks = np.clip(face[[50, 280, 101, 330, 117, 346, 9], :2].astype(int), 1, self.size - 2)
            patch = np.concatenate([person_SS4[y - 1:y + 2, x - 1:x + 2].reshape(-1, 4) for x, y in cheeks])
            colour, neutral, trust = np.median(patch[:, :3], 0), LIGHT_SKIN, 0.4
            gain = (float(colour @ LUMA) / 165.0) ** 0.7
        tint = np.clip(colour / max(float(colour @ LUMA), 1.0) / (neutral / (neutral @ LUMA)), 0.7, 1.2)
        return (np.clip(gain, 0.25, 1.2) * (1 - trust + trust * tint)).astype(np.float32)

    def _white_pixels(self, person_SS4: np.ndarray, face: np.ndarray, ring, iris: int) -> np.ndarray:
        """(N, 3) RGB of the white of one eye."""
        opening, disc = polygon_mask(face[ring, :2], self.size), polygon_mask(face[iris + 1:iris + 5, :2], self.size)
        return person_SS4[..., :3][(opening > 150) & (disc < 20)]

    def paint(self, warp_SS4: np.ndarray, flow_SS2: np.ndarray, target_face: np.ndarray, head: Similarity3D) -> None:
        """Blend the generic interior into warp_SS4 (uint8 premultiplied RGBA), in place.

        flow_SS2: where in the portrait each pixel of the warp came from, in pixel indices. head: how the skull moved from
        the portrait to the target, in 3D pixels.
        """
        self._paint_mouth(warp_SS4, target_face, head)
        for (ring, iris), look in zip(EYES, self.eyes):
            self._paint_eye(warp_SS4, flow_SS2, target_face, ring, iris, look)

    def _paint_mouth(self, warp_SS4: np.ndarray, face: np.ndarray, head: Similarity3D) -> None:
        opening = mouth_opening(face)
        share = unseen_share(self.mouth_opening, opening, least=0.02)
        patch = polygon_patch(face[LIPS_INNER, :2], self.size) if share >= 0.02 else None
        if patch is None or min(patch.mask.shape) < 2:
            return
        height, width = patch.mask.shape
        # the tongue lies on the floor of the mouth; it shows when the jaw drops
        axis = face[14, :2] - face[13, :2]
        axis = axis / max(float(axis @ axis), 1.0)
        down = (patch.x - face[13, 0]) * axis[0] + (patch.y - face[13, 1]) * axis[1]              # 0 upper lip, 1 lower lip
        floor = np.clip((down - 0.3) * 1.8, 0, 1) * np.float32(0.9 * np.clip((opening - 0.06) / 0.2, 0, 1))
        cavity, tongue = CAVITY * self.light, TONGUE * self.light
        inside = cavity + floor[..., None] * (tongue - cavity)
        corner = np.array([patch.columns.start, patch.rows.start], np.float32) + 0.5
        for sprite, corners in self._placed_teeth(face, head):
            high, wide = sprite.shape[:2]
            own = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32) - 0.5
            forward = cv2.getPerspectiveTransform(own, (corners - corner).astype(np.float32))
            placed = cv2.warpPerspective(sprite, forward, (width, height), flags=cv2.INTER_LINEAR)
            hidden = placed[..., 3:] * np.float32(-1 / 255) + 1
            inside = placed[..., :3] * (self.light * TEETH_LIGHT) + inside * hidden
        # light enters from the front: the closer to the lips, the darker, upper lip most
        reach = max(2.0, 0.25 * (height + 5))
        shade = cv2.GaussianBlur(patch.mask, (0, 0), reach / 2, borderType=cv2.BORDER_CONSTANT)
        narrow = 0.8 + 0.2 * min(max((opening - NARROW[0]) / (NARROW[1] - NARROW[0]), 0.0), 1.0)
        inside *= (np.minimum(shade * np.float32(0.65 * 1.25 / 255) + 0.35, 1) * np.float32(narrow))[..., None]
        self._blend(warp_SS4, patch, inside, patch.mask * np.float32(share / 255))

    @staticmethod
    def _fitting_teeth(unit: float) -> TeethSprites:
        """The sprites shrunk to about the size that they will have: a warp does not average what it skips."""
        teeth = teeth_sprites()

        def fit(sprite, box):
            width, height = (max(4, round(1.5 * unit * float(extent))) for extent in (box[2] - box[0], box[3] - box[1]))
            return sprite if width >= sprite.shape[1] else cv2.resize(sprite, (width, height), interpolation=cv2.INTER_AREA)

        return replace(teeth, upper=fit(teeth.upper, teeth.upper_box), lower=fit(teeth.lower, teeth.lower_box))

    def _placed_teeth(self, face: np.ndarray, head: Similarity3D):
        """The sprites with their four corners in target pixels: the upper row is nailed to the skull at the root of the
        nose, the lower row goes with the lower lip, which hides most of it."""
        teeth = self.teeth
        for sprite, rest, anchor in (
            (teeth.lower, self._lower_teeth, LOWER_LIP), (teeth.upper, self._upper_teeth, SUBNASALE)
        ):
            corners = head(rest)  # of the anchor and the sprite
            yield sprite, (corners[1:] + face[anchor] - corners[0])[:, :2]

    def _paint_eye(self, warp_SS4, flow_SS2, face, ring, iris, look: EyeLook) -> None:
        patch = polygon_patch(face[ring, :2], self.size)
        if patch is None:
            return
        flow = flow_SS2[patch.rows, patch.columns]
        seen = cv2.remap(look.seen, flow, None, cv2.INTER_LINEAR)                                    # (h, w, 2)
        radius = np.linalg.norm(face[iris + 1:iris + 5, :2] - face[iris, :2], axis=1).mean()
        dx, dy = patch.x - face[iris, 0], patch.y - face[iris, 1]
        inward = radius + 0.5 - np.sqrt(dx * dx + dy * dy)
        disc = np.minimum(np.maximum(inward, 0), 1)
        # white may only come from the portrait's white, iris only from its iris
        shown = seen[..., 0] + (seen[..., 1].astype(np.float32) - seen[..., 0]) * disc
        unseen = patch.mask * (1 - shown * np.float32(1 / 255))
        if unseen.max(initial=0) < 32:
            return
        pupil = np.minimum(np.maximum(inward - 0.58 * radius, 0), 1)
        spread = max(1.0, 0.1 * max(patch.mask.shape))
        shade = cv2.GaussianBlur(patch.mask, (0, 0), spread, borderType=cv2.BORDER_CONSTANT)
        inside = look.white + disc[..., None] * (look.iris * (1 - 0.75 * pupil[..., None]) - look.white)
        # the upper lid and its lashes throw their shadow on the eye
        upper, lower = (face[list(row), :2].mean(0) for row in (ring[9:], ring[1:8]))
        gap = lower - upper
        gap = gap * np.float32((1 - LID_SHADOW) / 0.6 / max(float(gap @ gap), 0.25))
        down = (patch.x - upper[0]) * gap[0] + ((patch.y - upper[1]) * gap[1] + LID_SHADOW)
        light = np.minimum(np.maximum(down, LID_SHADOW), 1)
        inside *= ((shade * np.float32(0.4 / 255) + np.float32(0.6)) * light)[..., None]
        self._blend(warp_SS4, patch, inside, unseen * np.float32(1 / 255))

    def _look(self, person_SS4: np.ndarray, ring, iris: int) -> EyeLook:
        """Sample one eye of the portrait; where it is too narrow to sample, the generic colours in the portrait's light."""
        face = self.face
        opening = polygon_mask(face[ring, :2], self.size)
        disc = polygon_mask(face[iris + 1:iris + 5, :2], self.size)
        # the rim of the opening is lashes and shadow: not to be spread over a wider eye
        width = max(1, int(np.ceil(0.04 * np.linalg.norm(face[ring[0], :2] - face[ring[8], :2]))))
        inner = cv2.erode(opening, np.ones((2 * width + 1, 1), np.uint8))
        white, brown = SCLERA * self.light, IRIS * self.light
        rgb = person_SS4[..., :3]
        on_white, on_iris = rgb[(inner > 200) & (disc < 20)], rgb[(inner > 200) & (disc > 230)]
        if len(on_white) >= 6:
            bright = on_white[np.argsort(on_white.sum(1))[len(on_white) // 2:]].astype(np.float32)
            white = 0.3 * white + 0.7 * bright.mean(0)
        if len(on_iris) >= 4:
            brown = np.median(on_iris.astype(np.float32), 0)
        around = cv2.dilate(disc, np.ones((2 * width + 1, 2 * width + 1), np.uint8))
        return EyeLook(np.stack([cv2.min(inner, 255 - around), cv2.min(inner, disc)], -1), white, brown)

    @staticmethod
    def _blend(warp_SS4: np.ndarray, patch: Patch, inside: np.ndarray, weight: np.ndarray) -> None:
        """inside (h, w, 3) opaque colours, weight (h, w) 0..1."""
        view = warp_SS4[patch.rows, patch.columns].astype(np.float32)
        np.minimum(np.maximum(inside, 0, out=inside), 255, out=inside)
        weight = weight[..., None]
        view[..., :3] += weight * (inside - view[..., :3])
        view[..., 3:] += weight * (255 - view[..., 3:])
        warp_SS4[patch.rows, patch.columns] = np.rint(view)
