"""The lids of a drawn character.

A drawn eye is open or shut: half open it is a face of its own, and flickers where a tracker's reading hovers. So both
eyes do the same unless the driver winks, and once shut they stay so until the driver's are clearly open again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pose.tracking.features import EYES
from pose.tracking.signals import lid_gap


@dataclass(frozen=True)
class DrawnLidSettings:
    """Openings are fractions of the portrait's own."""

    shut: float = 0.45  # an open eye shuts below it ...
    opens: float = 0.62  # ... and opens again above it, at once, ...
    ajar: float = 0.54  # ... or where it stays above this one for ...
    patience: float = 0.15  # ... s: who looks down has narrow eyes, and readings bounce at the end of a blink
    squint: float = 0.25  # of an eye just above `shut`: it is not shut yet, and seen to be so
    full: float = 0.80  # from where on a drawn eye is as open as the driver's
    wink: float = 0.45  # difference of the two eyes that begins a wink, where the closer one is below `winking` ...
    winking: float = 0.40
    wink_ends: float = 0.25  # ... and that ends it
    doubt: float = 0.10  # s that such a difference lasts before it counts: readings bounce when lids move
    travel: float = 0.08  # s in which a lid goes all its way at least


class DrawnLids:
    """Call it with every pose of the driver, in the order of their times. own: (478, 3) the portrait's landmarks in the
    frame of its head."""

    def __init__(self, own: np.ndarray, settings: DrawnLidSettings = DrawnLidSettings()):
        self._settings = settings
        self._own = [own[list(eye.lower)] - own[list(eye.upper)] for eye in EYES]
        self._gaps = [lid_gap(own, eye.upper, eye.lower) for eye in EYES]
        self._shut = [False, False]
        self._low = [0.0, 0.0]  # s when each was last read below `ajar`
        self._shown = np.ones(2)
        self._winks, self._doubted = False, None  # since when (s)
        self._time: float | None = None

    def __call__(self, shape: np.ndarray, time: float) -> np.ndarray:
        """The driven (478, 3) in the head's frame, with its lids settled. time: s."""
        read = [
            lid_gap(shape, eye.upper, eye.lower) / max(gap, 1e-6) for eye, gap in zip(EYES, self._gaps, strict=True)
        ]
        wanted = self._wanted(np.array(read), time)
        if self._time is not None and wanted is not None:
            step = max(time - self._time, 0.0) / self._settings.travel
            wanted = np.clip(wanted, self._shown - step, self._shown + step)
        self._time = time
        if wanted is not None:
            self._shown = wanted
        return self._with_lids(shape)

    def _wanted(self, read: np.ndarray, time: float) -> np.ndarray | None:
        """(2,) openings of the right and the left eye; None while it is in doubt whether the driver winks."""
        s, apart = self._settings, abs(read[0] - read[1])
        if self._winks:
            self._winks = apart > s.wink_ends
        elif apart > s.wink and read.min() < s.winking:
            if self._doubted is None:
                self._doubted = time
            self._winks = time - self._doubted >= s.doubt
            if not self._winks:
                return None
        if not self._winks and apart <= s.wink:
            self._doubted = None
        both = read if self._winks else np.full(2, read.mean())
        return np.array([self._opening(eye, float(value), time) for eye, value in enumerate(both)])

    def _opening(self, eye: int, read: float, time: float) -> float:
        s = self._settings
        if read < s.ajar:
            self._low[eye] = time
        if self._shut[eye]:
            self._shut[eye] = read < s.opens and time - self._low[eye] < s.patience
        else:
            self._shut[eye] = read < s.shut
        if self._shut[eye]:
            return 0.0
        if read >= s.full:
            return read
        return s.squint + (s.full - s.squint) * (read - s.shut) / (s.full - s.shut)

    def _with_lids(self, shape: np.ndarray) -> np.ndarray:
        result = shape.copy()
        for eye, own, opening in zip(EYES, self._own, self._shown, strict=True):
            upper, lower = list(eye.upper), list(eye.lower)
            # about where they are: the painter measures the gap
            middle = (shape[upper] + shape[lower]) / 2
            result[upper], result[lower] = middle - opening * own / 2, middle + opening * own / 2
        return result
