"""Late reprojection: the warp at the newest pose, with the generator's latest change carried there by the face mesh.

What the generator changes is appearance (light, colour, wrinkles, teeth), and it changes slowly; what a viewer notices
is geometry, and that is the warp's. So every picture is warped at the newest pose, and the last generated frame's
difference from its own warp is laid over it, however old it is: headsets do the same between two rendered frames
(asynchronous timewarp; van Waveren, VRST 2016). Nothing here knows which generator runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.tracking.landmarks import PoseFrame
from pose.warp.canvas import Canvas
from pose.warp.carry import NOTHING, Change, carried, change_of, together, with_change
from pose.warp.placement import Placement
from puppet.core.batcher import Batch
from puppet.core.character import Character

BLEND_SECONDS = 0.05  # from one change to the next: three pictures of sixty a second, so that nothing jumps


@dataclass(frozen=True, eq=False)
class Reprojected:
    """person: (S, S, 4) uint8 premultiplied RGBA. frame: what it was made of. appearance_time: s, of the newest
    generated frame in it; None: it is the warp alone. settled: the same pose will give the same picture, until there is
    a new change."""

    person: np.ndarray
    frame: Canvas
    appearance_time: float | None
    settled: bool


@dataclass(frozen=True, eq=False)
class _Latest:
    """What the generator changed, at one placement, from `before` to `after`."""

    character: Character
    placement: Placement
    before: Change
    after: Change
    time: float  # s, of the generated frame's pose
    since: float  # s, when the blend began

    def at(self, now: float) -> tuple[Change, bool]:
        """The present blend, and whether it has come to its end."""
        weight = min(max((now - self.since) / BLEND_SECONDS, 0.0), 1.0)
        return (self.after, True) if weight == 1 else (self.after.blended(self.before, weight), False)


class Reprojection:
    """`update` takes every batch of the generator, a call makes a picture; they may come from two threads."""

    def __init__(self) -> None:
        self._latest: _Latest | None = None

    @property
    def change(self) -> object:
        """Another object after every `update`."""
        return self._latest

    def update(self, batch: Batch, frames: np.ndarray, now: float) -> None:
        """frames: (F, S, S, 4) uint8, what the generator made of the batch. The last one is used."""
        last, shown = batch.last, self._latest
        after, before = change_of(frames[len(batch.targets) - 1], last), NOTHING
        if shown is not None and shown.character is batch.character:
            # what is shown goes on from where it is, seen at the new pose
            before = carried(shown.at(now)[0], shown.placement, last.placement)
        before, after = together(before, after)
        self._latest = _Latest(batch.character, last.placement, before, after, last.target.time, now)

    def __call__(self, character: Character, target: PoseFrame, now: float, guided: bool = False) -> Reprojected:
        """The character at `target`, shown at `now` (s on the clock of `update`). guided: whether the frame gets a
        guide, so that the generator can be given it."""
        canvas = character.conditioner.paint(target, guided)
        latest = self._latest
        if latest is None or latest.character is not character:
            return Reprojected(canvas.picture, canvas, None, True)
        change, settled = latest.at(now)
        person = with_change(canvas, carried(change, latest.placement, canvas.placement))
        return Reprojected(person, canvas, latest.time, settled)
