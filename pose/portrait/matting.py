"""The person's matte in a still: who moves, and what stays behind as background.

MediaPipe's selfie segmentation says roughly where the person is, a guided filter (He, Sun and Tang, "Guided Image
Filtering", TPAMI 2013) draws its edge to the picture's own. What has no connection to the face is dropped. Where the
network sees nobody, as in many paintings, statues and drawn characters, GrabCut (Rother et al., SIGGRAPH 2004) is
seeded with head and shoulders as the face's landmarks suggest them.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from pose.tracking.landmarks import CHIN, FACE_OVAL, FOREHEAD
from pose.tracking.native_log import quiet_native_log
from pose.tracking.tracker import load_solutions

WORK_SIDE = 512  # px, longest side at which the matte is made
GUIDE_RADIUS, GUIDE_EPSILON = 1 / 64, 1e-4  # fraction of the side; variance (colours in 0..1) that counts as an edge
FACE_COVER = 0.75  # fraction of the face that a believable matte covers
LARGEST_COVER = 0.985  # fraction of the picture beyond which everything was taken for the person


def person_matte(picture: np.ndarray, face: np.ndarray) -> np.ndarray:
    """Alpha (H, W) float32 0..1 of the person whose face landmarks (478, 3) are given, in an RGB uint8 picture."""
    height, width = picture.shape[:2]
    scale = min(1.0, WORK_SIDE / max(height, width))
    small = picture
    if scale < 1:
        small = cv2.resize(picture, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    face = face[:, :2] * np.array([small.shape[1] / width, small.shape[0] / height])
    hull = _hull(face, small.shape[:2])
    rough = _with_face(_segment(small), hull)
    if rough is None:
        rough = _with_face(_cut_out(small, face, hull), hull)
    if rough is None:
        rough = _silhouette(face, small.shape[:2])
    alpha = refine_matte(small, rough)
    alpha = np.maximum(alpha, cv2.GaussianBlur(hull, (0, 0), 1.0) * (hull > 0))
    if scale < 1:
        alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    return alpha


def refine_matte(picture: np.ndarray, rough: np.ndarray) -> np.ndarray:
    """A rough matte (H, W) 0..1 drawn to the edges of the picture, solid inside and empty outside."""
    side = max(picture.shape[:2])
    radius = max(2, round(GUIDE_RADIUS * side))
    guide = picture.astype(np.float32) / 255
    # the network's doubt about a garment is no transparency: only the edge may be soft
    rough = np.clip((rough - 0.35) / 0.3, 0, 1)
    alpha = guided_filter(guide, rough, radius, GUIDE_EPSILON)
    alpha = np.clip((alpha - 0.15) / 0.7, 0, 1)
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (4 * radius + 1, 4 * radius + 1))
    certain = cv2.erode((rough > 0.7).astype(np.float32), reach)
    possible = cv2.dilate((rough > 0.3).astype(np.float32), reach)
    return np.where(certain > 0, 1, np.where(possible > 0, alpha, 0)).astype(np.float32)


def guided_filter(guide_HW3: np.ndarray, source_HW: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """The guided filter with a colour guide (section 3.4), all float32 0..1."""

    def mean(image: np.ndarray) -> np.ndarray:
        return cv2.blur(image, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT)

    guide, source = guide_HW3.astype(np.float32), source_HW.astype(np.float32)
    guide_mean, source_mean = mean(guide), mean(source)
    covariance = mean(guide * source[..., None]) - guide_mean * source_mean[..., None]
    channels, means = cv2.split(guide), cv2.split(guide_mean)
    variance = {}
    for i in range(3):
        for j in range(i, 3):
            variance[i, j] = mean(channels[i] * channels[j]) - means[i] * means[j] + np.float32(epsilon * (i == j))
    slope = _solved(variance, cv2.split(covariance))
    offset = source_mean - (slope * guide_mean).sum(axis=2)
    return (mean(slope) * guide).sum(axis=2) + mean(offset)


def _solved(matrix: dict[tuple[int, int], np.ndarray], right: Sequence[np.ndarray]) -> np.ndarray:
    """(H, W, 3) float32: of one symmetric system at every pixel, by Cramer's rule, where NumPy solves one after
    another. matrix: its upper half, (H, W) each; right: the three right sides."""
    # products of values that hardly differ cancel out in single precision
    (a, b, c, d, e, f) = (matrix[k].astype(np.float64) for k in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
    x, y, z = (part.astype(np.float64) for part in right)
    aa, ab, ac = d * f - e * e, c * e - b * f, b * e - c * d
    inverse = 1 / (a * aa + b * ab + c * ac)
    bb, bc, cc = a * f - c * c, b * c - a * e, a * d - b * b
    solved = (aa * x + ab * y + ac * z, ab * x + bb * y + bc * z, ac * x + bc * y + cc * z)
    return cv2.merge([(part * inverse).astype(np.float32) for part in solved])


def _segment(picture: np.ndarray) -> np.ndarray:
    """The mean of both of the network's forms, one made for upright and one for wide pictures. (H, W) 0..1."""
    solutions = load_solutions()
    masks = []
    with quiet_native_log():
        for model in (0, 1):
            with solutions.selfie_segmentation.SelfieSegmentation(model_selection=model) as network:
                masks.append(network.process(np.ascontiguousarray(picture)).segmentation_mask)
    return np.mean(masks, axis=0).astype(np.float32)


