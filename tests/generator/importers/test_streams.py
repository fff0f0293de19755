"""Every family, imported at a tiny size from random weights, through the stream: the whole way from a checkpoint to
frames."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generator import checkpoint
from generator.codecs.codec import frame_count
from generator.controls.camera import CameraPath
from generator.controls.pictures import Pictures
from generator.importers.importer import import_weights
from generator.stream import Stream
from tests.generator.importers.published import TEXT_DIM, TINY, write_release
from tests.generator.importers.random_weights import random_tensor

STEPS = 3


def signals(stream: Stream) -> list:
    """What the control of the model wants to see, block by block; the first block's with what only the first may
    have."""
    config, codec = stream.model.config, stream.model.codec
    block = config.transformer.block
    cells = stream.height // codec.space_factor, stream.width // codec.space_factor
    if config.name == "wan2.1-1.3b-control":
        return [
            Pictures(
                random_tensor((1, block, codec.channels, *cells), step),
                reference=random_tensor((1, codec.channels, *cells), 9) if step == 0 else None,
            )
            for step in range(STEPS)
        ]
    if config.transformer.projective:
        frames = frame_count(codec, STEPS * block)
        pose = torch.eye(4).repeat(1, frames, 1, 1)
        pose[..., 2, 3] = -0.02 * torch.arange(frames)  # forwards
        ends = [frame_count(codec, (step + 1) * block) for step in range(STEPS)]
        focal = torch.full((1, frames, 2), 0.7)
        return [CameraPath(pose[:, a:b], focal[:, a:b]) for a, b in zip([0, *ends], ends)]
    return [None] * STEPS


@pytest.mark.parametrize("name", sorted(TINY))
def test_from_a_checkpoint_to_frames(tmp_path: Path, name: str) -> None:
    import_weights(write_release(tmp_path / "release", TINY[name]), TINY[name], tmp_path / "out.safetensors")
    model = checkpoint.load(tmp_path / "out.safetensors")
    stream = Stream(model, device="cpu", dtype="float32", seed=3)
    before, after = (random_tensor((1, 5, TEXT_DIM), seed) for seed in (0, 1))

    def run(prompts: list) -> list[torch.Tensor]:
        stream.prompt(prompts[0]).result()
        stream.lock()
        frames = []
        for prompt, signal in zip(prompts, signals(stream)):
            stream.prompt(prompt).result()
            frames.append(stream.step(signal))
        return frames

    frames = run([before, before, after])
    block = model.config.transformer.block
    assert [chunk.shape[1] for chunk in frames] == [4 * block - 3, 4 * block, 4 * block]
    assert all(chunk.shape[2:] == (3, *model.config.size) and torch.isfinite(chunk).all() for chunk in frames)
    assert torch.cat(frames, 1).std() > 0.01

    unchanged = run([before, before, before])
    torch.testing.assert_close(torch.cat(unchanged[:2], 1), torch.cat(frames[:2], 1), atol=1e-6, rtol=0)
    assert (unchanged[2] - frames[2]).abs().max() > 1e-3


def test_image_to_video_begins_with_the_image(tmp_path: Path) -> None:
    """Wan 2.2's 5B: the first latent frame is the image's own, at time 0, and stays in sight."""
    model = checkpoint_of("wan2.2-5b", tmp_path)
    stream = Stream(model, device="cpu", dtype="float32")
    stream.prompt(random_tensor((1, 5, TEXT_DIM), 0)).result()
    image = random_tensor((1, 1, 3, *model.config.size), 1).clamp(-1, 1)
    results = []
    for picture in (image, -image):
        stream.lock(picture)
        results.append(stream.step())
    assert results[0].shape[1] == 4  # the image was the video's first frame
    assert (results[0] - results[1]).abs().max() > 1e-3


def checkpoint_of(name: str, tmp_path: Path):
    import_weights(write_release(tmp_path / "release", TINY[name]), TINY[name], tmp_path / "out.safetensors")
    return checkpoint.load(tmp_path / "out.safetensors")
