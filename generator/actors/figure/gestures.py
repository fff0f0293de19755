"""Random movement of arms and hands: at rest, talking with the hands, signing, touching the face."""

from __future__ import annotations

import numpy as np

from generator.actors.figure.arms import HandPose, unit
from generator.actors.speech import smooth

FPS = 24.0
# thumb, index .. little finger (0 straight, 1 closed), thumb across the palm, spread
SHAPES = {
    "flat": ((0.0, 0.02, 0.02, 0.02, 0.05), 0.0, -0.2),
    "five": ((0.0, 0.05, 0.03, 0.05, 0.08), 0.0, 1.0),
    "relaxed": ((0.25, 0.22, 0.3, 0.36, 0.4), 0.3, 0.1),
    "fist": ((0.8, 1.0, 1.0, 1.0, 1.0), 0.8, 0.0),
    "point": ((0.7, 0.03, 0.95, 1.0, 1.0), 0.7, 0.0),
    "victory": ((0.8, 0.03, 0.03, 1.0, 1.0), 0.9, 1.0),
    "el": ((0.0, 0.03, 1.0, 1.0, 1.0), 0.0, 0.2),
    "horns": ((0.1, 1.0, 1.0, 1.0, 0.05), 0.0, 0.4),
    "round": ((0.4, 0.45, 0.45, 0.45, 0.45), 0.8, 0.0),
    "pinch": ((0.35, 0.5, 0.15, 0.1, 0.1), 0.9, 0.4),
    "claw": ((0.4, 0.5, 0.5, 0.5, 0.5), 0.2, 0.9),
    "thumb": ((0.0, 1.0, 1.0, 1.0, 1.0), 0.0, 0.0),
    "three": ((0.0, 0.03, 0.03, 0.06, 1.0), 0.3, 0.7),
}
MANNERS = {"rest": 0.0, "beats": 1.0, "signing": 1.0, "wave": 1.0}


def sample_hands(rng: np.random.Generator, frames: int, manner: str, chin: float) -> tuple[HandPose, HandPose]:
    """Left and right hand of a performance.

    Args:
        manner: ``rest`` both hands below the picture; ``beats`` of a talker before the chest; ``signing``; ``wave`` one
            hand near the face.
        chin: y of the chin in cm, the height that signs are measured from.
    """
    if manner not in MANNERS:
        raise ValueError(f"no manner of hands named {manner}: choose {', '.join(MANNERS)}")
    active = {"rest": (), "wave": (rng.choice(["L", "R"]),)}.get(manner, ("L", "R"))
    if manner in ("beats", "signing") and rng.random() < 0.3:
        active = (rng.choice(["L", "R"]),)
    hands = []
    for side in "LR":
        keys = _rest(rng, side, chin) if side not in active else None
        hands.append(_still(keys, frames) if keys else _moving(rng, frames, side, manner, chin))
    return hands[0], hands[1]


def _rest(rng: np.random.Generator, side: str, chin: float) -> dict[str, np.ndarray]:
    """A hand in the lap or beside the body."""
    x = 1.0 if side == "L" else -1.0
    return {
        "wrist": np.array([x * rng.uniform(18, 27), chin - rng.uniform(46, 54), rng.uniform(2, 12)]),
        "point": unit(np.array([-0.15 * x, -1.0, rng.uniform(0.1, 0.6)])),
        "palm": unit(np.array([-x, -0.1, -0.3])),
        "elbow": unit(np.array([0.5 * x, -0.3, -1.0])),
        **_shape("relaxed"),
    }


