"""Random performances of an actor: speech, expressions, blinks, gaze and head movement at 24 frames a second.

Angles follow ``generator.actors.ict.rotations``: yaw > 0 to the viewer's right, pitch > 0 up, roll > 0 tilts the top
of the head to the viewer's left. Half of the clips of a data set should move little, as people before a webcam do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from generator.actors.ict import EXPRESSION_INDEX, EXPRESSIONS, rotations
from generator.actors.speech import sample_speech, smooth, weights_of

FPS = 24.0
HEAD_LIMITS = (0.9, 0.4, 0.35)  # yaw, pitch, roll in radians
GAZE_LIMITS = (0.55, 0.35)  # of the eyes in the head
HEAD_PIVOT = (0.0, -6.0, -2.0)  # top of the neck in the face model's space, about which the head turns

# How often a clip shows what.
TALKING, WIDE_OPEN, TOOTHY_SMILE, BLINK, SLOW_CLOSE, ASYMMETRIC, RARE = 0.75, 0.2, 0.45, 0.65, 0.08, 0.1, 0.15
FAR_TURN = 0.35  # of the clips with large movement: the head turns to the side and back
_PAIRS = [(i, EXPRESSION_INDEX[n[:-1] + "R"]) for i, n in enumerate(EXPRESSIONS) if n.endswith("_L")]
_RARE_POSES = (
    {"cheekPuff": 0.8, "mouthPress": 0.2}, {"noseSneer": 0.7, "mouthUpperUp": 0.3}, {"mouthLeft": 0.6},
    {"mouthRight": 0.6}, {"jawLeft": 0.5, "jawOpen": 0.1}, {"jawRight": 0.5, "jawOpen": 0.1}, {"mouthPucker": 0.9},
    {"mouthFrown": 0.7, "mouthShrugLower": 0.4}, {"mouthRollLower": 0.6, "mouthRollUpper": 0.5}, {"mouthDimple": 0.8},
    {"jawForward": 0.6}, {"mouthStretch": 0.8, "mouthLowerDown": 0.6, "jawOpen": 0.1},
    {"mouthFunnel": 0.9, "jawOpen": 0.3},
)  # fmt: skip


@dataclass(frozen=True)
class Performance:
    """T frames of an actor's movement.

    Attributes:
        expression: (T, 53) float32 weights in 0..1, order of ``ict.EXPRESSIONS``; eyeLook weights already fit the gaze.
        gaze: (T, 2) float32 yaw and pitch of the eyes in the head, radians.
        rotation: (T, 3) float32 yaw, pitch, roll of the head, radians.
        translation: (T, 3) float32 shift of the head's pivot, centimetres.
        shoulders: (T, 4) float32: sideways sway and rise with the breath (centimetres), yaw and roll (radians).
    """

    expression: np.ndarray
    gaze: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    shoulders: np.ndarray

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, frames: slice) -> Performance:
        return Performance(*(getattr(self, name)[frames] for name in self.__dataclass_fields__))


def sample_performance(rng: np.random.Generator, frames: int, small: bool) -> Performance:
    """One clip of ``frames`` frames; ``small`` gives the little head movement of a webcam user."""
    rotation, translation = _head(rng, frames, small)
    gaze = _gaze(rng, frames, rotation)
    expression = _mouth(rng, frames) + _brows(rng, frames)
    rare = rng.random() < RARE
    if rare:
        pose = weights_of(_RARE_POSES[rng.integers(len(_RARE_POSES))])
        envelope = _event(rng, frames, hold=rng.uniform(0.3, 1.2), ramp=0.2)[:, None]
        expression = expression * (1 - 0.8 * envelope) + pose * rng.uniform(0.5, 1.0) * envelope
    expression += _lids(rng, frames, gaze)
    expression = _asymmetry(rng, frames, expression)
    return Performance(
        plausible(expression).astype(np.float32),
        gaze.astype(np.float32),
        rotation.astype(np.float32),
        translation.astype(np.float32),
        _shoulders(rng, frames, rotation, small).astype(np.float32),
    )


def sample_portrait_pose(rng: np.random.Generator) -> Performance:
    """One frame to be locked on: near frontal, mostly with a closed mouth and a neutral face or a soft smile."""
    anything = sample_performance(rng, 48, small=True)[24:25]
    rotation = np.clip(rng.normal(size=(1, 3)) * (0.15, 0.08, 0.05), -0.4, 0.4)
    towards_camera = -rotation[:, :2] * rng.uniform(0.4, 1.0) + rng.normal(size=(1, 2)) * (0.05, 0.03)
    gaze = np.clip(towards_camera, [-x for x in GAZE_LIMITS], GAZE_LIMITS)
    weights = anything.expression
    if rng.random() < 0.7:
        smile = rng.choice([0.0, 1.0]) * rng.uniform(0.1, 0.5)
        weights = weights_of({"mouthSmile": smile, "mouthDimple": 0.2 * smile, "cheekSquint": 0.4 * smile})[None]
        weights = weights + _brows(rng, 1) * 0.5 + _look(gaze)
    weights = plausible(_asymmetry(rng, 1, weights))
    return replace(
        anything,
        expression=weights.astype(np.float32),
        gaze=gaze.astype(np.float32),
        rotation=rotation.astype(np.float32),
        shoulders=(anything.shoulders * 0.5).astype(np.float32),
    )


def plausible(expression: np.ndarray) -> np.ndarray:
    """(T, 53) weights within what a face can do: no lips through each other, no lids below the closed eye."""
    w = np.clip(expression, 0.0, 1.0)

    def at(name: str) -> np.ndarray:
        return w[:, EXPRESSION_INDEX[name]]

    jaw = at("jawOpen")
    # mouthClose is the correction that shuts the lips of an opened jaw; more than the jaw's share crosses them.
    np.minimum(at("mouthClose"), 0.9 * jaw, out=at("mouthClose"))
    # What presses or rolls lips together belongs to a closed mouth.
    shut = np.clip(1.0 - jaw / 0.25, 0.0, 1.0)
    for name in ("mouthPress_L", "mouthPress_R", "mouthShrugLower"):
        at(name)[:] *= shut
    for name in ("mouthRollLower", "mouthRollUpper"):
        at(name)[:] *= 0.3 + 0.7 * shut
    # A lower lip that is pushed up lifts the upper one.
    np.maximum(at("mouthShrugUpper"), 0.9 * at("mouthShrugLower"), out=at("mouthShrugUpper"))
    # Rounded and spread lips exclude each other.
    rounded = np.clip(at("mouthPucker") + at("mouthFunnel"), 0.0, 1.0)
    for name in ("mouthSmile", "mouthStretch", "mouthDimple"):
        for side in "LR":
            at(f"{name}_{side}")[:] *= 1.0 - 0.75 * rounded
    for first, second, limit in (("mouthPucker", "mouthFunnel", 1.1), ("mouthRollLower", "mouthRollUpper", 1.2)):
        total = np.maximum((at(first) + at(second)) / limit, 1.0)
        at(first)[:] /= total
        at(second)[:] /= total
    for side in "LR":
        smile, frown = at(f"mouthSmile_{side}"), at(f"mouthFrown_{side}")
        frown *= 1.0 - smile
        at(f"mouthStretch_{side}")[:] *= 1.0 - 0.5 * smile
        # Lids: what lowers the upper lid adds up to a closed eye and not further.
        blink = at(f"eyeBlink_{side}")
        np.minimum(blink, 1.0 - 0.45 * at(f"eyeLookDown_{side}"), out=blink)
        at(f"eyeWide_{side}")[:] *= 1.0 - blink
        at(f"eyeSquint_{side}")[:] *= 1.0 - 0.6 * blink
        at(f"browInnerUp_{side}")[:] *= 1.0 - 0.7 * at(f"browDown_{side}")
        at(f"browOuterUp_{side}")[:] *= 1.0 - 0.7 * at(f"browDown_{side}")
    return w


def place_head(vertices: np.ndarray, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Turn heads (T, V, 3) about the top of the neck by (T, 3) angles and shift them by (T, 3) centimetres."""
    pivot = np.array(HEAD_PIVOT, np.float32)
    turned = (vertices - pivot) @ rotations(rotation).transpose(0, 2, 1)
    return turned + (pivot + np.asarray(translation, np.float32))[:, None]


