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
from .runtime.window import drawn_window


class Stream:
    """One live person.  Memory is constant from the first step on, however long it runs."""

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
        # shapes that change with the face suit a CPU; on a GPU the whole picture costs less than their set-up
        self._windowed = config.reach is not None and self.device.type == "cpu" and not compile
        self.seed = seed
        self.timings: dict[str, float] = {}  # milliseconds of the last step: "generate", "decode"
        self._noise_source = torch.Generator()  # on the CPU, so that a seed means the same on every device
        self._state: RolloutState | None = None

    @torch.inference_mode()
    def lock(self, person: np.ndarray, warp: np.ndarray, guide: np.ndarray) -> None:
        """Begin with this person: (S, S, 4) uint8 premultiplied RGBA, and the maps of the portrait's own pose.

        warp (4, S, S, 4) and guide (4, S/2, S/2, 8) are uint8.  Restarts the noise from the seed.
        """
        _check("person", person, (self.size, self.size, WARP_CHANNELS))
        conditions = self._conditions(warp, guide)
        picture = from_bytes(self._upload(person), self.dtype).movedim(-1, -3)
        reference = picture.expand(1, FRAMES_PER_LATENT, *picture.shape)
        self._noise_source.manual_seed(self.seed)
        self._state = self.generator.lock(reference, conditions, StreamCache(self.generator.config.transformer))

    @torch.inference_mode()
    def step(self, warp: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """The next four video frames, (4, S, S, 4) uint8 premultiplied RGBA, from their maps."""
        if self._state is None:
            raise ValueError("no person is locked; call lock() with a portrait first")
        started = time.perf_counter()
        conditions = self._conditions(warp, guide)
        noise = self.generator.noise(1, self.size, self._noise_source).to(self.device)
        z, state = self.generator.step(conditions, self._state, noise)
        self._wait()
        generated = time.perf_counter()
        if self._windowed:
            frames, self._state = self._decode_window(z, state, conditions, warp, guide)
        else:
            video, self._state = self.generator.decode(z, conditions, state)
            frames = self._download(video)
        self.timings = {
            "generate": 1000 * (generated - started), "decode": 1000 * (time.perf_counter() - generated),
        }
        return frames

    def _conditions(self, warp: np.ndarray, guide: np.ndarray) -> Conditions:
        _check("warp", warp, (FRAMES_PER_LATENT, self.size, self.size, WARP_CHANNELS))
        _check("guide", guide, (FRAMES_PER_LATENT, self.size // 2, self.size // 2, GUIDE_CHANNELS))
        return Conditions.from_uint8(self._upload(warp)[None, None], self._upload(guide)[None, None], self.dtype)

    def _decode_window(
        self, z: Tensor, state: RolloutState, conditions: Conditions, warp: np.ndarray, guide: np.ndarray
    ) -> tuple[np.ndarray, RolloutState]:
        """`Generator.decode` where the model draws; the warp elsewhere. warp and guide: the conditions' bytes."""
        frames = warp.copy()
        window = drawn_window(guide, self.generator.config.reach)
        if window is not None:
            rows, columns = window.of(SPATIAL_FACTOR)
            half, cells = (..., *window.of(SPATIAL_FACTOR // 2)), (..., *window.of(1))
            part = Conditions(conditions.warp[..., rows, columns], conditions.guide[half])
            inside = replace(state, decoder=DecoderState(state.decoder.z[cells]))
            frames[:, rows, columns] = self._download(self.generator.decode(z[cells], part, inside)[0])
        return frames, replace(state, decoder=DecoderState(z))

    def _download(self, video_BFCHW: Tensor) -> np.ndarray:
        """The one sequence's frames, (F, H, W, 4) uint8 premultiplied."""
        return premultiplied(to_bytes(video_BFCHW[0].movedim(-3, -1))).cpu().numpy()

    def _upload(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def premultiplied(rgba: Tensor) -> Tensor:
    """Clamp (..., 4) premultiplied pixels so that no colour exceeds its alpha."""
    return torch.minimum(rgba, rgba[..., 3:])


def _check(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or array.shape != shape:
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else type(array).__name__
        raise ValueError(f"{name} must be a uint8 array of shape {shape}, not {found}")
