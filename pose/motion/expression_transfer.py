"""One face's expression on another face, both in the frame of their own heads (canonical axes, eye distance 1).

Every landmark moves by the driver's change since neutral, scaled axis by axis with the proportions of the two faces:
those of the mouth near the mouth, of each eye near that eye, of the whole face elsewhere. Because a lid's motion is
scaled with the height of the two eyes, a blink closes every eye by the same fraction. On top of that come what a sum of
differences cannot promise: lids that really meet, lips that never cross, irises that stay in their eyes, and a portrait
that smiles already and does not smile twice.
"""

from __future__ import annotations

import numpy as np

from pose.tracking.features import EYES, MOUTH, Eye
from pose.tracking.landmarks import CHIN, FACE_POINTS, FOREHEAD, SUBNASALE, UPPER_LIP
from pose.tracking.mesh import face_mesh
from pose.tracking.signals import lid_gap

RATIO_LIMITS = (0.5, 2.0)  # of the proportions of two faces, beyond which the tracker is more likely wrong
EYE_HEIGHT_LIMITS = (0.33, 8.0)  # as RATIO_LIMITS: drawn eyes are several times as high as anyone's
WIDEST_AT_REST = 0.56  # a mouth wider than that, in eye distances, smiles
# How far mouths open and widen, in eye distances: freely up to the first or as far as the driver's or the portrait's
# own, # and hardly beyond the second.
OPEN_MOUTH, WIDE_MOUTH, LEAST_ROOM = (0.25, 0.38), (0.70, 0.80), 0.05
MOUTH_REACH, EYE_REACH = 0.30, 0.10  # eye distances over which a feature's own proportions fade into the face's
# MediaPipe leaves a gap between closed lids. Openings (fractions of the neutral one) below the first are drawn towards
# closed, which is reached at the second.
CLOSING, CLOSED = 0.6, 0.3
NARROW, AVERAGE = 0.15, 0.30  # of an eye's width: openings that may stand for the neutral one where that is unknown
UPPER_LID_FRACTION = 0.85  # of the closing is the upper lid's way
# A driver whose neutral face looked down seems to stare later on. Eyes open freely to the first multiple of the
# portrait's own opening and never beyond the second.
WIDE, WIDEST = 1.2, 1.5
# Landmarks in columns: what the face moves, the skin that it moves towards, the edge that stays. Over the brows that is
# the edge of the mesh; under the lower lip the jaw, with several points of skin on the way.
_BROWS = (
    (70, 71, 21), (63, 68, 54), (105, 104, 103), (66, 69, 67), (107, 108, 109), (9, 151, 10),
    (336, 337, 338), (296, 299, 297), (334, 333, 332), (293, 298, 284), (300, 301, 251),
)  # fmt: skip
_CHIN = (
    (146, (43, 202, 210, 169), 150), (91, (106, 204, 211, 170), 149), (181, (182, 194, 32, 140), 176),
    (84, (83, 201, 208, 171), 148), (17, (18, 200, 199, 175), 152), (314, (313, 421, 428, 396), 377),
    (405, (406, 418, 262, 369), 400), (321, (335, 424, 431, 395), 378), (375, (273, 422, 430, 394), 379),
)  # fmt: skip
SKIN_COLUMNS = np.array([*_BROWS, *((lip, skin, jaw) for lip, row, jaw in _CHIN for skin in row)]).T
# The tracker lets raised brows climb over the skin above them, and a large mouth's lip goes over the skin of a small
# chin. Skin keeps its place in the column freely down to the first fraction of the portrait's own, and never less than
# the second.
PRESSED, MOST_PRESSED = 0.8, 0.5
LARGEST_GAZE = 0.30  # eye widths that an iris may leave the middle of its eye


