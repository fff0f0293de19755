"""The teeth that a portrait shows, cut out, so that a mouth that opens further keeps them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import ramp
from pose.tracking.features import MOUTH
from pose.tracking.mesh import eye_distance

from .light import LUMA


@dataclass(frozen=True)
class OwnTeethSettings:
    """What tells teeth from lips, tongue and dark. Lumas are over that of the brightest teeth, unless said
    otherwise."""

    least_opening: float = 0.07  # of the lips, in eye distances, from which teeth can be told from the rim of the lips
    bright: tuple[float, float] = (0.55, 0.75)  # luma over that of the teeth around: may be a tooth, surely is one
    dimmest: float = 0.4  # those in the shadow of a cheek
    # on the way from the teeth's colour to the lips': may be none, surely is none
    red: tuple[float, float] = (0.45, 0.8)
    least_luma: float = 0.6  # of the brightest teeth over the skin's, below which there are none to be seen
    bright_percentile: float = 85.0  # of the luma inside the lips, from which it is the brightest teeth
    least_area: float = 0.1  # of the opening, that a row covers
    least_width: float = 0.6  # of the opening's width, that a row covers
    paler: float = 0.12  # how much less red than the lips teeth are at least, log of red over green
    fold: tuple[float, float] = (0.35, 0.85)  # where between the lips (0 upper, 1 lower) the rows may part ...
    fold_depth: float = 0.12  # ... and by how much of their luma that line is darker than both
    finer: int = 2  # px of the cut-out per px of the portrait
    margin: tuple[float, float] = (0.35, 0.5)  # of width and height beyond the lips, for what appears when they move
    least_pixels: int = 16  # of the portrait inside the lips
    across_lips: tuple[tuple[int, int], ...] = ((0, 13), (37, 82), (267, 312), (17, 14), (84, 87), (314, 317))
    # ^ landmarks on the outer and inner rim of the lips, between which they are sampled


SETTINGS = OwnTeethSettings()


@dataclass(frozen=True)
class OwnTeeth:
    """Rows as premultiplied uint8 RGBA, None where the portrait shows too little of it; both lie at `corners_42`, in
    pixels of the portrait, clockwise from the upper corner on the head's right. tone: (3,) colour of the brightest
    teeth."""

    upper: np.ndarray | None
    lower: np.ndarray | None
    corners_42: np.ndarray
    tone: np.ndarray


def find_own_teeth(person_SS4: np.ndarray, face: np.ndarray, skin: np.ndarray) -> OwnTeeth | None:
    """None where the mouth is closed or shows no teeth. face: (478, 3) in the portrait's pixels; skin: (3,) its
    colour."""
    least, high, wide = (
        SETTINGS.least_opening * eye_distance(face),
        *(np.linalg.norm(np.subtract(*face[list(ends), :2])) for ends in (MOUTH.middles, MOUTH.corners)),
    )
    if not (high >= least and wide >= least and np.isfinite(face[list(MOUTH.inner)]).all()):
        return None
    rgb, inside, corners = _cut_out(person_SS4, face)
    if inside.sum() < SETTINGS.least_pixels * SETTINGS.finer**2:
        return None
    luma, red = rgb @ LUMA, _redness(rgb)
    tone = rgb[inside & (luma >= np.percentile(luma[inside], SETTINGS.bright_percentile))].mean(0)
    bright = float(tone @ LUMA)
    x, y = face[np.array(SETTINGS.across_lips), :2].mean(1).astype(int).clip(0, len(person_SS4) - 1).T
    lips = float(np.median(_redness(person_SS4[y, x].astype(np.float32))))
    paler = lips - float(_redness(tone))
    if bright < SETTINGS.least_luma * float(skin @ LUMA) or paler < SETTINGS.paler:
        return None
    # light comes from one side: what is bright is told column by column
    brightest, spread = (luma * inside).max(0, keepdims=True), inside.shape[1] / 12
    around = cv2.GaussianBlur(brightest, (0, 0), spread, borderType=cv2.BORDER_REPLICATE)
    white = ramp(luma / np.maximum(around, SETTINGS.dimmest * bright), SETTINGS.bright)
    teeth = white * (1 - ramp((red - lips) / paler + 1, SETTINGS.red)) * inside
    fold, down = _fold(luma, inside), _between_lips(inside)
    upper, lower = (
        _row(rgb, part, towards) if _spans(part, inside) else None
        for part, towards in ((teeth * (down < fold), -1), (teeth * (down >= fold), 1))
    )
    return OwnTeeth(upper, lower, corners, tone)


def _cut_out(person_SS4: np.ndarray, face: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mouth and a margin around it, upright: colours (h, w, 3) float32, where the lips are parted (h, w) bool, and
    the corners (4, 2) of the rectangle in the portrait's pixels."""
    across = face[MOUTH.corners[1], :2] - face[MOUTH.corners[0], :2]
    across = across / max(float(np.linalg.norm(across)), 1e-6)
    axes = np.stack([across, (-across[1], across[0])])  # from corner to corner of the mouth, and down
    local = face[list(MOUTH.inner), :2] @ axes.T
    low, high = local.min(0), local.max(0)
    margin = np.array(SETTINGS.margin) * (high - low)
    low = low - margin
    width, height = (int(np.ceil(SETTINGS.finer * extent)) for extent in high + margin - low)
    # where in the portrait a pixel of the cut-out is
    back = np.concatenate([axes.T / SETTINGS.finer, (axes.T @ (low + 0.5 / SETTINGS.finer) - 0.5)[:, None]], 1)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(person_SS4, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    rim = np.rint((local - low) * SETTINGS.finer - 0.5).astype(np.int32)
    inside = cv2.fillPoly(np.zeros((height, width), np.uint8), [rim], 1)
    inside = cv2.erode(inside, np.ones((2 * SETTINGS.finer + 1, 2 * SETTINGS.finer + 1), np.uint8)) > 0
    corners = low + np.array([[0, 0], [width, 0], [width, height], [0, height]]) / SETTINGS.finer
    return cut[..., :3].astype(np.float32), inside, (corners @ axes).astype(np.float32)


def _between_lips(inside: np.ndarray) -> np.ndarray:
    """(h, w) 0 at the upper lip, 1 at the lower one."""
    height = len(inside)
    first, last = (np.where(inside.any(0), edge, 0) for edge in (inside.argmax(0), height - 1 - inside[::-1].argmax(0)))
    return (np.arange(height)[:, None] - first) / np.maximum(last - first, 1)


def _redness(rgb: np.ndarray) -> np.ndarray:
    return np.log((rgb[..., 0] + 8) / (rgb[..., 1] + 8))


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
    first, last = (int(32 * place) for place in SETTINGS.fold)
    at = first + int(profile[first : last + 1].argmin())
    beside = min(profile[:at].max(initial=0), profile[at + 1 :].max(initial=0))
    return at / 32 if profile[at] < (1 - SETTINGS.fold_depth) * beside else 1.0


def _spans(row: np.ndarray, inside: np.ndarray) -> bool:
    width = (row.max(0) > 0.5).sum() / inside.any(0).sum()
    return bool(row.sum() >= SETTINGS.least_area * inside.sum() and width >= SETTINGS.least_width)


def _row(rgb: np.ndarray, alpha: np.ndarray, towards: int) -> np.ndarray:
    """Premultiplied RGBA. The roots, which the lip hides, go on as the crowns end; towards: -1 up, 1 down."""
    height = len(alpha)
    rows = np.arange(height)[:, None]
    crown = (alpha > 0.5) & (alpha > 0.95 * alpha.max(0))  # not the rim, where the lip shines through
    root = crown.argmax(0) if towards < 0 else height - 1 - crown[::-1].argmax(0)
    beyond = ((rows - root) * towards >= 0) & crown.any(0)
    rgb = np.where(beyond[..., None], rgb[root, np.arange(alpha.shape[1])], rgb)
    alpha = cv2.GaussianBlur(np.where(beyond, 1, alpha).astype(np.float32), (0, 0), 0.5 * SETTINGS.finer)
    return np.rint(np.concatenate([rgb * alpha[..., None], 255 * alpha[..., None]], 2)).clip(0, 255).astype(np.uint8)
