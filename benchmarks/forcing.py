"""Teacher forcing against student forcing in REGRESSION, without a discriminator: what a frame is given as its past.

    puppet actors DATA --clips 200 --size 96 ...
    python benchmarks/forcing.py DATA OUT --steps 1500

Trains `tiny` twice from the same autoencoder, on the same batches and with the same losses against the truth; only what
a frame is given as its past differs: the truth, or what the network made itself. This is not AAPT's claim, which is
about adversarial training: that is benchmarks/aapt.py. Both are then rolled out for two minutes on held-out clips,
whose frames are shown to and fro; they recycle nothing but their own latents and draw the whole picture. With --no-warp
they know the portrait only by its latent at the beginning of the sequence. Writes OUT/forcing.json, OUT/forcing.png,
and a strip of pictures OUT/forcing_frames.png.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from generator import checkpoint
from generator.model import VideoModel
from generator.models import get_model
from generator.portrait.layout import FRAMES_PER_LATENT
from generator.training.data import BatchShape, Clips
from generator.training.distributed import Workers, join
from generator.training.portrait_clips import PortraitBatch, read_clip
from generator.training.reconstruction import ReconstructionStage, ReconstructionTrainer
from generator.training.run import train
from generator.training.sheets import over_grey, render

FPS, BINS, STRIP = 24, 24, 8
FORCINGS = ("teacher", "student")


def without_warp(data: Path, out: Path) -> Path:
    """A copy of the clips whose warps are empty. Their guides keep the warp's validity, and with it the outline."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    for clip in tqdm(sorted(data.glob("clip_*.safetensors")), desc="clips"):
        arrays = load_file(clip)
        empty = {name: np.zeros_like(arrays[name]) for name in ("warp", "reference_warp")}
        save_file({**arrays, **empty}, out / clip.name)
    return out


def trained(forcing: str, base: Path, clips: Clips, steps: int, shape: BatchShape, workers: Workers) -> VideoModel:
    """The same start and the same batches for both."""
    torch.manual_seed(1)
    tiny = get_model("tiny").config  # all is drawn, and all that was made is recycled
    generator = VideoModel(
        replace(tiny, space=replace(tiny.space, recycle=1.0), control=replace(tiny.control, reach=None))
    )
    generator.codec.load_state_dict(checkpoint.load(base).codec.state_dict())
    stage = ReconstructionStage(forcing=forcing, shape=shape)
    trainer = ReconstructionTrainer(stage, workers.place(generator), workers)
    for step in tqdm(range(steps), desc=f"{forcing} forcing"):
        random = torch.Generator().manual_seed(step)
        trainer.step((clips.training.batch(shape, (2, step)),), random, step / steps)
    result = VideoModel(generator.config)
    result.load_state_dict(trainer.learners["generator"].result())
    return result.eval()


def to_and_fro(batch: PortraitBatch, latents: int) -> PortraitBatch:
    """Longer than the clip: its frames forwards, backwards, forwards."""
    length = batch.frames.shape[1] * FRAMES_PER_LATENT
    phase = np.arange(latents * FRAMES_PER_LATENT) % max(2 * (length - 1), 1)
    index = torch.from_numpy(np.minimum(phase, 2 * (length - 1) - phase) if length > 1 else phase)
    longer = {
        name: getattr(batch, name).flatten(1, 2)[:, index].unflatten(1, (latents, FRAMES_PER_LATENT))
        for name in ("frames", "warp", "guide", "boxes")
    }
    return replace(batch, **longer)


def rollout(
    generator: VideoModel, clips: Clips, count: int, seconds: float, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """PSNR (dB) over time, (BINS,), the mean of the clips; and pictures of the first clip, (STRIP, size, size, 3)."""
    latents = round(seconds * FPS / FRAMES_PER_LATENT) // BINS * BINS
    curves, strip = [], None
    for clip in tqdm(clips.held_out.clips[:count], desc="rollout"):
        batch = to_and_fro(read_clip(clip, latents, size), latents)
        made = render(generator, batch, torch.Generator().manual_seed(3))[0]  # (N, F, S, S, 4)
        error = (made.astype(np.float32) - batch.frames[0].numpy()) ** 2
        curves.append(10 * np.log10(255**2 / error.reshape(BINS, -1).mean(1)))
        if strip is None:
            strip = over_grey(made[np.linspace(0, latents - 1, STRIP).round().astype(int), 0])
    return np.mean(curves, 0), strip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=1500, help="of each of the two runs")
    parser.add_argument("--autoencoder-steps", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=120.0, help="of each rollout")
    parser.add_argument("--clips", type=int, default=4, help="held-out clips to roll out on")
    parser.add_argument("--no-warp", action="store_true", help="train and roll out on clips whose warp is empty")
    args = parser.parse_args()
    data = without_warp(args.data, args.out / "clips") if args.no_warp else args.data
    clips = Clips(data)
    size = clips.crop(64)
    train("tiny", data, args.out, steps=args.autoencoder_steps, stages=["autoencoder"], crop=size)
    shape = BatchShape(size=8, latents=4, crop=size, prefix=(0, 0))
    times = (np.arange(BINS) + 0.5) * args.seconds / BINS
    curves, strips = {}, []
    with join(torch.device("cpu"), torch.float32) as workers:
        for forcing in FORCINGS:
            generator = trained(forcing, args.out / "autoencoder.safetensors", clips, args.steps, shape, workers)
            curve, strip = rollout(generator, clips, args.clips, args.seconds, size)
            curves[forcing] = [round(float(value), 2) for value in curve]
            strips.append(np.concatenate(list(strip), 1))
    asked = {"steps": args.steps, "clips": args.clips, "warp": not args.no_warp}
    result = {**asked, "seconds": [round(float(t), 1) for t in times], "psnr": curves}
    (args.out / "forcing.json").write_text(json.dumps(result, indent=1) + "\n")
    strip = Image.fromarray(np.concatenate(strips))
    strip.resize((STRIP * 160, 320), Image.BICUBIC).save(args.out / "forcing_frames.png")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.5), layout="constrained")
    axes = figure.subplots()
    for forcing, curve in curves.items():
        axes.plot(times, curve, label=f"{forcing} forcing")
    axes.set(xlabel="seconds of stream", ylabel="PSNR against the truth, dB", title="What a frame is given as its past")
    axes.legend()
    figure.savefig(args.out / "forcing.png", dpi=110)
    for forcing, curve in curves.items():
        print(f"{forcing:8} {curve[0]:.2f} dB in the first {args.seconds / BINS:.0f} s, {curve[-1]:.2f} dB in the last")


if __name__ == "__main__":
    main()
