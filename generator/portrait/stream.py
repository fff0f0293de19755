"""Live use of a portrait's generator: lock it on a person, then four maps in, four RGBA frames out.

stream = PortraitStream(checkpoint.load(path))
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

from ..codecs.patch import DecoderState
from ..controls.portrait import PortraitControlConfig
from ..model import RolloutState, VideoModel
from ..runtime.transfer import Transfer
from ..stream import Stream
from .conditions import Conditions, from_bytes, to_bytes
from .layout import FRAMES_PER_LATENT, GUIDE_CHANNELS, SPATIAL_FACTOR, WARP_CHANNELS
from .scale import Scale
from .window import FaceCamera, Framing, Window, moved


class PortraitStream:
    """One live person. Memory is bounded from the first step on, however long it runs."""

    def __init__(
        self,
        model: VideoModel,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "auto",
        seed: int = 0,
        attention: str = "sdpa",
    ) -> None:
        """Takes the model over: moves it to the device and casts it. Raises ValueError on an impossible choice."""
        config = model.config
        if not isinstance(config.control, PortraitControlConfig):
            raise ValueError(f"model {config.name!r} is not driven by a portrait: choose one that is, as pocket")
        if config.size[0] != config.size[1]:
            raise ValueError(f"pictures of a portrait are square, not {config.size[1]}x{config.size[0]}")
        self.size = config.size[0]
        self._stream = Stream(model, None, device, dtype, seed, attention)
        self.device, self.dtype = self._stream.device, self._stream.dtype
        self._transfer = Transfer(self.device)
        self._control, self._patch = config.control, config.transformer.patch
        self._look(Scale(self.size, self.size))
        self.timings: dict[str, float] = {}  # milliseconds of the last step: "generate", "decode"
        self._reference: tuple[np.ndarray, ...] | None = None  # what lock() was given, as it is seen; 1 person

    @torch.inference_mode()
    def lock(self, person: np.ndarray, warp: np.ndarray, guide: np.ndarray) -> None:
        """Begin with this person: (S, S, 4) uint8 premultiplied RGBA, and the maps of the portrait's own pose.

        warp (4, S, S, 4) and guide (4, S/2, S/2, 8) are uint8.  Restarts the noise from the seed.
        """
        _check("person", person, (self.size, self.size, WARP_CHANNELS))
        _check_maps(warp, guide, self.size)
        self._stream.restart_noise()
        self._look(Scale.of(self.size, guide, self._control.face, SPATIAL_FACTOR * self._patch))
        self._reference = tuple(self._scale.shrink(array.copy()) for array in (person[None], warp, guide))
        self._camera.lock(self._reference[-1])
        self._window = self._camera.window
        self._stream.state = self._locked(self._window)

    @torch.inference_mode()
    def step(self, warp: np.ndarray, guide: np.ndarray) -> np.ndarray:
        """The next four video frames, (4, S, S, 4) uint8 premultiplied RGBA, from their maps.

        Maps without a face give the warp, and time stands still.
        """
        if self._reference is None:
            raise ValueError("no person is locked; call lock() with a portrait first")
        _check_maps(warp, guide, self.size)
        frames = warp.copy()
        seen_warp, seen_guide = self._scale.shrink(warp), self._scale.shrink(guide)
        noise = self._stream.model.noise(1, self._scale.seen, self._scale.seen, self._stream.noise_source)
        window = self._camera.follow(seen_guide)
        self.timings = {"generate": 0.0, "decode": 0.0}
        if window is not None:
            self._look_at(window)
            conditions = self._conditions(seen_warp, seen_guide, window)
            video = self._stream.step(conditions, noise[(..., *window.of(1))])
            self.timings = dict(self._stream.timings)
            began = time.perf_counter()
            drawn = self._transfer.down(premultiplied(to_bytes(video[0].movedim(-3, -1))))
            self._scale.put(drawn, window, seen_warp, frames)
            self.timings["decode"] += 1000 * (time.perf_counter() - began)
        return frames

    def _look(self, scale: Scale) -> None:
        """See pictures at this scale from now on."""
        self._scale = scale
        self._camera = FaceCamera(Framing(scale.seen // SPATIAL_FACTOR, self._patch, self._control.reach))
        self._window = self._camera.window  # what the state is of

    def _locked(self, window: Window) -> RolloutState:
        """The state after the reference, seen through this window."""
        person, warp, guide = self._reference
        part = person[(slice(None), *window.of(SPATIAL_FACTOR))]
        picture = from_bytes(self._transfer.up("person", part), self.dtype).movedim(-1, -3)
        reference = picture.expand(FRAMES_PER_LATENT, *picture.shape[1:])[None]
        return self._stream.locked(reference, self._conditions(warp, guide, window), self._origin(window))

    def _origin(self, window: Window) -> tuple[float, float]:
        """Where a window's first token is in the picture: keys that are stored keep their places when it moves."""
        return window.top / self._patch, window.left / self._patch

    def _look_at(self, window: Window) -> None:
        """Go on in another window. One of another size begins a new memory, for all keys are of one size."""
        if window == self._window:
            return
        state = self._stream.state
        if window.size != self._window.size:
            state = self._locked(self._camera.on_portrait(window.size))
        last = self._stream.state
        previous, shown = (moved(z, self._window, window) for z in (last.previous, last.decoder.z))
        state.cache.origin = self._origin(window)
        self._stream.state = replace(state, previous=previous, decoder=DecoderState(shown))
        self._window = window

    def _conditions(self, warp: np.ndarray, guide: np.ndarray, window: Window) -> Conditions:
        warp = warp[(slice(None), *window.of(SPATIAL_FACTOR))]
        guide = guide[(slice(None), *window.of(SPATIAL_FACTOR // 2))]
        warp, guide = self._transfer.up("warp", warp), self._transfer.up("guide", guide)
        return Conditions.from_uint8(warp[None, None], guide[None, None], self.dtype)


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
