"""A limb as a strip: a texture along the line shoulder, elbow, wrist, bent without tearing and laid over a picture.

The strip's texture is taken up once. Its rows run across the limb at even steps from the shoulder to the wrist, so that
bending the line bends the texture; at the elbow the line is rounded (a quadratic Bezier curve), which blends the two
bones there.
"""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pose.geometry import ramp
from pose.raster import Coverage

from .parts import Part

# Along the limb: 0 shoulder, 1 elbow, 2 wrist; the strip begins above the shoulder and ends under the hand
START, END = -0.16, 2.08
ELBOW_ROUND = 0.2  # of a bone at either side of the elbow, over which the line turns
# Of a bone, by which upper arm and forearm reach over the elbow. Little: within one of them the front cross section
# hides the ones behind it even where it is transparent
OVERLAP = 0.06
BEHIND = 0.5  # forearm lengths that a wrist must be farther than the shoulder to lie behind the upper arm
FADE_IN = 0.3  # of a bone, over which a limb that is not drawn from its shoulder on appears
# Cross sections that are drawn, dense where the line turns
STATIONS = np.concatenate([np.linspace(START, 0.7, 8), np.linspace(0.78, 1.22, 12), np.linspace(1.3, END, 8)])
FETCH_ROW = 512  # places that are fetched from a texture in one row
FINER = 2  # texels per pixel of the portrait


@dataclass(frozen=True, eq=False)
class Strip:
    """The picture of a limb. texture: (rows along, columns across, 4) uint8 premultiplied RGBA; reach: (n,) pixels from
    the line to the texture's edges, at n even steps from START to END."""

    texture: np.ndarray
    reach: np.ndarray

    def reach_at(self, along: np.ndarray) -> np.ndarray:
        return np.interp(along, np.linspace(START, END, len(self.reach)), self.reach)


def centre_line(joints_32: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K, 2) points and unit normals of the line through shoulder, elbow and wrist at the K values of `along`."""
    shoulder, elbow, wrist = (complex(x, y) for x, y in joints_32.tolist())
    upper, fore = elbow - shoulder, wrist - elbow
    # a bone that points at the camera keeps the direction of the other, so that the strip does not turn over
    if abs(upper) < 1e-3:
        upper = fore * 1e-3
    if abs(fore) < 1e-3:
        fore = upper * 1e-3
    past = along - 1
    points = elbow + past * np.where(past <= 0, upper, fore)
    begins = cmath.phase(upper)
    angle = (cmath.phase(fore) - begins + math.pi) % (2 * math.pi) - math.pi
    t = (past + ELBOW_ROUND) / (2 * ELBOW_ROUND)
    begin, end = elbow - ELBOW_ROUND * upper, elbow + ELBOW_ROUND * fore
    bend = (1 - t) ** 2 * begin + 2 * t * (1 - t) * elbow + t**2 * end
    points = np.where((t > 0) & (t < 1), bend, points)
    # by equal angles, or the outside of a sharp bend would be a corner
    normals = np.exp(1j * (begins + np.minimum(np.maximum(t, 0), 1) * angle + math.pi / 2))
    return points.view(np.float64).reshape(-1, 2), normals.view(np.float64).reshape(-1, 2)


def sample_grid(joints_32: np.ndarray, reach_N: np.ndarray, columns: int) -> np.ndarray:
    """(N, columns, 2) float32 picture coordinates of a strip's texels; reach_N: as `Strip` has it, for each row."""
    points, normals = centre_line(joints_32, np.linspace(START, END, len(reach_N)))
    across = np.linspace(-1, 1, columns)[None] * reach_N[:, None]
    return (points[:, None] + across[..., None] * normals[:, None]).astype(np.float32)


def texture_size(joints_32: np.ndarray, widest: float) -> tuple[int, int]:
    """Rows and columns of a strip's texture."""
    length = np.linalg.norm(np.diff(joints_32, axis=0), axis=1).sum() / 2 * (END - START)
    return int(np.clip(FINER * length, 16, 2048)), int(np.clip(2 * FINER * widest, 8, 1024))


