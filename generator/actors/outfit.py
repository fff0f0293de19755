"""What an actor wears: chooses hair, hats, spectacles and clothes, and their colours."""

from __future__ import annotations

import numpy as np

from generator.actors.appearance import Look, linear
from generator.actors.clothes import Body, Tailor
from generator.actors.glasses import earrings_mesh, glasses_mesh, ict_marks, worn_surface
from generator.actors.hair import Wardrobe, grown_hair, hair_surface, hat_surface
from generator.actors.ict import IctModel
from generator.actors.scene import Surface

_FEMALE_HAIR = {"bob01": 2, "bob02": 2, "long01": 4, "ponytail01": 4, "braid01": 3, "afro01": 1, "short04": 1,
                "short03": 1}  # fmt: skip
_MALE_HAIR = {"short01": 4, "short02": 4, "short03": 2, "short04": 4, "afro01": 1, "ponytail01": 1, "long01": 0.6}


def sample_body(rng: np.random.Generator, tailor: Tailor | None, look: Look, change: np.ndarray) -> Body:
    """A dressed body, or none without MakeHuman's data."""
    if tailor is None:
        return Body((), {})
    names = tailor.makehuman.clothes_names()
    own = [name for name in names if name.startswith("female" if look.female else "male")] or names
    garment = own[rng.integers(len(own))]
    first, second = _cloth_colour(rng, look.natural), _cloth_colour(rng, look.natural)
    pattern = float(rng.choice([0, 1, 2, 3], p=[0.62, 0.18, 0.12, 0.08] if look.natural else [0.3, 0.25, 0.2, 0.25]))
    cloth = {
        "base_colour": first,
        "second_colour": second if rng.random() < 0.5 or not look.natural else first * rng.uniform(0.4, 1.8),
        "weave": (rng.uniform(0.05, 0.3), pattern, rng.uniform(0.12, 0.6), 0.0),
        "offset": rng.uniform(0, 40, 3),
    }
    skin = {"base_colour": look.skin, "surface": (0.03, 20.0, 0.1, 0.5), "wrap": look.head["skin"]["wrap"]}
    return tailor.body(rng, look.female, garment, change, skin, cloth)


def sample_headwear(
    rng: np.random.Generator, wardrobe: Wardrobe | None, model: IctModel, look: Look, change: np.ndarray
) -> tuple[tuple[Surface, ...], float | None]:
    """Hair, and the density of hair to paint on the scalp under it (None: as the look has it)."""
    values = {
        "root_colour": look.hair_root,
        "tip_colour": look.hair_tip,
        "strands": (rng.uniform(5, 9), rng.uniform(0.55, 0.95), rng.uniform(1.6, 3.2), rng.uniform(0.2, 0.9)),
        "curl": (rng.choice([0.0, 0.0, 0.15, 0.4]), rng.uniform(0.4, 1.6), rng.uniform(0.0, 0.35), 0.0),
        "offset": rng.uniform(0, 50, 3),
    }
    extras = _extras(rng, wardrobe, model, look, change)
    bald = rng.random() < (0.02 if look.female else 0.14)
    if bald:
        return extras, 0.0 if rng.random() < 0.6 else rng.uniform(0.1, 0.5)
    table = _FEMALE_HAIR if look.female else _MALE_HAIR
    if wardrobe is None or rng.random() < (0.08 if look.female else 0.3):
        length = rng.choice([rng.uniform(0.15, 0.5), rng.uniform(0.5, 2.6)])
        values["strands"] = (values["strands"][0], values["strands"][1], 1.6, values["strands"][3] * 0.6)
        return (grown_hair(model, change, length, 4, rng.normal(0, 0.4), values), *extras), 1.0
    have = [name for name in table if name in wardrobe.makehuman.hair_names()]
    weights = np.array([table[name] for name in have], float)
    name = have[rng.choice(len(have), p=weights / weights.sum())]
    return (hair_surface(wardrobe.get("hair", name, 0.35), change, values), *extras), 1.0


def _extras(
    rng: np.random.Generator, wardrobe: Wardrobe | None, model: IctModel, look: Look, change: np.ndarray
) -> tuple[Surface, ...]:
    """Spectacles, ear rings, a hat."""
    out = []
    if rng.random() < 0.2:
        dark = linear(np.array([(18, 17, 17), (60, 36, 22), (130, 125, 118), (150, 116, 60)])[rng.integers(4)])
        frame = dark if look.natural else linear(rng.uniform(0, 255, 3))
        values = {"base_colour": frame, "surface": (rng.uniform(0.1, 0.5), 40.0, 0.1, 1.0), "wrap": np.full(3, 0.1)}
        out.append(worn_surface(glasses_mesh(rng, ict_marks(model, change))[0], values))
    if look.female and rng.random() < 0.25:
        metal = linear(np.array([(212, 175, 90), (200, 200, 205), (30, 30, 32)])[rng.integers(3)])
        values = {"base_colour": metal, "surface": (0.6, 30.0, 0.0, 1.0), "wrap": np.full(3, 0.1)}
        out.append(worn_surface(earrings_mesh(rng, ict_marks(model, change)), values))
    if wardrobe is not None and wardrobe.makehuman.hat_names() and rng.random() < 0.08:
        names = wardrobe.makehuman.hat_names()
        values = {"base_colour": _cloth_colour(rng, look.natural), "surface": (0.02, 10.0, 0.3, 3.0),
                  "wrap": np.full(3, 0.2)}  # fmt: skip
        out.append(hat_surface(wardrobe.get("clothes", names[rng.integers(len(names))], 1.1), change, values))
    return tuple(out)


def _cloth_colour(rng: np.random.Generator, natural: bool) -> np.ndarray:
    if not natural:
        return linear(rng.uniform(0, 255, 3))
    if rng.random() < 0.65:  # black, white, grey, navy, beige
        muted = [(28, 28, 30), (225, 223, 220), (110, 112, 115), (38, 46, 70), (180, 165, 140), (70, 72, 60)]
        return linear(np.array(muted[rng.integers(len(muted))]) * rng.uniform(0.7, 1.1))
    hue = rng.uniform(30, 200, 3)
    return linear(hue.mean() + (hue - hue.mean()) * 0.8)
