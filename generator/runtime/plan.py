"""What a step of a stream costs, from the configuration alone: no weights, no accelerator.

The transformer is counted by its equations; codec, control and what is wrapped around the transformer by passing
tensors without data (torch's meta device) through them. One multiply-add is two FLOP, as torch's own counter has it;
only matrix products and convolutions count.

Letters: T latent frames of a block, L tokens of a latent frame, N = T L, K keys that a token attends to, M text tokens,
D width, F feed-forward width, P cards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ..config import ModelConfig
from ..model import VideoModel
from ..transformer.cache import StreamCache
from ..transformer.config import TransformerConfig
from ..transformer.transformer import IMAGE_TOKENS
from .accelerators import GB, TERA, Accelerator

TEXT_TOKENS = 512  # of umT5, as Wan's models are given them
BF16 = 2  # bytes
MATRIX_OPERATIONS = frozenset(("convolution", "mm", "addmm", "bmm", "baddbmm"))  # what is not fused with its neighbours


@dataclass(frozen=True)
class Part:
    """One part of the work of a step, of all cards together."""

    flop: int = 0
    bytes: int = 0  # that must be read or written at least once
    weight_bytes: int = 0  # those of them that every card must read, however many share the work
    split: bool = True  # among the cards; otherwise each does all of it
    fp8: bool = False  # linears that may run in fp8

    def seconds(self, accelerator: Accelerator, cards: int, fp8: bool = False) -> float:
        """Lower bound by the roofline: arithmetic or memory traffic, whichever takes longer."""
        peak = accelerator.tflops_fp8 if fp8 and self.fp8 and accelerator.tflops_fp8 else accelerator.tflops_bf16
        shares = cards if self.split else 1
        arithmetic = self.flop / shares / (peak * TERA)
        traffic = ((self.bytes - self.weight_bytes) / shares + self.weight_bytes) / (accelerator.bandwidth_gb_s * GB)
        return max(arithmetic, traffic)


@dataclass(frozen=True)
class Plan:
    """One step of a stream (a block of latent frames that is not the first, all its denoising steps) whose window is
    full."""

    parameters: int  # of the whole model, codec included
    tokens: int  # L
    keys: int  # K
    video_frames: int  # that a step makes
    cards: int  # P
    linear: Part  # projections, feed-forward, patches in and out, time embedding
    attention: Part  # over the sink, the window and the block itself
    text: Part  # cross-attention; nothing for a model without text
    control: Part  # what encodes the signal, and what is wrapped around the transformer
    decode: Part
    weight_bytes: int
    cache_bytes: int  # keys and values of sink, window and block, and those of the text
    activation_bytes: int  # largest tensors alive at once
    communication_bytes: int  # that each card sends in a step

    @property
    def parts(self) -> dict[str, Part]:
        return {name: getattr(self, name) for name in ("linear", "attention", "text", "control", "decode")}

    @property
    def flop(self) -> int:
        return sum(part.flop for part in self.parts.values())

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts.values())

    @property
    def memory_bytes_a_card(self) -> int:
        """Weights are on every card; the cache is split by heads, activations by columns."""
        return self.weight_bytes + (self.cache_bytes + self.activation_bytes) // self.cards

    def seconds(self, accelerator: Accelerator, fp8: bool = False) -> float:
        """Lower bound of a step: every part at its roofline, and the exchange between cards not hidden."""
        work = sum(part.seconds(accelerator, self.cards, fp8) for part in self.parts.values())
        return work + self.communication_bytes / (accelerator.link_gb_s * GB)

    def frames_a_second(self, accelerator: Accelerator, fp8: bool = False) -> float:
        return self.video_frames / self.seconds(accelerator, fp8)

    def fits(self, accelerator: Accelerator) -> bool:
        return self.memory_bytes_a_card <= accelerator.memory_gb * GB


def transformer_flop(config: TransformerConfig, tokens: int, keys: int, text_tokens: int) -> dict[str, int]:
    """FLOP of one pass over a block, by part: "linear", "attention", "text"."""
    N, D, T = config.block * tokens, config.dim, config.block
    patches = 2 * N * D * config.patch**2 * (config.in_channels + config.out_channels)
    kinds = 1 + config.projective  # of heads: those that turn, and those that see cameras
    blocks = config.layers * ((3 + kinds) * 2 * N * D * D + 2 * 2 * N * D * config.ffn_dim)
    time = T * 2 * (config.frequency_dim * D + D * D + 6 * D * D)
    text = 0
    if config.text_dim is not None:
        text_tokens += IMAGE_TOKENS if config.image_dim is not None else 0
        text = config.layers * (2 * 2 * N * D * D + 2 * 2 * N * text_tokens * D)  # keys and values: once a prompt
    return {
        "linear": patches + blocks + time,
        "attention": kinds * config.layers * 2 * 2 * N * keys * D,
        "text": text,
    }


def plan(config: ModelConfig, height: int, width: int, cards: int = 1, text_tokens: int = TEXT_TOKENS) -> Plan:
    """Raises ValueError for a size that the model cannot make, or heads that the cards cannot share."""
    with torch.device("meta"):
        model = VideoModel(config.resized(height, width)).to("meta", torch.bfloat16).eval()
    settings = config.transformer
    if cards < 1 or settings.heads % cards:
        raise ValueError(f"{settings.heads} heads cannot be shared by {cards} cards")
    T, D, layers, kinds = settings.block, settings.dim, settings.layers, 1 + settings.projective
    unit = model.codec.space_factor * settings.patch
    tokens = (height // unit) * (width // unit)
    keys = (settings.sink + settings.window + T) * tokens
    if settings.text_dim is None:
        text_tokens = 0
    passes = len(config.sampler.times) + (config.sampler.clean_cache is not None)

    flop = {name: passes * count for name, count in transformer_flop(settings, tokens, keys, text_tokens).items()}
    of_text = [block.cross_attn for block in model.transformer.blocks] if text_tokens else []
    weights, text_weights = _bytes(model.transformer), sum(_bytes(part) for part in of_text)
    signal = model.control.blank(model.codec, 1, T, height, width, device="meta", dtype=torch.bfloat16)
    control, network = counted(lambda: model.observe(signal)), _around_transformer(model)
    decoder = _decode(model, signal)
    return Plan(
        parameters=sum(p.numel() for p in model.parameters()),
        tokens=tokens,
        keys=keys,
        video_frames=T * model.codec.time_factor,
        cards=cards,
        linear=Part(flop["linear"], passes * (weights - text_weights), passes * (weights - text_weights), fp8=True),
        attention=Part(flop["attention"], passes * 2 * kinds * keys * D * layers * BF16),
        text=Part(flop["text"], passes * (text_weights + 2 * text_tokens * D * layers * BF16), passes * text_weights),
        control=Part(control.flop + passes * network.flop, control.bytes + passes * network.bytes, split=False),
        decode=Part(decoder.flop, decoder.bytes),
        weight_bytes=_bytes(model),
        cache_bytes=2 * (kinds * keys + settings.sink * tokens // 2 + text_tokens) * D * layers * BF16,
        activation_bytes=max(T * tokens * (settings.ffn_dim + 5 * D) * BF16, decoder.largest),
        communication_bytes=passes * kinds * _ulysses_bytes(T * tokens, D, layers, cards),
    )


def _bytes(module: torch.nn.Module) -> int:
    return sum(p.numel() * p.element_size() for p in module.parameters())


def _ulysses_bytes(tokens: int, dim: int, layers: int, cards: int) -> int:
    """Bytes that each of P cards sends in a pass: queries, keys and values from tokens to heads and the result back, of
    which the card's own share stays (DeepSpeed-Ulysses, arXiv 2309.14509)."""
    return 4 * layers * tokens * dim * BF16 * (cards - 1) // cards**2