def band_noise(rng: np.random.Generator, frames: int, low: float, high: float) -> np.ndarray:
    """(T,) noise of unit variance between ``low`` and ``high`` Hz, as a piece of a longer process."""
    count = frames + int(4 * FPS / max(low, 0.1))
    spectrum = np.fft.rfft(rng.normal(size=count))
    frequency = np.fft.rfftfreq(count, 1 / FPS)
    gain = 1.0 / (1.0 + (frequency / high) ** 4) * (frequency >= low)
    noise = np.fft.irfft(spectrum * gain, count)
    return noise[-frames:] / max(noise.std(), 1e-6)


def _head(rng: np.random.Generator, frames: int, small: bool) -> tuple[np.ndarray, np.ndarray]:
    limits = np.array(HEAD_LIMITS)
    if small:
        sd = np.array([rng.uniform(0.05, 0.1), rng.uniform(0.03, 0.06), rng.uniform(0.02, 0.05)])
        centre = rng.normal(size=3) * (0.08, 0.05, 0.03)
        shift = rng.uniform(0.2, 0.8) * np.array([1.0, 0.6, 1.0])
        limits = limits * 0.5
    else:
        sd = np.array([rng.uniform(0.1, 0.4), rng.uniform(0.05, 0.18), rng.uniform(0.03, 0.14)])
        centre = rng.normal(size=3) * (0.2, 0.1, 0.06)
        shift = rng.uniform(0.5, 2.0) * np.array([1.0, 0.6, 1.4])
    speed = rng.uniform(0.4, 1.2 if small else 0.9)
    slow = np.stack([band_noise(rng, frames, 0.1, speed) for _ in range(3)], 1)
    nods = np.stack([band_noise(rng, frames, 1.0, 3.0) for _ in range(3)], 1) * rng.uniform(0.002, 0.015)
    rotation = centre + sd * slow + nods * (0.6, 1.0, 0.5)
    if not small and rng.random() < FAR_TURN:
        turn = _event(rng, frames, hold=rng.uniform(0.2, 1.2), ramp=rng.uniform(0.3, 0.6))
        rotation[:, 0] += rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.2) * turn
    rotation = limits * np.tanh(rotation / limits)
    drift = np.stack([band_noise(rng, frames, 0.1, 0.8) for _ in range(3)], 1)
    # A turning head also travels a little to the side it turns to.
    return rotation, shift * drift + rotation[:, :1] * (rng.uniform(0, 2.0), 0, 0)


