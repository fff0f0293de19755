"""Expressions of the base mesh in the weights of `ict.EXPRESSIONS`, so that one performance plays on every actor.

Lids, nostrils and the jaw are MakeHuman's own expression units, which know where its lids meet. What these units cannot
do one-sided, or at all, or only to a part of a brow (most of the mouth, the brows) is carried over from the ICT-FaceKit
model: each face vertex moves as the face landmarks around it do there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.figure.face_map import face_map
from generator.actors.figure.identity import CM
from generator.actors.ict import EXPRESSION_INDEX, EXPRESSIONS, IctModel
from generator.actors.landmarks import landmarks_of
from generator.actors.makehuman import MakeHuman
from generator.actors.surfaces import nearest

_UNITS = "expression/units/caucasian/"
# ICT name -> MakeHuman units; "left" stands for the side that the name's ending says.
OWN = {
    "eyeBlink": {"eye-left-closure": 1.0},
    "eyeLookDown": {"eye-left-closure": 0.4}, "eyeLookUp": {"eye-left-opened-up": 0.5},
    "eyeSquint": {"eye-left-slit": 0.45}, "eyeWide": {"eye-left-opened-up": 1.3},
    "noseSneer": {"nose-left-elevation": 1.0}, "jawOpen": {"mouth-open": 0.88},
}  # fmt: skip
_NOT_CARRIED = ("eyeLookIn", "eyeLookOut")
REACH = 1.1  # cm around the landmarks in which the skin goes along whole
FALL = 1.6  # cm over which it stays behind
NEAR = 8  # landmarks that move one vertex


@dataclass(frozen=True)
class Expressions:
    """rows (R,) of the base mesh that move; basis (53, R, 3) decimetres at a weight of 1."""

    rows: np.ndarray
    basis: np.ndarray

    @staticmethod
    def build(makehuman: MakeHuman, ict: IctModel | None) -> Expressions:
        """Of MakeHuman's units, and of the ICT model's shapes where one is given."""
        full = np.zeros((len(EXPRESSIONS), len(makehuman.base), 3), np.float32)
        own = set()
        for name in EXPRESSIONS:
            stem, _, side = name.partition("_")
            for unit, weight in OWN.get(stem, {}).items():
                own.add(name)
                unit = unit if side != "R" else unit.replace("left", "right")
                rows, change = makehuman.target(_UNITS + unit)
                full[EXPRESSION_INDEX[name], rows] += weight * change
        if ict is not None:
            carried = _carried(makehuman, ict, full[EXPRESSION_INDEX["jawOpen"]])
            for name in EXPRESSIONS:
                if name not in own and not name.startswith(_NOT_CARRIED):
                    full[EXPRESSION_INDEX[name]] = carried[EXPRESSION_INDEX[name]]
        rows = np.flatnonzero(np.abs(full).max((0, 2)) > 1e-5)
        return Expressions(rows, full[:, rows])

    def shape(self, base: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(B, 3) neutral and (53,) weights -> (B, 3)."""
        used = np.flatnonzero(np.abs(weights) > 1e-4)
        out = base.copy()
        out[self.rows] += np.tensordot(weights[used], self.basis[used], 1)
        return out


def _carried(makehuman: MakeHuman, ict: IctModel, jaw: np.ndarray) -> np.ndarray:
    """(53, B, 3) decimetres: the ICT model's shapes on the base mesh."""
    identity = np.zeros(1)
    still = landmarks_of(ict.shape(identity, np.zeros((1, len(EXPRESSIONS)))))[0, :468]
    moved = landmarks_of(ict.shape(identity, np.eye(len(EXPRESSIONS))))[:, :468]
    change = (moved - still) / CM
    points = face_map().points(makehuman.base)[:468]
    # The lips of the base mesh open less or more with the jaw than ICT's; what closes them again must fit.
    opening = EXPRESSION_INDEX["jawOpen"]
    gap = moved[opening, 13, 1] - moved[opening, 14, 1]
    jaw_points = face_map().points(makehuman.base + jaw)
    change[EXPRESSION_INDEX["mouthClose"]] *= (jaw_points[13, 1] - jaw_points[14, 1]) * CM / gap
    body = makehuman.groups["body"]
    out = np.zeros((len(EXPRESSIONS), len(makehuman.base), 3), np.float32)
    base = makehuman.base[body]
    # Upper and lower lip touch and move apart: a vertex listens to landmarks of its own jaw only.
    drop = np.linalg.norm(jaw, axis=1)
    lower_vertex = drop[body] > 0.5 * drop[face_map().vertices[14]].mean()
    lower_mark = (drop[face_map().vertices[:468]] * face_map().weights[:468]).sum(1)
    lower_mark = lower_mark > 0.5 * lower_mark[14]
    for vertices, marks in ((lower_vertex, lower_mark), (~lower_vertex, ~lower_mark)):
        rows, gaps = nearest(base[vertices] * CM, points[marks] * CM, NEAR)
        weight = 1.0 / (gaps + 0.08 + 0.5 * gaps.min(1, keepdims=True)) ** 2
        weight /= weight.sum(1, keepdims=True)
        stay = np.clip(1.0 - (gaps.min(1) - REACH) / FALL, 0.0, 1.0)
        stay = stay * stay * (3 - 2 * stay)
        spread = np.einsum("nk,snkd->snd", weight * stay[:, None], change[:, np.flatnonzero(marks)][:, rows])
        out[:, body[vertices]] = spread
    return out