def _with_face(rough: np.ndarray, hull: np.ndarray) -> np.ndarray | None:
    """The part of a matte that holds the face, its small holes closed; None where that is not believable."""
    solid = (rough > 0.5).astype(np.uint8)
    inside = hull > 0.5
    if solid.mean() > LARGEST_COVER or not inside.any() or solid[inside].mean() < FACE_COVER:
        return None
    solid[inside] = 1
    _, labels = cv2.connectedComponents(solid)
    label = np.bincount(labels[inside]).argmax()
    part = labels == label
    holes, labels, stats, _ = cv2.connectedComponentsWithStats((~part).astype(np.uint8))
    filled = part.copy()
    for hole in range(1, holes):
        if stats[hole, cv2.CC_STAT_AREA] < 0.25 * inside.sum() and not _touches_border(stats[hole], part.shape):
            filled[labels == hole] = True
    near = cv2.dilate(filled.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return np.where(filled & ~part, 1, np.where(near, np.maximum(rough, hull), 0)).astype(np.float32)


def _touches_border(stats: np.ndarray, shape: tuple[int, int]) -> bool:
    x, y, width, height = stats[:4]
    return x == 0 or y == 0 or x + width == shape[1] or y + height == shape[0]


def _hull(face: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(H, W) float32: 1 inside the face's outline."""
    hull = np.zeros(shape, np.float32)
    cv2.fillPoly(hull, [np.rint(face[list(FACE_OVAL), :2]).astype(np.int32)], 1.0)
    return hull


def _silhouette(face: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Head and shoulders where most people have them: an ellipse around the face and a trapezium under it."""
    outline = face[list(FACE_OVAL)]
    middle = outline.mean(axis=0)
    down = face[CHIN] - face[FOREHEAD]
    height = max(float(np.hypot(*down)), 1.0)
    down = down / height
    across = np.array([-down[1], down[0]])
    half = max(float(np.ptp(outline @ across)) / 2, 1.0)
    mask = np.zeros(shape, np.float32)
    head = middle - 0.12 * height * down
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    axes = (round(1.25 * half), round(0.72 * height))
    cv2.ellipse(mask, tuple(int(v) for v in np.rint(head)), axes, angle, 0, 360, 1.0, -1)
    chin = middle + 0.45 * height * down
    bottom = chin + 4 * height * down
    shoulder = chin + 0.55 * height * down
    body = [
        chin - 0.7 * half * across, shoulder - 2.7 * half * across, bottom - 3.6 * half * across,
        bottom + 3.6 * half * across, shoulder + 2.7 * half * across, chin + 0.7 * half * across,
    ]  # fmt: skip
    cv2.fillPoly(mask, [np.rint(body).astype(np.int32)], 1.0)
    return mask


def _cut_out(picture: np.ndarray, face: np.ndarray, hull: np.ndarray) -> np.ndarray:
    """GrabCut, told that the face is the person, that far from the silhouette it is not, and to find out the rest."""
    guess = _silhouette(face, picture.shape[:2])
    reach = max(3, round(np.sqrt(hull.sum()) * 0.5)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    far = cv2.dilate(guess, kernel) == 0
    core = cv2.erode(guess, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))) > 0
    labels = np.where(guess > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[far] = cv2.GC_BGD
    labels[core | (hull > 0)] = cv2.GC_FGD
    if not (labels == cv2.GC_BGD).any():
        return guess
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # GrabCut clusters colours at random; the same picture gives the same matte
    cv2.grabCut(np.ascontiguousarray(picture), labels, None, models[0], models[1], 4, cv2.GC_INIT_WITH_MASK)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
