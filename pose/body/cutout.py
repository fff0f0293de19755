"""Arms cut out of a portrait: which pixels are an arm's, their strip, and the torso without them.

A person's arm mostly lies against clothes of its own colour, where no colour tells them apart. What is surely the arm's
(near the bone; beside the torso) and surely not seeds GrabCut (Rother et al., SIGGRAPH 2004), which finds the fold or
the edge between the two. The torso behind is filled from what is seen of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.geometry import smoothstep
from pose.portrait.inpainting import fill
from pose.tracking.landmarks import FACE_OVAL, HAND_BONES, LEFT_HIP, LEFT_SHOULDER, RIGHT_HIP, RIGHT_SHOULDER, PoseFrame

from .joints import HAND_LENGTH, SHOWN, SIDES, Arm, arm_of, is_shown, shoulder_width
from .limb import END, START, Strip, centre_line, sample_grid, texture_size

WORK_SIDE = 384  # px, at which pixels are given to arms
OPAQUE = 128
# Half the width of a bare or tightly dressed arm, in shoulder widths, at places along it (0 shoulder, 1 elbow, 2 wrist)
GIRTH_AT = (-0.16, 0.0, 0.5, 1.0, 1.3, 1.7, 2.0, 2.1)
GIRTH = (0.15, 0.17, 0.155, 0.13, 0.125, 0.10, 0.08, 0.08)
SLEEVE = (0.85, 1.5)  # what a sleeve may be wider than that
SURE, LIKELY, POSSIBLE = 0.55, 1.0, 1.4  # half widths from the bone: surely, likely, possibly the arm's
BESIDE = 1.8  # half widths from the bone up to which everything beside the torso is the arm's
MARGIN = 1.4  # half widths that the strip reaches to each side
SHOULDER_CUT = (0.04, 0.24)  # along the upper arm: before, the shoulder stays with the torso
STRIP_BEGINS = (-0.16, 0.06)  # along the upper arm: where the strip comes out of the shoulder
WAIST, HIP = 0.06, 0.22  # shoulder widths that the torso is wider than shoulder joints and hip joints
GRABCUT_STEPS = 3
RIM = 1 / 20  # of the picture's side: how far from an arm the matte may still hold a shadow of it


@dataclass(frozen=True, eq=False)
class ArmCutout:
    """An arm that the portrait shows. arm: at rest; strip: its picture; mask: (S, S) float32 0..1 of its pixels, hand
    included, without the shoulder; hand_mask: (S, S) of its hand's alone."""

    arm: Arm
    strip: Strip
    mask: np.ndarray
    hand_mask: np.ndarray


def girth(along: np.ndarray) -> np.ndarray:
    """Half width of an arm in shoulder widths."""
    return np.interp(along, GIRTH_AT, GIRTH).astype(np.float32)


def cut_arms(person_SS4: np.ndarray, pose: PoseFrame) -> dict[str, ArmCutout]:
    """The arms that a portrait shows, by side."""
    arms = [arm for side in SIDES if (arm := arm_of(pose, side)) is not None and is_shown(arm, pose.size)]
    width = shoulder_width(pose)
    cut = {}
    for arm in arms:
        others = [other for other in arms if other is not arm]
        cut[arm.side] = _cut(person_SS4, pose, arm, others, width)
    return {side: cutout for side, cutout in cut.items() if cutout is not None}


def torso_without(person_SS4: np.ndarray, pose: PoseFrame, masks: list[np.ndarray]) -> np.ndarray:
    """(S, S, 4) the person after the arms of the masks are taken away and what was behind them is filled in."""
    gone = np.clip(np.sum(masks, 0), 0, 1)
    known = (person_SS4[..., 3] > 250) & (gone < 0.02)
    known &= _torso_polygon(pose, len(person_SS4), 0.3) > 0.5
    colour = person_SS4[..., :3].astype(np.float32) * (255 / np.maximum(person_SS4[..., 3:], 1))
    if known.sum() < 50:
        behind = np.zeros_like(colour)
    else:
        behind = fill(np.clip(colour, 0, 255).astype(np.uint8), ~known)
    solid = cv2.GaussianBlur(_torso_polygon(pose, len(person_SS4), 0.0), (0, 0), 1.0)
    # never more than the person was: a hand beside the body has nothing behind it
    solid = np.minimum(solid, person_SS4[..., 3] / np.float32(255))[..., None]
    filled = np.concatenate([behind * solid, 255 * solid], 2)
    kept = person_SS4.astype(np.float32)
    return np.rint(kept + (filled - kept) * gone[..., None]).clip(0, 255).astype(np.uint8)


