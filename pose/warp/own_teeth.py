"""The teeth that a portrait shows, cut out, so that a mouth that opens further keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.tracking.landmarks import LIP_MIDDLES, LIPS_INNER, MOUTH_CORNERS
from pose.tracking.mesh import eye_distance

LEAST_OPENING = 0.07  # of the lips, in eye distances, from which teeth can be told from the rim of the lips
BRIGHT = (0.55, 0.75)  # luma over that of the teeth around, from which something may be a tooth, and surely is
DIMMEST = 0.4  # of the brightest teeth, those in the shadow of a cheek
RED = (0.45, 0.8)  # on the way from the brightest teeth's colour to the lips': what may be no tooth, and surely is none
LEAST_LUMA = 0.6  # of the brightest teeth over the skin's, below which there are none to be seen
LEAST_SHARE, LEAST_WIDTH = 0.1, 0.6  # of the opening and of its width that a row covers
FINER = 2  # pixels of the cut-out per pixel of the portrait
MARGIN = (0.35, 0.5)  # of its width and height beyond the lips, for what appears when the mouth moves
PALER = 0.12  # how much less red than the lips teeth are at least, log of red over green
ACROSS_LIPS = ((0, 13), (37, 82), (267, 312), (17, 14), (84, 87), (314, 317))  # outer and inner rim
FOLD = (0.35, 0.85)  # where between the lips (0 upper, 1 lower) the line between the rows may lie ...
FOLD_DEPTH = 0.12  # ... and by how much of their luma it is darker than both
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class OwnTeeth:
    """Rows as premultiplied uint8 RGBA, None where the portrait shows too little of it; both lie at `corners_42`, in
    pixels of the portrait, clockwise from the upper corner on the head's right. tone: (3,) colour of the brightest teeth."""

    upper: np.ndarray | None
    lower: np.ndarray | None
    corners_42: np.ndarray
    tone: np.ndarray


def find_own_teeth(person_SS4: np.ndarray, face: np.ndarray, skin: np.ndarray) -> OwnTeeth | None:
    """None where the mouth is closed or shows no teeth. face: (478, 3) in the portrait's pixels; skin: (3,) its colour."""
    least, high, wide = LEAST_OPENING * eye_distance(face), *(
        np.linalg.norm(np.subtract(*face[list(ends), :2])) for ends in (LIP_MIDDLES, MOUTH_CORNERS)
    )
    if not (high >= least and wide >= least and np.isfinite(face[list(LIPS_INNER)]).all()):
        return None
    rgb, inside, corners = _cut_out(person_SS4, face)
    if inside.sum() < 16 * FINER**2:
        return None
    luma, red = rgb @ LUMA, _redness(rgb)
    tone = rgb[inside & (luma >= np.percentile(luma[inside], 85))].mean(0)
    bright = float(tone @ LUMA)
    x, y = face[np.array(ACROSS_LIPS), :2].mean(1).astype(int).clip(0, len(person_SS4) - 1).T
    lips = float(np.median(_redness(person_SS4[y, x].astype(np.float32))))
    paler = lips - float(_redness(tone))
    if bright < LEAST_LUMA * float(skin @ LUMA) or paler < PALER:
        return None
    # light comes from one side: what is bright is told column by column
    brightest, spread = (luma * inside).max(0, keepdims=True), inside.shape[1] / 12
    around = cv2.GaussianBlur(brightest, (0, 0), spread, borderType=cv2.BORDER_REPLICATE)
    white = _ramp(luma / np.maximum(around, DIMMEST * bright), *BRIGHT)
    teeth = white * (1 - _ramp((red - lips) / paler + 1, *RED)) * inside
    fold, down = _fold(luma, inside), _between_lips(inside)
    upper, lower = (
        _row(rgb, part, towards) if _spans(part, inside) else None
        for part, towards in ((teeth * (down < fold), -1), (teeth * (down >= fold), 1))
    )
    return OwnTeeth(upper, lower, corners, tone)


