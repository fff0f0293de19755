"""Two claims about adversarial post-training, tried small with the discriminator on.

    python benchmarks/aapt.py OUT                     everything, one arm after the other
    python benchmarks/aapt.py OUT --only student      one arm; what OUT holds already is not trained again
    python benchmarks/aapt.py OUT --only report       figures and pictures at the last moment that all arms have reached

Task: the world of generator/training/sprites.py, in which the network draws every pixel. All arms begin with the same
model, which stages 1 and 2 (teacher-forced diffusion, consistency distillation) made, and have the same processor time:

    student   student forcing, one logit per frame                                     AAPT, arXiv 2506.09350
    teacher   every frame made and judged after the truth, one logit per frame         AAPT, appendix D
    clip      student forcing, one logit per clip from a bidirectional discriminator   AAD-1, arXiv 2606.03972

Each is then rolled out, by itself, for twenty times the length that training saw, on clips it has not seen.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from tqdm import tqdm

from generator.discriminator import LatentDiscriminator
from generator.model import VideoModel
from generator.training.adversarial import AdversarialStage, AdversarialTrainer
from generator.training.consistency import ConsistencyStage, ConsistencyTrainer
from generator.training.data import BatchShape
from generator.training.diffusion import DiffusionStage, DiffusionTrainer
from generator.training.distributed import Workers
from generator.training.loop import Trainer
from generator.training.recipes import PAPER_SMALL
from generator.training.sequences import Rollout
from generator.training.sprites import BRIGHTEST, SIDE, WHITE, SpriteBatch, SpriteWorld, sprite_model

SHAPE = BatchShape(size=8, latents=8, crop=SIDE)  # of stages 1 and 2
ROLLOUTS = replace(SHAPE, size=4)
ARMS = {"student": ("student", "frame"), "teacher": ("teacher", "frame"), "clip": ("student", "clip")}
LABELS = {
    "distilled": "distilled (start)", "student": "student, frame", "teacher": "teacher, frame", "clip": "student, clip",
}  # fmt: skip
COLOURS = {"truth": "black", "distilled": "tab:grey", "student": "tab:blue", "teacher": "tab:red", "clip": "tab:green"}
SNAPSHOT = 15  # seconds of processor time between saved models of an arm
HELD_OUT, FRAMES = 8, 160  # clips and frames of the rollouts
SHOWN = (0, 3, 7, 15, 31, 63, 111, 159)  # frames on the sheet
WORLD = SpriteWorld()


def train(name: str, trainer: Trainer, seconds: float, out: Path) -> None:
    """Until `seconds` of this process's processor time are used: what else runs on the machine does not count. Leaves a
    model every SNAPSHOT seconds, and OUT/<name>.safetensors at the end."""
    spent, step, records = 0.0, 0, []
    with tqdm(total=round(seconds), desc=name, unit="s") as bar:
        while spent < seconds:
            began = time.process_time()
            batches = tuple(WORLD.batch(shape, (1, step, number)) for number, shape in enumerate(trainer.shapes))
            metrics = trainer.step(batches, torch.Generator().manual_seed(step), spent / seconds)
            before, step = spent, step + 1
            spent += time.process_time() - began
            records.append({"step": step, "seconds": round(spent, 2), **{k: round(v, 5) for k, v in metrics.items()}})
            if spent // SNAPSHOT > before // SNAPSHOT:
                save(trainer, out / f"{name}_{int(spent // SNAPSHOT) * SNAPSHOT:04d}.safetensors")
                (out / f"{name}.json").write_text("\n".join(json.dumps(record) for record in records))
            bar.n = round(spent)
            bar.set_postfix({key: f"{value:.3g}" for key, value in metrics.items()}, refresh=False)
            bar.update(0)
    save(trainer, out / f"{name}.safetensors")


def save(trainer: Trainer, path: Path) -> None:
    save_file({key: value.contiguous() for key, value in trainer.learners["generator"].result().items()}, path)


def load(path: Path) -> VideoModel | None:
    if not path.exists():
        return None
    model = VideoModel(sprite_model())
    model.load_state_dict(load_file(path))
    return model


def prepare(out: Path, minutes: float) -> tuple[VideoModel, VideoModel]:
    """Stages 1 and 2: the models after diffusion and after distillation."""
    workers = Workers(torch.device("cpu"))
    diffusion, distilled = out / "diffusion.safetensors", out / "distilled.safetensors"
    if not diffusion.exists():
        torch.manual_seed(0)
        stage = replace(PAPER_SMALL.stages["diffusion"], shape=SHAPE)
        assert isinstance(stage, DiffusionStage)
        train("diffusion", DiffusionTrainer(stage, VideoModel(sprite_model()), workers), 48 * minutes, out)
    if not distilled.exists():
        stage = replace(PAPER_SMALL.stages["consistency"], shape=SHAPE)
        assert isinstance(stage, ConsistencyStage)
        train("distilled", ConsistencyTrainer(stage, load(diffusion), load(diffusion), workers), 12 * minutes, out)
    return load(diffusion), load(distilled)


def adversarial(name: str, diffusion: VideoModel, distilled: VideoModel, minutes: float, out: Path) -> None:
    """Stage 3 of one arm; its discriminator begins with the weights of stage 1."""
    torch.manual_seed(1)
    forcing, logits = ARMS[name]
    stage = replace(PAPER_SMALL.stages["adversarial"], shape=ROLLOUTS, forcing=forcing, logits=logits)
    assert isinstance(stage, AdversarialStage)
    judge = LatentDiscriminator(diffusion.network, diffusion.control, diffusion.space, distilled.codec, logits)
    train(name, AdversarialTrainer(stage, distilled, judge, Workers(torch.device("cpu"))), 60 * minutes, out)


@torch.no_grad()
def rollout(model: VideoModel, batch: SpriteBatch) -> np.ndarray:
    """(B, FRAMES, H, W, 3) uint8."""
    made = Rollout(model.eval(), batch, torch.Generator().manual_seed(2))
    z = made.extend(batch.dots.shape[1])
    video = (127.5 * (model.codec.decode(z) + 1)).round().clamp(0, 255)
    return video.to(torch.uint8).movedim(-3, -1).numpy()


def figures(made: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """Per frame, means over the clips: PSNR (dB); sharpness (mean step between neighbouring pixels, truth 1); of the
    ball, which nothing controls, how much of it is there (truth 1) and its pixels a frame."""
    made, truth = made.astype(np.float32), truth.astype(np.float32)
    error = np.square(made - truth).mean((2, 3, 4))

    def steps(video: np.ndarray) -> np.ndarray:
        return np.abs(np.diff(video, axis=2)).mean((2, 3, 4)) + np.abs(np.diff(video, axis=3)).mean((2, 3, 4))

    def white(video: np.ndarray) -> np.ndarray:
        return np.clip((video.min(-1) - BRIGHTEST) / (WHITE - BRIGHTEST), 0, 1)  # (B, T, H, W)

    ball, true_ball = white(made), white(truth)
    area, true_area = ball.sum((2, 3)), true_ball.sum((2, 3))
    y, x = np.mgrid[:SIDE, :SIDE]
    place = np.stack([(ball * axis).sum((2, 3)) / np.maximum(area, 1e-6) for axis in (x, y)], -1)
    there = area > 0.3 * true_area.mean()  # else there is nothing that could move
    moved = np.linalg.norm(np.diff(place, axis=1), axis=-1)
    speed = np.where(there[:, 1:] & there[:, :-1], moved, 0)
    return {
        "psnr": 10 * np.log10(255**2 / np.maximum(error, 1e-6)).mean(0),
        "sharpness": (steps(made) / steps(truth)).mean(0),
        "ball": area.mean(0) / true_area.mean(),
        "speed": np.concatenate([speed[:, :1], speed], 1).mean(0),
    }


def reached(out: Path) -> dict[str, VideoModel]:
    """The start, and each arm at the last moment that all have a model of."""
    moments = {name: {path.stem.split("_")[1] for path in out.glob(f"{name}_*.safetensors")} for name in ARMS}
    shared = set.intersection(*moments.values())
    if not shared:
        missing = ", ".join(name for name in ARMS if not moments[name])
        raise SystemExit(f"{out} does not hold all arms yet: {missing} missing")
    moment = max(shared)
    print(f"after {int(moment)} s of processor time each")
    return {"distilled": load(out / "distilled.safetensors")} | {
        name: load(out / f"{name}_{moment}.safetensors") for name in ARMS
    }


def report(out: Path) -> None:
    batch = WORLD.batch(replace(SHAPE, size=HELD_OUT, latents=FRAMES), (9,))
    truth = batch.frames[:, :, 0].numpy()
    made = {name: rollout(model, batch) for name, model in reached(out).items()}
    curves = {"truth": figures(truth + 0.0, truth)} | {name: figures(video, truth) for name, video in made.items()}
    _curves(curves, out / "aapt.png")
    _sheet(truth, made, out / "aapt.jpg")
    spans = {"1-8": slice(0, 8), "9-40": slice(8, 40), "121-160": slice(120, 160)}
    table = {
        name: {key: {span: float(values[part].mean()) for span, part in spans.items()} for key, values in curve.items()}
        for name, curve in curves.items() if name != "truth"
    }
    table["truth"] = {"speed": float(curves["truth"]["speed"].mean())}
    (out / "aapt.json").write_text(json.dumps(table, indent=1))
    for name, rows in table.items():
        print(name, {key: {k: round(v, 2) for k, v in row.items()} if isinstance(row, dict) else round(row, 2)
                     for key, row in rows.items()})


def _curves(curves: dict[str, dict[str, np.ndarray]], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, 2).flatten()
    titles = {
        "psnr": "PSNR against the truth, dB", "sharpness": "sharpness, truth 1",
        "ball": "how much of the uncontrolled ball is there, truth 1", "speed": "its speed, pixels a frame",
    }
    for panel, (key, title) in zip(panels, titles.items()):
        for name, curve in curves.items():
            if name != "truth" or key == "speed":
                smooth = np.convolve(np.pad(curve[key], 2, mode="edge"), np.full(5, 0.2), "valid")
                panel.plot(np.arange(1, len(smooth) + 1), smooth, color=COLOURS[name], label=LABELS.get(name, name))
        panel.axvline(SHAPE.latents, color="grey", linestyle=":")
        panel.set(title=title, xlabel="frame of the rollout (dotted: length in training)", xscale="log")
    panels[2].set_ylim(0, 4)  # white everywhere is 33
    panels[3].set_ylim(0, 3)
    panels[0].legend()
    figure.savefig(path, dpi=90)


def _sheet(truth: np.ndarray, made: dict[str, np.ndarray], path: Path, clips: int = 2, scale: int = 2) -> None:
    rows = [(f"{LABELS.get(name, name)}", video[clip, list(SHOWN)])
            for clip in range(clips) for name, video in {"truth": truth, **made}.items()]
    side, label = SIDE * scale, 110
    sheet = Image.new("RGB", (label + len(SHOWN) * side, len(rows) * side + 14), "white")
    draw = ImageDraw.Draw(sheet)
    for column, frame in enumerate(SHOWN):
        draw.text((label + column * side + 4, 1), f"frame {frame + 1}", fill="black")
    for row, (name, frames) in enumerate(rows):
        strip = Image.fromarray(np.concatenate(list(frames), 1)).resize((len(SHOWN) * side, side), Image.NEAREST)
        sheet.paste(strip, (label, 14 + row * side))
        draw.text((4, 14 + row * side + side // 2 - 6), name, fill="black")
    sheet.save(path, quality=88)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--minutes", type=float, default=5.0, help="of processor time, for stages 1 and 2 and for each arm"
    )
    parser.add_argument("--only", choices=["start", *ARMS, "report"], help="this part only")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    if args.only == "start":
        prepare(args.out, args.minutes)
    for name in ARMS:
        if args.only in (None, name) and not (args.out / f"{name}.safetensors").exists():
            adversarial(name, *prepare(args.out, args.minutes), args.minutes, args.out)
    if args.only in (None, "report"):
        report(args.out)


if __name__ == "__main__":
    main()
