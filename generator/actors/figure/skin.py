"""The skin of one person: which photographs, which tone, and the marks, paint and beard on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.appearance import linear, sample_beard, sample_lipstick, vivid
from generator.actors.figure.closet import Closet
from generator.actors.figure.identity import ORIGINS, Person
from generator.actors.figure.pictures import read_picture

_OUTER_LIPS = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
_RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
_FOREHEAD = (0.77, 0.81, 0.45, 0.52)  # texture box without hair or features: the tone is measured there


@dataclass(frozen=True)
class SkinLook:
    """first, second: photographs (H, W, 4); bake: values of the baking shader; material: of the skin's shader;
    dark: 0 the lightest .. 1 the darkest skin; tone (3,) linear albedo of the forehead."""

    first: np.ndarray
    second: np.ndarray
    bake: dict
    material: dict
    dark: float
    tone: np.ndarray


def sample_skin(
    rng: np.random.Generator, closet: Closet, person: Person, natural: bool, hair: np.ndarray, bald: bool
) -> SkinLook:
    """Two photographs near the person's sex, age and origin, mixed, toned and marked."""
    order = sorted(closet.skins, key=lambda skin: _distance(skin[0], person) + rng.uniform(0, 0.6))
    (name, path), (other, other_path) = order[0], order[min(1, len(order) - 1)]
    first = read_picture(path)
    # A mixture of dark and light photographs has the eyes of the one and the cheeks of the other.
    second = read_picture(other_path if ("african" in name) == ("african" in other) else path)
    share = rng.uniform(0.0, 0.6)
    measured = linear((1 - share) * _tone(first) + share * _tone(second))
    gain = np.full(3, rng.uniform(0.78, 1.15)) * np.clip(rng.normal(1.0, [0.02, 0.02, 0.04]), 0.85, 1.15)
    if not natural and rng.random() < 0.6:
        gain = gain * rng.uniform(0.25, 1.6, 3)
    tone = np.clip(measured * gain, 0.005, 0.9)
    dark = float(np.clip(1.25 - 2.4 * tone.mean(), 0, 1))
    female = person.male < 0.5
    makeup = rng.random() < (0.5 if female else 0.04)
    lips = tone * np.array([0.92, 0.50, 0.50]) * rng.uniform(0.8, 1.1)
    lips_amount = rng.uniform(0.0, 0.3)
    if makeup and rng.random() < 0.7:
        lips, lips_amount = 0.8 * linear(sample_lipstick(rng)) + 0.2 * lips, rng.uniform(0.5, 0.9)
    if not natural and rng.random() < 0.4:
        lips, lips_amount = linear(vivid(rng, 20, 220)), rng.uniform(0.5, 0.95)
    face = closet.face
    bake = {
        "share": float(share), "tone": gain,
        "amount": (rng.uniform(0.5, 1.3), rng.uniform(0.3, 0.9) * (dark < 0.55 and rng.random() < 0.18),
                   float(rng.random() < 0.5), rng.uniform(0.05, 0.5) * (1 - 0.6 * dark)),
        "paint": (lips_amount, rng.uniform(0.1, 0.5) * makeup, rng.uniform(0.2, 0.8) * makeup,
                  rng.uniform(0, 0.6) * makeup),
        "beard": sample_beard(rng, female),
        "scalp": (rng.uniform(0.0, 0.35) if bald else rng.uniform(0.8, 1.0), rng.normal(0.0, 0.4),
                  rng.uniform(0.2, 0.7), rng.uniform(0.85, 1.1) - 0.25 * dark),
        "lip_colour": lips, "hair_colour": 0.55 * hair + 0.1 * tone, "scalp_colour": tone * 0.95,
        "shadow_colour": linear(vivid(rng, 20, 160)) * 0.5 + tone * 0.25,
        "blush_colour": tone * np.array([1.1, 0.6, 0.62]),
        "offset": rng.uniform(-40, 40, 3),
        "mouth_ring": face[list(_OUTER_LIPS)], "eye_ring": face[[*_RIGHT_EYE, *_LEFT_EYE]],
    }  # fmt: skip
    material = {
        "gloss": (rng.uniform(0.15, 0.75) * (1 - 0.45 * dark), rng.uniform(0.34, 0.52), rng.uniform(0.012, 0.03),
                  rng.uniform(0.7, 1.1) * (0.7 + 0.6 * person.age)),
        "wrap": np.array([0.34, 0.18, 0.12]) * rng.uniform(0.8, 1.2) * (1 - 0.3 * dark),
        "oily": (rng.uniform(0.0, 0.8), person.age),
    }  # fmt: skip
    return SkinLook(first, second, bake, material, dark, tone)


def _distance(skin: str, person: Person) -> float:
    """How little a skin of this name suits a person."""
    male = "female" not in skin
    age = 0.0 if "young" in skin else 0.45 if "middleage" in skin else 0.95
    origin = min((1.0 - float(person.origin[k]) for k, label in enumerate(ORIGINS) if label in skin), default=0.5)
    return 1.5 * abs(male - person.male) + 1.2 * abs(age - person.age) + 1.6 * origin


def _tone(picture: np.ndarray) -> np.ndarray:
    """(3,) sRGB 0..255 of the forehead."""
    height, width = picture.shape[:2]
    u0, u1, v0, v1 = _FOREHEAD
    box = picture[int(v0 * height) : int(v1 * height), int(u0 * width) : int(u1 * width), :3]
    return np.median(box.reshape(-1, 3), 0)
