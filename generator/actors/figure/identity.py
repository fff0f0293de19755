"""Random shapes of MakeHuman's base mesh: sex, age, origin, build, and the details of the face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generator.actors.makehuman import MakeHuman

ORIGINS = ("african", "asian", "caucasian")
EYE_HEIGHT, EYE_DEPTH = 3.6, 7.87  # cm: where the middle between the eyes lies in the space that actors share
CM = 10.0  # MakeHuman's unit is the decimetre
_DETAILS = ("nose", "mouth", "eyes", "chin", "cheek", "forehead", "ears", "neck", "head", "eyebrows")
# What cannot be told from the camera, or makes a caricature of a face.
_LEFT_OUT = ("trans-", "head-age", "head-angle", "push", "eyefold-angle", "ear-shape-pointed", "ear-rot", "scale-depth",
             "neck-back", "head-back")  # fmt: skip
# Largest weight of a detail; 0.55 for the rest.
_STRONG = {"head": 0.22, "forehead": 0.3, "eyebrows": 0.6, "neck": 0.4, "eyes": 0.45, "mouth": 0.5}


@dataclass(frozen=True)
class Person:
    """Who an actor is. origin: weights over ORIGINS; age 0 young .. 1 old; male 0..1; shape (B, 3) in decimetres."""

    male: float
    age: float
    origin: np.ndarray
    shape: np.ndarray

    def placed(self, points: np.ndarray, makehuman: MakeHuman) -> np.ndarray:
        """(..., 3) decimetres of MakeHuman -> centimetres, eyes where the face models of all actors have them."""
        return points * CM + eye_shift(self.shape, makehuman)


def eye_shift(shape: np.ndarray, makehuman: MakeHuman) -> np.ndarray:
    """(3,) cm that bring the middle between the eyes of a shape (B, 3) to its place."""
    eyes = np.concatenate([makehuman.groups["joint-l-eye"], makehuman.groups["joint-r-eye"]])
    middle = shape[eyes].mean(0) * CM
    return np.array([0.0, EYE_HEIGHT - middle[1], EYE_DEPTH - middle[2]], np.float32)


def sample_person(rng: np.random.Generator, makehuman: MakeHuman) -> Person:
    """Draw a person; the details of the face are drawn one by one, the same on both sides up to a little."""
    male = float(rng.random() < 0.5)
    male = float(np.clip(abs(male - abs(rng.normal(0, 0.12))), 0, 1))
    age = float(np.clip(rng.beta(1.1, 2.0), 0, 1))
    origin = rng.dirichlet(np.full(3, 0.35))
    weights: dict[str, float] = {}
    for sex, share in (("male", male), ("female", 1 - male)):
        for name, part in zip(ORIGINS, origin):
            for years, amount in (("young", 1 - age), ("old", age)):
                weights[f"macrodetails/{name}-{sex}-{years}"] = share * part * amount
        muscle, fat = np.clip(rng.normal(0, 0.45, 2), -1, 1)
        for m, a in _levels("muscle", muscle):
            for f, b in _levels("weight", fat):
                weights[f"macrodetails/universal-{sex}-young-{m}-{f}"] = share * a * b
    weights |= _details(rng, makehuman)
    return Person(male, age, origin, makehuman.shape({name: w for name, w in weights.items() if w > 1e-3}))


def _levels(kind: str, value: float) -> list[tuple[str, float]]:
    """The two targets next to a value in -1..1, and their weights."""
    end = "max" if value > 0 else "min"
    return [(f"average{kind}", 1 - abs(value)), (f"{end}{kind}", abs(value))]


def _details(rng: np.random.Generator, makehuman: MakeHuman) -> dict[str, float]:
    # The base mesh looks stern: its brows fall towards the nose.
    weights: dict[str, float] = {"eyebrows/eyebrows-angle-up": rng.uniform(0.0, 0.7)}
    for folder in _DETAILS:
        for name in makehuman.target_names(folder):
            if any(part in name for part in _LEFT_OUT) or name in weights:
                continue
            other = name.replace("/r-", "/l-")
            if other in weights:  # the person's right side follows the left
                weights[name] = weights[other] * rng.uniform(0.85, 1.15)
            elif other != name:
                continue
            elif rng.random() < 0.22:
                strength = _STRONG.get(folder, 0.55)
                weights[name] = rng.uniform(0.05, strength)
    return weights
