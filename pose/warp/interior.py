"""What the portrait does not show: the inside of an opened mouth, the white and iris of an opened eye.

Teeth follow the skull (upper) and the jaw (lower), all else is toned to the portrait's light. Where the portrait itself shows
the inside (its mouth is open as wide), its own pixels stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pose.tracking.landmarks import LEFT_EYE_RING, LIPS_INNER, RIGHT_EYE_RING
from pose.tracking.mesh import Similarity3D, eye_distance
from .own_teeth import LUMA
from .teeth import rows_of_teeth

CAVITY = np.array([58, 24, 23], np.float32)      # the dark of a mouth in neutral light, RGB
TONGUE = np.array([166, 87, 91], np.float32)
SCLERA = np.array([205, 196, 192], np.float32)
LIGHT_SKIN = np.array([205, 160, 140], np.float32)
IRIS = np.array([58, 42, 34], np.float32)
WHITE_IN_NEUTRAL_LIGHT = 135.0                   # luma of the brighter part of the white of an eye, shaded by its lids
CHEEK_IN_NEUTRAL_LIGHT = 160.0
LEAST_WHITE = 30                                 # pixels of it in both eyes that tell the light
SHOWN = 0.72                                     # opening of the portrait's mouth over the target's, from which its own inside will do
SHOWN_WITH_TEETH = 0.98                          # the same where its own teeth can be painted
NARROW = (0.06, 0.14)                            # openings, in eye distances, between which full light comes to reach the teeth
LID_SHADOW = 0.55                                # what light is left under the upper lid
LIMBUS = 0.3                                     # of an iris's radius, over which it goes over into the white
IRIS_WIDTH = 0.42                                # of an eye's
TURNED = (0.1, 0.35)                             # iris widths between which a turned eye shows what the portrait's hid
WIDENED = (1.1, 1.4)                             # and the same of lids, openings over the portrait's
NARROWED = (0.15, 0.4)                           # shares of it by which an eye has closed so far that its lids shade it
EYES = ((RIGHT_EYE_RING, 468), (LEFT_EYE_RING, 473))
_FINER, _SHIFT = 4, 4                            # supersampling and sub-pixel bits of the polygon filler


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


def unseen_share(portrait_opening: float, target_opening: float, least: float, shown: float = SHOWN) -> float:
    """0 where the portrait shows the inside itself, 1 where it has to be painted; smooth, so that nothing pops."""
    if target_opening <= 1e-4:
        return 0.0
    share = np.clip((shown - portrait_opening / target_opening) / 0.35, 0, 1)
    open_enough = np.clip(target_opening / least, 0, 1)
    return float(share * share * (3 - 2 * share) * open_enough)


@dataclass(frozen=True)
class EyeLook:
    """What the portrait shows of one eye.

    seen: (S, S, 2) uint8, where its white and where its iris may be copied from; white, iris: their colours (3,) float32
    RGB; gaze, opening: as `eye_state` has them.
    """

    seen: np.ndarray
    white: np.ndarray
    iris: np.ndarray
    gaze: complex
    opening: float


def _ramp(value: float, edges: tuple[float, float]) -> float:
    return min(max((value - edges[0]) / (edges[1] - edges[0]), 0.0), 1.0)


def eye_state(eye_173: np.ndarray) -> tuple[complex, float]:
    """Where the iris is between the corners of its eye, and how far the lids are apart, both in widths of the eye. eye: its
    ring (16) and the middle of its iris."""
    first, last, pupil = (complex(*eye_173[point, :2]) for point in (0, 8, 16))
    upper, lower = eye_173[9:16, :2].mean(0), eye_173[1:8, :2].mean(0)
    width = last - first or 1e-6
    return (pupil - (first + last) / 2) / width, float(np.hypot(*(lower - upper))) / abs(width)


def _tint(colour: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """Colour of the light (3,), of luma about 1, under which something of a neutral colour looks like this."""
    return np.clip(colour / max(float(colour @ LUMA), 1.0) / (neutral / (neutral @ LUMA)), 0.7, 1.2)


class InteriorPainter:
    """Paints the unseen inside of mouth and eyes of one portrait into a warped picture, in place."""

    def __init__(self, person_SS4: np.ndarray, face: np.ndarray):
        self.size = person_SS4.shape[0]
        self.face = face
        self.mouth_opening = mouth_opening(face)
        skin = self._skin(person_SS4, face)
        self.light = self._light(person_SS4, face, skin)
        self.teeth = rows_of_teeth(person_SS4, face, skin, self.light)
        self._shown = SHOWN_WITH_TEETH if any(row.own for row in self.teeth) else SHOWN
        self.eyes = [self._look(person_SS4, ring, iris) for ring, iris in EYES]

    def _skin(self, person_SS4: np.ndarray, face: np.ndarray) -> np.ndarray:
        """(3,) RGB of the cheeks."""
        cheeks = np.clip(face[[50, 280, 101, 330, 117, 346, 9], :2].astype(int), 1, self.size - 2)
        patch = np.concatenate([person_SS4[y - 1:y + 2, x - 1:x + 2].reshape(-1, 4) for x, y in cheeks])
        return np.median(patch[:, :3], 0).astype(np.float32)

    def _light(self, person_SS4: np.ndarray, face: np.ndarray, skin: np.ndarray) -> np.ndarray:
        """Gain per channel of the portrait's light. The whites of the eyes tell it, which are alike in all people, but lids
        and brows may shade them; the cheeks lie in full light, but half of their colour is the skin's own. So where the
        whites are darker, both count, and the colour of the whites as far as they are lit."""
        gain, lit = float(skin @ LUMA) / CHEEK_IN_NEUTRAL_LIGHT, 0.0
        tint = 1 + 0.4 * (_tint(skin, LIGHT_SKIN) - 1)
        whites = np.concatenate([self._white_pixels(person_SS4, face, ring, iris) for ring, iris in EYES])
        if len(whites) >= LEAST_WHITE:
            luma = whites @ LUMA
            by_whites = float(np.percentile(luma, 80)) / WHITE_IN_NEUTRAL_LIGHT
            lit = float(np.clip(by_whites / max(gain, 1e-3) * 2 - 1, 0, 1))
            tint += lit * (1 + 0.8 * (_tint(whites[luma >= np.median(luma)].mean(0), SCLERA) - 1) - tint)
            gain = max(by_whites, (gain + by_whites) / 2)
        return (np.clip(gain, 0.25, 1.2) * tint).astype(np.float32)

    def _white_pixels(self, person_SS4: np.ndarray, face: np.ndarray, ring, iris: int) -> np.ndarray:
        """(N, 3) RGB of the white of one eye."""
        opening, disc = polygon_mask(face[ring, :2], self.size), polygon_mask(face[iris + 1:iris + 5, :2], self.size)
        return person_SS4[..., :3][(opening > 150) & (disc < 20)]

    def paint(self, warp_SS4: np.ndarray, flow_SS2: np.ndarray, target_face: np.ndarray, head: Similarity3D) -> None:
        """Blend the interior into warp_SS4 (uint8 premultiplied RGBA), in place.

        flow_SS2: where in the portrait each pixel of the warp came from, in pixel indices. head: how the skull moved from
        the portrait to the target, in 3D pixels.
        """
        self._paint_mouth(warp_SS4, target_face, head)
        for (ring, iris), look in zip(EYES, self.eyes):
            self._paint_eye(warp_SS4, flow_SS2, target_face, head, ring, iris, look)

    def _paint_mouth(self, warp_SS4: np.ndarray, face: np.ndarray, head: Similarity3D) -> None:
        opening = mouth_opening(face)
        share = unseen_share(self.mouth_opening, opening, least=0.02, shown=self._shown)
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
        # light enters from the front: the closer to the lips, the darker, upper lip most; the portrait's own teeth are lit
        reach = max(2.0, 0.25 * (height + 5))
        shade = cv2.GaussianBlur(patch.mask, (0, 0), reach / 2, borderType=cv2.BORDER_CONSTANT)
        narrow = 0.8 + 0.2 * min(max((opening - NARROW[0]) / (NARROW[1] - NARROW[0]), 0.0), 1.0)
        shade = (np.minimum(shade * np.float32(0.65 * 1.25 / 255) + 0.35, 1) * np.float32(narrow))[..., None]
        inside *= shade
        for row in self.teeth:
            placed = row.placed(face, head, corner, (width, height))
            hidden = placed[..., 3:] * np.float32(-1 / 255) + 1
            inside = placed[..., :3] * (1 if row.own else shade) + inside * hidden
        self._blend(warp_SS4, patch, inside, patch.mask * np.float32(share / 255))

    def _paint_eye(self, warp_SS4, flow_SS2, face, head: Similarity3D, ring, iris, look: EyeLook) -> None:
        patch = polygon_patch(face[ring, :2], self.size)
        if patch is None:
            return
        gaze, opening = eye_state(head.inverse(face[[*ring, iris]]))  # as the head's own motion left it
        turned = abs(gaze - look.gaze) / IRIS_WIDTH
        opening = opening / max(look.opening, 1e-3)
        share = max(_ramp(turned, TURNED), _ramp(opening, WIDENED), _ramp(1 - opening, NARROWED))
        if share == 0:
            return
        flow = flow_SS2[patch.rows, patch.columns]
        seen = cv2.remap(look.seen, flow, None, cv2.INTER_LINEAR)                                    # (h, w, 2)
        radius = np.linalg.norm(face[iris + 1:iris + 5, :2] - face[iris, :2], axis=1).mean()
        dx, dy = patch.x - face[iris, 0], patch.y - face[iris, 1]
        inward = radius - np.sqrt(dx * dx + dy * dy)
        disc = np.minimum(np.maximum(inward / max(1.0, LIMBUS * radius) + 0.5, 0), 1)
        # white may only come from the portrait's white, iris only from its iris
        shown = seen[..., 0] + (seen[..., 1].astype(np.float32) - seen[..., 0]) * disc
        unseen = patch.mask * (share - shown * np.float32(share / 255))
        if unseen.max(initial=0) < 1:
            return
        pupil = np.minimum(np.maximum(inward - 0.58 * radius + 0.5, 0), 1)
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
        seen = np.stack([cv2.min(inner, 255 - around), cv2.min(inner, disc)], -1)
        return EyeLook(seen, white, brown, *eye_state(face[[*ring, iris]]))

    @staticmethod
    def _blend(warp_SS4: np.ndarray, patch: Patch, inside: np.ndarray, weight: np.ndarray) -> None:
        """inside (h, w, 3) opaque colours, weight (h, w) 0..1."""
        view = warp_SS4[patch.rows, patch.columns].astype(np.float32)
        np.minimum(np.maximum(inside, 0, out=inside), 255, out=inside)
        weight = weight[..., None]
        view[..., :3] += weight * (inside - view[..., :3])
        view[..., 3:] += weight * (255 - view[..., 3:])
        warp_SS4[patch.rows, patch.columns] = np.rint(view)
