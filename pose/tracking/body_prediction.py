"""Body and hands between the frames in which they are looked for: they move on as they last did, less and less.

A hand that is not found for a moment (blurred, edge-on) stays on its wrist.

Looking for them takes ten times as long as the face does. A hand at rest between two looks and a jump at the second
would show as half the frame rate in a gesture.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .landmarks import LEFT_WRIST, RIGHT_WRIST, PoseFrame

TRUST = 0.8  # of the last velocity that goes on
DECAY = 0.08  # s in which that falls to 1/e
LONGEST_GAP = 0.2  # s between two looks from which a velocity can be told
HOLD = 0.3  # s that a lost hand stays on its wrist
SEEN = 0.5  # visibility of a wrist that counts as in the picture


class BodyPrediction:
    """The last two looks at one person's body and hands."""

    def __init__(self) -> None:
        # the last look and the one before; one object, because looks may come from another thread
        self._looks: tuple[PoseFrame | None, PoseFrame | None] = (None, None)
        self._hands: dict[str, tuple[np.ndarray, np.ndarray, float]] = {}  # points, its wrist, when

    @property
    def empty(self) -> bool:
        return self._looks[0] is None

    @property
    def hands_near(self) -> bool:
        """Whether the last look found a hand, or a wrist in the picture."""
        last = self._looks[0]
        if last is None:
            return False
        if last.left_hand is not None or last.right_hand is not None:
            return True
        if last.body is None:
            return False
        wrists = last.body[[LEFT_WRIST, RIGHT_WRIST]]
        inside = ((wrists[:, :2] > 0) & (wrists[:, :2] < last.size)).all(1)
        return bool((inside & (wrists[:, 3] > SEEN)).any())

    def add(self, found: PoseFrame) -> None:
        """A new look; one of another frame size begins anew."""
        before = self._looks[0]
        if before is None or before.size != found.size:
            before, self._hands = None, {}
        held = replace(
            found,
            left_hand=self._held(found, "left", found.left_hand, LEFT_WRIST),
            right_hand=self._held(found, "right", found.right_hand, RIGHT_WRIST),
        )
        self._looks = held, before

    def _held(self, found: PoseFrame, side: str, hand: np.ndarray | None, wrist: int) -> np.ndarray | None:
        if found.body is None:
            return hand
        at = found.body[wrist]
        if hand is not None:
            self._hands[side] = hand, at, found.time
            return hand
        if side not in self._hands or at[3] < SEEN:
            return None
        held, before, when = self._hands[side]
        if not 0 <= found.time - when <= HOLD:
            return None
        return held + np.array([at[0] - before[0], at[1] - before[1], 0], np.float32)

    def at(self, time: float, size: tuple[int, int], face: np.ndarray | None) -> PoseFrame:
        """The pose at a time not before the last look, with a face that is known already."""
        last, before = self._looks
        if last is None or last.size != size:
            return PoseFrame(face, None, None, None, size, time)
        pose = replace(last, face=face, time=time)
        ahead = time - last.time
        if before is None or ahead <= 0 or not 0 < last.time - before.time <= LONGEST_GAP:
            return pose
        # the integral of a velocity that decays
        way = TRUST * DECAY * (1 - np.exp(-ahead / DECAY)) / (last.time - before.time)
        return replace(
            pose,
            body=_move(last.body, before.body, way),
            left_hand=_move(last.left_hand, before.left_hand, way),
            right_hand=_move(last.right_hand, before.right_hand, way),
        )


def _move(last: np.ndarray | None, before: np.ndarray | None, way: float) -> np.ndarray | None:
    if last is None or before is None:
        return last
    moved = last.copy()
    moved[:, :2] += np.float32(way) * (last[:, :2] - before[:, :2])  # depth is too noisy for that
    return moved