def _key(rng: np.random.Generator, side: str, manner: str, chin: float) -> dict[str, np.ndarray]:
    """One place that a moving hand goes to."""
    x = 1.0 if side == "L" else -1.0
    if manner == "beats":
        wrist = np.array([x * rng.uniform(6, 24), chin - rng.uniform(20, 38), rng.uniform(20, 32)])
        point = np.array([-x * rng.uniform(0.0, 0.9), rng.uniform(-0.1, 1.0), rng.uniform(0.2, 1.0)])
        palm = np.array([-x * rng.uniform(0.2, 1.0), rng.uniform(-0.6, 0.8), rng.uniform(-0.3, 0.4)])
        shape = rng.choice(["relaxed", "relaxed", "five", "flat", "point", "pinch", "round"])
    elif manner == "wave":
        wrist = np.array([x * rng.uniform(17, 26), chin - rng.uniform(2, 16), rng.uniform(14, 24)])
        point = np.array([x * rng.uniform(-0.5, 0.5), 1.0, rng.uniform(-0.1, 0.3)])
        palm = np.array([rng.normal(0, 0.2), 0.1, 1.0])
        shape = rng.choice(["five", "flat", "victory", "point", "fist", "three"])
    else:
        high = rng.random() < 0.45
        wrist = np.array([x * rng.uniform(-2, 22), chin - (rng.uniform(4, 16) if high else rng.uniform(12, 34)),
                          rng.uniform(18, 30)])  # fmt: skip
        point = unit(np.array([-x * rng.uniform(-0.3, 1.0), rng.uniform(-0.1, 1.0), rng.uniform(-0.1, 0.6)]))
        palm = rng.choice([(0, 0, 1), (0, 0, 1), (-x, 0, 0.2), (0, 0, -1), (0, -1, 0.1), (0, 1, 0.2)])
        palm = palm + rng.normal(0, 0.2, 3)
        shape = rng.choice(list(SHAPES))
    # A wrist bends little sideways: fingers go on where the forearm came from.
    return {
        "wrist": wrist, "point": unit(point), "palm": unit(palm),
        "elbow": unit(np.array([x * rng.uniform(0.35, 0.9), -1.0, -0.35])), **_shape(shape),
    }  # fmt: skip


def _shape(name: str) -> dict[str, np.ndarray]:
    bend, across, spread = SHAPES[name]
    return {"bend": np.array(bend), "across": np.array(across), "spread": np.array(spread)}


def _still(key: dict[str, np.ndarray], frames: int) -> HandPose:
    return HandPose(**{name: np.repeat(value[None], frames, 0) for name, value in key.items()})


def _moving(rng: np.random.Generator, frames: int, side: str, manner: str, chin: float) -> HandPose:
    """Places one after another with short holds, and smooth ways between."""
    low, high = {"beats": (0.25, 0.9), "signing": (0.2, 0.6), "wave": (0.15, 0.5)}[manner]
    hold = rng.uniform(0.15, 0.5)
    times, keys = [-rng.uniform(0, 0.5)], [_key(rng, side, manner, chin)]
    while times[-1] < frames / FPS + 0.1:
        length = rng.uniform(low, high)
        if rng.random() < 0.55:
            times.append(times[-1] + hold * length)
            keys.append(keys[-1])
        fresh = _key(rng, side, manner, chin)
        near = 0.35 if manner == "signing" else 0.45  # a part of the way: the next sign is near the last
        keys.append({name: keys[-1][name] + (fresh[name] - keys[-1][name]) * (1 if name == "bend" else 1 - near)
                     for name in fresh})  # fmt: skip
        times.append(times[-1] + length)
    clock = np.arange(frames) / FPS
    curves = {}
    for name in keys[0]:
        values = np.stack([key[name] for key in keys]).reshape(len(keys), -1)
        curve = smooth(np.stack([np.interp(clock, times, column) for column in values.T], 1), sigma=1.1)
        curves[name] = curve.reshape(frames, *keys[0][name].shape)
    tremor = smooth(rng.normal(0, 0.5, (frames, 3)), 1.5)
    curves["wrist"] = curves["wrist"] + tremor
    return HandPose(**{**curves, "point": unit(curves["point"]), "palm": unit(curves["palm"])})
