"""Mouth movement of speech: random syllables of visemes with pauses, coarticulated by smoothing."""

from __future__ import annotations

import numpy as np

from generator.actors.ict import EXPRESSION_INDEX, EXPRESSIONS

# Poses of the mouth as expression weights ("both sides" names without _L/_R) at normal loudness.
_CONSONANTS = (
    {"mouthPress": 0.3, "jawOpen": 0.03},  # p b m
    {"mouthRollLower": 0.3, "mouthUpperUp": 0.12, "jawOpen": 0.06},  # f v
    {"jawOpen": 0.09, "mouthLowerDown": 0.3, "mouthUpperUp": 0.12, "mouthStretch": 0.15},  # t d n s
    {"jawOpen": 0.16, "mouthLowerDown": 0.2, "mouthUpperUp": 0.08},  # l k g
    {"jawOpen": 0.1, "mouthFunnel": 0.45, "mouthPucker": 0.12},  # sh ch r
)
_VOWELS = (
    {"jawOpen": 0.42, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1},  # a
    {"jawOpen": 0.22, "mouthStretch": 0.25, "mouthSmile": 0.15, "mouthLowerDown": 0.3, "mouthUpperUp": 0.12},  # e
    {"jawOpen": 0.1, "mouthStretch": 0.25, "mouthSmile": 0.25, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},  # i
    {"jawOpen": 0.28, "mouthFunnel": 0.5, "mouthPucker": 0.12},  # o
    {"jawOpen": 0.09, "mouthPucker": 0.6, "mouthFunnel": 0.25},  # u
    {"jawOpen": 0.16, "mouthLowerDown": 0.12},  # the neutral vowel
)


def weights_of(pose: dict[str, float]) -> np.ndarray:
    """(53,) weights of a pose that names shapes, or pairs of shapes without their side."""
    weights = np.zeros(len(EXPRESSIONS))
    for name, value in pose.items():
        sides = (name,) if name in EXPRESSION_INDEX else (f"{name}_L", f"{name}_R")
        for side in sides:
            weights[EXPRESSION_INDEX[side]] = value
    return weights


def smooth(curves: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian smoothing over the first axis, ``sigma`` in frames; the ends repeat."""
    reach = max(1, int(np.ceil(3 * sigma)))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.concatenate([curves[:1].repeat(reach, 0), curves, curves[-1:].repeat(reach, 0)])
    return sum(weight * padded[k : k + len(curves)] for k, weight in enumerate(kernel))


def sample_speech(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """(T, 53) weights: phrases of 2 to 10 syllables at 3 to 6 per second with pauses of 0.15 to 0.9 s."""
    loudness = rng.uniform(0.6, 1.35)
    rate = rng.uniform(3.0, 6.0)
    times: list[float] = []
    poses: list[np.ndarray] = []
    time = -rng.uniform(0.0, 1.5)  # the clip starts anywhere in a phrase
    while time < frames / fps + 0.5:
        for _ in range(rng.integers(2, 11)):
            length = rng.uniform(0.75, 1.3) / rate
            if rng.random() < 0.85:
                times.append(time)
                poses.append(weights_of(_CONSONANTS[rng.integers(len(_CONSONANTS))]) * rng.uniform(0.7, 1.2))
            times.append(time + 0.5 * length)
            stress = loudness * rng.uniform(0.5, 1.35)
            poses.append(weights_of(_VOWELS[rng.integers(len(_VOWELS))]) * stress)
            time += length
        pause = rng.uniform(0.15, 0.9)
        rest = weights_of({"jawOpen": rng.choice([0.0, 0.0, 0.05])})
        times += [time, time + max(pause - 0.1, 0.05)]
        poses += [rest, rest]
        time += pause
    clock = np.arange(frames) / fps
    keys = np.stack(poses)
    curves = np.stack([np.interp(clock, times, keys[:, k]) for k in range(keys.shape[1])], 1)
    return smooth(curves, sigma=0.6)
