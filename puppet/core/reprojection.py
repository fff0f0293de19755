"""Late reprojection: the warp at the newest pose, with the generator's latest change carried there by the face mesh.

What the generator changes is appearance (light, colour, wrinkles, teeth), and it changes slowly; what a viewer notices
is geometry, and that is the warp's. So every picture is warped at the newest pose, and the last generated frame's
difference from its own warp is laid over it, however old it is: headsets do the same between two rendered frames
(asynchronous timewarp; van Waveren, VRST 2016). Nothing here knows which generator runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.warp.carry import Carried, MeshCarry
from puppet.core.batcher import Batch
from puppet.core.character import Character

BLEND_SECONDS = 0.1  # from one change to the next: a few pictures, so that nothing jumps


@dataclass(frozen=True, eq=False)
class Reprojected:
    """person: (S, S, 4) uint8 premultiplied RGBA. appearance_time: s, of the newest generated frame in it; None: it is
    the warp alone. settled: the same pose will give the same picture, until there is a new change."""

    person: np.ndarray
    appearance_time: float | None
    settled: bool


@dataclass(frozen=True, eq=False)
class _Change:
    """What the generator changed, premultiplied RGBA as int16, from `before` (None: nothing) to `after`."""

    character: Character
    carry: MeshCarry
    before: np.ndarray | None
    after: Carried
    since: float  # s, when the blend began

    def at(self, now: float) -> tuple[Carried, bool]:
        """The present blend, and whether it has come to its end."""
        weight = min(max((now - self.since) / BLEND_SECONDS, 0.0), 1.0)
        if weight == 1:
            return self.after, True
        before = self.before if self.before is not None else np.zeros_like(self.after.picture)
        blend = cv2.addWeighted(before, 1 - weight, self.after.picture, weight, 0)
        return Carried(blend, self.after.pose, self.after.outer), False


class Reprojection:
    """`update` takes every batch of the generator, a call makes a picture; they may come from two threads."""

    def __init__(self) -> None:
        self._change: _Change | None = None

    @property
    def change(self) -> object:
        """Another object after every `update`."""
        return self._change

    def update(self, batch: Batch, frames: np.ndarray, now: float) -> None:
        """frames: (F, S, S, 4) uint8, what the generator made of the batch. The last one is used."""
        character, pose, last = batch.character, batch.targets[-1], len(batch.targets) - 1
        shown = self._change
        same = shown is not None and shown.character is character
        carry = shown.carry if same else MeshCarry(character.portrait.pose, frames.shape[1])
        difference = cv2.subtract(frames[last], batch.warp[last], dtype=cv2.CV_16S)
        # what is shown goes on from where it is, seen at the new pose
        before = carry(shown.at(now)[0], pose) if same else None
        self._change = _Change(character, carry, before, carry.take(difference, pose), now)

    def __call__(self, character: Character, target: PoseFrame, now: float) -> Reprojected:
        """The character at `target`, shown at `now` (s on the clock of `update`)."""
        warp = character.conditioner.warp(target)
        change = self._change
        if change is None or change.character is not character:
            return Reprojected(warp, None, True)
        carried, settled = change.at(now)
        return Reprojected(changed(warp, change.carry(carried, target)), change.after.pose.time, settled)


def changed(warp: np.ndarray, difference: np.ndarray) -> np.ndarray:
    """(S, S, 4) uint8 premultiplied RGBA plus an int16 change; no colour exceeds its alpha."""
    picture = cv2.add(warp, difference, dtype=cv2.CV_8U)
    alpha = cv2.extractChannel(picture, 3)
    return cv2.min(picture, cv2.merge([alpha] * 4))
