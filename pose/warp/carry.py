"""What changed in one frame, carried to another: what belongs to a point of the portrait stays on that point.

Both frames know where they show each point (`placement`), so carrying is one lookup. Only the part of the picture that
changed is touched, at half the pixels each way where the change has no finer detail: light and colour have none.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .canvas import Canvas
from .placement import Placement, Seen

LOST = 1.5  # grey levels, root of their mean square, that halving may cost a change: less than the carrying itself


@dataclass(frozen=True, eq=False)
class Change:
    """picture: (h, w, 4) int16, whose first pixel is pixel (top, left) of a frame seen at every step-th pixel, step 1
    or 2; all around it is 0."""

    picture: np.ndarray
    top: int
    left: int
    step: int

    @property
    def empty(self) -> bool:
        return self.picture.size == 0

    def blended(self, other: Change, weight: float) -> Change:
        """This one to `weight` and the rest the other, which covers the same pixels."""
        if self.empty:
            return self
        picture = cv2.addWeighted(other.picture, 1 - weight, self.picture, weight, 0)
        return Change(picture, self.top, self.left, self.step)

    def fine(self) -> Change:
        """The same at every pixel."""
        if self.step == 1 or self.empty:
            return self
        picture = cv2.resize(self.picture, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        return Change(picture, 2 * self.top, 2 * self.left, 1)

    def coarse(self) -> Change:
        """The same at half of the pixels each way, where that loses little."""
        height, width = self.picture.shape[:2]
        around = (self.top % 2, (self.top + height) % 2, self.left % 2, (self.left + width) % 2)
        picture = cv2.copyMakeBorder(self.picture, *around, cv2.BORDER_CONSTANT)
        half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        lost = cv2.resize(half, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        if cv2.norm(picture, lost, cv2.NORM_L2) > LOST * picture.size**0.5:
            return self
        return Change(half, self.top // 2, self.left // 2, 2)


NOTHING = Change(np.empty((0, 0, 4), np.int16), 0, 0, 1)


def change_of(frame: np.ndarray, canvas: Canvas) -> Change:
    """What was made of a canvas's picture. frame: (S, S, 4) uint8 premultiplied RGBA. What lies behind an arm was not
    seen, and the arm itself is the warp's."""
    as_numbers = (np.ascontiguousarray(picture).view(np.uint32)[..., 0] for picture in (frame, canvas.picture))
    left, top, width, height = cv2.boundingRect(np.not_equal(*as_numbers).view(np.uint8))
    if not width:
        return NOTHING
    box = (slice(top, top + height), slice(left, left + width))
    picture = cv2.subtract(frame[box], canvas.picture[box], dtype=cv2.CV_16S)
    _uncover(picture, canvas.before[box])
    return Change(picture, top, left, 1).coarse()


def together(*changes: Change) -> list[Change]:
    """The same changes, all at the same pixels."""
    known = [change for change in changes if not change.empty]
    if not known:
        return list(changes)
    step = min(change.step for change in known)
    changes = tuple(change.fine() if step == 1 else change for change in changes)
    boxes = [(c.top, c.left, c.top + c.picture.shape[0], c.left + c.picture.shape[1]) for c in changes if not c.empty]
    top, left = (min(box[k] for box in boxes) for k in range(2))
    height, width = (max(box[k + 2] for box in boxes) - low for k, low in enumerate((top, left)))
    made = []
    for change in changes:
        picture = np.zeros((height, width, 4), np.int16)
        y, x = change.top - top, change.left - left
        if not change.empty:
            picture[y : y + change.picture.shape[0], x : x + change.picture.shape[1]] = change.picture
        made.append(Change(picture, top, left, step))
    return made


def carried(change: Change, taken: Placement, to: Placement) -> Change:
    """A change of the frame of placement `taken` in the frame of placement `to`; 0 where nothing is known."""
    if change.empty:
        return NOTHING
    seen = to.seen_in(taken)
    # which pixels, at half the size, look into the change
    first = np.array([change.left, change.top])
    low, high = change.step * (first - 0.5), change.step * (first + change.picture.shape[1::-1] + 0.5)
    left, top, width, height = cv2.boundingRect(cv2.inRange(seen.places, tuple(low), tuple(high)))
    if not width:
        return NOTHING
    half = len(seen.places)
    # and those beside them, between which finer pixels may
    rows, columns = slice(max(top - 1, 0), min(top + height + 1, half)), slice(max(left - 1, 0), left + width + 1)
    places = seen.places[rows, columns]
    if change.step == 1:
        places = cv2.resize(places, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    # from px of the frame to pixel indices of the change; in rows of numbers, for NumPy is slow along pairs
    indices = places.reshape(len(places), -1) * np.float32(1 / change.step)
    indices -= np.tile((first + 0.5).astype(np.float32), places.shape[1])
    places = indices.reshape(places.shape)
    picture = cv2.remap(change.picture, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    finer = 2 // change.step
    _fade(picture, seen, rows, columns, finer)
    return Change(picture, finer * rows.start, finer * columns.start, change.step)


def with_change(canvas: Canvas, change: Change) -> np.ndarray:
    """(S, S, 4) uint8 premultiplied RGBA: a canvas's picture with a change, but for what is drawn before the head; no
    colour exceeds its alpha."""
    if change.empty:
        return canvas.picture
    made, change = canvas.picture.copy(), change.fine()
    box = tuple(slice(at, at + n) for at, n in zip((change.top, change.left), change.picture.shape[:2], strict=True))
    _uncover(change.picture, canvas.before[box])
    picture = cv2.add(canvas.picture[box], change.picture, dtype=cv2.CV_8U)
    made[box] = cv2.min(picture, cv2.merge([cv2.extractChannel(picture, 3)] * 4))
    return made


def _uncover(picture: np.ndarray, before: np.ndarray) -> None:
    """Keep, in place, what nothing is drawn before."""
    if before.any():
        picture[:] = np.rint(picture * (1 - before[..., None] * np.float32(1 / 255)))


def _fade(picture: np.ndarray, seen: Seen, rows: slice, columns: slice, finer: int) -> None:
    """Multiply these rows and columns of what is seen, `finer` times as large, by how much is known, in place."""
    y, x = np.divmod(seen.faded, len(seen.places))
    here = (y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)
    if not here.any():
        return
    y, x = y[here] - rows.start, x[here] - columns.start
    top, left = y.min(), x.min()
    box = np.ones((y.max() - top + 1, x.max() - left + 1), np.float32)
    box[y - top, x - left] = seen.known[here]
    box = cv2.resize(box, None, fx=finer, fy=finer, interpolation=cv2.INTER_LINEAR)
    view = picture[finer * top : finer * top + len(box), finer * left : finer * left + box.shape[1]]
    view[:] = np.rint(view * box[..., None])