def _cut(person: np.ndarray, pose: PoseFrame, arm: Arm, others: list[Arm], width: float) -> ArmCutout | None:
    size = len(person)
    scale = min(1.0, WORK_SIDE / size)
    small = cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else person
    work = len(small)
    factor = work / size
    along, across = _limb_coordinates(arm.joints * factor, work)
    torso = _torso_polygon(pose, size, 0.0)
    torso = cv2.resize(torso, (work, work), interpolation=cv2.INTER_AREA) if scale < 1 else torso
    opaque = small[..., 3] > OPAQUE
    sleeve = _sleeve(arm.joints * factor, opaque, width * factor)
    ratio = np.abs(across) / (girth(along) * width * factor * sleeve)
    ends = (along > START + 0.02) & (along < END - 0.02)
    labels = np.full(opaque.shape, cv2.GC_BGD, np.uint8)
    labels[(ratio < POSSIBLE) & ends] = cv2.GC_PR_BGD
    labels[(ratio < LIKELY) & ends] = cv2.GC_PR_FGD
    labels[(ratio < SURE) & ends] = cv2.GC_FGD
    beside = (torso < 0.5) & (along > 0.3) & ends
    labels[beside & (ratio < BESIDE)] = cv2.GC_PR_FGD
    labels[beside & (ratio < LIKELY)] = cv2.GC_FGD
    hand = _hand_region(arm, work, factor, width * factor)
    labels[hand > 0] = np.where((hand > 1) | (torso < 0.5), cv2.GC_FGD, cv2.GC_PR_FGD)[hand > 0]
    for other in others:  # what is certainly another arm's is not this one's
        theirs, off = _limb_coordinates(other.joints * factor, work)
        certain = (np.abs(off) < SURE * girth(theirs) * width * factor) & (ratio > SURE)
        labels[certain] = cv2.GC_BGD
    face = np.zeros(opaque.shape, np.uint8)
    cv2.fillPoly(face, [np.rint(pose.face[list(FACE_OVAL), :2] * factor).astype(np.int32)], 1)
    labels[(face > 0) & (hand == 0) & (ratio > SURE)] = cv2.GC_BGD
    labels[~opaque] = cv2.GC_BGD
    member = _grab(small, labels, opaque)
    member = cv2.morphologyEx(member, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    member = cv2.morphologyEx(member, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    # what hung on the arm alone goes with it
    _, parts = cv2.connectedComponents(np.uint8(opaque & (cv2.dilate(member, np.ones((3, 3), np.uint8)) == 0)))
    body_part = np.bincount(parts[(face > 0) & (parts > 0)], minlength=1).argmax()
    member |= np.uint8((parts > 0) & (parts != body_part) & (ratio < 3))
    thin = opaque & (member == 0) & (cv2.dilate(member, np.ones((3, 3), np.uint8)) > 0)
    member |= np.uint8(thin & (torso < 0.5))
    # the matte's soft edge belongs to the arm where the arm is nearest
    to_arm, to_rest = (
        cv2.distanceTransform(np.uint8(~m), cv2.DIST_L2, 3) for m in (member > 0, opaque & (member == 0))
    )
    near = (to_arm < to_rest) & (to_arm < RIM * work)
    soft = np.where(to_rest > 2, near, cv2.GaussianBlur(member.astype(np.float32), (0, 0), 1.0)).astype(np.float32)
    only_hand = ((along >= END - 0.1) & (hand > 0)).astype(np.float32) * soft
    begins = smoothstep(along, SHOULDER_CUT)
    large = [cv2.resize(m.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR) for m in
             (soft, soft * np.maximum(begins, hand > 0), only_hand, along)]  # fmt: skip
    strip = _strip(person, large[0], arm, width, sleeve)
    return None if strip is None else ArmCutout(arm, strip, large[1], large[2])


def _strip(person: np.ndarray, member: np.ndarray, arm: Arm, width: float, sleeve: float) -> Strip | None:
    """The limb's texture, continued by its own reflection where the picture's edge cuts the limb off."""
    size = len(person)
    rows, columns = texture_size(arm.joints, MARGIN * sleeve * max(GIRTH) * width)
    along = np.linspace(START, END, rows)
    reach = MARGIN * sleeve * girth(along) * width
    grid = sample_grid(arm.joints, reach, columns)
    layer = person.astype(np.float32) * member[..., None]
    texture = cv2.remap(layer, grid - 0.5, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).clip(0, 255)
    middle = grid[:, columns // 2]
    # a cross section counts while its middle is in the picture
    inside = ((middle >= 1) & (middle <= size - 1)).all(1)
    solid = texture[:, columns // 2 - columns // 8 : columns // 2 + columns // 8 + 1, 3].mean(1) > OPAQUE
    good = np.flatnonzero(inside & solid & (along > 0.1))
    if not len(good):
        return None
    # the last one before the first gap
    gaps = np.flatnonzero(np.diff(good) > max(2, rows // 40))
    last = int(good[gaps[0]] if len(gaps) else good[-1])
    if along[last] < SHOWN:
        return None
    source = np.arange(rows)
    beyond = source > last
    span = max(last - int(np.searchsorted(along, 0.12)), 1)
    folded = np.abs((source[beyond] - last) % (2 * span) - span)  # span .. 0 .. span: to and fro
    source[beyond] = last - span + folded
    texture = texture[source]
    texture *= smoothstep(along, STRIP_BEGINS)[:, None, None]
    texture[..., :3] = np.minimum(texture[..., :3], texture[..., 3:])
    return Strip(np.rint(texture).astype(np.uint8), reach)


def _sleeve(joints_32: np.ndarray, opaque: np.ndarray, width: float) -> float:
    """How much wider the dressed arm is than a bare one, where its outer edge is seen against the background."""
    places = np.linspace(0.3, 1.8, 24)
    points, normals = centre_line(joints_32, places)
    found = []
    for way in (-1, 1):
        steps = np.arange(0.3, 2.0, 0.05)
        reach = steps[None] * girth(places)[:, None] * width
        at = points[:, None] + way * reach[..., None] * normals[:, None]
        x, y = np.floor(at).astype(int).transpose(2, 0, 1)
        inside = (x >= 0) & (y >= 0) & (x < len(opaque)) & (y < len(opaque))
        empty = inside & ~opaque[y.clip(0, len(opaque) - 1), x.clip(0, len(opaque) - 1)]
        for row in empty:
            if row.any() and not row[0]:
                found.append(steps[row.argmax()])
    return float(np.clip(np.median(found), *SLEEVE)) if len(found) >= 4 else 1.1


def _limb_coordinates(joints_32: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(size, size) place along the limb and signed distance from its line, for every pixel."""
    places = np.linspace(START, END, 96)
    points, normals = centre_line(joints_32, places)
    y, x = np.indices((size, size), np.float32) + 0.5
    nearest = np.full((size, size), np.inf, np.float32)
    index = np.zeros((size, size), np.intp)
    for k, (px, py) in enumerate(points):
        d = (x - px) ** 2 + (y - py) ** 2
        closer = d < nearest
        nearest[closer], index[closer] = d[closer], k
    away = (x - points[index, 0]) * normals[index, 0] + (y - points[index, 1]) * normals[index, 1]
    return places[index].astype(np.float32), (np.sqrt(nearest) * np.sign(away)).astype(np.float32)


def _hand_region(arm: Arm, size: int, factor: float, width: float) -> np.ndarray:
    """(size, size) uint8: 2 surely, 1 perhaps the hand's, 0 not."""
    region = np.zeros((size, size), np.uint8)
    if arm.hand is None:
        fore = arm.joints[2] - arm.joints[1]
        fore = fore / max(np.hypot(*fore), 1e-6)
        begin, end = arm.joints[2] * factor, arm.joints[2] * factor + 1.9 * HAND_LENGTH * width * fore
        cv2.line(region, _pixel(begin), _pixel(end), 1, max(1, round(0.3 * width)), cv2.LINE_8)
        return region
    points = arm.hand[:, :2] * factor
    unit = max(np.linalg.norm(points[9] - points[0]), np.linalg.norm(points[5] - points[17]), 1.0)
    cv2.fillConvexPoly(region, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    region = cv2.dilate(region, _disc(0.28 * unit))
    for a, b in HAND_BONES:
        cv2.line(region, _pixel(points[a]), _pixel(points[b]), 2, max(1, round(0.16 * unit)), cv2.LINE_8)
    return region


def _grab(picture: np.ndarray, labels: np.ndarray, opaque: np.ndarray) -> np.ndarray:
    """(H, W) uint8 0 or 1: GrabCut's answer, or the likely region where there is nothing to decide."""
    likely = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    undecided = np.isin(labels, (cv2.GC_PR_BGD, cv2.GC_PR_FGD))
    if not undecided.any() or not (labels == cv2.GC_FGD).any() or not ((labels == cv2.GC_BGD) & opaque).any():
        return likely
    colour = np.ascontiguousarray(picture[..., :3])
    person = colour[(labels == cv2.GC_BGD) & opaque]
    colour[~opaque] = np.median(person, 0)  # the background says nothing of the torso
    ys, xs = np.nonzero(labels != cv2.GC_BGD)
    margin = len(picture) // 10
    box = np.s_[max(ys.min() - margin, 0) : ys.max() + margin, max(xs.min() - margin, 0) : xs.max() + margin]
    inside = np.ascontiguousarray(labels[box])
    if not (inside == cv2.GC_BGD).any():
        return likely
    cv2.setRNGSeed(0)
    cv2.grabCut(
        np.ascontiguousarray(colour[box]), inside, None, np.zeros((1, 65)), np.zeros((1, 65)), GRABCUT_STEPS,
        cv2.GC_INIT_WITH_MASK,
    )  # fmt: skip
    result = np.zeros_like(likely)
    result[box] = np.isin(inside, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return result


def _torso_polygon(pose: PoseFrame, size: int, wider: float) -> np.ndarray:
    """(S, S) float32 1 where a torso without arms is expected; wider: shoulder widths more at each side."""
    mask = np.zeros((size, size), np.float32)
    body = pose.body
    width = shoulder_width(pose)
    shoulders = [body[k, :2].astype(np.float64) for k in (LEFT_SHOULDER, RIGHT_SHOULDER)]
    hips = [body[k, :2].astype(np.float64) for k in (LEFT_HIP, RIGHT_HIP)]
    across = shoulders[0] - shoulders[1]
    across = across / max(np.hypot(*across), 1e-6)
    down = (hips[0] + hips[1] - shoulders[0] - shoulders[1]) / 2
    down = down / max(np.hypot(*down), 1e-6)
    left_hip, right_hip = hips[0] + (HIP + wider) * width * across, hips[1] - (HIP + wider) * width * across
    outline = [
        shoulders[0] + (WAIST + wider) * width * across - 0.3 * width * down,
        left_hip, left_hip + 2 * width * down,
        right_hip + 2 * width * down, right_hip,
        shoulders[1] - (WAIST + wider) * width * across - 0.3 * width * down,
    ]  # fmt: skip
    cv2.fillPoly(mask, [np.rint(np.array(outline) * 16).astype(np.int32)], 1.0, cv2.LINE_8, 4)
    return mask


def _pixel(point: np.ndarray) -> tuple[int, int]:
    x, y = np.clip(np.rint(point), -30000, 30000)
    return int(x), int(y)


def _disc(radius: float) -> np.ndarray:
    r = max(1, round(radius))
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * r + 1, 2 * r + 1))