def _cut_out(person_SS4: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mouth and MARGIN around it, upright: colours (h, w, 3) float32, where the lips are parted (h, w) bool, and the
    corners (4, 2) of the rectangle in the portrait's pixels."""
    across = face[MOUTH_CORNERS[1], :2] - face[MOUTH_CORNERS[0], :2]
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    axes = np.stack([across, (-across[1], across[0])])  # from corner to corner of the mouth, and down
    local = face[list(LIPS_INNER), :2] @ axes.T
    low, high = local.min(0), local.max(0)
    margin = np.array(MARGIN) * (high - low)
    low = low - margin
    width, height = (int(np.ceil(FINER * extent)) for extent in high + margin - low)
    # where in the portrait a pixel of the cut-out is
    back = np.concatenate([axes.T / FINER, (axes.T @ (low + 0.5 / FINER) - 0.5)[:, None]], 1)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(person_SS4, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    rim = np.rint((local - low) * FINER - 0.5).astype(np.int32)
    inside = cv2.fillPoly(np.zeros((height, width), np.uint8), [rim], 1)
    inside = cv2.erode(inside, np.ones((2 * FINER + 1, 2 * FINER + 1), np.uint8)) > 0
    corners = low + np.array([[0, 0], [width, 0], [width, height], [0, height]]) / FINER
    return cut[..., :3].astype(np.float32), inside, (corners @ axes).astype(np.float32)


def _between_lips(inside: np.ndarray) -> np.ndarray:
    """(h, w) 0 at the upper lip, 1 at the lower one."""
    height = len(inside)
    first, last = (np.where(inside.any(0), edge, 0) for edge in (inside.argmax(0), height - 1 - inside[::-1].argmax(0)))
    return (np.arange(height)[:, None] - first) / np.maximum(last - first, 1)


def _redness(rgb: np.ndarray) -> np.ndarray:
    return np.log((rgb[..., 0] + 8) / (rgb[..., 1] + 8))


def _ramp(x: np.ndarray, start: float, end: float) -> np.ndarray:
    return np.clip((x - start) / (end - start), 0, 1)


def _fold(luma: np.ndarray, inside: np.ndarray) -> float:
    """Where between the lips the rows of teeth part, 1 where only the upper one is seen."""
    columns = np.flatnonzero(inside.sum(0) > 0.5 * inside.sum(0).max())
    profile = []
    for x in columns[len(columns) // 4 : -len(columns) // 4 or None]:
        seen = np.flatnonzero(inside[:, x])
        profile.append(np.interp(np.linspace(0, 1, 33), np.linspace(0, 1, len(seen)), luma[seen, x]))
    if not profile:
        return 1.0
    profile = np.mean(profile, 0)
    first, last = (int(32 * place) for place in FOLD)
    at = first + int(profile[first : last + 1].argmin())
    beside = min(profile[:at].max(initial=0), profile[at + 1 :].max(initial=0))
    return at / 32 if profile[at] < (1 - FOLD_DEPTH) * beside else 1.0


def _spans(row: np.ndarray, inside: np.ndarray) -> bool:
    width = (row.max(0) > 0.5).sum() / inside.any(0).sum()
    return bool(row.sum() >= LEAST_SHARE * inside.sum() and width >= LEAST_WIDTH)


def _row(rgb: np.ndarray, alpha: np.ndarray, towards: int) -> np.ndarray:
    """Premultiplied RGBA. The roots, which the lip hides, go on as the crowns end; towards: -1 up, 1 down."""
    height = len(alpha)
    rows = np.arange(height)[:, None]
    crown = (alpha > 0.5) & (alpha > 0.95 * alpha.max(0))  # not the rim, where the lip shines through
    root = crown.argmax(0) if towards < 0 else height - 1 - crown[::-1].argmax(0)
    beyond = ((rows - root) * towards >= 0) & crown.any(0)
    rgb = np.where(beyond[..., None], rgb[root, np.arange(alpha.shape[1])], rgb)
    alpha = cv2.GaussianBlur(np.where(beyond, 1, alpha).astype(np.float32), (0, 0), 0.5 * FINER)
    return np.rint(np.concatenate([rgb * alpha[..., None], 255 * alpha[..., None]], 2)).clip(0, 255).astype(np.uint8)
