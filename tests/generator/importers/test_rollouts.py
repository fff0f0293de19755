"""Whole rollouts of the causal relatives: what their own modules gave at the same random weights, noise and text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from generator.config import ModelConfig
from generator.controls.camera import CameraPath
from generator.controls.pictures import Pictures
from generator.importers.families import layouts
from generator.model import VideoModel
from generator.transformer.cache import RolloutCache, StreamCache
from tests.generator.importers.published import TEXT_DIM, TINY, shapes_of
from tests.generator.importers.random_weights import random_tensor, random_weights

DATA = Path(__file__).parent / "data"
WEIGHTS, TEXT, NOISE = 3, 4, 100  # seeds; a block's noise has NOISE + its number
TEXT_TOKENS, PROMPT_TOKENS = 512, 7  # what a text is padded to with zeros, and how many of it are not
ROWS, COLUMNS = 4, 6  # latent cells


def network(config: ModelConfig) -> VideoModel:
    """At the weights that their module was given; the codec has no part in this."""
    model = VideoModel(config).eval()
    layout = next(layouts(model.config))
    weights = random_weights(shapes_of(layout), WEIGHTS, gain=0.7)
    expected = model.state_dict()
    named = {layout.names[theirs]: tensor for theirs, tensor in weights.items()}
    named = {name: tensor.reshape(expected[name].shape) for name, tensor in named.items()}
    missing, unknown = model.load_state_dict(named, strict=False)
    assert not unknown and all(name.startswith("codec.") for name in missing)
    return model


def prompt(model: VideoModel, image_BND: Tensor | None = None) -> list:
    embedding = torch.zeros(1, TEXT_TOKENS, TEXT_DIM)
    embedding[:, :PROMPT_TOKENS] = random_tensor((PROMPT_TOKENS, TEXT_DIM), TEXT)
    return model.encode_text(embedding, image_BND)


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
    model = network(TINY["one-forcing"].config)
    found = rollout(model, kind(model.config.transformer), [None] * expected.shape[1])
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
    assert expected.std() > 0.5


@pytest.mark.parametrize("kind", [RolloutCache, StreamCache])
def test_minwm(kind: type) -> None:
    """Six blocks of four latents in four steps: the last one no longer sees the first."""
    kept = load_file(DATA / "minwm.safetensors")
    model = network(TINY["minwm-camera"].config)
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


@torch.no_grad()
def test_fun_control() -> None:
    """One bidirectional pass: control latents, a start image's, a reference's tokens in front, text and an image's
    embedding; and the same without reference and image, for which zeros stand."""
    kept = load_file(DATA / "fun_control.safetensors")
    config = TINY["wan2.1-1.3b-control"].config
    model = network(replace(config, transformer=replace(config.transformer, image_dim=1280)))
    x_BTChw = random_tensor((1, 4, 3, ROWS, COLUMNS), 5).transpose(1, 2)
    pictures = random_tensor((1, 8, 3, ROWS, COLUMNS), 6).transpose(1, 2)
    reference_BChw, image_BND = random_tensor((1, 4, ROWS, COLUMNS), 7), random_tensor((1, 257, 1280), 8)
    t_BT = torch.full((1, 3), 0.6, dtype=torch.float64)  # 600 exactly, as in the module

    def velocity(reference: Tensor, image: Tensor | None) -> Tensor:
        seen = model.observe(Pictures(pictures[:, :, :4], reference=reference))
        channels = torch.cat([x_BTChw, pictures], 2)  # a start image in all frames, more than `observe` ever makes
        torch.testing.assert_close(seen.channels[:, :, :4], pictures[:, :, :4])
        return model.network(channels, t_BT, prompt(model, image), None, *seen.beside)

    found = velocity(reference_BChw, image_BND)
    torch.testing.assert_close(found, kept["velocity"], atol=1e-5, rtol=0)
    torch.testing.assert_close(velocity(torch.zeros_like(reference_BChw), None), kept["without"], atol=1e-5, rtol=0)
    assert (kept["velocity"] - kept["without"]).abs().max() > 0.1