def strip_parts(
    strip: Strip, joints_33: np.ndarray, begin: float = START, opacity: float = 1.0, in_cuff: Part | None = None
) -> list[Part]:
    """Upper arm and forearm, the nearer one last, so that a folded arm covers itself.

    joints_33: shoulder, elbow, wrist with z; begin: the place along the limb from which it is drawn; in_cuff: what the
    forearm's end hides.
    """
    halves = _halves(begin)
    if joints_33[2, 2] > joints_33[0, 2] + BEHIND * math.hypot(*(joints_33[2] - joints_33[1])[:2].tolist()):
        halves = halves[::-1]
    places = _places(begin)
    points, normals = centre_line(joints_33[:, :2], places)
    normals *= strip.reach_at(places)[:, None]
    sides = np.stack([points - normals, points + normals], 1)  # (K, 2, 2)
    parts = []
    for half in halves:
        if half.last and in_cuff is not None:
            parts.append(in_cuff)
        if len(half.triangles):
            fades = (begin, begin + FADE_IN) if begin > START else None
            parts.append(_part(strip, half, sides[half.mine].reshape(-1, 2), opacity, fades))
    return parts


@dataclass(frozen=True, eq=False)
class _Half:
    """Upper arm or forearm. mine: which of the cross sections; triangles: (M, 3) between their ends; depth: (M,);
    texels: (2, V) of the ends, 0..1; last: whether it is the forearm."""

    mine: slice
    triangles: np.ndarray
    depth: np.ndarray
    texels: np.ndarray
    last: bool


@lru_cache(maxsize=64)
def _places(begin: float) -> np.ndarray:
    """(K,) along the limb, where its cross sections are drawn. Read-only."""
    places = np.unique([*STATIONS, begin, 1 + OVERLAP, max(1 - OVERLAP, begin), END])
    places.flags.writeable = False
    return places


@lru_cache(maxsize=64)
def _halves(begin: float) -> tuple[_Half, ...]:
    """Upper arm and forearm of a limb that is drawn from a place on."""
    places, halves = _places(begin), []
    for first, last in ((begin, 1 + OVERLAP), (max(1 - OVERLAP, begin), END)):
        mine = slice(*np.searchsorted(places, (first, last + 1e-9)).tolist())
        along = places[mine]
        corner = 2 * np.arange(len(along) - 1)[:, None]
        triangles = np.concatenate([corner + [0, 1, 2], corner + [1, 3, 2]])
        # at the inside of the elbow cross sections overlap: what is farther from it is in front
        depth = np.tile(-np.abs((along[1:] + along[:-1]) / 2 - 1), 2).astype(np.float32)
        texels = np.stack([np.tile([0, 1], len(along)), ((along - START) / (END - START)).repeat(2)])
        halves.append(_Half(mine, triangles, depth, texels.astype(np.float32), last == END))
    return tuple(halves)


def _part(strip: Strip, half: _Half, sides_V2: np.ndarray, opacity: float, fades: tuple[float, float] | None) -> Part:
    """One piece of the strip, where the ends of its cross sections lie. fades: the places along the limb between which
    it appears."""
    rows, columns = strip.texture.shape[:2]
    texels = half.texels * np.array([[columns - 1], [rows - 1]], np.float32)

    def paint(covered: Coverage) -> np.ndarray:
        at = np.zeros((2, len(covered.triangles)), np.float32)
        for corner, weight in zip(half.triangles.T, covered.weights):
            at += texels.take(corner, 1).take(covered.triangles, 1) * weight
        drawn = fetch(strip.texture, *at)
        if fades is not None:
            alpha = opacity * ramp(at[1] * ((END - START) / (rows - 1)) + START, fades)
            return (drawn * alpha[:, None]).astype(np.uint8)
        return drawn if opacity >= 1 else cv2.multiply(drawn, (opacity,) * 4)

    return Part(sides_V2, half.triangles, half.depth, 1, paint)


def fetch(texture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, 4) the texture at N places, which are laid out in rows because OpenCV takes no longer ones than 32767."""
    count = len(x)
    rows = -(-count // FETCH_ROW)
    padded = np.full((2, rows * FETCH_ROW), -10, np.float32)
    padded[0, :count], padded[1, :count] = x, y
    padded = padded.reshape(2, rows, FETCH_ROW)
    drawn = cv2.remap(texture, padded[0], padded[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return drawn.reshape(-1, 4)[:count]