class ExpressionTransfer:
    """Carries a driver's expressions to a portrait. portrait, neutral: (478, 3) in the frames of their heads."""

    def __init__(self, portrait: np.ndarray, neutral: np.ndarray):
        self._portrait = portrait.astype(np.float64)
        self._neutral = neutral.astype(np.float64)
        self._gains = _gains(self._portrait, self._neutral)
        self._jaw = _jaw(face_mesh().canonical)
        self._mouth = _nearness(face_mesh().canonical, MOUTH.outer, MOUTH_REACH)
        self._neutral_gaps = [lid_gap(self._neutral, eye.upper, eye.lower) for eye in EYES]

    def __call__(self, driver: np.ndarray, strength: float = 1.0) -> np.ndarray:
        """The portrait's (478, 3) with the driver's expression, in the frame of the portrait's head."""
        change = (driver - self._neutral) * self._gains * strength
        self._limit_mouth(change, MOUTH.corners, 0, WIDE_MOUTH, self._mouth)
        self._limit_mouth(change, MOUTH.middles, 1, OPEN_MOUTH, self._jaw)
        shape = self._portrait + change
        for eye, neutral_gap in zip(EYES, self._neutral_gaps):
            _move_iris(shape, self._portrait, change, eye)
            opening = lid_gap(driver, eye.upper, eye.lower) / max(neutral_gap, 1e-6)
            _close_lids(shape, eye, 1 + (opening - 1) * strength)
            _limit_opening(shape, self._portrait, eye)
        _part_lips(shape)
        return shape

    def _limit_mouth(
        self, change: np.ndarray, ends: tuple[int, int], axis: int, limits: tuple[float, float], weight: np.ndarray
    ) -> None:
        """Soften a change that would bring two landmarks further apart than they go in mouths. In place."""
        a, b = ends
        own, drivers, more = (float(x[b, axis] - x[a, axis]) for x in (self._portrait, self._neutral, change))
        drivers = drivers * self._gains[[a, b], axis].mean() + more
        free = max(limits[0], own, drivers)
        if more <= 0 or own + more <= free:
            return
        room = max(limits[1] - free, LEAST_ROOM)
        reached = free + room * np.tanh((own + more - free) / room)
        change[:, axis] *= 1 - weight * (1 - (reached - own) / more)


