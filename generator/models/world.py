"""`world-small`: a world that a camera walks through, drawn by the network alone: AAPT's camera-controlled world model
(arXiv 2506.09350, appendix G) at a size for one small card. The camera comes as rays relative to the frame before.

Nobody has trained it: with random weights it draws noise. It is for measuring, and for whoever has clips with poses.
"""

from __future__ import annotations

from ..codecs.tiny import TAEW21
from ..config import ModelConfig
from ..controls.camera import RAY, RayCameraConfig
from ..spaces import IdentitySpace
from ..transformer.config import TransformerConfig
from .model import Model

LATENT, FRAMES = 16, 4  # channels of a latent, video frames that it stands for
WINDOW = 12  # latent frames, three seconds

WORLD_SMALL = Model(
    config=ModelConfig(
        name="world-small",
        size=(192, 320),
        transformer=TransformerConfig(
            dim=512,
            layers=12,
            heads=8,
            ffn_dim=2048,
            in_channels=2 * LATENT + RAY * FRAMES,  # noise, rays, previous latent
            out_channels=LATENT,
            window=WINDOW,
            sink_distance=WINDOW,
            grid=(12, 20),
        ),
        codec=TAEW21,
        control=RayCameraConfig(FRAMES),
        space=IdentitySpace(),
        fps=16,
    ),
    recipe="paper-small",
    licence="Apache-2.0",
    citation="AAPT: Lin et al. 2025, arXiv 2506.09350",
    weights="none are there: random",
)
