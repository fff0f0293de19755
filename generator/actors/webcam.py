"""What a webcam makes of a scene: a rolling shutter that is open for a while, exposure, noise, sharpening and JPEG.

All frames of a clip and its portrait come from one camera. The person's alpha stays exact: only colours change, and
they change as the picture with its background does.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from generator.actors.background import blur

SUBFRAMES = 3  # pictures that one exposure of a moving scene is averaged from


@dataclass(frozen=True)
class Webcam:
    """One camera. shutter: share of the time between two frames that a row is exposed; rolling: share of it by which
    the last row is later than the first; gain (3,) of exposure and white balance; gamma; softness: standard deviation
    of the lens in pixels at 256; noise: standard deviation in 0..255 at mid-grey; sharpening; quality of the JPEG, 0
    for none."""

    shutter: float
    rolling: float
    gain: np.ndarray
    gamma: float
    softness: float
    noise: float
    sharpening: float
    quality: int


def sample_webcam(rng: np.random.Generator, natural: bool) -> Webcam:
    """Mostly decent cameras, some bad ones; the best leave the picture nearly as it is."""
    bad = rng.beta(1.2, 2.2)
    cast = 0.03 if natural else 0.15
    return Webcam(
        shutter=rng.uniform(0.1, 0.5),
        rolling=rng.uniform(0.1, 0.5),
        gain=np.clip(rng.normal(1.0, 0.05) * rng.normal(1.0, cast, 3), 0.7, 1.35),
        gamma=float(np.clip(rng.normal(1.0, 0.08), 0.8, 1.25)),
        softness=float(rng.uniform(0.0, 0.9) * bad),
        noise=float(0.4 + 5.5 * bad**2 * rng.uniform(0.3, 1.0)),
        sharpening=float(rng.uniform(0.0, 0.4) * (rng.random() < 0.4)),
        quality=int(rng.uniform(60 + 25 * (1 - bad), 96)) if rng.random() < 0.7 else 0,
    )


def exposure_times(camera: Webcam) -> np.ndarray:
    """(SUBFRAMES,) moments, in frames, around the middle of an exposure that all rows together take."""
    reach = 0.5 * (camera.shutter + camera.rolling)
    return np.linspace(-reach, reach, SUBFRAMES)


def row_weights(camera: Webcam, rows: np.ndarray) -> np.ndarray:
    """(R, SUBFRAMES) share of each moment in rows at heights 0 top .. 1 bottom of the picture."""
    times = exposure_times(camera)
    middle = camera.rolling * (np.clip(rows, 0, 1) - 0.5)
    width = 0.5 * camera.shutter + (times[1] - times[0]) * 0.5
    weights = np.clip(1.0 - np.abs(times[None] - middle[:, None]) / width, 1e-3, None)
    return weights / weights.sum(1, keepdims=True)


def expose(camera: Webcam, pictures: np.ndarray) -> np.ndarray:
    """(SUBFRAMES, S, S, 4) uint8 premultiplied pictures of one exposure -> (S, S, 4) uint8. Light adds linearly."""
    size = pictures.shape[1]
    weights = row_weights(camera, (np.arange(size) + 0.5) / size).T[..., None, None]
    light = np.square(pictures[..., :3].astype(np.float32)) * weights
    alpha = pictures[..., 3:].astype(np.float32) * weights
    colour = np.sqrt(light.sum(0))
    alpha = alpha.sum(0)
    return np.concatenate([np.minimum(colour, alpha), alpha], -1).round().astype(np.uint8)


def expose_points(camera: Webcam, points: np.ndarray, size: int) -> np.ndarray:
    """(SUBFRAMES, N, 3) pixels of landmarks at the moments of an exposure -> (N, 3) where the picture shows them."""
    weights = row_weights(camera, points[SUBFRAMES // 2, :, 1] / size)
    return np.einsum("knd,nk->nd", points, weights).astype(np.float32)


def develop(camera: Webcam, rng: np.random.Generator, frames: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(T, S, S, 4) uint8 premultiplied frames before a background (S, S, 3) -> the same as the camera delivers them."""
    return np.stack([_develop(camera, rng, frame, background) for frame in frames])


def _develop(camera: Webcam, rng: np.random.Generator, frame: np.ndarray, background: np.ndarray) -> np.ndarray:
    alpha = frame[..., 3:].astype(np.float32) / 255
    scene = frame[..., :3] + background * (1 - alpha)
    picture = 255.0 * np.clip(scene / 255 * np.sqrt(camera.gain), 0, 1) ** camera.gamma
    size = frame.shape[0]
    if camera.softness > 0.2:
        picture = _soften(picture, camera.softness * size / 256)
    if camera.noise:
        # Brightness noise is finer than colour noise, and dark parts show more of it.
        grain = rng.normal(0, 1, (size, size, 1)) + 0.5 * _coarse(rng, size)
        picture = picture + camera.noise * grain * (1.3 - picture.mean(-1, keepdims=True) / 255)
    if camera.sharpening:
        picture = picture + camera.sharpening * (picture - _soften(picture, 0.8))
    picture = picture.clip(0, 255)
    if camera.quality:
        picture = _jpeg(picture, camera.quality)
    # What the camera changed belongs to the person as far as the person covers the pixel.
    colour = frame[..., :3] + (picture - scene) * alpha
    return np.concatenate([np.clip(colour, 0, 255 * alpha), frame[..., 3:]], -1).round().astype(np.uint8)


def _soften(picture: np.ndarray, sigma: float) -> np.ndarray:
    """Blur by a kernel of five taps, for standard deviations below two pixels."""
    reach = np.arange(-2, 3)
    kernel = np.exp(-0.5 * (reach / max(sigma, 0.05)) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        pad = [(0, 0)] * picture.ndim
        pad[axis] = (2, 2)
        padded = np.pad(picture, pad, mode="edge")
        picture = sum(w * np.take(padded, np.arange(k, k + picture.shape[axis]), axis) for k, w in enumerate(kernel))
    return picture


def _coarse(rng: np.random.Generator, size: int) -> np.ndarray:
    """(S, S, 3) noise in blotches of a few pixels, of about unit variance."""
    return 2.2 * blur(rng.normal(0, 1, (size, size, 3)), 1.0)


def _jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture.round().astype(np.uint8)).save(stream, "jpeg", quality=quality)
    return np.asarray(Image.open(stream), np.float32)
