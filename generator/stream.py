"""Live use of any model: tensors in, frames out.

stream = Stream(model, (480, 832))
stream.lock(reference_BFCHW, own_signal)
while True:
    video_BFCHW = stream.step(signal)
    stream.prompt(embedding)                # whenever there is another one
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor

from .model import RolloutState, VideoModel
from .runtime.precision import cast, resolve_device, resolve_dtype
from .runtime.speed import Speed
from .runtime.stopwatch import Stopwatch
from .transformer.attention import get_attention
from .transformer.cache import StreamCache
from .transformer.transformer import Text


class Stream:
    """One rollout of bounded memory, however long it runs. Signals are tensors on `device` in `dtype`."""

    def __init__(
        self,
        model: VideoModel,
        size: tuple[int, int] | None = None,
        device: str | torch.device = "auto",
        dtype: str | torch.dtype = "auto",
        seed: int = 0,
        attention: str = "sdpa",
        speed: Speed = Speed(),
    ) -> None:
        """Takes the model over: moves it to the device, casts it and wraps it.

        size: pixels, height and width; the model's own if None. Raises ValueError on an impossible choice.
        """
        self.height, self.width = size or model.config.size
        model.check_size(self.height, self.width)
        self.device = resolve_device(device)
        self.dtype = resolve_dtype(dtype, self.device)
        self.model = cast(model, self.device, self.dtype).eval().requires_grad_(False)
        transformer = model.config.transformer
        kernel = get_attention(attention, self.device, self.dtype, transformer.heads, transformer.head_dim)
        for block in self.model.transformer.blocks:
            block.attention = block.text_attention = kernel
        self.model = speed.apply(self.model)
        self.seed = seed
        self.timings: dict[str, float] = {}  # milliseconds of the last step: "generate", "decode"
        self.state: RolloutState | None = None
        self._text: Text | None = None
        self._asked = 0  # prompts so far
        self._prompter = ThreadPoolExecutor(1, "prompt")
        self.noise_source = torch.Generator()  # on the CPU, so that a seed means the same on every device

    def prompt(self, embedding: Tensor | Callable[[], Tensor] | None) -> Future:
        """Another text from the next step on; what was made stays in sight. Call it from any thread, while steps go on.

        embedding (1, N, text_dim), or what makes it, which may take its time: it runs on a thread of its own, as does
        the work in the model. None: no text. The newest wins. The future is done once it counts, and carries what went
        wrong. Raises ValueError for a model that knows no text.
        """
        if self.model.config.transformer.text_dim is None:
            raise ValueError(f"model {self.model.config.name!r} knows no text: leave the prompt out")
        self._asked += 1
        return self._prompter.submit(self._encode, embedding, self._asked)

    @torch.inference_mode()
    def _encode(self, embedding: Tensor | Callable[[], Tensor] | None, number: int) -> None:
        if number < self._asked:
            return  # a newer one waits
        text = None
        if embedding is not None:
            embedding = embedding if isinstance(embedding, Tensor) else embedding()
            text = self.model.encode_text(embedding.to(self.device, self.dtype))
        self._text = text

    def noise(self) -> Tensor:
        """What the next step would begin with, (S, 1, T, C, h, w) on the CPU; draws on."""
        return self.model.noise(1, self.height, self.width, self.noise_source)

    def restart_noise(self) -> None:
        self.noise_source.manual_seed(self.seed)

    @torch.inference_mode()
    def lock(self, reference_BFCHW: Tensor | None = None, signal: Any = None) -> None:
        """Begin anew with a reference (the video frames of one latent frame, in [-1, 1]) and its own signal, or
        without.

        Restarts the noise from the seed.
        """
        self.restart_noise()
        self.state = self.locked(reference_BFCHW, signal)

    def locked(
        self, reference_BFCHW: Tensor | None, signal: Any, origin: tuple[float, float] = (0.0, 0.0)
    ) -> RolloutState:
        """The state after a reference, without taking it on.

        origin: row and column, in tokens, of what is seen in a larger picture.
        """
        cache = StreamCache(self.model.config.transformer)
        cache.origin = origin
        return self.model.lock(reference_BFCHW, signal, cache, self._text)

    @torch.inference_mode()
    def step(self, signal: Any = None, noise_SBTChw: Tensor | None = None) -> Tensor:
        """The next video frames (1, F, C, H, W), about [-1, 1], of one block of latent frames."""
        if self.state is None:
            raise ValueError("nothing is locked: call lock() first")
        watch = Stopwatch(self.device)
        watch.mark()
        noise = self.noise() if noise_SBTChw is None else noise_SBTChw
        z, state = self.model.step(signal, self.state, noise.to(self.device), self._text)
        watch.mark()
        video, self.state = self.model.decode(z, signal, state)
        watch.mark()
        self.timings = dict(zip(("generate", "decode"), watch.read()))
        return video
