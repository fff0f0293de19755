"""Random looks of a head: skin, brows, lips, beard, eyes, teeth, light.

Most looks are natural (skin on a melanin and blood palette, muted colours, white light); the rest is garish, because a
network that has seen blue skin learns to copy the reference. Teeth and the inside of the mouth are natural in nearly
all looks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.ict import IRIS_RADIUS
from generator.actors.scene import Lighting

# Skin from light to dark, sRGB 0..255.
_SKIN = np.array(
    [(240, 208, 190), (228, 188, 164), (216, 168, 140), (198, 146, 114), (168, 116, 84), (132, 88, 62), (98, 64, 46),
     (70, 46, 35)], np.float64
)  # fmt: skip
_HAIR = {  # sRGB: root, tip
    "black": ((22, 18, 17), (34, 28, 26)),
    "dark brown": ((42, 28, 20), (66, 44, 31)),
    "brown": ((70, 46, 30), (104, 72, 48)),
    "auburn": ((88, 42, 24), (128, 66, 38)),
    "red": ((126, 58, 26), (172, 92, 46)),
    "dark blond": ((112, 84, 54), (158, 124, 84)),
    "blond": ((158, 124, 80), (212, 180, 130)),
    "grey": ((96, 92, 90), (150, 147, 144)),
    "white": ((176, 172, 168), (216, 213, 208)),
}
_HAIR_WEIGHTS = np.array([22, 20, 16, 5, 4, 9, 10, 8, 6], np.float64)
_IRIS = np.array(
    [(64, 40, 24), (84, 54, 30), (46, 28, 18), (104, 82, 46), (84, 100, 72), (84, 112, 140), (110, 130, 140)], float
)


def linear(srgb) -> np.ndarray:
    """sRGB 0..255 to linear 0..1, by the square that the shaders' last step undoes."""
    return np.square(np.clip(np.asarray(srgb, np.float64), 0, 255) / 255.0)


@dataclass(frozen=True)
class Look:
    """Everything about an actor's head that is colour."""

    natural: bool
    female: bool
    hair_root: np.ndarray
    hair_tip: np.ndarray
    skin: np.ndarray
    bake: dict[str, object]
    head: dict[str, dict[str, object]]
    lighting: Lighting


def sample_look(rng: np.random.Generator, polylines: dict[str, np.ndarray], natural: bool) -> Look:
    """Draw a look.

    Args:
        polylines: of ``feature_lines``.
        natural: natural colours and light, or garish ones.
    """
    female = bool(rng.random() < 0.5)
    tone = rng.random() ** 1.3 * (len(_SKIN) - 1)
    skin = _palette(_SKIN, tone) * rng.normal(1.0, [0.02, 0.025, 0.035])
    if not natural and rng.random() < 0.7:
        skin = vivid(rng, 60, 230)
    base = linear(skin)
    dark = tone / (len(_SKIN) - 1)
    root, tip = sample_hair_colour(rng, natural, dark)
    brow_colour = 0.75 * root + 0.25 * base * 0.3 if natural or rng.random() < 0.5 else linear(vivid(rng, 10, 200))

    warm = base * np.array([1.06, 0.72, 0.68]) if natural else base * rng.uniform(0.6, 1.2, 3)
    lips_natural = base * np.array([0.92, 0.52, 0.52]) * rng.uniform(0.8, 1.1) + np.array([0.02, 0.0, 0.003])
    makeup = rng.random() < (0.55 if female else 0.06)
    lips, lips_amount = lips_natural, rng.uniform(0.5, 0.95)
    if makeup and rng.random() < 0.75:
        lips = linear(sample_lipstick(rng)) * 0.8 + 0.2 * lips_natural
        lips_amount = rng.uniform(0.6, 0.95)
    if not natural and rng.random() < 0.4:
        lips = linear(vivid(rng, 20, 220))
    freckles = rng.uniform(0.3, 0.9) if dark < 0.4 and rng.random() < 0.25 else 0.0
    bake: dict[str, object] = {
        **polylines,
        "skin": base,
        "skin_warm": warm,
        "skin_dark": base * rng.uniform(0.72, 0.9) * np.array([1.0, 0.94, 0.9]),
        "lip_colour": lips,
        "brow_colour": brow_colour,
        "hair_colour": 0.6 * root + 0.4 * base * 0.15,
        "shadow_colour": linear(vivid(rng, 20, 160)) * 0.5 + base * 0.25 if makeup else base * 0.55,
        "liner_colour": base * 0.08 + 0.004,
        "blush_colour": base * np.array([1.1, 0.55, 0.6]),
        "amount": (rng.uniform(0.15, 0.6) * (1 if natural else 2), freckles, float(rng.random() < 0.5),
                   rng.uniform(0.2, 0.75) * (1.0 - 0.5 * dark)),
        "paint": (lips_amount, rng.uniform(0.15, 0.6) if makeup else rng.uniform(0.0, 0.2),
                  rng.uniform(0.3, 0.9) if makeup else rng.uniform(0.0, 0.25), rng.uniform(0, 0.8) if makeup else 0.0),
        "brow": (rng.uniform(0.22, 0.40) if female else rng.uniform(0.30, 0.58),
                 rng.uniform(0.55, 0.95), rng.normal(-0.25, 0.12), rng.uniform(0.4, 0.9)),
        "beard": sample_beard(rng, female),
        "scalp": (rng.uniform(0.75, 1.0), rng.normal(0.0, 0.45), rng.uniform(0.2, 0.7), 0.0),
        "offset": rng.uniform(-40, 40, 3),
    }  # fmt: skip
    return Look(natural, female, root, tip, base, bake, _materials(rng, natural, dark), sample_lighting(rng, natural))