def _gains(portrait: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """(478, 3) factors on the driver's motion per landmark and axis."""
    canonical = face_mesh().canonical
    face = np.array(
        [
            _ratio(portrait, neutral, 454, 234, 0),
            _ratio(portrait, neutral, CHIN, FOREHEAD, 1),
            _ratio(portrait, neutral, CHIN, FOREHEAD, 1),
        ]
    )
    gains = np.tile(face, (FACE_POINTS, 1))
    mouth = np.full(3, _ratio(portrait, neutral, MOUTH.corners[1], MOUTH.corners[0], None, WIDEST_AT_REST))
    near = _nearness(canonical, MOUTH.outer, MOUTH_REACH)
    gains += near[:, None] * (mouth - gains)
    for eye in EYES:
        width = _ratio(portrait, neutral, *eye.corners, None)
        height = lid_gap(portrait, eye.upper, eye.lower) / max(lid_gap(neutral, eye.upper, eye.lower), 1e-6)
        # how a portrait squints is no proportion of its face; but a blink has to cover the same fraction of its eye
        height = float(np.clip(height, *EYE_HEIGHT_LIMITS))
        near = _nearness(canonical, eye.ring, EYE_REACH)
        near[list(eye.brow)] = 0
        gains += near[:, None] * (np.array([width, height, width]) - gains)
        gains[list(eye.iris)] = width
    return gains


def _ratio(portrait: np.ndarray, neutral: np.ndarray, a: int, b: int, axis: int | None, most: float = np.inf) -> float:
    """How much longer the portrait is between two landmarks than the driver, along an axis or straight; of neither
    counts what is longer than `most`."""
    spans = (portrait[a] - portrait[b], neutral[a] - neutral[b])
    lengths = [min(np.linalg.norm(span) if axis is None else abs(span[axis]), most) for span in spans]
    return float(np.clip(lengths[0] / max(lengths[1], 1e-6), *RATIO_LIMITS))


def _jaw(canonical: np.ndarray) -> np.ndarray:
    """(478,) 1 from the upper lip downwards and 0 from the nose upwards: what moves up and down when a mouth opens."""
    nose, lip = canonical[SUBNASALE, 1], canonical[UPPER_LIP, 1]
    return np.clip((canonical[:, 1] - nose) / (lip - nose), 0, 1)


def _nearness(canonical: np.ndarray, ring: tuple[int, ...], reach: float) -> np.ndarray:
    """(478,) 1 on and inside the ring of landmarks, falling off over `reach` around it."""
    rim = canonical[list(ring), :2].astype(np.float64)
    distance = np.linalg.norm(canonical[:, None, :2] - rim[None], axis=2).min(axis=1)
    middle, half = rim.mean(axis=0), (rim.max(axis=0) - rim.min(axis=0)) / 2
    inside = (((canonical[:, :2] - middle) / half) ** 2).sum(axis=1) < 1
    return np.where(inside, 1.0, np.exp(-((distance / reach) ** 2)))


def settle_skin(face: np.ndarray, portrait: np.ndarray) -> None:
    """Let the skin over raised brows and under a lowered lip give way, in place. Both (478, 3), as the picture shows
    them, in any unit."""
    mover, _, edge = face[SKIN_COLUMNS, :2]
    place, own = _place_in_column(face), _place_in_column(portrait)
    room = (PRESSED - MOST_PRESSED) * np.maximum(own, 1e-3)
    pressed = np.minimum(place - PRESSED * own, 0)
    face[SKIN_COLUMNS[1], :2] += (room * np.expm1(pressed / room) - pressed)[:, None] * (edge - mover)


def _place_in_column(face: np.ndarray) -> np.ndarray:
    """(N,) of the skin, 0 at what moves, 1 at the edge."""
    mover, skin, edge = face[SKIN_COLUMNS, :2]
    column = edge - mover
    return ((skin - mover) * column).sum(1) / np.maximum((column * column).sum(1), 1e-9)


def settle_lids(face: np.ndarray, portrait: np.ndarray) -> np.ndarray:
    """A tracked face (478, 3), in any unit, whose lids meet where the tracker left the gap of a closed eye. portrait:
    of the same person, in any other unit; what it takes for open is kept between a narrow and an average eye."""
    settled = face.copy()
    for eye in EYES:
        opening, own = (lid_gap(x, eye.upper, eye.lower) / max(_eye_width(x, eye), 1e-6) for x in (face, portrait))
        _close_lids(settled, eye, opening / min(max(own, NARROW), AVERAGE))
    return settled


def _eye_width(face: np.ndarray, eye: Eye) -> float:
    return float(np.linalg.norm(np.subtract(*face[list(eye.corners)])))


def _move_iris(shape: np.ndarray, portrait: np.ndarray, change: np.ndarray, eye: Eye) -> None:
    """The iris turns in the portrait's eye by the fraction of the eye's width by which the driver's did."""
    corners, iris = list(eye.corners), list(eye.iris)
    before, after = portrait[corners], shape[corners]
    turn = change[iris[0]] - change[corners].mean(axis=0)
    offset = portrait[iris[0]] - before.mean(axis=0) + turn
    width = float(np.linalg.norm(after[1, :2] - after[0, :2]))
    own = float(np.linalg.norm((portrait[iris[0]] - before.mean(axis=0))[:2]))
    limit, reached = max(LARGEST_GAZE * width, own), float(np.linalg.norm(offset[:2]))
    if reached > limit:
        offset *= limit / reached
    shape[iris] = portrait[iris] - portrait[iris[0]] + after.mean(axis=0) + offset


def _close_lids(shape: np.ndarray, eye: Eye, opening: float) -> None:
    """Let lids meet that the driver closed. opening: the driver's lid gap as a fraction of the neutral one."""
    if opening >= CLOSING:
        return
    upper, lower = list(eye.upper), list(eye.lower)
    left = max(opening - CLOSED, 0) / (CLOSING - CLOSED) * CLOSING  # of the neutral opening
    keep = left / max(opening, 1e-6) if opening > 0 else 0.0
    gap = shape[lower] - shape[upper]
    shape[upper] += UPPER_LID_FRACTION * (1 - keep) * gap
    shape[lower] -= (1 - UPPER_LID_FRACTION) * (1 - keep) * gap


def _limit_opening(shape: np.ndarray, portrait: np.ndarray, eye: Eye) -> None:
    """No eye opens much wider than a face can open it."""
    upper, lower = list(eye.upper), list(eye.lower)
    own = max(lid_gap(portrait, eye.upper, eye.lower), NARROW * _eye_width(portrait, eye))
    opening = lid_gap(shape, eye.upper, eye.lower) / own
    if opening <= WIDE:
        return
    allowed = WIDE + (WIDEST - WIDE) * np.tanh((opening - WIDE) / (WIDEST - WIDE))
    gap = (1 - allowed / opening) * (shape[lower] - shape[upper])
    shape[upper] += UPPER_LID_FRACTION * gap
    shape[lower] -= (1 - UPPER_LID_FRACTION) * gap


def _part_lips(shape: np.ndarray) -> None:
    """Lips that crossed meet half way, and the outer rim of the lips gives way with them."""
    upper, lower = list(MOUTH.inner_upper), list(MOUTH.inner_lower)
    crossing = np.maximum(shape[upper, 1] - shape[lower, 1], 0) / 2
    if not crossing.any():
        return
    shape[upper, 1] -= crossing
    shape[lower, 1] += crossing
    shape[list(MOUTH.outer_upper), 1] -= crossing / 2
    shape[list(MOUTH.outer_lower), 1] += crossing / 2
