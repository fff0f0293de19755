"""The faults of real portraits and trackers, imitated: what training does not show, the model cannot bear later."""

from __future__ import annotations

import cv2
import numpy as np

from pose.tracking.mesh import eye_distance, face_mesh

# errors of a tracker, in eye distances: the same in all frames of a clip, changing, and white
BIAS, JITTER, WHITE = 0.010, 0.004, 0.0015
HAND_BIAS, HAND_JITTER = 0.04, 0.015  # the same for hands, in lengths of the palm
MEMORY = 0.7  # of the changing error from one frame to the next
FIELD_WAVES, FIELD_SCALE = 24, 0.35  # of the smooth errors; the scale in eye distances
EXACT = 0.4  # share of the portraits that keep their exact matte


def imitate_matting(rng: np.random.Generator, person: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The person cut out of a photograph by a fallible matting instead of rendered alone.

    person (S, S, 4) uint8 premultiplied RGBA, background (S, S, 3) uint8 -> (S, S, 4) uint8 premultiplied: the outline
    wanders by a few pixels, softer or harder than it is, and carries along what lies behind it.
    """
    if rng.random() < EXACT:
        return person
    size = person.shape[0]
    alpha = person[..., 3].astype(np.float32) / 255
    photograph = person[..., :3] + background * (1 - alpha[..., None])
    softness = size / 192 * rng.uniform(0.6, 2.6)
    soft = cv2.GaussianBlur(alpha, (0, 0), softness)
    # moving the threshold of the blurred outline moves the outline; a smooth field moves it differently everywhere
    field = rng.normal(size=(9, 9)).astype(np.float32)
    threshold = 0.5 + 0.12 * rng.normal() + 0.13 * cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC)
    width = rng.uniform(0.12, 0.45)
    matte = np.clip((soft - np.clip(threshold, 0.15, 0.85)) / width + 0.5, 0, 1)
    matte = np.where(soft > 0.98, 1, np.where(soft < 0.02, 0, matte))[..., None]
    return np.round(np.concatenate([photograph * matte, 255 * matte], -1)).astype(np.uint8)


def imitate_tracker(
    rng: np.random.Generator, faces: np.ndarray, portrait_face: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Exact landmarks (T, 478, 3) of a clip and (478, 3) of its portrait as a tracker would have found them.

    Both share the error that the tracker makes on this face; another part changes from frame to frame.
    """
    bias = _smooth_field(rng, 1)[0]
    noise = _jitter(rng, len(faces))
    found = np.stack([_seen(face, bias + error) for face, error in zip(faces, noise, strict=True)])
    return found, _seen(portrait_face, bias + _jitter(rng, 1)[0])


def imitate_hands(rng: np.random.Generator, hands: np.ndarray) -> np.ndarray:
    """Exact landmarks (T, 2, 21, 3) of hands as a tracker would have found them; NaN stays."""
    size = np.linalg.norm(hands[..., 9, :2] - hands[..., 0, :2], axis=-1)[..., None, None]  # wrist to middle knuckle
    bias = rng.normal(0, HAND_BIAS, (1, *hands.shape[1:]))
    return (hands + size * (bias + rng.normal(0, HAND_JITTER, hands.shape))).astype(np.float32)


def _seen(face: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Landmarks (478, 3) with an error in eye distances."""
    return (face + error * eye_distance(face)).astype(np.float32)


def _jitter(rng: np.random.Generator, frames: int) -> np.ndarray:
    """(T, 478, 3) error that changes from frame to frame: a smooth part with memory and a little white noise."""
    fresh = _smooth_field(rng, frames) * (JITTER / BIAS)
    for t in range(1, frames):
        fresh[t] = MEMORY * fresh[t - 1] + np.sqrt(1 - MEMORY**2) * fresh[t]
    return fresh + rng.normal(0, WHITE, fresh.shape)


def _smooth_field(rng: np.random.Generator, count: int) -> np.ndarray:
    """(count, 478, 3) random displacements of the face that neighbours share, of standard deviation BIAS."""
    places = face_mesh().canonical
    waves = rng.normal(0, 1 / FIELD_SCALE, (3, FIELD_WAVES))
    basis = np.cos(places @ waves + rng.uniform(0, 2 * np.pi, FIELD_WAVES)) * np.sqrt(2 / FIELD_WAVES)  # (478, waves)
    return BIAS * np.einsum("pw,nwc->npc", basis, rng.normal(size=(count, FIELD_WAVES, 3)))
