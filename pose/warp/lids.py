"""The skin of a closing lid. An open eye folds it away, and the tracker's lid line runs through the lashes; so a warp that
closes the eye stretches lashes and shadow over it, a dark smudge. Here the lid gets the colour of the skin around the eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.tracking.landmarks import LEFT_EYE_LOWER, LEFT_EYE_UPPER, RIGHT_EYE_LOWER, RIGHT_EYE_UPPER
from pose.tracking.signals import lid_gap


@dataclass(frozen=True)
class Lid:
    """Landmarks of one upper lid, each row from the outer corner to the inner one."""

    upper: tuple[int, ...]   # the lid line of the tracker
    lower: tuple[int, ...]
    rim: tuple[int, ...]     # where lid and lashes end
    fold: tuple[int, ...]    # where the lid folds in
    below: tuple[int, ...]   # skin under the eye and at the top of the cheek
    above: tuple[int, ...]   # between fold and brow


LIDS = (
    Lid(RIGHT_EYE_UPPER, RIGHT_EYE_LOWER, (33, 246, 161, 160, 159, 158, 157, 173, 133),
        (130, 247, 30, 29, 27, 28, 56, 190, 243), (228, 229, 230, 118, 119), (222, 223, 224)),
    Lid(LEFT_EYE_UPPER, LEFT_EYE_LOWER, (263, 466, 388, 387, 386, 385, 384, 398, 362),
        (359, 467, 260, 259, 257, 258, 286, 414, 463), (448, 449, 450, 347, 348), (442, 443, 444)),
)
CLOSING = (0.25, 0.75)           # share of its own opening by which an eye has closed: no paint, full paint
NARROW = 0.15                    # opening over width; of an eye that is never wider, shares of this one
LASHES, EDGE = 0.16, 0.22        # of the lid's height: the rim's dark that stays, and the soft edges
SHADED = 0.82                    # of the light on the skin under the eye reaches a lid under its brow
CORNERS = 0.20                   # of the eye's width, over which the paint comes in from its corners
LASH_LINE = 0.06                 # of the eye's width: how far the lashes' dark reaches beyond the slit between the lids
DARK, LASH = 0.75, 0.35          # how much of the slit is lashes when the eye is closed, their colour in that of the skin
OPAQUE = 0.85                    # what is left of the stretched lid is its texture
MEETING = 0.5                    # share of the colour above it that the lid takes on at its upper end
HIGHER = 0.35                    # how far above the fold the paint reaches, in the lid's height


class LidPainter:
    """Paints the closing lids of one portrait into its warp. person_SS4: premultiplied RGBA; face: its landmarks."""

    def __init__(self, person_SS4: np.ndarray, face: np.ndarray):
        self._openings = [_opening(face, lid) for lid in LIDS]
        self._skins = []
        for lid in LIDS:
            # deep in its socket the lid is in the shadow in which the brow lays it, else as light as what is above it
            below, above = (_colour(person_SS4, face[list(row)]) for row in (lid.below, lid.above))
            found = [colour for colour in (None if below is None else SHADED * below, above) if colour is not None]
            self._skins.append(max(found, key=np.sum, default=None))

    def paint(self, warp_SS4: np.ndarray, face: np.ndarray) -> None:
        """Blend the lids of the target face into warp_SS4 (uint8), in place."""
        for lid, skin, own in zip(LIDS, self._skins, self._openings):
            closing = (own - _opening(face, lid)) / max(own, NARROW)
            closed = np.clip((closing - CLOSING[0]) / (CLOSING[1] - CLOSING[0]), 0, 1)
            if closed > 0.02 and skin is not None:
                _paint(warp_SS4, face, lid, skin, float(closed * closed * (3 - 2 * closed)))


def _colour(person_SS4: np.ndarray, points: np.ndarray) -> np.ndarray | None:
    """(3,) float32 median around some landmarks, None where the person is not."""
    x, y = np.clip(points[:, :2].astype(int), 1, person_SS4.shape[0] - 2).T
    patch = np.concatenate([person_SS4[y + dy, x + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    opaque = patch[patch[:, 3] > 200]
    return np.median(opaque[:, :3], 0).astype(np.float32) if len(opaque) else None


def _opening(face: np.ndarray, lid: Lid) -> float:
    """Gap between the lids over the width of the eye."""
    width = float(np.linalg.norm(face[lid.rim[0]] - face[lid.rim[-1]]))
    return lid_gap(face, lid.upper, lid.lower) / max(width, 1e-6)


def _paint(warp_SS4: np.ndarray, face: np.ndarray, lid: Lid, skin: np.ndarray, strength: float) -> None:
    size = warp_SS4.shape[0]
    rim, fold, lower = (face[list(row), :2] for row in (lid.rim, lid.fold, (lid.rim[0], *lid.lower, lid.rim[-1])))
    # the eye's own frame: along its corners, and up from there
    along = rim[-1] - rim[0]
    width = float(np.hypot(*along))
    points = np.concatenate([rim, lower, fold + HIGHER * (fold - rim)])
    x0, y0 = np.clip(np.floor(points.min(0) - 2).astype(int), 0, size)
    x1, y1 = np.clip(np.ceil(points.max(0) + 3).astype(int), 0, size)
    if width < 4 or x1 - x0 < 2 or y1 - y0 < 2:
        return
    along = along / width
    up = np.array([along[1], -along[0]])
    up = up if ((fold - rim) @ up).sum() >= 0 else -up
    x, y = np.arange(x0, x1, dtype=np.float32)[None] + 0.5, np.arange(y0, y1, dtype=np.float32)[:, None] + 0.5
    a = ((x - rim[0, 0]) * along[0] + (y - rim[0, 1]) * along[1]) / width          # 0 outer corner, 1 inner
    h = ((x - rim[0, 0]) * up[0] + (y - rim[0, 1]) * up[1]) / width

    def line(points_N2: np.ndarray) -> np.ndarray:
        """Height of a row of landmarks at every pixel's place along the eye."""
        from_corner = (points_N2 - rim[0]) / width
        return np.interp(a, np.maximum.accumulate(from_corner @ along), from_corner @ up).astype(np.float32)

    floor, bottom, top = line(lower), line(rim), line(fold)
    inside = np.clip(np.minimum(a, 1 - a) / CORNERS, 0, 1) * np.float32(strength)
    v = (h - bottom) / np.maximum(top - bottom, 0.03)                              # 0 rim, 1 fold
    paint = np.clip((v - LASHES) / EDGE, 0, 1) * np.clip((1 + HIGHER - v) / (HIGHER + EDGE), 0, 1)
    slit = np.clip(1 - np.maximum(floor - h, h - bottom) / LASH_LINE, 0, 1)        # 1 between the lids
    slit *= np.clip(1 - (bottom - floor) / (2 * LASH_LINE), 0, 1)                  # none of it where the eye is seen
    # towards the brow the lid takes on the colour of what it meets there
    over = bottom + (1 + HIGHER) * (top - bottom)
    at_x, at_y = (corner + width * (a * along[k] + over * up[k]) - 0.5 for k, corner in enumerate(rim[0]))
    above = cv2.remap(warp_SS4, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_LINEAR)
    spread = 2 * int(CORNERS / 2 * width) + 1
    above = cv2.blur(above, (spread, spread)).astype(np.float32)
    above = above[..., :3] + skin * (1 - above[..., 3:] / 255)
    colours = skin + (MEETING * np.clip(v / (1 + HIGHER), 0, 1))[..., None] * (above - skin)
    view = warp_SS4[y0:y1, x0:x1].astype(np.float32)
    opaque = np.full_like(view[..., 3:], 255)
    for weight, colour in ((paint * OPAQUE, colours), (slit * DARK, np.full_like(colours, LASH * skin))):
        picture = np.concatenate([colour, opaque], 2) * (view[..., 3:] / 255)  # as opaque as the face is
        view += cv2.GaussianBlur(weight * inside, (3, 3), 0)[..., None] * (picture - view)
    warp_SS4[y0:y1, x0:x1] = np.rint(view)
