"""Live use of the generator: lock it on a portrait, then four maps in, four RGBA frames out.

    stream = Stream(checkpoint.load(path))
    stream.lock(person, own_warp, own_guide)
    while True:
        frames = stream.step(warp, guide)
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from .attention import get_attention
from .autoencoder import DecoderState
from .cache import StreamCache
from .conditions import Conditions, from_bytes, to_bytes
from .config import FRAMES_PER_LATENT, GUIDE_CHANNELS, SPATIAL_FACTOR, WARP_CHANNELS
from .generator import Generator, RolloutState
from .runtime.compile import compile_regions
from .runtime.precision import cast, resolve_device, resolve_dtype
from .runtime.scale import Scale
from .runtime.window import FaceCamera, Framing, Window, moved


class Stream:
    """One live person.  Memory is bounded from the first step on, however long it runs."""

    def __init__(
        self,
        generator: Generator,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "auto",
        seed: int = 0,
        attention: str = "sdpa",
        compile: bool = False,
    ) -> None:
        """Takes the generator over: moves it to the device and casts it.  Raises ValueError on an impossible choice."""
        config = generator.config
        self.size = config.size
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(dtype, self.device)
        self.generator = cast(generator, self.device, self.dtype).eval().requires_grad_(False)
        heads, head_dim = config.transformer.heads, config.transformer.head_dim
        kernel = get_attention(attention, self.device, self.dtype, heads, head_dim)
        for block in self.generator.transformer.blocks:
            block.attention = kernel
        if compile:
            compile_regions(self.generator)
        # shapes that depend on the face suit a CPU; on a GPU the whole picture costs less than their set-up
        self._reach = config.reach if self.device.type == "cpu" and not compile else None
        self._look(Scale(self.size, self.size))
        self.seed = seed
        self.timings: dict[str, float] = {}  # milliseconds of the last step: "generate", "decode"
        self._noise_source = torch.Generator()  # on the CPU, so that a seed means the same on every device
        self._reference: tuple[np.ndarray, ...] | None = None  # what lock() was given, as it is seen; 1 person
        self._state: RolloutState | None = None

    @torch.inference_mode()
    def lock(self, person: np.ndarray, warp: np.ndarray, guide: np.ndarray) -> None:
        """Begin with this person: (S, S, 4) uint8 premultiplied RGBA, and the maps of the portrait's own pose.

        warp (4, S, S, 4) and guide (4, S/2, S/2, 8) are uint8.  Restarts the noise from the seed.
        """
        _check("person", person, (self.size, self.size, WARP_CHANNELS))
        _check_maps(warp, guide, self.size)
        self._noise_source.manual_seed(self.seed)
        self._look(Scale.of(self.generator.config, guide))
        self._reference = tuple(self._scale.shrink(array.copy()) for array in (person[None], warp, guide))
        self._camera.lock(self._reference[-1])
        self._window = self._camera.window
        self._state = self._lock(self._window)

    @torch.inference_mode()
    def step(self, warp: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """The next four video frames, (4, S, S, 4) uint8 premultiplied RGBA, from their maps.

        Where a window is generated (small models on a CPU), maps without a face give the warp, and time stands still.
        """
        if self._state is None:
            raise ValueError("no person is locked; call lock() with a portrait first")
        _check_maps(warp, guide, self.size)
        started = time.perf_counter()
        frames = warp.copy()
        seen_warp, seen_guide = self._scale.shrink(warp), self._scale.shrink(guide)
        noise = self.generator.noise(1, self._scale.seen, self._noise_source)
        window = self._camera.follow(seen_guide)
        generated = started
        if window is not None:
            self._look_at(window)
            conditions = self._conditions(seen_warp, seen_guide, window)
            noise = noise[(..., *window.of(1))].to(self.device)
            z, state = self.generator.step(conditions, self._state, noise)
            self._wait()
            generated = time.perf_counter()
            video, self._state = self.generator.decode(z, conditions, state)
            drawn = premultiplied(to_bytes(video[0].movedim(-3, -1))).cpu().numpy()
            self._scale.put(drawn, window, seen_warp, frames)
        self.timings = {
            "generate": 1000 * (generated - started), "decode": 1000 * (time.perf_counter() - generated),
        }
        return frames

    def _look(self, scale: Scale) -> None:
        """See pictures at this scale from now on."""
        patch = self.generator.config.transformer.patch
        self._scale = scale
        self._camera = FaceCamera(Framing(scale.seen // SPATIAL_FACTOR, patch, self._reach))
        self._window = self._camera.window  # what the state is of

    def _lock(self, window: Window) -> RolloutState:
        """The state after the reference, seen through this window."""
        person, warp, guide = self._reference
        part = person[(slice(None), *window.of(SPATIAL_FACTOR))]
        picture = from_bytes(self._upload(part), self.dtype).movedim(-1, -3)
        reference = picture.expand(FRAMES_PER_LATENT, *picture.shape[1:])[None]
        cache = StreamCache(self.generator.config.transformer)
        return self.generator.lock(reference, self._conditions(warp, guide, window), cache)

    def _look_at(self, window: Window) -> None:
        """Go on in another window. One of another size begins a new memory, for all keys are of one size."""
        if window == self._window:
            return
        state = self._state
        if window.size != self._window.size:
            state = self._lock(self._camera.on_portrait(window.size))
        previous, last = (moved(z, self._window, window) for z in (self._state.previous, self._state.decoder.z))
        self._state = replace(state, previous=previous, decoder=DecoderState(last))
        self._window = window

    def _conditions(self, warp: np.ndarray, guide: np.ndarray, window: Window) -> Conditions:
        warp = warp[(slice(None), *window.of(SPATIAL_FACTOR))]
        guide = guide[(slice(None), *window.of(SPATIAL_FACTOR // 2))]
        return Conditions.from_uint8(self._upload(warp)[None, None], self._upload(guide)[None, None], self.dtype)

    def _upload(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def premultiplied(rgba: Tensor) -> Tensor:
    """Clamp (..., 4) premultiplied pixels so that no colour exceeds its alpha."""
    return torch.minimum(rgba, rgba[..., 3:])


def _check_maps(warp: np.ndarray, guide: np.ndarray, size: int) -> None:
    _check("warp", warp, (FRAMES_PER_LATENT, size, size, WARP_CHANNELS))
    _check("guide", guide, (FRAMES_PER_LATENT, size // 2, size // 2, GUIDE_CHANNELS))


def _check(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.shape != shape:
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name} must be a uint8 array of shape {shape}, not {found}")