def _gaze(rng: np.random.Generator, frames: int, rotation: np.ndarray) -> np.ndarray:
    spread = np.array([0.14, 0.07]) * rng.choice([0.25, 1.0, 1.6], p=[0.4, 0.45, 0.15])
    target = np.empty((frames, 2))
    frame = 0
    while frame < frames:  # fixations, with saccades between them that take about two frames
        length = int(rng.uniform(0.25, 2.2) * FPS)
        target[frame : frame + length] = rng.normal(size=2) * spread
        frame += length
    target = smooth(target, 0.5) + rng.normal(size=(frames, 2)) * 0.004
    # Eyes that stay on the camera turn against the head.
    follow = rng.uniform(0.6, 1.0) if rng.random() < 0.75 else rng.uniform(0.0, 0.5)
    limits = np.array(GAZE_LIMITS)
    return limits * np.tanh((target - follow * rotation[:, :2]) / limits)


def _look(gaze: np.ndarray) -> np.ndarray:
    """(T, 53): the lids' share of a gaze."""
    weights = np.zeros((len(gaze), len(EXPRESSIONS)))
    yaw, pitch = gaze[:, 0] / GAZE_LIMITS[0], gaze[:, 1] / GAZE_LIMITS[1]
    # Positive yaw is towards the person's left: the left eye turns out, the right one in.
    for name, value in (("Out_L", yaw), ("In_R", yaw), ("In_L", -yaw), ("Out_R", -yaw)):
        weights[:, EXPRESSION_INDEX[f"eyeLook{name}"]] = np.maximum(value, 0) * 0.8
    for side in "LR":
        weights[:, EXPRESSION_INDEX[f"eyeLookUp_{side}"]] = np.maximum(pitch, 0) * 0.8
        weights[:, EXPRESSION_INDEX[f"eyeLookDown_{side}"]] = np.maximum(-pitch, 0) * 0.8
    return weights


