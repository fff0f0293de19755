"""Pictures of how training goes: contact sheets of held-out clips and the loss curve.

Drawing needs Pillow and matplotlib; where they are missing, a run keeps its figures and draws nothing.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from generator.model import VideoModel
from generator.training.portrait_clips import LEFT_EYE, MOUTH, RIGHT_EYE, PortraitBatch, PortraitClip, read_clip

GREY = 110
ROWS, LATENTS = 5, 8  # clips on a sheet, and latent frames of each
LABELS = ("portrait", "truth", "warp", "output")


@torch.no_grad()
def render(generator: VideoModel, batch: PortraitBatch, random: torch.Generator) -> np.ndarray:
    """Roll the generator out over a batch with its own noise: uint8 premultiplied RGBA (B, N, F, H, W, 4)."""
    parameter, training = next(generator.parameters()), generator.training
    generator.eval()
    batch = batch.to(parameter.device)
    state = generator.lock(batch.reference_video(parameter.dtype), batch.reference_conditions(parameter.dtype))
    frames = []
    for t in range(batch.warp.shape[1]):
        conditions = batch.conditions(t, t + 1, parameter.dtype)
        noise = torch.randn(state.previous.shape, generator=random, device=parameter.device).to(parameter.dtype)
        z, state = generator.step(conditions, state, noise[None, :, None])
        video, state = generator.decode(z, conditions, state)
        frames.append(to_pixels(video))
    generator.train(training)
    return np.stack(frames, 1)


def over_grey(rgba: np.ndarray) -> np.ndarray:
    """Premultiplied uint8 (..., 4) over grey, uint8 (..., 3)."""
    rgb, alpha = rgba[..., :3].astype(np.float32), rgba[..., 3:].astype(np.float32)
    return (rgb + GREY * (1 - alpha / 255)).clip(0, 255).astype(np.uint8)


def _region(picture: np.ndarray, box: np.ndarray, aspect: float, size: tuple[int, int]) -> np.ndarray:
    """The box, widened to an aspect, enlarged to (height, width)."""
    from PIL import Image

    x0, y0, x1, y1 = (float(value) for value in box)
    width = max((x1 - x0) * 1.3, (y1 - y0) * 1.3 * aspect, 8)
    height = width / aspect
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    crop = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return np.asarray(Image.fromarray(picture).resize(size[::-1], Image.BICUBIC, box=_inside(crop, picture.shape)))


def _inside(box: tuple[float, ...], shape: tuple[int, ...]) -> tuple[float, ...]:
    """Moved, not cut, until it lies in the picture."""
    height, width = shape[:2]
    x0, y0, x1, y1 = box
    x = min(max(x0, 0), max(0, width - (x1 - x0)))
    y = min(max(y0, 0), max(0, height - (y1 - y0)))
    return x, y, min(x + x1 - x0, width), min(y + y1 - y0, height)


def contact_sheet(batches: list[PortraitBatch], outputs: list[np.ndarray], path: Path, cell: int = 160) -> None:
    """One row of portrait | truth | warp | output per clip (its frame with the widest mouth), mouth and eyes enlarged
    beside them. outputs[i] (1, N, F, H, W, 4) belongs to batches[i]."""
    from PIL import Image, ImageDraw

    rows, detail = [], cell * 4 // 5
    for batch, output in zip(batches, outputs):
        boxes = batch.boxes[0].flatten(0, 1).numpy()  # (frames, 3, 4)
        frame = int((boxes[:, MOUTH, 3] - boxes[:, MOUTH, 1]).argmax())
        box = boxes[frame]
        eyes = np.concatenate([box[[LEFT_EYE, RIGHT_EYE], :2].min(0), box[[LEFT_EYE, RIGHT_EYE], 2:].max(0)])
        cells = [np.asarray(Image.fromarray(over_grey(batch.reference[0].numpy())).resize((cell, cell), Image.BICUBIC))]
        for frames in (batch.frames[0].numpy(), batch.warp[0].numpy(), output[0]):
            picture = over_grey(frames.reshape(-1, *frames.shape[-3:])[frame])
            mouth = _region(picture, box[MOUTH], 1.6, (cell // 2, detail))
            cells.append(np.asarray(Image.fromarray(picture).resize((cell, cell), Image.BICUBIC)))
            cells.append(np.concatenate([mouth, _region(picture, eyes, 1.6, (cell - cell // 2, detail))]))
        rows.append(np.concatenate(cells, 1))
    sheet = Image.fromarray(np.concatenate([np.full((14, rows[0].shape[1], 3), 255, np.uint8), *rows]))
    draw = ImageDraw.Draw(sheet)
    for i, label in enumerate(LABELS):
        draw.text((4 + (cell + (i - 1) * (cell + detail) if i else 0), 1), label, fill=(0, 0, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def figures(batches: list[PortraitBatch], outputs: list[np.ndarray]) -> dict[str, float]:
    """Mean absolute error (0..255) of output and warp against the truth: whole picture, mouth box, eye boxes; and
    `drift`: the output's error in the last quarter over that in the first."""
    rows: dict[str, list[float]] = {}
    drifts = []
    for batch, output in zip(batches, outputs):
        truth = batch.frames[0].flatten(0, 1).numpy().astype(np.float32)
        boxes = batch.boxes[0].flatten(0, 1).numpy()
        for name, frames in (("", output[0]), ("warp_", batch.warp[0].numpy())):
            error = np.abs(frames.reshape(truth.shape).astype(np.float32) - truth).mean(-1)  # (frames, H, W)
            rows.setdefault(f"{name}l1", []).append(float(error.mean()))
            for region, which in (("mouth", (MOUTH,)), ("eyes", (LEFT_EYE, RIGHT_EYE))):
                values = [
                    error[i, b[1] : b[3], b[0] : b[2]].mean()
                    for i in range(len(error))
                    for b in boxes[i, list(which)]
                    if b[2] > b[0] and b[3] > b[1]
                ]
                if values:
                    rows.setdefault(f"{name}{region}_l1", []).append(float(np.mean(values)))
            if not name:
                quarter = max(1, len(error) // 4)
                drifts.append(float(error[-quarter:].mean() / max(error[:quarter].mean(), 1e-6)))
    return {name: float(np.mean(values)) for name, values in rows.items()} | {"drift": float(np.mean(drifts))}


@torch.no_grad()
def reconstruct(generator: VideoModel, batch: PortraitBatch) -> np.ndarray:
    """The truth through the autoencoder, in the form of `render`."""
    parameter = next(generator.parameters())
    batch = batch.to(parameter.device)
    codec, truth = generator.codec, batch.truth(dtype=parameter.dtype)
    state = codec.initial_state(codec.encode(batch.reference_video(parameter.dtype)))
    side = generator.control.side(batch.conditions(dtype=parameter.dtype))
    return to_pixels(codec.decode(codec.encode(truth.flatten(1, 2)), side, state).view_as(truth))


def to_pixels(video: Tensor) -> np.ndarray:
    """(..., 4, H, W) in [-1, 1] to uint8 (..., H, W, 4)."""
    return video.float().add(1).mul(127.5).round().clamp(0, 255).to(torch.uint8).movedim(-3, -1).cpu().numpy()


def evaluate(
    generator: VideoModel, clips: list[PortraitClip], latents: int, path: Path | None, autoencoder_only: bool = False
) -> dict[str, float]:
    """Roll out over whole held-out clips (or reconstruct them), write the contact sheet, return the figures."""
    batches = [read_clip(clip, latents) for clip in clips]
    if autoencoder_only:
        outputs = [reconstruct(generator, batch) for batch in batches]
    else:
        device = next(generator.parameters()).device
        outputs = [render(generator, batch, torch.Generator(device).manual_seed(0)) for batch in batches]
    if path and find_spec("PIL"):
        contact_sheet(batches, outputs, path)
    return figures(batches, outputs)


def loss_curve(records: list[dict], path: Path) -> None:
    """Losses over time, one panel per stage, and the held-out figures below."""
    if not find_spec("matplotlib"):
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    stages = list(dict.fromkeys(record["stage"] for record in records))
    if not stages:
        return
    figure, panels = pyplot.subplots(2, len(stages), figsize=(5 * len(stages), 7), squeeze=False)
    for column, stage in enumerate(stages):
        for row, held_out in enumerate((False, True)):
            chosen = [r for r in records if r["stage"] == stage and r.get("held_out", False) == held_out]
            panel = panels[row][column]
            panel.set_title(f"{stage}, {'held out' if held_out else 'training'}")
            skipped = {"stage", "step", "time", "held_out", "wait", "seconds"}
            for key in dict.fromkeys(key for record in chosen for key in record if key not in skipped):
                points = [(r["step"], r[key]) for r in chosen if isinstance(r.get(key), (int, float)) and r[key] > 0]
                if points:
                    panel.plot(*zip(*points), label=key, marker="." if len(points) < 30 else None)
            panel.set_yscale("log")
            panel.set_xlabel("step")
            if panel.has_data():
                panel.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=80)
    pyplot.close(figure)
