"""Configuration of the generator: one frozen dataclass per component.

Units: `size` is pixels of the square output; channels are feature maps; `window` and `sink_distance` are latent
frames (one latent frame = four video frames).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

FRAMES_PER_LATENT = 4  # video frames in one latent frame
SPATIAL_FACTOR = 8  # pixels per latent cell, each way
LATENT_CHANNELS = 16
WARP_CHANNELS = 4  # premultiplied RGBA
GUIDE_CHANNELS = 8


@dataclass(frozen=True)
class TransformerConfig:
    """The causal diffusion transformer (Wan's block; AAPT, Lin et al. 2025, arXiv 2506.09350).

    With `trunk_depth` 0 the inputs are patchified directly, which is the form of the large video models.  With a
    trunk, that many convolutional residual blocks work at latent resolution on each side of the transformer.
    """

    dim: int
    layers: int
    heads: int
    ffn_dim: int
    condition_channels: int  # channels of `condition_BTChw`, stacked with the noise and the previous latent
    latent_channels: int = LATENT_CHANNELS
    patch: int = 2  # latent cells per token, each way (one latent frame deep)
    window: int = 4  # past latent frames that a frame attends to, besides the reference
    sink_distance: int = 5  # largest rotary distance, in latent frames, ever shown between a frame and the reference
    frequency_dim: int = 256
    text_dim: int | None = None  # width of the text embedding; None: no cross-attention
    trunk_channels: int = 0
    trunk_depth: int = 0
    rope_theta: float = 10000.0
    eps: float = 1e-6

    def __post_init__(self) -> None:
        if self.dim % self.heads or (self.dim // self.heads) % 2:
            raise ValueError(f"dim {self.dim} must split into {self.heads} heads of even width")
        if bool(self.trunk_depth) != bool(self.trunk_channels):
            raise ValueError("trunk_depth and trunk_channels are both zero or both positive")
        if self.window < 1 or self.sink_distance < 1:
            raise ValueError("window and sink_distance are at least one latent frame")

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads


@dataclass(frozen=True)
class StemConfig:
    """The condition encoder: guide + warp of four video frames -> features at latent resolution."""

    frame_channels: int  # per video frame, at H/4
    channels: int  # per latent frame, at H/8


@dataclass(frozen=True)
class AutoencoderConfig:
    """RGBA video autoencoder, 4x in time and 8x in space, 16 latent channels."""

    encoder_channels: tuple[int, int, int]  # at H/2, H/4 (per video frame) and H/8 (per latent frame)
    decoder_channels: tuple[int, int, int]  # at H/8 (per latent frame), H/4 and H/2 (per video frame)
    decoder_depth: tuple[int, int, int]  # residual blocks at the same three resolutions
    latent_channels: int = LATENT_CHANNELS


@dataclass(frozen=True)
class ModelConfig:
    """A whole model: `Generator(config)` builds it."""

    name: str
    size: int
    transformer: TransformerConfig
    stem: StemConfig
    autoencoder: AutoencoderConfig
    recycle: float = 1.0  # share of the generated latent in the recycled one, the rest is the warp's (1.0: the paper)
    residual_gain: float = 1.0  # x = (z - z_warp) * residual_gain, so that x has about unit variance
    reach: int | None = None  # pixels around the face that are drawn, elsewhere the warp stays; None: all is drawn
    face: int | None = None  # pixels, the longer side of the largest face that the network sees: larger ones are shrunk

    def __post_init__(self) -> None:
        step = SPATIAL_FACTOR * self.transformer.patch
        if self.size % step:
            raise ValueError(f"size {self.size} is not a multiple of {step}")
        expected = self.stem.channels + self.transformer.latent_channels
        if self.transformer.condition_channels != expected:
            raise ValueError(f"condition_channels must be {expected}: the stem's channels and the warp's latent")

    def to_dict(self) -> dict:
        return asdict(self)

    @staticmethod
    def from_dict(data: dict) -> ModelConfig:
        """Inverse of `to_dict` (also after a trip through JSON); raises ValueError on missing or unknown fields."""
        parts = {"transformer": TransformerConfig, "stem": StemConfig, "autoencoder": AutoencoderConfig}
        values = dict(_known(ModelConfig, data))
        for key, kind in parts.items():
            if key in values:
                part = _known(kind, values[key])
                values[key] = _build(kind, {k: tuple(v) if isinstance(v, list) else v for k, v in part.items()})
        return _build(ModelConfig, values)


def _known(kind: type, data: dict) -> dict:
    if not isinstance(data, dict):
        raise ValueError(f"{kind.__name__} is not an object")
    unknown = set(data) - {field.name for field in fields(kind)}
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {sorted(unknown)[0]!r}")
    return data


def _build(kind: type, values: dict):
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"incomplete {kind.__name__}: {error}") from None
