"""The measures of self- and cross-reenactment, as functions of arrays and landmark sequences.

Pictures are (T, S, S, 3) uint8 RGB. A landmark sequence is (T, 478, 3) float px in those pictures, NaN in the frames
where no face was found. What a measure cannot say anything about (no open mouth, nothing that moves) is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pose.tracking.landmarks import FACE_OVAL, LEFT_EYE_RING, LIPS_INNER, LIPS_OUTER, RIGHT_EYE_RING, PoseFrame
from pose.tracking.signals import expression, head_pose, mouth_opening

MOUTH, EYES = (LIPS_OUTER,), (RIGHT_EYE_RING, LEFT_EYE_RING)  # rings of landmarks
SUB_PIXEL_BITS = 4  # of polygons' corners
BOX_MARGIN = 4  # px around the landmarks of mouth and eyes
OPEN_MOUTH = 0.08  # gap of the inner lips / eye distance from which the inside of the mouth is judged
MESH_POINTS = 468  # landmarks of the mesh, without the irises
# a signal takes part where the driver's standard deviation is at least this: what is less is the tracker's noise
MOVING = {
    "yaw": 1.0,  # degrees
    "pitch": 1.0,
    "roll": 1.0,
    "mouth_open": 0.02,  # eye distances
    "mouth_width": 0.015,
    "lids": 0.03,  # eye widths
    "brows": 0.01,  # eye distances
}
SEAM_RING = 7  # px, width of the ring around the face's outline
LEAST_FRAMES = 8  # for a correlation


def psnr(output: np.ndarray, truth: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB of the whole pictures, mean over the frames that differ at all."""
    if output.shape != truth.shape:
        raise ValueError(f"pictures of different shapes cannot be compared: {output.shape} and {truth.shape}")
    return _mean_decibels([_decibels([(picture, true)]) for picture, true in zip(output, truth, strict=True)])


def region_psnr(output: np.ndarray, truth: np.ndarray, faces: np.ndarray, rings: Sequence[Sequence[int]]) -> float:
    """PSNR inside the boxes of some of the truth's landmarks, each ring of them with a margin of BOX_MARGIN px."""
    values = []
    for picture, true, face in zip(output, truth, faces, strict=True):
        if np.isfinite(face).all():
            corners = [box(face, ring, picture.shape[0]) for ring in rings]
            values.append(_decibels([(picture[y0:y1, x0:x1], true[y0:y1, x0:x1]) for x0, y0, x1, y1 in corners]))
    return _mean_decibels(values)


