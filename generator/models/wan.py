"""Wan: the open base models (Wan-AI, arXiv 2503.20314), in their causal form: weights to start from, not to stream as
they are.

The released weights make a whole clip in many steps with guidance; what is here is the same network with AAPT's regime,
one latent frame in one forward pass, which post-training has to teach it.
"""

from __future__ import annotations

from dataclasses import replace

from ..codecs.wan import WAN21, WAN22
from ..config import ModelConfig
from ..controls.none import NoControlConfig
from ..controls.pictures import PicturesControlConfig
from ..spaces import IdentitySpace
from ..transformer.config import TransformerConfig
from .model import Model

UMT5_DIM = 4096  # width of umT5-xxl's embeddings
CLIP_DIM = 1280  # width of CLIP ViT-H/14's embeddings
CITATION = "Wan: Wan Team 2025, arXiv 2503.20314"
# 1.3B: latent frames in sight besides the first; 5 s at 16 fps, which is what the base models saw, are 21 latent frames
WINDOW = 12
SINK_DISTANCE = 20  # latent frames, the furthest apart that two of 21 can be

WAN21_TRANSFORMER = TransformerConfig(
    dim=1536,
    layers=30,
    heads=12,
    ffn_dim=8960,
    in_channels=16,
    out_channels=16,
    text_dim=UMT5_DIM,
    window=WINDOW,
    sink_distance=SINK_DISTANCE,
    fp32_residual=True,
)

WAN21_T2V = Model(
    config=ModelConfig(
        name="wan2.1-1.3b",
        size=(480, 832),
        transformer=WAN21_TRANSFORMER,
        codec=WAN21,
        control=NoControlConfig(),
        space=IdentitySpace(recycling=False),
        fps=16,
    ),
    recipe="paper",
    licence="Apache-2.0",
    citation=CITATION,
    weights="Wan-AI/Wan2.1-T2V-1.3B on Hugging Face: the folder, or Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
)

WAN21_CONTROL = Model(
    config=ModelConfig(
        name="wan2.1-1.3b-control",
        size=(480, 832),
        transformer=replace(WAN21_TRANSFORMER, in_channels=48, image_dim=CLIP_DIM),
        codec=WAN21,
        control=PicturesControlConfig(),
        space=IdentitySpace(recycling=False),
        fps=16,
    ),
    recipe="paper",
    licence="Apache-2.0",
    citation=CITATION,
    weights="alibaba-pai/Wan2.1-Fun-V1.1-1.3B-Control on Hugging Face: the folder",
)

WAN22_TI2V = Model(
    config=ModelConfig(
        name="wan2.2-5b",
        size=(704, 1280),
        transformer=TransformerConfig(
            dim=3072,
            layers=30,
            heads=24,
            ffn_dim=14336,
            in_channels=48,
            out_channels=48,
            text_dim=UMT5_DIM,
            window=WINDOW,
            sink_distance=SINK_DISTANCE,
            fp32_residual=True,
        ),
        codec=WAN22,
        control=NoControlConfig(),
        space=IdentitySpace(recycling=False),
    ),
    recipe="paper",
    licence="Apache-2.0",
    citation=CITATION,
    weights="Wan-AI/Wan2.2-TI2V-5B on Hugging Face: the folder, or Wan-AI/Wan2.2-TI2V-5B-Diffusers",
)

WAN_MODELS = (WAN21_T2V, WAN21_CONTROL, WAN22_TI2V)