def feature_lines(neutral68: np.ndarray) -> dict[str, np.ndarray]:
    """The polylines that the skin is painted by, from the neutral 68 points (68, 3)."""
    return {
        "brow_points": neutral68[17:27],
        "lip_outer": neutral68[48:60],
        "lip_inner": neutral68[60:68],
        "eye_points": neutral68[36:48],
    }


def sample_lighting(rng: np.random.Generator, natural: bool) -> Lighting:
    """A key from the front half, a fill, a rim, and ambient light of a room."""
    side = rng.choice([-1.0, 1.0])
    key = _direction(side * rng.uniform(0.05, 1.0), rng.uniform(0.1, 0.85))
    fill = _direction(-side * rng.uniform(0.4, 1.3), rng.uniform(-0.1, 0.5))
    rim = _direction(rng.choice([-1.0, 1.0]) * rng.uniform(1.9, 2.7), rng.uniform(0.1, 0.8))
    warmth = rng.normal(0.0, 0.06)
    white = np.array([1.0 + warmth, 1.0, 1.0 - 1.3 * warmth])
    spread = 0.04 if natural else 0.35
    tints = [white * np.clip(rng.normal(1.0, spread, 3), 0.2, 1.8) for _ in range(3)]
    strength = (rng.uniform(0.55, 1.0), rng.uniform(0.08, 0.35), rng.uniform(0.0, 0.6) * (rng.random() < 0.5))
    ambient = rng.uniform(0.25, 0.5)
    sky = white * ambient * np.clip(rng.normal(1.0, spread, 3), 0.3, 1.6)
    return Lighting(
        directions=np.stack([key, fill, rim]),
        colours=np.stack([t * s for t, s in zip(tints, strength)]),
        sky=sky,
        ground=sky * rng.uniform(0.35, 0.8) * np.array([1.04, 1.0, 0.94]),
        shadow=rng.uniform(0.35, 0.85),
        exposure=0.45 + 1.15 * rng.beta(2.0, 1.3),
    )


