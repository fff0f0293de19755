"""What senders and receivers of VMC call the blendshapes.

Two families of names are about. "Perfect sync" avatars have a clip for each of ARKit's shapes, named like Unity's
list of them, with a capital (`JawOpen`); Apple's own spelling begins small (`jawOpen`), iFacialMocap's ends in _L and
_R. The VMC specification warns that names are case-sensitive in strict receivers, so ours are spelled as that list
spells them; what comes in is taken in any spelling. Plain VRM avatars have a few mouth shapes, blinks and moods,
which are made of the others here, and the others of them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pose.motion.blendshapes import ARKIT, AT

PERFECT_SYNC = tuple(name[0].upper() + name[1:] for name in ARKIT)
# What a VRM shape at 1 is, in ARKit's shapes ("*" for both sides).
_VRM = {
    "A": {"jawOpen": 0.7},
    "I": {"jawOpen": 0.1, "mouthStretch*": 0.5, "mouthSmile*": 0.2},
    "U": {"jawOpen": 0.1, "mouthPucker": 0.8},
    "E": {"jawOpen": 0.3, "mouthStretch*": 0.4},
    "O": {"jawOpen": 0.4, "mouthFunnel": 0.7},
    "Blink": {"eyeBlink*": 1.0},
    "Blink_L": {"eyeBlinkLeft": 1.0},
    "Blink_R": {"eyeBlinkRight": 1.0},
    "Joy": {"mouthSmile*": 0.8, "cheekSquint*": 0.4},
    "Angry": {"browDown*": 0.9, "mouthFrown*": 0.3},
    "Sorrow": {"browInnerUp": 0.8, "mouthFrown*": 0.6},
    "Fun": {"mouthSmile*": 0.5},
    "Surprised": {"browInnerUp": 0.8, "browOuterUp*": 0.8, "eyeWide*": 0.6},
    "LookUp": {"eyeLookUp*": 1.0},
    "LookDown": {"eyeLookDown*": 1.0},
    "LookLeft": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    "LookRight": {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
}
# VRM 1.0 has other names for the same.
_VRM_1 = {
    "aa": "A", "ih": "I", "ou": "U", "ee": "E", "oh": "O", "blinkLeft": "Blink_L", "blinkRight": "Blink_R",
    "happy": "Joy", "sad": "Sorrow", "relaxed": "Fun",
}  # fmt: skip


def _plain(name: str) -> str:
    """A name without what spellings differ in."""
    return name.lower().replace("_", "")


def _vector(shapes: Mapping[str, float]) -> np.ndarray:
    """(52,) weights; a "*" in a name stands for both sides."""
    weights = np.zeros(len(ARKIT), np.float32)
    for name, value in shapes.items():
        for side in ("Left", "Right") if "*" in name else ("",):
            weights[AT[name.replace("*", side)]] = value
    return weights


_ARKIT_PLACES = {
    _plain(spelling): index
    for index, name in enumerate(ARKIT)
    for spelling in (name, name.replace("Left", "_L").replace("Right", "_R"))
}
_VRM_WEIGHTS = {_plain(name): _vector(shapes) for name, shapes in _VRM.items()}
_VRM_WEIGHTS |= {_plain(other): _VRM_WEIGHTS[_plain(name)] for other, name in _VRM_1.items()}


def read_weights(values: Mapping[str, float]) -> np.ndarray:
    """(52,) weights in 0..1 from the values of one frame, by their names in any spelling; unknown names do nothing.

    Many senders name every clip of their avatar and use one family of them, so VRM's shapes count where ARKit's are
    all 0.
    """
    weights = np.zeros(len(ARKIT), np.float32)
    for name, value in values.items():
        place = _ARKIT_PLACES.get(_plain(name))
        if place is not None:
            weights[place] = value
    if not weights.any():
        for name, value in values.items():
            made = _VRM_WEIGHTS.get(_plain(name))
            if made is not None:
                weights = np.maximum(weights, value * made)
    return np.clip(weights, 0, 1)


def vrm_shapes(weights: np.ndarray) -> dict[str, float]:
    """VRM's mouth shapes, blinks and moods, 0..1, of (52,) weights. Gaze is left to the eyes' bones."""

    def of(name: str) -> float:
        return float(_vector({name: 1.0}) @ weights) / (2 if "*" in name else 1)

    open_ = _share(of("jawOpen") - of("mouthClose"), 0.0, 0.7)
    wide = of("mouthStretch*") + 0.4 * of("mouthSmile*")
    vowels = {
        "I": _share(wide, 0.1, 0.6) * (1 - open_),
        "U": _share(of("mouthPucker"), 0.1, 0.8) * (1 - 0.5 * open_),
        "E": _share(wide, 0.1, 0.6) * open_,
        "O": _share(of("mouthFunnel"), 0.1, 0.7) * open_,
    }
    return {
        "A": open_ * (1 - max(vowels.values())),
        **vowels,
        "Blink_L": of("eyeBlinkLeft"),
        "Blink_R": of("eyeBlinkRight"),
        # moods are whole faces: they begin where an expression is meant
        "Joy": _share(of("mouthSmile*"), 0.3, 0.9) * (1 - 0.5 * open_),
        "Angry": _share(of("browDown*"), 0.3, 0.9),
        "Sorrow": _share(of("browInnerUp") - of("browOuterUp*"), 0.3, 0.8),
        "Surprised": _share(min(of("browOuterUp*"), of("browInnerUp")), 0.3, 0.8),
    }


def _share(value: float, low: float, high: float) -> float:
    """How far a value is from low to high, 0..1."""
    return min(max((value - low) / (high - low), 0.0), 1.0)