def _event(rng: np.random.Generator, frames: int, hold: float, ramp: float) -> np.ndarray:
    """(T,) 0..1: one smooth rise and fall somewhere in the clip, seconds of plateau and of each slope."""
    centre = rng.uniform(0, frames)
    distance = np.abs(np.arange(frames) - centre) / FPS - hold / 2
    x = np.clip(1.0 - distance / ramp, 0.0, 1.0)
    return x * x * (3 - 2 * x)


def _mouth(rng: np.random.Generator, frames: int) -> np.ndarray:
    talking = rng.random() < TALKING
    curves = sample_speech(rng, frames, FPS) if talking else np.zeros((frames, len(EXPRESSIONS)))
    toothy = rng.random() < TOOTHY_SMILE
    if toothy or rng.random() < 0.5:
        level = rng.uniform(0.45, 0.95) if toothy else rng.uniform(0.1, 0.45)
        lips = rng.uniform(0.25, 0.7) if toothy else 0.0
        pose = {
            "mouthSmile": level, "cheekSquint": 0.5 * level, "eyeSquint": 0.3 * level, "mouthUpperUp": lips * 0.6,
            "mouthLowerDown": lips * rng.uniform(0.2, 0.9), "jawOpen": lips * rng.uniform(0.0, 0.25),
            "mouthDimple": rng.uniform(0, 0.3) * level,
        }  # fmt: skip
        long = rng.random() < 0.5
        envelope = _event(rng, frames, hold=rng.uniform(4, 8) if long else rng.uniform(0.3, 1.5), ramp=0.35)
        curves = curves * (1 - 0.35 * envelope[:, None]) + weights_of(pose) * envelope[:, None]
    if rng.random() < WIDE_OPEN:
        pose = {
            "jawOpen": rng.uniform(0.6, 1.0), "mouthLowerDown": rng.uniform(0, 0.4),
            "mouthUpperUp": rng.uniform(0, 0.4),
            "mouthStretch": rng.choice([0.0, 0.4]), "mouthFunnel": rng.choice([0.0, 0.0, 0.5]),
        }  # fmt: skip
        envelope = _event(rng, frames, hold=rng.uniform(0.1, 0.9), ramp=rng.uniform(0.15, 0.4))[:, None]
        curves = curves * (1 - 0.8 * envelope) + weights_of(pose) * envelope
    idle = {"mouthPress": 0.08, "mouthFrown": 0.06, "mouthShrugUpper": 0.05, "jawForward": 0.05, "mouthDimple": 0.06}
    for name, size in idle.items():
        curves = curves + weights_of({name: size}) * np.abs(band_noise(rng, frames, 0.1, 0.7))[:, None]
    return curves


