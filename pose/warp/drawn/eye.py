"""A drawn eye at any opening and gaze."""

from __future__ import annotations

import numpy as np

from pose.geometry import smoothstep
from pose.portrait.drawn.eye import DrawnEye

from .layers import Places, curves_at, fetched, over, ramp_at

# of its thickness that a lash line keeps when it is down, where the skin of the lid covers it from above
THINNER = 0.62
WIDEST = 1.25  # openings over the portrait's
WIDER = 0.4  # of an eye's height beyond its own that widening by 1 raises the lash line
GAZE_DOT = 0.6  # of its gaze by which an eye without white moves as a whole
REDRAWN = (1.2, 1.8)  # times the usual thickness of a line, between which it is drawn anew in a shut eye
CORE, HELD = 0.6, (0.5, 0.9)  # of a shut line's thickness, that is unbroken, from how far on it is shut
# Of a lid's way, that it slides down as it is drawn, instead of bending over from corner to corner: half way, a bent
# lid is a straight line and looks cross
SLIDES = 0.5
SLIT = (0.02, 0.12)  # openings between which what is seen between the lids appears


def painted_eye(eye: DrawnEye, opening: float, gaze: np.ndarray, at: Places) -> tuple[np.ndarray, np.ndarray]:
    """Colours (3, h, w) and alpha (h, w) of the eye and the skin around it, to be laid over the portrait.

    opening: 1 as the portrait has it, 0 shut, more is wider. gaze: (2,) shift of the iris in px. at: the eye's pixels.
    """
    opening = float(np.clip(opening, 0, WIDEST))
    skin, removed = fetched(eye.skin, at)
    moved = at.moved(GAZE_DOT * gaze) if eye.dot else at
    top, thickness, shut, shut_thickness = curves_at(eye.curves, moved.x)
    shutting = max(1 - opening, 0)
    if opening <= 1:
        way = np.maximum(shut - top, 0)
        slid = np.minimum(shutting * np.float32(eye.travel), way)
        edge = top + np.float32(SLIDES) * slid + (1 - SLIDES) * shutting * (shut - top)
    else:
        across = (moved.x - (eye.left + eye.right) / 2) / max((eye.right - eye.left) / 2, 1)
        edge = top - WIDER * (opening - 1) * eye.height * np.maximum(1 - across * across, 0)
    thick = thickness + shutting * (THINNER * shut_thickness - thickness)
    lash, lash_alpha = fetched(eye.lash, Places(moved.x, top + (moved.y - edge) * (thickness / thick)))
    if shutting > 0:
        # where the line ends in the rim of a round eye, there is more of it than a shut eye has: drawn anew
        stroke = ramp_at(np.minimum(moved.y - edge, edge + thick - moved.y))
        within = ramp_at(np.minimum(moved.x - eye.left, eye.right - moved.x))
        stroke *= within
        anew = np.clip((thickness / shut_thickness - REDRAWN[0]) / (REDRAWN[1] - REDRAWN[0]), 0, 1)
        anew *= min(2 * shutting, 1)
        lash_alpha = lash_alpha + anew * (stroke - lash_alpha)
        # pressed flat, lashes are dashes: a line holds them together
        core = ramp_at(CORE * thick / 2 - np.abs(moved.y - edge - thick / 2)) * within
        lash_alpha = np.maximum(lash_alpha, core * smoothstep(shutting, HELD))
    result, painted = skin, np.maximum(removed, lash_alpha)
    seen = min(max((opening - SLIT[0]) / (SLIT[1] - SLIT[0]), 0), 1)
    if seen > 0:
        ball, inside = fetched(eye.white, moved)
        for layer, places in ((eye.iris, moved if eye.dot else at.moved(gaze)), (eye.line, moved)):
            colours, alpha = fetched(layer, places)
            ball = over(alpha, colours, ball)
        cover = inside * (seen * ramp_at(moved.y - (edge + 0.5 * thick)))
        result, painted = over(cover, ball, result), np.maximum(painted, cover)
    result = over(lash_alpha, lash, result)
    front, before = fetched(eye.front, at)
    return over(before, front, result), painted
