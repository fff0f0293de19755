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
from pose.tracking.landmarks import FACE_OVAL, PoseFrame

from .joints import Arm, shoulder_width, shown_arms
from .limb import END, START, Strip
from .regions import armpits, disc, girth, hand_region, limb_coordinates, sleeve_of, torso_polygon
from .strip import OPAQUE, cut_strip

WORK_SIDE = 384  # px, at which pixels are given to arms
SURE, LIKELY, POSSIBLE = 0.55, 1.0, 1.4  # half widths from the bone: surely, likely, possibly the arm's
BEFORE_TORSO = 1.15  # the same as POSSIBLE where the torso is expected, whose pattern may be the sleeve's
BESIDE = 1.8  # half widths from the bone up to which everything beside the torso is the arm's
SHOULDER_CUT = (0.04, 0.24)  # along the upper arm: before, the shoulder stays with the torso
GRABCUT_STEPS = 3
SPIKE = 0.05  # shoulder widths, half of the width of a spike that is no part of a torso
SLIVER = 2  # px, half of the width of what cannot be a part of the torso
FAINT = 8  # of 255, alpha from which a pixel is seen
CRUMBS_WITHIN = 0.3  # shoulder widths from an arm, within which its matte may have left something
RIM = 1 / 20  # of the picture's side: how far from an arm the matte may still hold a shadow of it


@dataclass(frozen=True, eq=False)
class ArmCutout:
    """An arm that the portrait shows. arm: at rest; strip: its picture; mask: (S, S) float32 0..1 of its pixels, hand
    included, without the shoulder; hand_mask: (S, S) of its hand's alone."""

    arm: Arm
    strip: Strip
    mask: np.ndarray
    hand_mask: np.ndarray


def cut_arms(person_SS4: np.ndarray, pose: PoseFrame) -> dict[str, ArmCutout]:
    """The arms that a portrait shows, by side."""
    arms = shown_arms(pose)
    cut = {}
    for arm in arms:
        cut[arm.side] = _cut(person_SS4, pose, arm, arms)
    return {side: cutout for side, cutout in cut.items() if cutout is not None}


def torso_without(person_SS4: np.ndarray, pose: PoseFrame, masks: list[np.ndarray]) -> np.ndarray:
    """(S, S, 4) the person after the arms of the masks are taken away and what was behind them is filled in."""
    gone = np.clip(np.sum(masks, 0), 0, 1)
    known = (person_SS4[..., 3] > 250) & (gone < 0.02)
    known &= torso_polygon(pose, len(person_SS4), 0.3) > 0.5
    colour = person_SS4[..., :3].astype(np.float32) * (255 / np.maximum(person_SS4[..., 3:], 1))
    if known.sum() < 50:
        behind = np.zeros_like(colour)
    else:
        behind = fill(np.clip(colour, 0, 255).astype(np.uint8), ~known)
    expected = np.maximum(torso_polygon(pose, len(person_SS4), 0.0), armpits(pose, len(person_SS4)))
    solid = cv2.GaussianBlur(expected, (0, 0), 1.0)
    # never more than the person was: a hand beside the body has nothing behind it
    solid = np.minimum(solid, person_SS4[..., 3] / np.float32(255))[..., None]
    filled = np.concatenate([behind * solid, 255 * solid], 2)
    kept = person_SS4.astype(np.float32)
    torso = kept + (filled - kept) * gone[..., None]
    # what was filled in beside the gap between arm and body hangs in the air
    whole = cv2.morphologyEx(torso[..., 3], cv2.MORPH_OPEN, disc(SPIKE * shoulder_width(pose)))
    part = whole / np.maximum(torso[..., 3], 1)
    torso *= (1 - gone * (1 - part))[..., None]
    torso *= ~_crumbs(torso[..., 3], gone > 0.5, CRUMBS_WITHIN * shoulder_width(pose))[..., None]
    return np.rint(torso).clip(0, 255).astype(np.uint8)


def _crumbs(alpha: np.ndarray, gone: np.ndarray, reach: float) -> np.ndarray:
    """(S, S) bool: what is left near an arm that was taken away and does not hang on the body."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(np.uint8(alpha > FAINT))
    body = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if len(stats) > 1 else 0
    near = cv2.distanceTransform(np.uint8(~gone), cv2.DIST_L2, 3) < reach
    return near & (labels != body)


def _cut(person: np.ndarray, pose: PoseFrame, arm: Arm, arms: list[Arm]) -> ArmCutout | None:
    size, width = len(person), shoulder_width(pose)
    scale = min(1.0, WORK_SIDE / size)
    small = cv2.resize(person, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else person
    work = len(small)
    factor = work / size
    along, across = limb_coordinates(arm.joints * factor, work)
    torso = torso_polygon(pose, size, 0.0)
    torso = cv2.resize(torso, (work, work), interpolation=cv2.INTER_AREA) if scale < 1 else torso
    opaque = small[..., 3] > OPAQUE
    sleeve = sleeve_of(arms, opaque, width * factor, factor)
    ratio = np.abs(across) / (girth(along) * width * factor * sleeve)
    ends = (along > START + 0.02) & (along < END - 0.02)
    labels = np.full(opaque.shape, cv2.GC_BGD, np.uint8)
    labels[(ratio < np.where(torso > 0.5, BEFORE_TORSO, POSSIBLE)) & ends] = cv2.GC_PR_BGD
    labels[(ratio < LIKELY) & ends] = cv2.GC_PR_FGD
    labels[(ratio < SURE) & ends] = cv2.GC_FGD
    beside = (torso < 0.5) & (along > 0.3) & ends
    labels[beside & (ratio < BESIDE)] = cv2.GC_PR_FGD
    labels[beside & (ratio < LIKELY)] = cv2.GC_FGD
    hand = hand_region(arm, work, factor, width * factor)
    labels[hand > 0] = np.where((hand > 1) | (torso < 0.5), cv2.GC_FGD, cv2.GC_PR_FGD)[hand > 0]
    for other in (other for other in arms if other is not arm):  # what is certainly another arm's is not this one's
        theirs, off = limb_coordinates(other.joints * factor, work)
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
    # and so do slivers between it and the background
    rest = np.uint8(opaque & (member == 0))
    thin = (rest > 0) & (cv2.morphologyEx(rest, cv2.MORPH_OPEN, disc(SLIVER)) == 0)
    beside_it = cv2.dilate(member, disc(2 * SLIVER)) > 0
    member |= np.uint8(thin & beside_it & (along > SHOULDER_CUT[1]) & (ratio < BESIDE) & (hand == 0))
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
    strip = cut_strip(person, large[0], arm, width, sleeve)
    return None if strip is None else ArmCutout(arm, strip, large[1], large[2])


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