def _materials(rng: np.random.Generator, natural: bool, dark: float) -> dict[str, dict[str, object]]:
    # Teeth hardly outshine the face in photographs: they stand in the shadow of the lips.
    ivory = linear((236, 226, 208)) * rng.uniform(0.5, 0.88) * np.clip(rng.normal(1, [0.01, 0.02, 0.05]), 0.8, 1.1)
    ivory = ivory * (1 - 0.4 * dark)
    gums = linear((206, 118, 112)) * rng.uniform(0.6, 1.0) * (1 - 0.35 * dark)
    tongue = linear((198, 104, 100)) * rng.uniform(0.65, 1.05)
    if not natural and rng.random() < 0.1:
        gums, tongue = gums * rng.uniform(0.5, 1.3, 3), tongue * rng.uniform(0.5, 1.3, 3)
    iris = linear(_IRIS[rng.integers(len(_IRIS))] * rng.uniform(0.75, 1.2)) if natural else linear(vivid(rng, 20, 200))
    return {
        "skin": {
            "gloss": (rng.uniform(0.05, 0.28), rng.uniform(12, 40)),
            "wrap": np.array([0.38, 0.22, 0.16]) * rng.uniform(0.7, 1.3),
        },
        "mouth": {
            "tooth_colour": ivory,
            "gum_colour": gums,
            "tongue_colour": tongue,
            "tooth_gloss": rng.uniform(0.2, 0.8),
        },
        "eye": {
            "iris_colour": iris,
            "iris_rim": iris * 0.25,
            "sclera_colour": linear((226, 218, 212)) * rng.uniform(0.75, 1.0),
            "iris": (IRIS_RADIUS * rng.uniform(0.95, 1.05), rng.uniform(0.18, 0.34), rng.uniform(0.4, 1.0),
                     rng.random()),
            "lid_shade": (rng.uniform(0.25, 0.5), 0, 0, 0),
        },
        "lashes": {
            "base_colour": np.array([0.01, 0.008, 0.007]),
            "lash": (rng.uniform(9, 14), rng.uniform(0.15, 0.5), 0, 0),
        },
    }  # fmt: skip


def mouth_values(opening: float, lip_z: float, darkness: float) -> dict[str, object]:
    """Per-frame values of everything inside the mouth."""
    return {"mouth": (opening, lip_z, darkness, 0.0)}


def sample_beard(rng: np.random.Generator, female: bool) -> tuple[float, float, float, float]:
    kind = rng.random()
    if female or kind < 0.35:
        return 0.0, 0.0, -3.0, 1.0
    if kind < 0.65:  # stubble
        d = rng.uniform(0.1, 0.4)
        return d, d * rng.uniform(0.8, 1.2), rng.uniform(-3.2, -1.8), rng.uniform(0.6, 1.2)
    if kind < 0.75:  # moustache
        return rng.uniform(0, 0.15), rng.uniform(0.6, 1.0), -3.0, 1.0
    return rng.uniform(0.5, 1.0), rng.uniform(0.3, 1.0), rng.uniform(-4.5, -2.2), rng.uniform(0.3, 0.9)


def sample_hair_colour(rng: np.random.Generator, natural: bool, dark: float) -> tuple[np.ndarray, np.ndarray]:
    if not natural and rng.random() < 0.5:
        first, second = linear(vivid(rng, 10, 230)), linear(vivid(rng, 10, 230))
        return first, 0.5 * first + 0.5 * second
    weights = _HAIR_WEIGHTS * np.where(np.arange(len(_HAIR)) < 3, 1.0, max(1.0 - 1.6 * dark, 0.05))
    names = list(_HAIR)
    root, tip = _HAIR[names[rng.choice(len(names), p=weights / weights.sum())]]
    level = rng.uniform(0.8, 1.2)
    return linear(np.array(root) * level), linear(np.array(tip) * level)


def sample_lipstick(rng: np.random.Generator) -> np.ndarray:
    shades = [(170, 40, 50), (196, 86, 96), (150, 60, 70), (204, 110, 100), (120, 30, 46), (180, 90, 84)]
    return np.array(shades[rng.integers(len(shades))]) * rng.uniform(0.8, 1.1)


def _palette(table: np.ndarray, at: float) -> np.ndarray:
    low = min(int(at), len(table) - 2)
    return table[low] + (table[low + 1] - table[low]) * (at - low)


def vivid(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    return rng.uniform(low, high, 3)


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    """Unit vector; azimuth 0 is the camera's side."""
    c = np.cos(elevation)
    return np.array([np.sin(azimuth) * c, np.sin(elevation), np.cos(azimuth) * c])
