"""The painters of a drawn portrait: its head turns smoothly, its features are painted on it from their layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from pose.portrait.drawn.analysis import FINER, Drawing
from pose.portrait.drawn.brow import DrawnBrow
from pose.portrait.drawn.eye import DrawnEye
from pose.portrait.drawn.mouth import DrawnMouth
from pose.tracking.features import EYES, MOUTH, Eye
from pose.tracking.signals import head_transform, lid_gap, lip_gap, to_head_frame
from pose.warp.canvas import EYE_OPENING, INNER_MOUTH, IRIS, MESH_COLOUR, Canvas

from .brow import painted_brow
from .eye import painted_eye
from .layers import Places, over
from .mouth import painted_mouth

STEP = 8  # px between the looks at the flow that find a feature's box
REACH = 2 * FINER * STEP  # px of the layers around a box in which a look counts


@dataclass(frozen=True)
class DrawnSettings:
    """How a driver's expression becomes a drawing's."""

    opening: float = 2.8  # drawn mouths are small and open wide
    opening_limit: float = 0.4  # eye distances
    roundest: float = 0.9  # of a mouth's width that it opens at most
    # eye distances: a mouth drawn smaller grows as it opens, up to that, and to so many times its width
    small: float = 0.26
    growing: float = 1.6
    widest: float = 1.3  # times its own width, that a mouth is pulled
    gaze: float = 1.15  # of the driver's gaze
    gaze_limit: tuple[float, float] = (0.55, 0.35)  # of the iris's radius, across and down
    smile: float = 1.0  # of the way that the driver's mouth corners rise
    brow: float = 1.3  # of the driver's brows
    brow_limit: float = 0.07  # eye distances


class DrawnFeatures:
    """Paints eyes and mouth of one drawn portrait over its warped head. face: its fitted landmarks."""

    def __init__(self, drawing: Drawing, face: np.ndarray, settings: DrawnSettings = DrawnSettings()):
        self._drawing, self._settings = drawing, settings
        self._own = to_head_frame(face, head_transform(face))
        self._scale = head_transform(face).scale * FINER  # px of the layers an eye distance

    def paint(self, canvas: Canvas) -> None:
        shape = to_head_frame(canvas.target.face, head_transform(canvas.target.face))
        for eye, drawn, opening in zip(EYES, self._drawing.eyes, self.openings(shape)):
            if drawn is not None:
                self._lay(canvas, drawn, partial(painted_eye, drawn, opening, self._gaze(shape, eye, drawn)))
        for eye, brow in zip(EYES, self._drawing.brows):
            if brow is not None:
                self._lay(canvas, brow, partial(painted_brow, brow, self._rise(shape, eye)))
        mouth = self._drawing.mouth
        if mouth is not None:
            self._lay(canvas, mouth, partial(painted_mouth, mouth, *self._mouth(shape)))
        if canvas.guide is not None:
            # the network knows photographed faces: it repairs what the face map says is one, and shades drawn eyes
            canvas.guide[..., MESH_COLOUR] = 0
            canvas.guide[..., [INNER_MOUTH, EYE_OPENING, IRIS]] = 0

    def openings(self, shape: np.ndarray) -> list[float]:
        """Of the person's right and left eye, 1 as the portrait has it. shape: (478, 3) the target's landmarks in the
        frame of its head."""
        return [
            lid_gap(shape, eye.upper, eye.lower) / max(lid_gap(self._own, eye.upper, eye.lower), 1e-6) for eye in EYES
        ]

    def _rise(self, shape: np.ndarray, eye: Eye) -> float:
        """px of the layers that the brow rises."""
        brow = list(eye.brow)
        rise = self._settings.brow * float((self._own[brow, 1] - shape[brow, 1]).mean())
        limit = self._settings.brow_limit
        return limit * float(np.tanh(rise / limit)) * self._scale

    def _gaze(self, shape: np.ndarray, eye: Eye, drawn: DrawnEye) -> np.ndarray:
        """(2,) px of the layers that the iris moves."""
        corners = list(eye.corners)
        shift = (shape[eye.pupil] - shape[corners].mean(0)) - (self._own[eye.pupil] - self._own[corners].mean(0))
        limit = np.array(self._settings.gaze_limit) * drawn.radius
        return np.clip(self._settings.gaze * shift[:2] * self._scale, -limit, limit).astype(np.float32)

    def _mouth(self, shape: np.ndarray) -> tuple[float, float, float]:
        """Opening in px of the layers, width over the portrait's, rise of the corners in px."""
        s, own = self._settings, self._own
        gap = max(lip_gap(shape) - lip_gap(own), 0) * s.opening
        ends = list(MOUTH.corners)
        wide = max(float(np.ptp(own[ends, 0])), 1e-6)
        grown = float(np.clip(s.small / wide, 1, s.growing))
        limit = min(s.opening_limit, s.roundest * wide * grown)
        gap = limit * np.tanh(gap / limit)
        width = min(np.ptp(shape[ends, 0]) / wide, s.widest) * (1 + (grown - 1) * gap / limit)
        middles = list(MOUTH.middles)
        now = shape[ends, 1].mean() - shape[middles[0], 1] * 0.7 - shape[middles[1], 1] * 0.3
        rise = (own[ends, 1].mean() - own[middles, 1].mean()) - now
        return float(gap * self._scale), float(width), float(s.smile * rise * self._scale)

    def _lay(
        self,
        canvas: Canvas,
        layer: DrawnEye | DrawnBrow | DrawnMouth,
        paint: Callable[[Places], tuple[np.ndarray, np.ndarray]],
    ) -> None:
        """Paint a feature into the picture, where that shows the part of the portrait that it is of."""
        size = np.array(layer.skin.alpha.shape[::-1])
        first = np.array([layer.x, layer.y], np.float32)
        # the flow is smooth: a sparse look at it tells where in the picture the box is
        away = FINER * canvas.flow[:: STEP // 2, :: STEP // 2] - first
        near = ((away > -REACH) & (away < size + REACH)).all(2)
        if not near.any():
            return
        rows, columns = (
            slice(max((found[0] - 1) * STEP, 0), min((found[-1] + 1) * STEP, canvas.size))
            for found in (np.flatnonzero(near.any(axis)) for axis in (1, 0))
        )
        source = canvas.source(rows, columns)
        x, y = (FINER * source[..., axis] + np.float32((FINER - 1) / 2 - first[axis]) for axis in (0, 1))
        inside = (x >= 0) & (x <= size[0] - 1) & (y >= 0) & (y <= size[1] - 1)
        rows_in, columns_in = inside.any(1), inside.any(0)
        if not rows_in.any():
            return
        part = tuple(slice(found[0], found[-1] + 1) for found in map(np.flatnonzero, (rows_in, columns_in)))
        colours, alpha = paint(Places(np.ascontiguousarray(x[part]), np.ascontiguousarray(y[part])))
        target, behind = canvas.picture[rows, columns, :3][part], canvas.picture[rows, columns, 3][part]
        colours = colours * (behind * np.float32(1 / 255))  # a mouth may open beyond a chin: not there
        under = np.ascontiguousarray(target.transpose(2, 0, 1), np.float32)
        target[:] = np.rint(over(alpha * inside[part], colours, under)).transpose(1, 2, 0)
