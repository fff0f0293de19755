"""The causal diffusion transformer: one code for the offline pass, the training rollout and the stream.

Shapes: B batch, T latent frames, L tokens per latent frame, D width, H heads. Frames come in groups that see each
other: a group of one is AAPT's (Lin et al. 2025, arXiv 2506.09350), three or four Self-Forcing's and minWM's, all
frames in one group the bidirectional pass of Wan (arXiv 2503.20314), whose block this is. A group attends to the sink,
to the last `window` frames before it and to itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..convolutions import conv, depth_to_space
from .attention import Attention, sdpa
from .cache import KVCache, Place, RolloutCache
from .config import TransformerConfig
from .layers import CrossProjections, Head, ImageEmbedding, SelfProjections, modulated, timestep_embedding
from .projective import Cameras
from .rope import Turn

IMAGE_TOKENS = 257  # of an image embedding: CLIP ViT-H/14's patches and its class token
# per block: keys and values (B, N, H, D) of the text, and of an image beside it
Text = list[list[tuple[Tensor, Tensor]]]


class Block(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.modulation = nn.Parameter(torch.randn(6, config.dim) / config.dim**0.5)
        self.self_attn = SelfProjections(config)
        if config.text_dim is not None:
            self.norm3 = nn.LayerNorm(config.dim, config.eps)
            self.cross_attn = CrossProjections(config)
        self.ffn = nn.Sequential(
            nn.Linear(config.dim, config.ffn_dim), nn.GELU(approximate="tanh"), nn.Linear(config.ffn_dim, config.dim)
        )
        self.attention: Attention = sdpa
        self.text_attention: Attention = sdpa

    @property
    def dtype(self) -> torch.dtype:
        """In which the matrices compute; the tokens may be in a finer one."""
        return self.ffn[0].weight.dtype

    def forward(
        self,
        x_BTLD: Tensor,
        time_BT6D: Tensor,
        turn: Turn,
        groups: Sequence[int],
        places: Sequence[Place],
        cache: KVCache,
        layer: int,
        text: list[tuple[Tensor, Tensor]] | None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        modulation = (self.modulation + time_BT6D).to(x_BTLD.dtype)[..., None, :]  # (B, T, 6, 1, D)
        q_BTLHD, k_BTLHD, v_BTLHD = self.before(x_BTLD, modulation, turn, cameras)
        attended = []
        for q, k, v, place in zip(*(part.split(groups, 1) for part in (q_BTLHD, k_BTLHD, v_BTLHD)), places):
            seen = cache.update(layer, place, k.flatten(1, 2), v.flatten(1, 2))
            attended.append(self.attend(q.flatten(1, 2), *seen).view_as(q))
        return self.after(x_BTLD, torch.cat(attended, 1), modulation, text, cameras)

    def attend(self, q_BLHD: Tensor, keys: Sequence[Tensor], values: Sequence[Tensor], mask_N: Tensor | None) -> Tensor:
        """To keys and values that come in parts."""
        k, v = (parts[0] if len(parts) == 1 else torch.cat(list(parts), 1) for parts in (keys, values))
        return self.attention(q_BLHD, k, v, mask_N)

    def before(
        self, x_BTLD: Tensor, modulation_BT61D: Tensor, turn: Turn, cameras: Cameras | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Everything up to the attention: query, key and value, turned to their places."""
        y = modulated(x_BTLD, modulation_BT61D[:, :, 0], modulation_BT61D[:, :, 1], self.eps, self.dtype)
        return self.self_attn(y, turn, cameras)

    def after(
        self,
        x_BTLD: Tensor,
        y_BTLHD: Tensor,
        modulation_BT61D: Tensor,
        text: list[tuple[Tensor, Tensor]] | None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        """Everything behind the attention."""
        gate, shift, scale, ffn_gate = modulation_BT61D[:, :, 2:].unbind(2)
        x = x_BTLD + gate * self.self_attn.output(y_BTLHD, cameras)
        if text is not None:
            q_BMHD = self.cross_attn.query(self.norm3(x.to(self.norm3.weight.dtype)).to(self.dtype)).flatten(1, 2)
            y = sum(self.text_attention(q_BMHD, key, value, None) for key, value in text)
            x = x + self.cross_attn.o(y.flatten(-2).view_as(x))
        return x + ffn_gate * self.ffn(modulated(x, shift, scale, self.eps, self.dtype))


class CausalTransformer(nn.Module):
    keep_fp32 = ("time_embedding", "time_projection", "modulation", "norm3")  # small; rounding them shifts every token
    skip = 0.0  # how much of x_t is in the velocity that `forward` leaves out: none

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_embedding = conv(config.in_channels, config.dim, config.patch, config.patch)
        self.time_embedding = nn.Sequential(
            nn.Linear(config.frequency_dim, config.dim), nn.SiLU(), nn.Linear(config.dim, config.dim)
        )
        self.time_projection = nn.Sequential(nn.SiLU(), nn.Linear(config.dim, 6 * config.dim))
        if config.text_dim is not None:
            self.text_embedding = nn.Sequential(
                nn.Linear(config.text_dim, config.dim), nn.GELU(approximate="tanh"), nn.Linear(config.dim, config.dim)
            )
        if config.image_dim is not None:
            self.image_embedding = ImageEmbedding(config.image_dim, config.dim)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.head = Head(config, config.patch**2 * config.out_channels)

    @property
    def transformer(self) -> CausalTransformer:
        """Itself; what is wrapped around a transformer has the inner one under this name."""
        return self

    @property
    def dtype(self) -> torch.dtype:
        return self.patch_embedding.weight.dtype

    def forward(
        self,
        x_BTChw: Tensor,
        t_BT: Tensor,
        text: Text | None = None,
        groups: Sequence[int] | None = None,
        added_BTLD: Tensor | None = None,
        prefix_BTLD: Tensor | None = None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        """Offline: the output (B, T, out_channels, h, w) of all frames at once.

        t_BT in [0, 1]. groups: how many consecutive frames see each other, () of counts; None: all, bidirectionally.
        added: to the tokens of the frames. prefix: tokens of frames that come before x (they are of the first group
        where groups is None, else they have their own counts and their own t); they yield no output. cameras: of the
        frames.
        """
        before = 0 if prefix_BTLD is None else prefix_BTLD.shape[1]
        groups = (before + x_BTChw.shape[1],) if groups is None else groups
        return self.run(x_BTChw, t_BT, RolloutCache(self.config), text, groups, added_BTLD, prefix_BTLD, cameras)

    def step(
        self,
        x_BTChw: Tensor,
        t_BT: Tensor,
        cache: KVCache,
        text: Text | None = None,
        added_BTLD: Tensor | None = None,
        prefix_BTLD: Tensor | None = None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        """The output of the next frames, one group; their keys and values go into the cache, which moves on."""
        before = 0 if prefix_BTLD is None else prefix_BTLD.shape[1]
        return self.run(x_BTChw, t_BT, cache, text, (before + x_BTChw.shape[1],), added_BTLD, prefix_BTLD, cameras)

    def encode_text(self, embedding_BND: Tensor, image_BND: Tensor | None = None) -> Text:
        """Keys and values of a prompt (and an image) for every block; they hold for as long as the prompt does.

        A model that attends to an image sees an image of zeros where none is given.
        """
        context = self.text_embedding(embedding_BND.to(self.dtype))
        text = [[block.cross_attn.key_value(context)] for block in self.blocks]
        if image_BND is None and self.config.image_dim is not None:
            image_BND = embedding_BND.new_zeros(len(embedding_BND), IMAGE_TOKENS, self.config.image_dim)
        if image_BND is not None:
            image = self.image_embedding(image_BND.to(self.dtype))
            for block, pairs in zip(self.blocks, text):
                pairs.append(block.cross_attn.image_key_value(image))
        return text

    def run(
        self,
        x_BTChw: Tensor,
        t_BT: Tensor,
        cache: KVCache,
        text: Text | None,
        groups: Sequence[int],
        added_BTLD: Tensor | None = None,
        prefix_BTLD: Tensor | None = None,
        cameras: Cameras | None = None,
    ) -> Tensor:
        """Frames in groups that follow those in the cache."""
        B, T = x_BTChw.shape[:2]
        x = x_BTChw.to(self.dtype).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        tokens = self.patch_embedding(x).movedim(1, -1)  # (B*T, rows, columns, D)
        rows, columns = tokens.shape[1:3]
        x_BTLD = tokens.flatten(1, 2).unflatten(0, (B, T))
        if added_BTLD is not None:
            x_BTLD = x_BTLD + added_BTLD.to(self.dtype)
        if prefix_BTLD is not None:
            x_BTLD = torch.cat([prefix_BTLD.to(self.dtype), x_BTLD], 1)
            if t_BT.shape[1] == T:
                t_BT = torch.cat([t_BT[:, :1].expand(-1, prefix_BTLD.shape[1]), t_BT], 1)
        if self.config.fp32_residual:
            x_BTLD = x_BTLD.float()

        exact = self.time_embedding[0].weight.dtype
        time_BTD = self.time_embedding(timestep_embedding(t_BT, self.config.frequency_dim).to(exact))
        time_BT6D = self.time_projection(time_BTD).unflatten(-1, (6, -1))
        rotary = cache.rotary(rows, columns, x.device)
        turn = rotary(cache.frames(x_BTLD.shape[1], x.device))
        offsets = [sum(groups[:index]) for index in range(len(groups))]
        places = [cache.plan(offset, count, rows * columns, rotary, x.device) for offset, count in zip(offsets, groups)]
        for layer, block in enumerate(self.blocks):
            prompt = text[layer] if text else None
            x_BTLD = block(x_BTLD, time_BT6D, turn, groups, places, cache, layer, prompt, cameras)
        cache.advance(x_BTLD.shape[1])

        out = self.head(x_BTLD[:, -T:], time_BTD[:, -T:]).unflatten(2, (rows, columns)).movedim(-1, 2)
        return depth_to_space(out, self.config.patch)  # (B, T, C, h, w)

    def readout(self) -> list[nn.Module]:
        """The modules that only serve the output, and have no part in the tokens."""
        return [self.head]
