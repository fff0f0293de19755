"""A whole model as data: one frozen dataclass per component, to and from JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from .transformer.config import TransformerConfig

KIND = "kind"  # key in JSON: the class of a component


@dataclass(frozen=True)
class SamplerConfig:
    """How a block of latent frames is made from noise.

    times: t of each denoising step, falling from 1; between steps the estimate is noised anew (Self-Forcing).
    clean_cache: t of one more pass over the finished block, whose keys and values are those that later blocks see
    (Self-Forcing, minWM); None: those of the only step are kept (AAPT).
    first: times of the first block that a rollout makes, which has little or nothing to go on (Causal Forcing++);
    None: as all others.
    """

    times: tuple[float, ...] = (1.0,)
    clean_cache: float | None = None
    first: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for times in (self.times, self.times if self.first is None else self.first):
            falling = all(a > b for a, b in zip(times, times[1:]))
            if not times or not falling or not 0 < times[-1] <= times[0] <= 1:
                raise ValueError(f"denoising times {times} do not fall from 1 towards 0")
        if self.steps > 1 and self.clean_cache is None:
            raise ValueError("several denoising steps need clean_cache: the keys of which step would be kept?")

    @property
    def steps(self) -> int:
        """The most that a block takes."""
        return max(len(self.times), len(self.first or ()))

    def times_of(self, beginning: bool) -> tuple[float, ...]:
        return self.first if beginning and self.first is not None else self.times


@dataclass(frozen=True)
class ModelConfig:
    """`VideoModel(config)` builds it. codec, control, space and trunk are configurations of any known kind."""

    name: str
    size: tuple[int, int]  # pixels, height and width, where none is asked for
    transformer: TransformerConfig
    codec: Any
    control: Any
    space: Any
    trunk: Any = None  # convolutions around the transformer
    sampler: SamplerConfig = SamplerConfig()
    fps: int = 24  # video frames a second

    def resized(self, height: int, width: int) -> ModelConfig:
        return replace(self, size=(height, width))

    def to_dict(self) -> dict:
        return to_data(self)

    @staticmethod
    def from_dict(data: dict, kinds: Iterable[type]) -> ModelConfig:
        """Inverse of `to_dict` (also after a trip through JSON); raises ValueError on missing or unknown fields."""
        known = {kind.__name__: kind for kind in (ModelConfig, TransformerConfig, SamplerConfig, *kinds)}
        config = from_data(data, known)
        if not isinstance(config, ModelConfig):
            raise ValueError("no configuration of a model")
        return config


def to_data(value: Any) -> Any:
    """Dataclasses to dictionaries that carry the name of their class."""
    if is_dataclass(value):
        parts = {field.name: to_data(getattr(value, field.name)) for field in fields(value)}
        return {KIND: type(value).__name__, **parts}
    return [to_data(item) for item in value] if isinstance(value, (tuple, list)) else value


def from_data(data: Any, known: dict[str, type]) -> Any:
    if isinstance(data, (list, tuple)):
        return tuple(from_data(item, known) for item in data)
    if not isinstance(data, dict):
        return data
    kind = known.get(data.get(KIND))
    if kind is None:
        raise ValueError(f"unknown component {data.get(KIND)!r}")
    values = {name: from_data(value, known) for name, value in data.items() if name != KIND}
    unknown = set(values) - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {sorted(unknown)[0]!r}")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"incomplete or impossible {kind.__name__}: {error}") from None
