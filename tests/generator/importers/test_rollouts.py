"""Whole rollouts of the causal relatives: what their own modules gave at the same random weights, noise and text."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from generator.controls.camera import CameraPath
from generator.importers.families import layouts
from generator.model import VideoModel
from generator.transformer.cache import RolloutCache, StreamCache
from tests.generator.importers.published import TEXT_DIM, TINY, shapes_of
from tests.generator.importers.random_weights import random_tensor, random_weights

DATA = Path(__file__).parent / "data"
WEIGHTS, TEXT, NOISE = 3, 4, 100  # seeds; a block's noise has NOISE + its number
TEXT_TOKENS, PROMPT_TOKENS = 512, 7  # what a text is padded to with zeros, and how many of it are not
ROWS, COLUMNS = 4, 6  # latent cells


def network(name: str) -> VideoModel:
    """At the weights that their module was given; the codec has no part in this."""
    model = VideoModel(TINY[name].config).eval()
    layout = next(layouts(model.config))
    weights = random_weights(shapes_of(layout), WEIGHTS, gain=0.7)
    expected = model.state_dict()
    named = {layout.names[theirs]: tensor for theirs, tensor in weights.items()}
    named = {name: tensor.reshape(expected[name].shape) for name, tensor in named.items()}
    missing, unknown = model.load_state_dict(named, strict=False)
    assert not unknown and all(name.startswith("codec.") for name in missing)
    return model


def prompt(model: VideoModel) -> list:
    embedding = torch.zeros(1, TEXT_TOKENS, TEXT_DIM)
    embedding[:, :PROMPT_TOKENS] = random_tensor((PROMPT_TOKENS, TEXT_DIM), TEXT)
    return model.encode_text(embedding)


@torch.no_grad()
def rollout(model: VideoModel, cache: RolloutCache | StreamCache, signals: list) -> Tensor:
    config = model.config
    state, latents = model.lock(None, None, cache), []
    text = prompt(model)
    for block, signal in enumerate(signals):
        shape = (len(config.sampler.times), 1, config.transformer.block, model.codec.channels, ROWS, COLUMNS)
        z_BTChw, state = model.step(signal, state, random_tensor(shape, NOISE + block), text)
        latents.append(z_BTChw)
    return torch.cat(latents, dim=1)


@pytest.mark.parametrize("kind", [RolloutCache, StreamCache])
def test_one_forcing(kind: type) -> None:
    expected = load_file(DATA / "one_forcing.safetensors")["latents"]
    model = network("one-forcing")
    found = rollout(model, kind(model.config.transformer), [None] * expected.shape[1])
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
    assert expected.std() > 0.5


@pytest.mark.parametrize("kind", [RolloutCache, StreamCache])
def test_minwm(kind: type) -> None:
    """Six blocks of four latents in four steps: the last one no longer sees the first."""
    kept = load_file(DATA / "minwm.safetensors")
    model = network("minwm-camera")
    poses, focal = (video_frames(kept[name]) for name in ("viewmats", "focal"))
    ends = [4 * 4 * block + 13 for block in range(6)]  # the first latent frame is one video frame
    starts = [0, *ends[:-1]]
    signals = [CameraPath(poses[:, start:end], focal[:, start:end]) for start, end in zip(starts, ends)]
    found = rollout(model, kind(model.config.transformer), signals)
    torch.testing.assert_close(found, kept["latents"], atol=2e-5, rtol=0)
    still = [CameraPath(poses[:, :1].expand_as(signal.world_to_camera), signal.focal) for signal in signals]
    assert (rollout(model, kind(model.config.transformer), still) - found).abs().max() > 0.1


def video_frames(latent_frames: Tensor) -> Tensor:
    """One for the first latent frame, four for each later one; only the last of each counts."""
    return torch.cat([latent_frames[:, :1], latent_frames[:, 1:].repeat_interleave(4, 1)], 1)
