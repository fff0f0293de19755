"""A limb as a strip: a texture along the line shoulder, elbow, wrist, bent without tearing and laid over a picture.

The strip's texture is taken up once. Its rows run across the limb at even steps from the shoulder to the wrist, so that
bending the line bends the texture; at the elbow the line is rounded (a quadratic Bezier curve), which blends the two
bones there.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    shoulder, elbow, wrist = joints_32.astype(np.float64)
    upper, fore = elbow - shoulder, wrist - elbow
    # a bone that points at the camera keeps the direction of the other, so that the strip does not turn over
    if np.hypot(*upper) < 1e-3:
        upper = fore * 1e-3
    if np.hypot(*fore) < 1e-3:
        fore = upper * 1e-3
    k = along[:, None]
    points = np.where(k <= 1, shoulder + k * upper, elbow + (k - 1) * fore)
    tangents = np.where(k <= 1, upper / np.hypot(*upper), fore / np.hypot(*fore))
    t = (k - 1 + ELBOW_ROUND) / (2 * ELBOW_ROUND)
    begin, end = elbow - ELBOW_ROUND * upper, elbow + ELBOW_ROUND * fore
    bend = (1 - t) ** 2 * begin + 2 * t * (1 - t) * elbow + t**2 * end
    # by equal angles, or the outside of a sharp bend would be a corner
    begins = np.arctan2(upper[1], upper[0])
    angle = (np.arctan2(fore[1], fore[0]) - begins + np.pi) % (2 * np.pi) - np.pi
    turning = np.concatenate([np.cos(begins + t * angle), np.sin(begins + t * angle)], 1)
    near = (t > 0) & (t < 1)
    points, tangents = np.where(near, bend, points), np.where(near, turning, tangents)
    tangents = tangents / np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-6)
    return points, np.stack([-tangents[:, 1], tangents[:, 0]], 1)


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
    halves = [(begin, 1 + OVERLAP), (max(1 - OVERLAP, begin), END)]
    if joints_33[2, 2] > joints_33[0, 2] + BEHIND * np.hypot(*(joints_33[2] - joints_33[1])[:2]):
        halves.reverse()
    places = np.unique(np.concatenate([STATIONS, [edge for half in halves for edge in half]]))
    points, normals = centre_line(joints_33[:, :2], places)
    reach = strip.reach_at(places)[:, None] * normals
    sides = np.stack([points - reach, points + reach], 1)  # (K, 2, 2)
    parts = []
    for first, last in halves:
        if last == END and in_cuff is not None:
            parts.append(in_cuff)
        if last > first:
            mine = slice(*np.searchsorted(places, (first, last + 1e-9)))
            fades = (begin, begin + FADE_IN) if begin > START else None
            parts.append(_part(strip, places[mine], sides[mine], opacity, fades))
    return parts


def _part(
    strip: Strip, along: np.ndarray, sides_K22: np.ndarray, opacity: float, fades: tuple[float, float] | None
) -> Part:
    """One piece of the strip: its places along the limb, and where the two ends of each cross section lie. fades: the
    places between which it appears."""
    first = 2 * np.arange(len(along) - 1)[:, None]
    triangles = np.concatenate([first + [0, 1, 2], first + [1, 3, 2]])
    rows, columns = strip.texture.shape[:2]
    texels = np.empty((2, 2 * len(along)), np.float32)  # x, y of every corner
    texels[0] = np.tile(np.array([0, columns - 1], np.float32), len(along))
    texels[1] = ((along - START) * ((rows - 1) / (END - START))).repeat(2)

    def paint(covered: Coverage) -> np.ndarray:
        at = np.zeros((2, len(covered.triangles)), np.float32)
        for corner, weight in zip(triangles.T, covered.weights):
            at += texels.take(corner.take(covered.triangles), 1) * weight
        drawn = fetch(strip.texture, *at)
        if fades is not None:
            alpha = opacity * ramp(at[1] * ((END - START) / (rows - 1)) + START, fades)
            return (drawn * alpha[:, None]).astype(np.uint8)
        return drawn if opacity >= 1 else cv2.multiply(drawn, (opacity,) * 4)

    # at the inside of the elbow cross sections overlap: what is farther from it is in front
    depth = np.tile(-np.abs((along[1:] + along[:-1]) / 2 - 1), 2)
    return Part(sides_K22.reshape(-1, 2)[triangles], depth, 1, paint)


def fetch(texture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(N, 4) the texture at N places, which are laid out in rows because OpenCV takes no longer ones than 32767."""
    count = len(x)
    rows = -(-count // FETCH_ROW)
    padded = np.full((2, rows * FETCH_ROW), -10, np.float32)
    padded[0, :count], padded[1, :count] = x, y
    padded = padded.reshape(2, rows, FETCH_ROW)
    drawn = cv2.remap(texture, padded[0], padded[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return drawn.reshape(-1, 4)[:count]