def box(face: np.ndarray, ring: Sequence[int], size: int, margin: float = BOX_MARGIN) -> tuple[int, int, int, int]:
    """x0, y0, x1, y1 of landmarks with a margin, inside the picture and never empty."""
    points = face[list(ring), :2]
    low = np.clip(np.floor(points.min(0) - margin), 0, size - 1).astype(int)
    high = np.clip(np.ceil(points.max(0) + margin), low + 1, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _decibels(pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
    """PSNR over all the pixels of some pairs of pictures."""
    error = sum(float(np.square(a.astype(np.float32) - b).sum(dtype=np.float64)) for a, b in pairs)
    count = sum(a.size for a, _ in pairs)
    return float("inf") if error == 0 else float(10 * np.log10(255**2 * count / error))


def _mean_decibels(values: list[float]) -> float:
    """Equal frames (a portrait held still at the start) are left out of the mean, unless all are."""
    return float("inf") if values and np.isinf(values).all() else mean(values)


def corners(face: np.ndarray, ring: Sequence[int]) -> np.ndarray:
    """(N, 2) int32 of a ring of landmarks, whose pixel centres are at .5, for OpenCV, whose are at .0."""
    return np.round((face[list(ring), :2] - 0.5) * 2**SUB_PIXEL_BITS).astype(np.int32)


def wasserstein1(a: np.ndarray, b: np.ndarray) -> float:
    """Wasserstein-1 distance of two samples of equally many values: the mean distance of their sorted values."""
    if a.size != b.size:
        raise ValueError(f"samples of different sizes: {a.size} and {b.size}")
    return float(np.abs(np.sort(a.ravel()).astype(np.float64) - np.sort(b.ravel())).mean())


def mouth_w1(output: np.ndarray, truth: np.ndarray, faces: np.ndarray) -> float:
    """Are teeth, tongue and dark in an open mouth, wherever exactly?

    Wasserstein-1 distance per channel of 8-bit CIELAB between the pixels of output and truth inside the truth's inner
    lips, mean over channels and over the frames whose mouth is open by more than OPEN_MOUTH.
    """
    distances = []
    for picture, true, face in zip(output, truth, faces, strict=True):
        if not np.isfinite(face).all() or mouth_opening(face) <= OPEN_MOUTH:
            continue
        mask = np.zeros(picture.shape[:2], np.uint8)
        cv2.fillPoly(mask, [corners(face, LIPS_INNER)], 1, cv2.LINE_8, SUB_PIXEL_BITS)
        inside = mask > 0
        if inside.any():
            a, b = (cv2.cvtColor(p, cv2.COLOR_RGB2LAB)[inside] for p in (picture, true))
            distances.append(np.mean([wasserstein1(a[:, channel], b[:, channel]) for channel in range(3)]))
    return float(np.mean(distances)) if distances else float("nan")


def akd(output_faces: np.ndarray, faces: np.ndarray) -> float:
    """Average keypoint distance of the 468 face landmarks, in % of the truth's distance of the outer eye corners."""
    distance = np.linalg.norm(output_faces[:, :MESH_POINTS, :2] - faces[:, :MESH_POINTS, :2], axis=-1).mean(1)
    unit = np.linalg.norm(faces[:, 263] - faces[:, 33], axis=-1)
    return mean(100 * distance / np.maximum(unit, 1e-6))


def face_signals(faces: np.ndarray) -> dict[str, np.ndarray]:
    """Head pose and expression over time, (T,) each, by the names of MOVING."""
    rows = np.full((len(faces), len(MOVING)), np.nan)
    for row, face in zip(rows, faces, strict=True):
        if not np.isfinite(face).all():
            continue
        pose = PoseFrame(face, None, None, None, (0, 0), 0.0)
        shown = expression(pose)
        lids, brows = (shown.lid_left + shown.lid_right) / 2, (shown.brow_left + shown.brow_right) / 2
        row[:] = *head_pose(pose), shown.mouth_open, shown.mouth_width, lids, brows
    return dict(zip(MOVING, rows.T, strict=True))


def following(output_faces: np.ndarray, faces: np.ndarray) -> dict[str, tuple[float, float]]:
    """Correlation over time and ratio of the standard deviations, for each signal in which the driver moves.

    Both are 0 for an output that stands still or hardly ever shows a face.
    """
    result = {}
    found = face_signals(output_faces)
    for name, driver in face_signals(faces).items():
        seen = np.isfinite(driver)
        if seen.sum() < LEAST_FRAMES or driver[seen].std() < MOVING[name]:
            continue
        both = seen & np.isfinite(found[name])
        a, b = driver[both], found[name][both]
        if both.sum() < LEAST_FRAMES or min(a.std(), b.std()) < 1e-9:
            result[name] = 0.0, 0.0
        else:
            result[name] = float(np.corrcoef(a, b)[0, 1]), float(b.std() / a.std())
    return result


def follow(signals: dict[str, tuple[float, float]]) -> float:
    """Mean correlation of what `following` found; 0 for a signal that stands still."""
    return mean([correlation for correlation, _ in signals.values()])


def amplitude(signals: dict[str, tuple[float, float]]) -> float:
    """Mean ratio of the standard deviations of what `following` found: 1 moves as much as the driver."""
    return mean([ratio for _, ratio in signals.values()])


def identity(embeddings: np.ndarray, portrait: np.ndarray) -> float:
    """Mean cosine between face embeddings (N, D), NaN rows where no face was seen, and the portrait's (D,)."""
    return mean(embeddings @ portrait / (np.linalg.norm(embeddings, axis=1) * np.linalg.norm(portrait)))


def laplacian_variance(pictures: np.ndarray) -> float:
    return float(np.mean([cv2.Laplacian(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var() for p in pictures]))


def sharpness(output: np.ndarray, truth: np.ndarray) -> float:
    """Variance of the Laplacian, mean over the frames, over the truth's: below 1 is blurred, above 1 invents detail."""
    return laplacian_variance(output) / max(laplacian_variance(truth), 1e-9)


def seam(output: np.ndarray, truth: np.ndarray, faces: np.ndarray) -> float:
    """Is there a line along the face's outline? 1 is as in the truth, more shows a seam, less smears it.

    Energy of the Laplacian, over the truth's, in a ring of SEAM_RING px around the outline of the truth's face, divided
    by the same inside the face eroded by as much; so a warp that is too soft or too sharp as a whole counts neither
    way.
    """
    energy = np.zeros((2, 2))  # output, truth; ring, inside
    kernel = np.ones((2 * SEAM_RING + 1, 2 * SEAM_RING + 1), np.uint8)
    for picture, true, face in zip(output, truth, faces, strict=True):
        if not np.isfinite(face).all():
            continue
        outline = [corners(face, FACE_OVAL)]
        ring, inside = np.zeros((2, *picture.shape[:2]), np.uint8)
        cv2.polylines(ring, outline, True, 1, SEAM_RING, cv2.LINE_8, SUB_PIXEL_BITS)
        cv2.fillPoly(inside, outline, 1, cv2.LINE_8, SUB_PIXEL_BITS)
        inside = cv2.erode(inside, kernel)
        for row, seen in zip(energy, (picture, true), strict=True):
            squared = cv2.Laplacian(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), cv2.CV_32F) ** 2
            row += [squared[ring > 0].sum(), squared[inside > 0].sum()]
    if not energy.all():
        return float("nan")
    gain = energy[0] / energy[1]
    return float(gain[0] / gain[1])


def face_rate(faces: np.ndarray) -> float:
    """Share of the frames in which a face was found."""
    return float(np.isfinite(faces).all((1, 2)).mean()) if len(faces) else float("nan")


def mean(values) -> float:
    """Mean of the finite values, NaN without any."""
    values = np.asarray(values, np.float64)
    values = values[np.isfinite(values)]
    return float(values.mean()) if values.size else float("nan")
