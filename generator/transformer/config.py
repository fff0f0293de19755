"""Configuration of the transformer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TransformerConfig:
    """The causal diffusion transformer (block of Wan, arXiv 2503.20314; causal form of AAPT, arXiv 2506.09350).

    Times are counted in latent frames, places in tokens of patch x patch latent cells.
    """

    dim: int
    layers: int
    heads: int
    ffn_dim: int
    in_channels: int  # noise, control channels and, where it is recycled, the previous latent
    out_channels: int
    patch: int = 2  # latent cells per token, each way (one latent frame deep)
    block: int = 1  # latent frames made together; they see each other (AAPT 1; Self-Forcing 3; minWM 4)
    window: int = 4  # past latent frames that a block attends to, besides the sink
    sink: int = 1  # first latent frames, which stay in sight for ever
    sink_distance: int | None = None  # largest rotary distance in time between a block and the sink; None: as it is
    grid: tuple[int, int] | None = None  # rows and columns of tokens in training: larger pictures stretch the positions
    frequency_dim: int = 256
    text_dim: int | None = None  # width of the text embedding; None: no text
    image_dim: int | None = None  # width of an image embedding, attended besides the text; None: no image
    projective: bool = False  # heads that see the cameras of the frames, beside those that turn (PRoPE)
    fp32_residual: bool = False  # modulation and residual stream in float32, as in Wan
    rope_theta: float = 10000.0
    eps: float = 1e-6

    def __post_init__(self) -> None:
        if self.dim % self.heads or (self.dim // self.heads) % 2:
            raise ValueError(f"dim {self.dim} must split into {self.heads} heads of even width")
        if min(self.window, self.block) < 1 or self.sink < 0:
            raise ValueError("window and block are at least one latent frame, sink at least none")
        if self.sink_distance is not None and self.sink_distance < 1:
            raise ValueError("sink_distance is at least one latent frame")
        if self.projective and (self.head_dim % 4 or self.sink_distance is not None):
            raise ValueError("a projective transformer needs heads of a width that four divides, and no sink_distance")
        if self.image_dim is not None and self.text_dim is None:
            raise ValueError("an image embedding is attended besides a text: image_dim needs text_dim")

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads
