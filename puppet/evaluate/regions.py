"""Where a picture is right: every pixel of the truth belongs to one part, and errors are summed part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np

from pose.tracking.landmarks import CHIN, FACE_OVAL, FOREHEAD, LIPS_INNER
from pose.tracking.native_log import quiet_native_log
from pose.tracking.signals import mouth_opening
from pose.tracking.tracker import load_solutions
from puppet.evaluate.clips import EvaluationClip
from puppet.evaluate.measures import EYES, MOUTH, OPEN_MOUTH, SUB_PIXEL_BITS, box, corners

# of the face's height from forehead to chin, so that small faces have the same parts
BOX_MARGIN = 0.03  # around the landmarks of mouth and eyes
RING = 0.05  # width of the band around the face's outline
HAND_MARGIN = 0.15  # of a hand's longer side: flesh around its landmarks, which are joints
LEAST_PIXELS = 24  # of a part in a frame: fewer say nothing


class Part(IntEnum):
    """In the order in which they are drawn: a later one covers the earlier ones."""

    REST = 0  # background, shoulders, clothes
    HAIR = 1  # all of the person above the chin that is not the face: ears and hats, too
    CHEEKS = 2  # the face without mouth and eyes: forehead and nose, too
    RING = 3  # a band around the face's outline
    EYES = 4  # boxes with a margin, as those of eyes_psnr
    LIPS = 5  # likewise
    INNER_MOUTH = 6  # between the lips, where the mouth is open
    HANDS = 7


REGIONS: dict[str, tuple[Part, ...]] = {
    "picture": tuple(Part),
    "face": (Part.CHEEKS, Part.EYES, Part.LIPS, Part.INNER_MOUTH),
    "mouth": (Part.LIPS, Part.INNER_MOUTH),
    "inner mouth": (Part.INNER_MOUTH,),
    "eyes": (Part.EYES,),
    "cheeks and forehead": (Part.CHEEKS,),
    "oval ring": (Part.RING,),
    "hair": (Part.HAIR,),
    "hands": (Part.HANDS,),
}


@dataclass(frozen=True)
class RegionCurves:
    """One performance, frame by frame and region by region, NaN where a region is not there.

    psnr: {region: (T,)} dB against the truth. detail: {region: (T,)} variance of the Laplacian.
    """

    psnr: dict[str, np.ndarray]
    detail: dict[str, np.ndarray]


def part_maps(clip: EvaluationClip) -> np.ndarray:
    """(T, S, S) uint8: the `Part` of every pixel of the truth."""
    size = clip.frames.shape[1]
    maps = np.zeros(clip.frames.shape[:3], np.uint8)
    for part_map, face, person, pose in zip(maps, clip.faces, _persons(clip.frames), clip.poses, strict=True):
        if np.isfinite(face).all():
            _draw_face(part_map, face, person)
        for hand in (pose.left_hand, pose.right_hand):
            if hand is not None:
                _draw_hand(part_map, hand[:, :2] * (size / pose.size[0]))
    return maps


def region_curves(frames: np.ndarray, truth: np.ndarray, maps: np.ndarray) -> RegionCurves:
    """frames and truth: (T, S, S, 3) uint8; maps: of the truth, as `part_maps` makes them."""
    sums = np.array([_sums(*row) for row in zip(frames, truth, maps, strict=True)])  # (T, 4, parts)
    psnr, detail = {}, {}
    for name, parts in REGIONS.items():
        pixels, error, first, second = sums[..., list(parts)].sum(-1).T
        pixels = np.where(pixels < LEAST_PIXELS, np.nan, pixels)
        with np.errstate(divide="ignore"):  # equal pictures: infinite
            psnr[name] = 10 * np.log10(255**2 * 3 * pixels / error)
        detail[name] = second / pixels - (first / pixels) ** 2
    return RegionCurves(psnr, detail)


def _sums(frame: np.ndarray, truth: np.ndarray, part_map: np.ndarray) -> list[np.ndarray]:
    """Of each part: its pixels, its squared error, its Laplacian and the square of that."""
    parts = part_map.ravel()
    error = np.square(frame.astype(np.float32) - truth).sum(-1).ravel()
    laplacian = cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_32F).ravel()
    return [np.bincount(parts, values, len(Part)) for values in (None, error, laplacian, laplacian**2)]


def _persons(frames: np.ndarray) -> Iterator[np.ndarray]:
    """(S, S) bool: the person, as the network that mattes portraits sees her."""
    solutions = load_solutions()
    with quiet_native_log(), solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as network:
        for frame in frames:
            yield network.process(np.ascontiguousarray(frame)).segmentation_mask > 0.5


def _draw_face(part_map: np.ndarray, face: np.ndarray, person: np.ndarray) -> None:
    up = face[FOREHEAD, :2] - face[CHIN, :2]
    y, x = np.mgrid[: part_map.shape[0], : part_map.shape[1]] + 0.5
    above_chin = (x - face[CHIN, 0]) * up[0] + (y - face[CHIN, 1]) * up[1] > 0
    part_map[person & above_chin] = Part.HAIR
    outline = [corners(face, FACE_OVAL)]
    cv2.fillPoly(part_map, outline, int(Part.CHEEKS), cv2.LINE_8, SUB_PIXEL_BITS)
    height = float(np.linalg.norm(up))
    cv2.polylines(part_map, outline, True, int(Part.RING), max(1, round(RING * height)), cv2.LINE_8, SUB_PIXEL_BITS)
    for part, rings in ((Part.EYES, EYES), (Part.LIPS, MOUTH)):
        for ring in rings:
            x0, y0, x1, y1 = box(face, ring, part_map.shape[0], BOX_MARGIN * height)
            part_map[y0:y1, x0:x1] = part
    if mouth_opening(face) > OPEN_MOUTH:
        cv2.fillPoly(part_map, [corners(face, LIPS_INNER)], int(Part.INNER_MOUTH), cv2.LINE_8, SUB_PIXEL_BITS)


def _draw_hand(part_map: np.ndarray, points: np.ndarray) -> None:
    hull = cv2.convexHull(points.astype(np.float32))
    margin = max(1, round(HAND_MARGIN * float(np.ptp(points, axis=0).max())))
    mask = np.zeros_like(part_map)
    cv2.fillConvexPoly(mask, np.round(hull).astype(np.int32), 1)
    part_map[cv2.dilate(mask, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8)) > 0] = Part.HANDS