def _brows(rng: np.random.Generator, frames: int) -> np.ndarray:
    curves = np.zeros((frames, len(EXPRESSIONS)))
    for name, size in (("browInnerUp", 0.08), ("browOuterUp", 0.08), ("browDown", 0.06)):
        curves += weights_of({name: size}) * np.maximum(band_noise(rng, frames, 0.1, 1.5), 0)[:, None]
    events = ({"browInnerUp": 0.7, "browOuterUp": 0.7}, {"browDown": 0.8}, {"browInnerUp": 0.8}, {"eyeWide": 0.6})
    for pose in events:
        if rng.random() < 0.3:
            envelope = _event(rng, frames, hold=rng.uniform(0.1, 1.5), ramp=rng.uniform(0.12, 0.3))
            curves += weights_of(pose) * rng.uniform(0.4, 1.2) * envelope[:, None]
    return curves


def _lids(rng: np.random.Generator, frames: int, gaze: np.ndarray) -> np.ndarray:
    """(T, 53): blinks of 150 to 250 ms on both eyes, now and then a slow close or a squint, lids that follow gaze."""
    shut = np.zeros(frames)
    clock = np.arange(frames) / FPS
    seconds = frames / FPS
    if rng.random() < BLINK:
        for start in rng.uniform(0, max(seconds - 0.2, 0.05), size=max(1, rng.poisson(seconds / 4.0))):
            close, hold, open_ = rng.uniform(0.05, 0.09), rng.uniform(0.01, 0.05), rng.uniform(0.09, 0.13)
            shape = np.interp(clock - start, [0, close, close + hold, close + hold + open_], [0, 1, 1, 0])
            shut = np.maximum(shut, shape * rng.uniform(0.9, 1.0))
    if rng.random() < SLOW_CLOSE:
        depth = rng.uniform(0.4, 1.0)
        shut = np.maximum(shut, depth * _event(rng, frames, hold=rng.uniform(0.2, 1.2), ramp=0.15))
    squint = _event(rng, frames, hold=rng.uniform(0.3, 2.0), ramp=0.25) * rng.uniform(0.3, 0.9) * (rng.random() < 0.2)
    droop = max(rng.normal() * 0.06 + 0.03, 0.0)  # people differ in how far their lids hang
    lids = np.maximum(shut, droop)[:, None] * weights_of({"eyeBlink": 1.0})
    return lids + squint[:, None] * weights_of({"eyeSquint": 1.0, "cheekSquint": 0.5, "browDown": 0.2}) + _look(gaze)


def _asymmetry(rng: np.random.Generator, frames: int, expression: np.ndarray) -> np.ndarray:
    """Sides that differ slightly in every face, and strongly in some clips."""
    expression = expression.copy()
    strong = rng.random() < ASYMMETRIC
    for left, right in _PAIRS:
        if EXPRESSIONS[left].startswith(("eyeBlink", "eyeLook")) and not (strong and rng.random() < 0.3):
            continue
        tilt = rng.uniform(-0.8, 0.8) if strong else rng.normal() * 0.05
        expression[:, left] *= min(1.0 + tilt, 1.0 if strong else 2.0)
        expression[:, right] *= min(1.0 - tilt, 1.0 if strong else 2.0)
    return expression


def _shoulders(rng: np.random.Generator, frames: int, rotation: np.ndarray, small: bool) -> np.ndarray:
    size = 0.4 if small else 1.0
    sway = np.stack([band_noise(rng, frames, 0.1, 0.6) for _ in range(3)], 1) * (1.0, 0.05, 0.02) * size
    breath = 0.15 * np.sin(2 * np.pi * (np.arange(frames) / FPS * rng.uniform(0.2, 0.35) + rng.random()))
    # The trunk follows a part of the head's turn, later than the head.
    follow = smooth(rotation[:, :1], 6.0)[:, 0] * rng.uniform(0.0, 0.35)
    return np.stack([sway[:, 0], breath, follow + sway[:, 1], sway[:, 2]], 1)
