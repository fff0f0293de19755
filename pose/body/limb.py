"""A limb as a strip: a texture along the line shoulder, elbow, wrist, bent without tearing and laid over a picture.

The strip's texture is taken up once. Its rows run across the limb at even steps from the shoulder to the wrist, so that
bending the line bends the texture; at the elbow the line is rounded (a quadratic Bezier curve), which blends the two
bones there.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.raster import rasterise

# Along the limb: 0 shoulder, 1 elbow, 2 wrist; the strip begins above the shoulder and ends under the hand
START, END = -0.16, 2.08
ELBOW_ROUND = 0.2  # of a bone at either side of the elbow, over which the line turns
OVERLAP = 0.3  # of a bone, by which upper arm and forearm reach over the elbow
BEHIND = 0.5  # forearm lengths that a wrist must be farther than the shoulder to lie behind the upper arm
STATIONS = 14  # cross sections of each of the two
FINER = 2  # texels per pixel of the portrait


@dataclass(frozen=True, eq=False)
class Strip:
    """The picture of a limb. texture: (rows along, columns across, 4) uint8 premultiplied RGBA; reach: (n,) pixels from the
    line to the texture's edges, at n even steps from START to END."""

    texture: np.ndarray
    reach: np.ndarray

    def reach_at(self, along: np.ndarray) -> np.ndarray:
        return np.interp(along, np.linspace(START, END, len(self.reach)), self.reach)


def centre_line(joints_32: np.ndarray, along: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K, 2) points and (K, 2) unit normals of the line through shoulder, elbow and wrist at the K values of `along`."""
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
    turning = (1 - t) * upper / np.hypot(*upper) + t * fore / np.hypot(*fore)
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


def lay_strip(
    picture_HW4: np.ndarray, strip: Strip, joints_33: np.ndarray, begin: float = START, opacity: float = 1.0
) -> None:
    """Draw a strip over a premultiplied picture, in place: upper arm and forearm, the nearer one last, so that a folded arm
    covers itself. joints_33: shoulder, elbow, wrist with z; begin: the place along the limb from which it is drawn."""
    halves = [(begin, 1 + OVERLAP), (max(1 - OVERLAP, begin), END)]
    if joints_33[2, 2] > joints_33[0, 2] + BEHIND * np.hypot(*(joints_33[2] - joints_33[1])[:2]):
        halves.reverse()
    for first, last in halves:
        if last > first:
            _lay_part(picture_HW4, strip, joints_33[:, :2], np.linspace(first, last, STATIONS), opacity)


def _lay_part(
    picture_HW4: np.ndarray, strip: Strip, joints_32: np.ndarray, along: np.ndarray, opacity: float
) -> None:
    height, width = picture_HW4.shape[:2]
    points, normals = centre_line(joints_32, along)
    reach = strip.reach_at(along)[:, None]
    sides = np.stack([points - reach * normals, points + reach * normals], 1)  # (K, 2, 2)
    low = np.maximum(np.floor(sides.min((0, 1))).astype(int) - 1, 0)
    high = np.minimum(np.ceil(sides.max((0, 1))).astype(int) + 1, [width, height])
    if (high <= low).any():
        return
    rows, columns = strip.texture.shape[:2]
    first = 2 * np.arange(len(along) - 1)[:, None]
    triangles = np.concatenate([first + [0, 1, 2], first + [1, 3, 2]])
    box = picture_HW4[low[1] : high[1], low[0] : high[0]]
    # at the inside of the elbow cross sections overlap: what is farther from it is in front
    depth = np.tile(-np.abs((along[1:] + along[:-1]) / 2 - 1), 2)
    covered = rasterise((sides.reshape(-1, 2) - low - 0.5)[triangles], depth, *box.shape[:2])
    if not len(covered.pixels):
        return
    v = ((along - START) * ((rows - 1) / (END - START))).astype(np.float32).repeat(2)
    u = np.tile(np.array([0, columns - 1], np.float32), len(along))
    at = np.full((2, box.shape[0] * box.shape[1]), -10, np.float32)
    chosen = triangles[covered.triangles]
    for k, values in enumerate((u, v)):
        at[k, covered.pixels] = sum(values[chosen[:, c]] * covered.weights[c] for c in range(3))
    at = at.reshape(2, *box.shape[:2])
    drawn = cv2.remap(strip.texture, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    lay_over(box, drawn if opacity >= 1 else cv2.multiply(drawn, (opacity,) * 4))


def lay_over(below: np.ndarray, above: np.ndarray) -> None:
    """Premultiplied RGBA uint8 over premultiplied RGBA, in place."""
    hidden = cv2.merge([255 - above[..., 3]] * 4)
    below[:] = cv2.add(cv2.multiply(below, hidden, scale=1 / 255), above)