class Traffic(TorchDispatchMode):
    """Bytes that matrix products and convolutions read and write, and the most that one of them holds."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.largest = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if func._overloadpacket.__name__ in MATRIX_OPERATIONS:
            touched = [x for x in (*args, out) if isinstance(x, torch.Tensor)]
            held = sum(x.numel() * x.element_size() for x in touched)
            self.bytes += held
            self.largest = max(self.largest, held)
        return out


@dataclass(frozen=True)
class Counted:
    flop: int
    bytes: int
    largest: int


def counted(work: Callable[[], object]) -> Counted:
    """What calling `work` costs; on meta tensors nothing is computed."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter, Traffic() as traffic:
        work()
    return Counted(counter.get_total_flops(), traffic.bytes, traffic.largest)


def _latents(model: VideoModel, channels: int) -> torch.Tensor:
    height, width = (extent // model.codec.space_factor for extent in model.config.size)
    return torch.zeros(1, model.config.transformer.block, channels, height, width, device="meta", dtype=torch.bfloat16)


def _around_transformer(model: VideoModel) -> Counted:
    """The network without its transformer."""

    def cost(network: torch.nn.Module) -> Counted:
        x = _latents(model, network.config.in_channels)
        t = torch.ones(x.shape[:2], device="meta")
        cache = StreamCache(model.config.transformer)
        cache.frame = torch.tensor(0, device="meta")
        return counted(lambda: network.step(x, t, cache))

    if model.network is model.transformer:
        return Counted(0, 0, 0)
    whole, inner = cost(model.network), cost(model.transformer)
    return Counted(whole.flop - inner.flop, whole.bytes - inner.bytes, whole.largest)


def _decode(model: VideoModel, signal) -> Counted:
    """A block that is not the first of its video."""
    z = _latents(model, model.codec.channels)
    side = model.control.side(signal)
    state = [model.codec.initial_state(z[:, :1])]

    def work() -> None:
        for index in range(z.shape[1]):
            _, state[0] = model.codec.decode_step(z[:, index], state[0], None if side is None else side[:, index])

    return counted(work)
