"""Causal few-step relatives of Wan 2.1 1.3B: trained on their own rollouts, ready to stream.

All keep Wan's network and names; they differ in how many latent frames are made together, in how many steps, and in
what the cache holds. After the last step they run the finished block through the network once more, at t = 0, and keep
those keys and values. Their timesteps are given before a shift of 5: t = 5 u / (1 + 4 u).
"""

from __future__ import annotations

from dataclasses import replace

from ..codecs.wan import WAN21
from ..config import ModelConfig, SamplerConfig
from ..controls.camera import ProjectiveCameraConfig
from ..controls.none import NoControlConfig
from ..spaces import IdentitySpace
from .model import Model
from .wan import WAN21_TRANSFORMER

UNVERIFIED = "the code is Apache-2.0; for the weights read the page that they come from, none was seen by this program"
SHIFT = 5.0  # of time towards noise
TRAINED = 21  # latent frames, the longest that these models saw


def shifted(*steps: int) -> tuple[float, ...]:
    """Timesteps of 1000 as they stand in the releases -> t in [0, 1]."""
    return tuple(SHIFT * u / (1 + (SHIFT - 1) * u) for u in (step / 1000 for step in steps))


FOUR_STEPS = shifted(1000, 750, 500, 250)


def causal(name: str, block: int, times: tuple[float, ...], trained: int = TRAINED) -> ModelConfig:
    """A causal 1.3B model that makes `block` latent frames together; what it saw in training is what stays in sight."""
    return ModelConfig(
        name=name,
        size=(480, 832),
        transformer=replace(WAN21_TRANSFORMER, block=block, window=trained - block, sink=0, sink_distance=None),
        codec=WAN21,
        control=NoControlConfig(),
        space=IdentitySpace(recycling=False),
        sampler=SamplerConfig(times, clean_cache=0.0),
        fps=16,
    )


SELF_FORCING = Model(
    config=causal("self-forcing", 3, FOUR_STEPS),
    recipe="paper",
    licence=UNVERIFIED,
    citation="Self-Forcing: Huang et al. 2025, arXiv 2506.08009",
    weights="gdhe17/Self-Forcing on Hugging Face: checkpoints/self_forcing_dmd.pt",
)

CAUSAL_FORCING = Model(
    config=causal("causal-forcing", 1, FOUR_STEPS),
    recipe="paper",
    licence=UNVERIFIED,
    citation="Causal Forcing: thu-ml 2026, arXiv 2602.02214",
    weights="zhuhz22/Causal-Forcing on Hugging Face: framewise/causal_forcing.pt",
)

# Causal Forcing++: from the second latent frame on in one or two steps
CAUSAL_FORCING_1STEP, CAUSAL_FORCING_2STEP = (
    replace(
        CAUSAL_FORCING,
        config=replace(
            CAUSAL_FORCING.config,
            name=f"causal-forcing-{len(times)}step",
            sampler=SamplerConfig(times, clean_cache=0.0, first=FOUR_STEPS),
        ),
        citation="Causal Forcing++: thu-ml 2026, arXiv 2605.15141",
        weights=f"zhuhz22/Causal-Forcing on Hugging Face: causal-forcing++/framewise-{len(times)}step.pt",
    )
    for times in (shifted(1000), shifted(1000, 500))
)

ONE_FORCING = Model(
    config=causal("one-forcing", 1, shifted(1000)),
    recipe="paper",
    licence=UNVERIFIED,
    citation="One-Forcing: Feng et al. 2026, arXiv 2605.23458",
    weights="JiaqiFeng/OneForcing on Hugging Face: checkpoints/one_forcing.pt",
)

MINWM_LATENTS = 20  # in sight of minWM's attention, the block itself among them

MINWM = causal("minwm-camera", 4, FOUR_STEPS, MINWM_LATENTS)
MINWM_CAMERA = Model(
    config=replace(MINWM, transformer=replace(MINWM.transformer, projective=True), control=ProjectiveCameraConfig()),
    recipe="paper",
    licence=UNVERIFIED,
    citation="minWM: shengshu-ai 2026, arXiv 2605.30263; PRoPE: Li et al. 2025, arXiv 2507.10496",
    weights="MIN-Lab/minWM on Hugging Face: Wan21/Action2V/dmd",
)

FORCING_MODELS = (
    SELF_FORCING,
    CAUSAL_FORCING,
    CAUSAL_FORCING_1STEP,
    CAUSAL_FORCING_2STEP,
    ONE_FORCING,
    MINWM_CAMERA,
)
