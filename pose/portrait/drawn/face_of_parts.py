"""Faces of drawings in which a network that knows humans sees none, or none that it sees in the mirror image as well: a
flat patch of skin with two eyes and a mouth in it. They are believed where the drawing can be taken apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

import cv2
import numpy as np

from pose.errors import PortraitError
from pose.portrait.sidecar import pose_from_points
from pose.tracking.landmarks import FACE_OVAL
from pose.tracking.mesh import eye_distance

from .analysis import FINER, find_drawing
from .colours import weighted_lab

SIDE = 320  # px of the picture's longer side at which patches are looked for
SHADES = 8  # colours that the picture is reduced to, of which one is the skin
PATCH = 0.015  # of the picture, that a face takes at least
# Of the face's width: an eye is so wide, and higher than that at most; between two eyes are so many
EYE, EYE_TALL, APART = (0.02, 0.36), 0.45, (0.18, 0.75)
LEVEL, ALIKE = 0.3, 2.2  # of their distance, that one eye is higher at most; times larger than the other
# Of the eyes' distance: below them is the mouth, beside their middle at most; it is so wide
BELOW, ASIDE, MOUTH = (0.35, 1.7), 0.4, (0.12, 1.6)
TALLEST = 1.3  # times its width a mouth is high at most: doors are higher
PUPIL = 0.6  # of the skin's lightness, that an eye has in its middle at most: lamps and windows are light
ONE_COLOUR = 45.0  # Lab difference of two eyes on the mean, up to which they are of one drawing of eyes
NOSE, CHIN = 0.55, 1.6  # of the way from the eyes to the mouth
OUTSIDE = 0.3  # of a face's outline, that is beside the picture at most
LOOKED_AT, AROUND = 80.0, 4.0  # px of an eye distance, and eye distances of the view, at which a face is taken apart
TWINS, SAME_LEVEL = 2.0, 0.4  # as ALIKE and LEVEL, of the eyes that are then found
THERE = (0.25, 1.9)  # as BELOW, of the mouth


def believed(picture: np.ndarray, faces: Iterable[np.ndarray]) -> np.ndarray | None:
    """The first of some faces (478, 3) in an RGB uint8 picture whose eyes and mouth can be taken apart as a drawing's,
    None without one."""
    return next((face for face in faces if _has_parts(picture, face)), None)


def _has_parts(picture: np.ndarray, face: np.ndarray) -> bool:
    unit, outline = eye_distance(face), face[list(FACE_OVAL), :2]
    if not unit > 0 or ((outline < 0) | (outline > picture.shape[1::-1])).any(1).mean() > OUTSIDE:
        return False
    scale, side = LOOKED_AT / unit, int(LOOKED_AT * AROUND)
    middle = face[:, :2].mean(0)
    matrix = np.array([[scale, 0, side / 2 - scale * middle[0]], [0, scale, side / 2 - scale * middle[1]]])
    flags = cv2.INTER_LINEAR
    view = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale) if scale < 1 else picture
    view = cv2.warpAffine(view, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    moved = face * np.float32(scale)
    moved[:, :2] += matrix[:, 2]
    drawing = find_drawing(np.dstack([view, np.full((side, side), 255, np.uint8)]), view, moved.astype(np.float32))
    if drawing is None or drawing.mouth is None or None in drawing.eyes:
        return False
    right, left = (np.array([eye.x, eye.y]) + eye.centre for eye in drawing.eyes)
    widths = [eye.right - eye.left for eye in drawing.eyes]
    mouth = drawing.mouth
    x = mouth.x + (mouth.left + mouth.right) / 2
    y = mouth.y + float((mouth.top + mouth.bottom)[mouth.left : mouth.right + 1].mean()) / 2
    apart = left[0] - right[0]
    down = y - (left[1] + right[1]) / 2
    return bool(
        apart > 0.25 * LOOKED_AT * FINER
        and abs(left[1] - right[1]) < SAME_LEVEL * apart
        and max(widths) < TWINS * min(widths)
        and THERE[0] * apart < down < THERE[1] * apart
        and right[0] - ASIDE * apart < x < left[0] + ASIDE * apart
    )


def faces_of_parts(picture: np.ndarray) -> Iterator[np.ndarray]:
    """Faces (478, 3) that an RGB uint8 picture may show, those with the largest patches of skin first."""
    longer = max(picture.shape[:2])
    scale = min(SIDE / longer, 1.0)
    size = tuple(max(round(n * scale), 1) for n in picture.shape[1::-1])
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    lab = weighted_lab(small)
    samples = lab.reshape(-1, 3)[:: max(lab.shape[0] * lab.shape[1] // 6000, 1)]
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 15, 0.5)
    cv2.setRNGSeed(0)  # the same picture gives the same shades
    _, _, shades = cv2.kmeans(samples, min(SHADES, len(samples)), None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    nearest = np.argmin([((lab - shade) ** 2).sum(2) for shade in shades], 0)
    patches = []
    for shade in range(len(shades)):
        _, labels, stats, _ = cv2.connectedComponentsWithStats((nearest == shade).astype(np.uint8), connectivity=4)
        large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > PATCH * labels.size)
        patches += [(int(stats[part, cv2.CC_STAT_AREA]), labels == part) for part in large if part]
    for _, patch in sorted(patches, key=lambda one: -one[0]):
        points = _parts(patch, lab)
        if points is not None:
            try:
                scaled = {name: (x / scale, y / scale) for name, (x, y) in points.items()}
                yield pose_from_points(scaled, picture.shape[1::-1]).face
            except PortraitError:  # its points lie on one spot
                continue


def _parts(patch: np.ndarray, lab: np.ndarray) -> dict[str, tuple[float, float]] | None:
    """The marks of a face in a patch (h, w) bool of one colour; None where its holes are no eyes and no mouth. lab:
    (h, w, 3) weighted colours."""
    contours, _ = cv2.findContours(patch.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = cv2.convexHull(max(contours, key=cv2.contourArea))
    whole = cv2.fillConvexPoly(np.zeros(patch.shape, np.uint8), outline, 1) > 0
    wide = float(np.ptp(np.flatnonzero(whole.any(0)))) + 1
    count, labels, stats, middles = cv2.connectedComponentsWithStats((whole & ~patch).astype(np.uint8))
    skin = float(np.median(lab[patch, 0]))
    holes = [(*stats[k, 2:5], middles[k], lab[labels == k].mean(0)) for k in range(1, count) if stats[k, 4] >= 4]
    eyes = [
        hole
        for hole in holes
        if EYE[0] * wide < hole[0] < EYE[1] * wide
        and hole[1] < EYE_TALL * wide
        and _darkest_inside(lab[..., 0], hole) < PUPIL * skin
    ]
    best, found = 0.0, None
    for one, other in combinations(sorted(eyes, key=lambda hole: -hole[2])[:12], 2):
        right, left = sorted((one, other), key=lambda hole: hole[3][0])
        way = left[3] - right[3]
        sizes = sorted((one[2], other[2]))
        if not APART[0] * wide < way[0] < APART[1] * wide or abs(way[1]) > LEVEL * way[0]:
            continue
        if sizes[1] > ALIKE * sizes[0] or max(one[0], other[0]) > 0.95 * way[0]:
            continue
        if np.linalg.norm(one[4] - other[4]) > ONE_COLOUR:
            continue
        middle = (right[3] + left[3]) / 2
        for mouth in holes:
            if mouth is one or mouth is other or not MOUTH[0] * way[0] < mouth[0] < MOUTH[1] * way[0]:
                continue
            if mouth[1] > TALLEST * mouth[0]:
                continue
            offset = mouth[3] - middle
            if not BELOW[0] * way[0] < offset[1] < BELOW[1] * way[0] or abs(offset[0]) > ASIDE * way[0]:
                continue
            # large and alike, and the mouth wide and below their middle
            weight = sizes[0] ** 2 / sizes[1] * mouth[0] / (1 + (offset[0] / (0.2 * way[0])) ** 2)
            if weight > best:
                best, found = weight, (right[3], left[3], mouth)
    if found is None:
        return None
    right, left, mouth = found
    middle, at = (right + left) / 2, mouth[3]
    reach = np.array([mouth[0] / 2, 0])
    points = {
        "right_eye": right, "left_eye": left, "mouth_right": at - reach, "mouth_left": at + reach,
        "nose": middle + NOSE * (at - middle), "chin": middle + CHIN * (at - middle),
    }  # fmt: skip
    return {name: (float(x), float(y)) for name, (x, y) in points.items()}


def _darkest_inside(light: np.ndarray, hole: tuple) -> float:
    """Lightness of what is dark in the middle half of a hole."""
    width, height, _, (x, y), _ = hole
    rows = slice(max(int(y - height / 4), 0), int(y + height / 4) + 1)
    columns = slice(max(int(x - width / 4), 0), int(x + width / 4) + 1)
    return float(np.percentile(light[rows, columns], 20))
