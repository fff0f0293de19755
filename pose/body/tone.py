"""The portrait's skin colour and light, read off its face, and the colour of its clothes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np

from pose.tracking.landmarks import (
    FACE_OVAL,
    LEFT_BROW,
    LEFT_EYE_RING,
    LIPS_OUTER,
    RIGHT_BROW,
    RIGHT_EYE_RING,
)
from pose.tracking.mesh import face_mesh

from .hand_mesh import vertex_normals

AMBIENT = (0.45, 0.85)  # ratio of the light that has no direction: limits of what the face's shading may say
RIDGE = 0.05  # weight of no direction at all in the fit
NOT_SKIN = set(LEFT_EYE_RING + RIGHT_EYE_RING + LIPS_OUTER + LEFT_BROW + RIGHT_BROW + FACE_OVAL) | set(range(468, 478))
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
HAND_BRIGHTER, HAND_REDDER = 1.04, 1.1  # brightness and saturation of hands / the face's, to the eye on real clips
DARKEST = 0.6  # of the face's brightness, below which a colour at the wrist is no skin but a cuff or a watch
USUAL_LIGHT = (0.0, -0.3, -0.6)  # from above and from the camera, unless the face says something else
SAME_SKIN = 8.0  # `_hue_distance` up to which a colour is the skin of the same person
GRAZING = 0.78  # of the light that reaches skin seen from the side, where fingers part


@dataclass(frozen=True, eq=False)
class SkinTone:
    """Skin and light. colour: (3,) RGB 0..255 of skin that faces the viewer; ambient: ratio of the light without
    direction; light: (3,) unit vector towards the rest of it (x right, y down, z away from the viewer)."""

    colour: np.ndarray
    ambient: float
    light: np.ndarray

    def lit(self, normals_N3: np.ndarray, detail_N3: np.ndarray) -> np.ndarray:
        """(N, 3) RGB of skin with these normals: `colour` on the average of what is seen of something round.

        detail: factor on the colour. What is brighter than the average is so by a gloss without colour.
        """
        shade = self._raw(normals_N3) / self._average
        gloss = np.clip(shade - 1, 0, None) * np.float32(self.colour @ LUMA)
        return np.clip(self.colour * detail_N3 * np.minimum(shade, 1)[:, None] + gloss[:, None], 0, 255)

    def _raw(self, normals_N3: np.ndarray) -> np.ndarray:
        direct = np.clip(normals_N3 @ self.light, 0, None)
        facing = np.clip(-normals_N3[:, 2], 0, 1) ** 0.6
        return (self.ambient + (1 - self.ambient) * direct) * (GRAZING + (1 - GRAZING) * facing)

    @cached_property
    def _average(self) -> float:
        return float(self._raw(_round_normals()).mean())


@lru_cache(maxsize=1)
def _round_normals() -> np.ndarray:
    """(N, 3) normals of a sphere's near half, each of the same area in the picture."""
    x, y = np.meshgrid(np.linspace(-1, 1, 24), np.linspace(-1, 1, 24))
    inside = np.hypot(x, y) < 1
    x, y = x[inside], y[inside]
    return np.stack([x, y, -np.sqrt(1 - x * x - y * y)], 1).astype(np.float32)


def skin_tone(person_SS4: np.ndarray, face_478x3: np.ndarray) -> SkinTone:
    """Colour: of the brighter half of cheeks, nose and forehead. Light: Lambert's law fitted to their brightness."""
    height, width = person_SS4.shape[:2]
    normals = vertex_normals(face_478x3.astype(np.float32), face_mesh().triangles)
    if normals[1, 2] > 0:  # the tip of the nose looks at the viewer
        normals = -normals
    smooth = cv2.GaussianBlur(person_SS4, (0, 0), max(1.0, width / 128))
    skin = np.array([k for k in range(468) if k not in NOT_SKIN])
    x, y = np.floor(face_478x3[skin, :2].T).astype(int)
    kept = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    skin, x, y = skin[kept], x[kept], y[kept]
    opaque = smooth[y, x, 3] > 250
    facing = normals[skin, 2] < -0.2
    chosen = opaque & facing
    if chosen.sum() < 20:
        return SkinTone(np.array([200.0, 160.0, 140.0], np.float32), 0.7, np.array([-0.4, -0.6, -0.7], np.float32))
    colours = smooth[y, x, :3][chosen].astype(np.float32)
    luma = colours @ LUMA
    bright = (luma >= np.percentile(luma, 50)) & (luma <= np.percentile(luma, 90))
    colour = np.median(colours[bright], 0)
    grey = colour @ LUMA
    colour = np.clip(HAND_BRIGHTER * (grey + HAND_REDDER * (colour - grey)), 0, 255)
    n = normals[skin][chosen].astype(np.float64)
    system = np.concatenate([np.ones((len(n), 1)), n], 1)
    weight = np.diag([0.0, RIDGE, RIDGE, RIDGE]) * len(n)
    a, *b = np.linalg.solve(system.T @ system + weight, system.T @ (luma / max(float(np.median(luma)), 1.0)))
    b = np.array(b)
    strength = float(np.linalg.norm(b))
    way = b / strength if strength > 1e-3 else np.array([0.0, 0.0, -1.0])
    way = way + np.array(USUAL_LIGHT)
    way /= np.linalg.norm(way)
    ambient = float(np.clip(a / max(a + strength, 1e-3), *AMBIENT))
    return SkinTone(colour.astype(np.float32), ambient, way.astype(np.float32))


def skin_on_arm(texture_RC4: np.ndarray, hand_rgb: np.ndarray | None, face: np.ndarray) -> np.ndarray:
    """(3,) the colour of an arm's hand, in the light that falls on the face: a hanging arm lies in the shade, one that
    is raised does not.

    texture_RC4: the arm's strip; hand_rgb: median colour of its hand, if it is shown; face: the face's colour. The hue
    is the bare forearm's, else the hand's, else the face's; a bare forearm has half a say in the brightness, for the
    hand goes on from it.
    """
    rows, columns = texture_RC4.shape[:2]
    end = texture_RC4[int(0.84 * rows) : int(0.93 * rows), 3 * columns // 8 : 5 * columns // 8]
    end = end[end[..., 3] > 250][:, :3].astype(np.float32)
    bare = np.median(end, 0) if len(end) > 8 else None
    for colour, say in ((bare, 0.5), (hand_rgb, 0.0)):
        if colour is not None and colour @ LUMA > DARKEST * (face @ LUMA) and _hue_distance(colour, face) < SAME_SKIN:
            return np.clip(colour * float(face @ LUMA / (colour @ LUMA)) ** (1 - say), 0, 255).astype(np.float32)
    return face


def _hue_distance(a: np.ndarray, b: np.ndarray) -> float:
    """8-bit Lab distance of two colours at the same brightness."""
    a, b = (colour * (160 / max(float(colour @ LUMA), 1.0)) for colour in (a, b))
    lab = cv2.cvtColor(np.uint8([[np.clip(a, 0, 255), np.clip(b, 0, 255)]]), cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    return float(np.linalg.norm(lab[0, 1:] - lab[1, 1:]))
