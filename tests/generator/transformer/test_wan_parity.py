"""The transformer in one bidirectional group is Wan's: against diffusers at random weights, every branch."""

from __future__ import annotations

import pytest
import torch

from generator.importers import wan_names
from generator.transformer.config import TransformerConfig
from generator.transformer.transformer import CausalTransformer
from tests.generator.importers.random_weights import random_tensor, random_weights

HEADS, HEAD_DIM, TEXT_DIM, IMAGE_DIM = 2, 24, 20, 12
TEXT_TOKENS = 512  # diffusers splits text from image at this number
FRAMES, ROWS, COLUMNS = 3, 4, 6

BRANCHES = {
    "text": (16, 16, None),  # channels in and out, width of an image embedding
    "control latents and image": (48, 16, IMAGE_DIM),
    "48 channels": (48, 48, None),
}


@pytest.mark.parametrize("timesteps", ["one a clip", "one a frame"])
@pytest.mark.parametrize("branch", BRANCHES)
@torch.no_grad()
def test_parity_with_diffusers(branch: str, timesteps: str) -> None:
    diffusers = pytest.importorskip("diffusers")
    inputs, outputs, image_dim = BRANCHES[branch]
    config = TransformerConfig(
        dim=HEADS * HEAD_DIM, layers=2, heads=HEADS, ffn_dim=64, in_channels=inputs, out_channels=outputs,
        text_dim=TEXT_DIM, image_dim=image_dim, fp32_residual=True,
    )
    theirs = diffusers.WanTransformer3DModel(
        num_attention_heads=HEADS, attention_head_dim=HEAD_DIM, in_channels=inputs, out_channels=outputs, num_layers=2,
        ffn_dim=64, text_dim=TEXT_DIM, image_dim=image_dim, added_kv_proj_dim=config.dim if image_dim else None,
    ).eval()
    weights = random_weights({name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()}, 0, gain=0.7)
    theirs.load_state_dict(weights)
    ours, names = CausalTransformer(config).eval(), wan_names.diffusers(config)
    shapes = {name: tensor.shape for name, tensor in ours.state_dict().items()}
    ours.load_state_dict({names[name]: tensor.reshape(shapes[names[name]]) for name, tensor in weights.items()})

    x_BTChw = random_tensor((2, FRAMES, inputs, ROWS, COLUMNS), 1)
    text_BND = random_tensor((2, TEXT_TOKENS, TEXT_DIM), 2)
    image_BND = random_tensor((2, 5, IMAGE_DIM), 3) if image_dim else None
    # The first frame of Wan 2.2's image-to-video is clean: at time 0. diffusers takes the cosines of times in float32,
    # which
    # at 900 is off by 3e-5 (Wan itself and this engine take them in float64), hence small ones.
    steps_BT = torch.tensor([[0.0, 16.0, 16.0], [0.0, 31.0, 31.0]])
    if timesteps == "one a clip":
        steps_BT = steps_BT[:, 1:2].expand(-1, FRAMES)
    tokens = ROWS * COLUMNS // 4
    t = steps_BT[:, 1] if timesteps == "one a clip" else steps_BT.repeat_interleave(tokens, 1)
    expected = theirs(x_BTChw.transpose(1, 2), t, text_BND, image_BND, return_dict=False)[0].transpose(1, 2)
    found = ours(x_BTChw, steps_BT / 1000, ours.encode_text(text_BND, image_BND))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert expected.std() > 0.3
