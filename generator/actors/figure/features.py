"""Eyes, teeth, tongue, brows and lashes of a person, all of which follow the expression."""

from __future__ import annotations

import numpy as np

from generator.actors.appearance import linear, vivid
from generator.actors.figure.closet import Outfit
from generator.actors.makehuman import FittedAsset, MakeHuman

UNDER = 0.8  # cm that teeth and gums may come out of the skin of a wide open jaw without being seen
LOWER_TEETH = 0.07, 0.13  # decimetres down; 0.11 puts their edge at the lips' line
TONGUE = (0.12, 0.05), (0.24, 0.2)  # decimetres down and back: it lies behind the lower teeth
_LASH = np.array([0.012, 0.009, 0.008])  # linear


def with_teeth_shown(rng: np.random.Generator, makehuman: MakeHuman, shape: np.ndarray) -> np.ndarray:
    """The shape (B, 3), decimetres, with teeth and tongue where people have them: lower than the base mesh's, whose
    lower teeth end a centimetre above the line between its closed lips and hide the dark of every open mouth."""
    shape = shape.copy()
    shape[makehuman.groups["helper-upper-teeth"], 1] -= rng.uniform(0.005, 0.032)
    shape[makehuman.groups["helper-lower-teeth"], 1] -= rng.uniform(*LOWER_TEETH)
    (own,) = rng.spawn(1)  # a stream of its own: who a person is does not depend on the tongue
    shape[makehuman.groups["helper-tongue"], 1:] -= own.uniform(*TONGUE)
    return shape


def add_features(
    rng: np.random.Generator, outfit: Outfit, natural: bool, dark: float, root: np.ndarray, tip: np.ndarray
) -> FittedAsset:
    """Everything of the face that is no skin; returns the eyes.

    dark: 0 the lightest .. 1 the darkest skin; root, tip: linear colours of the hair.
    """
    eyes = _add_eyes(rng, outfit, natural, dark)
    _add_mouth(rng, outfit)
    closet, female = outfit.closet, outfit.person.male < 0.5
    own = natural or rng.random() < 0.5
    colour = (0.55 * root + 0.2 * tip) * rng.uniform(0.5, 1.0) if own else linear(vivid(rng, 10, 200))
    opacity = rng.uniform(0.5, 1.1) if female else rng.uniform(0.25, 0.6)
    for kind, first, second, strands in (
        ("eyebrows", colour, 1.2 * colour, (0.0, 0.05, 0.0, rng.uniform(0.9, 1.6))),
        ("eyelashes", _LASH, _LASH, (0.0, 0.0, 0.0, opacity)),
    ):
        name = str(rng.choice(closet.makehuman.names(kind)))
        values = {"root_colour": first, "tip_colour": second, "strands": strands}
        outfit.put_on(kind, name, "hair", alive=True, picture=closet.picture(f"{kind}/{name}", cards=True), layer=1,
                      casts=False, values=values)  # fmt: skip
    return eyes


def _add_eyes(rng: np.random.Generator, outfit: Outfit, natural: bool, dark: float) -> FittedAsset:
    closet = outfit.closet
    irises = closet.makehuman.pictures("eyes/textures") or closet.makehuman.pictures("eyes/materials")
    likely = [path for path in irises if "brown" in path.stem or rng.random() < max(0.75 - 1.2 * dark, 0.02)] or irises
    values = {
        "iris_tint": np.full(3, rng.uniform(0.7, 1.2)) if natural else rng.uniform(0.7, 1.25, 3),
        # brightness of the sclera, veins, strength of reflections
        "eye_values": (rng.uniform(1.15, 1.6), rng.uniform(0.1, 0.6), rng.uniform(0.5, 1.2), 0.0),
    }
    picture = closet.read(likely[rng.integers(len(likely))], cards=True)
    return outfit.put_on(
        "eyes", "high-poly", "eye", alive=True, picture=picture, closed=True, casts=False, values=values
    )


def _add_mouth(rng: np.random.Generator, outfit: Outfit) -> None:
    closet = outfit.closet
    darkness = rng.uniform(0.7, 1.5)
    teeth = str(rng.choice(closet.makehuman.names("teeth")))
    white = np.array([1.0, rng.uniform(0.93, 1.0), rng.uniform(0.78, 0.98)])
    for kind, name, picture, tint, values in (
        ("teeth", teeth, closet.picture("teeth"), white,
         (darkness, rng.uniform(0.2, 0.6), rng.uniform(0.95, 1.4), 0.0)),
        ("tongue", "tongue01", closet.picture("tongue/tongue01"), np.array([0.7, 0.4, 0.4]),
         (0.6 * darkness, 0.3, 1.0, 0.0)),
    ):  # fmt: skip
        outfit.put_on(kind, name, "mouth", alive=True, behind=UNDER, picture=picture, casts=False,
                      values={"tint": tint, "plain": np.zeros(3), "mouth_values": values})  # fmt: skip
