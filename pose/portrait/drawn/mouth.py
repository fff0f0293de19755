"""A drawn mouth taken apart: skin behind it, its lips or its line, and the colours of an inside that it may never
show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from .beard import on_beard
from .colours import Canvas, Layer, pixels, spread
from .curves import arch
from .eye import DrawnEye
from .lid_outline import convexity
from .mouth_search import OPEN, mouth_marks

IN_BEARD = 0.1  # weight of a mouth from which what is around it is believed to be a beard
LINE_HEIGHT = 0.38  # of its width, that a mouth of a single colour is high at most which is a line all the same
CURLED = 0.6  # of its hull, below which a mouth is a line, however much of its box that takes
CORE = 0.6  # of its half thickness, from where a mouth's colour is no mixture with the skin's
# RGB difference within which pixels have one colour, and the same as a share of that from the skin; share of the pixels
ONE_COLOUR, NEARER, MOSTLY = 45.0, 0.4, 0.85
BENT = 0.22  # of its width, that the line to which an open mouth closes is bent at most
CLOSES_AT = 0.35  # of its height, from its top, an open mouth closes
THICKNESS = (0.014, 0.1)  # eye distances that an outline is thick
USUAL_LINE = 0.022  # of a mouth that has no outline, when it is shut
OWN_OPENING = 0.2  # eye distances between a driver's lips that show an open mouth as it is drawn, where that is higher
SEAM = (0.25, 0.75)  # of their height, where between them closed lips meet ...
SEAM_DEPTH = 14.0  # ... and by how many grey levels that line is darker than the lips
LIPS = 0.25  # of the skin's luma that lips have at least; what is darker is an open mouth
SEAM_DARK = 0.65  # of the lips' luma, that the line between them has at most
SAME_LIPS = 55.0  # RGB difference up to which two lips have one colour
# Lips without a line between them: as light as that, as a share of the skin's luma, and of two shades that differ by so
# much at least
PALE_LIPS, TWO_SHADES = 0.75, 30.0
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
FRINGE = 0.018  # eye distances around the mouth in which its outline fades
ROOM = (0.16, 0.30)  # eye distances beside and below a mouth into which it may open
# Of a mouth's inside that the portrait does not show, as shares of the skin's colour, RGB. Drawn mouths are flat, dark
# red with a lighter tongue; mixed with the line's own colour they stay in the drawing's palette.
CAVITY, TONGUE = (0.55, 0.25, 0.25), (0.93, 0.52, 0.52)
LINE_SHARE = 0.4  # of the line's colour in the cavity's
TEETH = 0.9  # of white, the rest skin


@dataclass(frozen=True, eq=False)
class DrawnMouth:
    """The layers of a mouth in a box of the picture.

    x, y: of the box's first pixel. skin: where the mouth is taken away. own: the mouth as drawn. front: what stays
    before it. left, right: its first and last column; top, bottom: (w,) its edges; seam: (w,) where closed lips meet,
    None of a mouth that is open. shut: (w,) the line to which an open mouth closes. thickness: of its line, px. thin:
    it is nothing but a line, has no lips. line, cavity, tongue, teeth: its colours, (3, 1, 1) float32. height: px that
    the portrait has it open, 0 of closed lips. reach: px between lips that show it so.
    """

    x: int
    y: int
    skin: Layer
    own: Layer
    front: Layer
    left: int
    right: int
    top: np.ndarray
    bottom: np.ndarray
    seam: np.ndarray | None
    shut: np.ndarray
    thickness: float
    thin: bool
    reach: float
    line: np.ndarray
    cavity: np.ndarray
    tongue: np.ndarray
    teeth: np.ndarray

    @cached_property
    def curves(self) -> np.ndarray:
        """(w, 4) float32 top, bottom, seam (as shut, where there is none) and shut."""
        seam = self.shut if self.seam is None else self.seam
        return np.stack([self.top, self.bottom, seam, self.shut], 1).astype(np.float32)

    @property
    def height(self) -> float:
        return 0.0 if self.seam is not None else float((self.bottom - self.top)[self.left : self.right + 1].max())


def find_mouth(
    canvas: Canvas, box: tuple[float, float, float, float], eyes: tuple[DrawnEye | None, ...] = ()
) -> DrawnMouth | None:
    """Take the mouth in or near a box (x, y, width, height) apart; None where there is none."""
    skin, (found, beard) = canvas.skin, (None, on_beard(canvas, box))
    if beard is not None:
        found = mouth_marks(beard, box, eyes)
    if found is not None and found.weight > IN_BEARD:
        canvas = beard
    else:
        found = mouth_marks(canvas, box, eyes)
    if found is None:
        return None
    region, x0, y0 = found.mouth, found.x, found.y
    unit = canvas.unit
    columns = np.flatnonzero(region.any(0))
    left, right = int(columns[0]), int(columns[-1])
    x = np.arange(left, right + 1)
    inside = region[:, left : right + 1]
    filled = inside.any(0)
    top = np.interp(x, x[filled], inside.argmax(0)[filled])
    bottom = np.interp(x, x[filled], (len(region) - inside[::-1].argmax(0))[filled])
    sigma = max(0.008 * unit, 0.5)
    top, bottom = (
        cv2.GaussianBlur(v[None].astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)[0]
        for v in (top, bottom)
    )
    bottom = np.maximum(bottom, top + 1)
    height, width = canvas.skin.shape
    beside, below = int(ROOM[0] * unit), int(ROOM[1] * unit)
    bx0, bx1 = max(x0 + left - beside, 0), min(x0 + right + 1 + beside, width)
    by0 = max(y0 + int(top.min()) - beside // 2, 0)
    by1 = min(y0 + int(bottom.max()) + below, height)
    nearest = np.clip(np.arange(bx0, bx1) - x0, left, right) - left
    edges = (top[nearest] + y0 - by0, bottom[nearest] + y0 - by0)
    whole = np.zeros((2, *canvas.skin.shape), bool)
    whole[:, y0 : y0 + len(region), x0 : x0 + region.shape[1]] = region, found.moustache
    marks, before = whole[:, by0:by1, bx0:bx1]
    return _layers(canvas, (bx0, by0, bx1, by1), x0 + left - bx0, x0 + right - bx0, *edges, marks, before, skin)


def _layers(
    canvas: Canvas,
    box,
    left: int,
    right: int,
    top: np.ndarray,
    bottom: np.ndarray,
    marks: np.ndarray,
    before: np.ndarray,
    skin_anywhere: np.ndarray,
) -> DrawnMouth:
    """marks, before: (h, w) bool of the box, the mouth and the moustache; skin_anywhere: (H, W) bool."""
    x0, y0, x1, y1 = box
    view = (slice(y0, y1), slice(x0, x1))
    rgb = canvas.rgb[view].astype(np.float32)
    luma = rgb @ LUMA
    h, w = luma.shape
    y, x = np.arange(h, dtype=np.float32)[:, None], np.arange(w, dtype=np.float32)[None]
    mouth = (x >= left) & (x <= right) & (y >= np.floor(top)) & (y < np.ceil(bottom))
    fringe = max(int(FRINGE * canvas.unit), 1)
    grown = cv2.dilate(mouth.astype(np.uint8), np.ones((2 * fringe + 1, 2 * fringe + 1), np.uint8)) > 0
    skin_seen = canvas.skin[view]
    hangs = cv2.dilate(before.astype(np.uint8), np.ones((2 * fringe + 1, 2 * fringe + 1), np.uint8)) > 0
    known = skin_seen & ~grown & ~hangs
    fill = spread(rgb, known, 0.03 * canvas.unit) if known.sum() > 8 else rgb
    removed = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 0.6)
    skin = rgb + removed[..., None] * (fill - rgb)
    front = cv2.GaussianBlur(((canvas.hair[view] & ~grown) | before).astype(np.float32), (0, 0), 0.6)

    dark = luma <= np.percentile(luma[mouth], 25)
    line = np.median(rgb[mouth & dark], 0)
    # opaque inside, and at the rim as far as it is from the skin on the way to the line's colour
    way = line - fill
    share = ((rgb - fill) * way).sum(2) / np.maximum((way * way).sum(2), 1)
    inner = cv2.erode(mouth.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    alpha = np.where(inner, np.maximum(share, 0.0), np.clip(1.2 * share, 0, 1))
    tall = float(np.percentile((bottom - top)[left : right + 1], 85))
    wide = max(right - left, 1)
    depth = cv2.distanceTransform(np.pad(mouth & marks, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    # arcs, a curl: what is drawn hardly fills what is around it. Its thickness is told where it does not cross itself
    curled = convexity(marks.astype(np.uint8)) < CURLED
    stroke = 2 * float(np.percentile(depth[depth > 0], 75) / 0.75 if curled else depth.max())
    near = min(ONE_COLOUR, NEARER * float(np.linalg.norm(line - fill[mouth].mean(0))))
    alike = np.linalg.norm(rgb - line, axis=2) < near
    is_line = curled or stroke < LINE_HEIGHT * wide and alike[depth >= CORE * depth.max()].mean() > MOSTLY
    is_open = tall > OPEN * canvas.unit and not is_line
    if is_open:
        alpha = np.where(inner, 1.0, alpha)
    alpha = np.clip(alpha, 0, 1) * grown
    alpha = np.where(mouth | (alpha > 0.15), alpha, 0).astype(np.float32)
    colours = rgb
    if (alpha > 0.7).any():
        colours = np.where((alpha > 0.9)[..., None], rgb, spread(rgb, mouth & (alpha > 0.7), 1.5))
    own = Layer(pixels(colours), alpha)
    skin_luma = float(np.median(luma[known])) if known.any() else 0.0
    seam = _seam(rgb, top, bottom, left, right, skin_luma) if is_open else None
    if not is_open:
        middle = (top + bottom) / 2
        if curled:
            columns = np.arange(left, right + 1)
            middle = np.interp(np.arange(w), columns, arch(columns, middle[columns], 0.05 * wide))
        seam = cv2.GaussianBlur(
            middle[None].astype(np.float32),
            (0, 0),
            max(0.05 * (right - left), 0.8),
            borderType=cv2.BORDER_REPLICATE,
        )[0]
    thinnest, thickest = (share * canvas.unit for share in THICKNESS)
    # a line is as thick as it has ink in its columns
    ink = float(np.median((np.clip(share, 0, 1) * (mouth & marks)).sum(0)[left : right + 1]))
    thickness = _outline_thickness(mouth, alike) if is_open else min(stroke, ink)
    thickness = float(np.clip(thickness or USUAL_LINE * canvas.unit, max(thinnest, 1.0), max(thickest, 1.0)))
    reach = min(float((bottom - top)[left : right + 1].max()), OWN_OPENING * canvas.unit)
    # a mouth in a beard is of the skin's colour inside
    flesh = known if (known & skin_anywhere[view]).any() else skin_anywhere
    tone = np.median((rgb if flesh is known else canvas.rgb)[flesh], 0) if flesh.any() else fill.reshape(-1, 3).mean(0)
    cavity = (1 - LINE_SHARE) * np.array(CAVITY) * tone + LINE_SHARE * line
    tongue = np.array(TONGUE) * tone
    teeth = TEETH * 255 + (1 - TEETH) * tone
    columns = np.arange(left, right + 1)
    # the line that it closes to is bent as the middle between its edges is: round mouths do not look sad when shut
    bend = arch(columns, ((top + bottom) / 2)[columns], 0.05 * (right - left))
    bend = (bend - bend.mean()) * min(1, BENT * wide / max(float(np.ptp(bend)), 1))
    level = float((top + CLOSES_AT * (bottom - top))[columns].mean())
    shut = np.interp(np.arange(w), columns, level + bend).astype(np.float32)
    smooth = [np.asarray(v, np.float32) for v in (top, bottom)]
    return DrawnMouth(
        x0,
        y0,
        Layer(pixels(skin), removed),
        own,
        Layer(pixels(rgb), front),
        left,
        right,
        *smooth,
        None if seam is None else np.asarray(seam, np.float32),
        shut,
        thickness,
        not is_open,
        reach,
        *(pixels(c).astype(np.float32)[:, None, None] for c in (line, cavity, tongue, teeth)),
    )


def _outline_thickness(mouth: np.ndarray, dark: np.ndarray) -> float:
    """px of the dark line around a mouth, 0 where there is none. Both (h, w) bool."""
    inside, thickness = mouth.astype(np.uint8), 0
    while True:
        inner = cv2.erode(inside, np.ones((3, 3), np.uint8))
        ring = (inside > 0) & (inner == 0)
        if dark[ring].mean() < 0.5:
            return float(thickness)
        if not inner.any():  # it is nothing else
            return 2.0 * thickness
        inside, thickness = inner, thickness + 1


def _seam(rgb, top, bottom, left, right, skin: float) -> np.ndarray | None:
    """(w,) where closed lips meet, a dark line between two lips of one colour or where their shades
    meet; None where the mouth is open. skin: its
    luma."""
    places = np.linspace(0, 1, 21)
    columns = np.arange(left, right + 1)
    rows = top[columns] + places[:, None] * (bottom - top)[columns]
    profile = rgb[np.clip(rows.astype(int), 0, len(rgb) - 1), columns]  # (21, n, 3)
    luma = profile @ LUMA
    middle = slice(len(columns) // 4, -(len(columns) // 4) or None)
    across = luma[:, middle].mean(1)
    first, last = (int(20 * v) for v in SEAM)
    at = first + int(across[first : last + 1].argmin())
    parts = slice(3, max(at - 2, 4)), slice(min(at + 3, 17), 18)
    upper, lower = (profile[rows, middle].mean((0, 1)) for rows in parts)
    lightness = float(min(upper @ LUMA, lower @ LUMA))
    differ = float(np.linalg.norm(upper - lower))
    if lightness < LIPS * skin or differ > SAME_LIPS:
        return None
    if lightness - across[at] >= SEAM_DEPTH and across[at] <= SEAM_DARK * lightness:
        found = luma[first : last + 1].argmin(0) + first
    elif lightness > PALE_LIPS * skin and differ > TWO_SHADES:
        found = np.abs(np.diff(luma, axis=0))[first:last].argmax(0) + first + 1
    else:
        return None
    seam = top[columns] + places[found] * (bottom - top)[columns]
    full = np.interp(np.arange(len(top)), columns, arch(columns, seam, 0.05 * (right - left)))
    return np.clip(full, top, bottom)
