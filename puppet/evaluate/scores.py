"""The measures of one performance, of several together, and of a long one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, cycle, islice

import numpy as np

from puppet.core.character import Character
from puppet.evaluate import arms, measures
from puppet.evaluate.clips import EvaluationClip, track_faces
from puppet.evaluate.identity import FaceEmbedder
from puppet.evaluate.systems import Motion, System, perform
from puppet.media.video_reader import FPS

EMBED_EVERY = 6  # frames: an embedding costs as much as twenty other measures
SELF_MEASURES = (
    "psnr", "mouth_psnr", "eyes_psnr", "mouth_w1", "akd", "follow", "amplitude", "identity", "sharpness", "seam",
    "face_rate",
)  # fmt: skip
CROSS_MEASURES = ("follow", "amplitude", "identity", "face_rate")
ROLLOUT_MEASURES = ("psnr", "identity", "colour")
ROLLOUT_COLUMNS = tuple(f"{name}_{part}" for name in ROLLOUT_MEASURES for part in ("first", "last", "drift"))
Shown = Iterator[tuple[np.ndarray, ...]]
Progress = Callable[[Shown, int], Shown]  # the same frames, of which there are so many


@dataclass(frozen=True)
class Performance:
    """What a system made of a portrait and a clip. frames: (T, S, S, 3) uint8; faces: (T, 478, 3) found in them."""

    system: str
    frames: np.ndarray
    faces: np.ndarray
    scores: dict[str, float] = field(default_factory=dict)
    signals: dict[str, tuple[float, float]] = field(default_factory=dict)  # correlation and ratio of each moving signal


def act(
    systems: Sequence[System], character: Character, clip: EvaluationClip, motion: Motion, progress: Progress
) -> dict[str, np.ndarray]:
    """{system: (T, S, S, 3) uint8}: what each makes of a portrait and a clip, all from the same maps."""
    shown = progress(perform(systems, character, clip.poses, motion), len(clip.poses))
    return {system.name: np.stack(frames) for system, frames in zip(systems, zip(*shown, strict=True), strict=True)}


def judge(
    system: str,
    frames: np.ndarray,
    character: Character,
    clip: EvaluationClip,
    motion: Motion,
    embed: FaceEmbedder | None,
) -> Performance:
    """Track the frames that a system made, and measure. Against the truth only where the motion is absolute; arms and
    hands only where the clip shows them.
    """
    faces = track_faces(frames)
    signals = measures.following(faces, clip.faces)
    scores = {
        "follow": measures.follow(signals),
        "amplitude": measures.amplitude(signals),
        "identity": _identity(character, frames, faces, embed),
        "face_rate": measures.face_rate(faces),
    }
    if motion.mode == "absolute":
        truth = clip.frames
        scores |= {
            "psnr": measures.psnr(frames, truth),
            "mouth_psnr": measures.region_psnr(frames, truth, clip.faces, measures.MOUTH),
            "eyes_psnr": measures.region_psnr(frames, truth, clip.faces, measures.EYES),
            "mouth_w1": measures.mouth_w1(frames, truth, clip.faces),
            "akd": measures.akd(faces, clip.faces),
            "sharpness": measures.sharpness(frames, truth),
            "seam": measures.seam(frames, truth, clip.faces),
        }
    if clip.limbs is not None:
        measure = arms.places if motion.mode == "absolute" else arms.motion
        scores |= measure(arms.track_limbs(frames), clip.limbs)
    return Performance(system, frames, faces, scores, signals)


def _identity(character: Character, frames: np.ndarray, faces: np.ndarray, embed: FaceEmbedder | None) -> float:
    if embed is None:
        return float("nan")
    own = embed(character.portrait.picture, character.portrait.pose.face)
    return measures.identity(np.stack(list(map(embed, frames[::EMBED_EVERY], faces[::EMBED_EVERY]))), own)


def mean_scores(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Measure by measure over several clips; over those that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: measures.mean([row[name] for row in rows if name in row]) for name in names}


@dataclass(frozen=True)
class Rollout:
    """A long performance, second by second. psnr: dB against the truth; identity: cosine to the portrait;
    colour: grey levels by which the output is brighter than the truth."""

    system: str
    curves: dict[str, np.ndarray]

    def summary(self) -> dict[str, float]:
        """First and last sixth of each curve."""
        sixth = max(len(self.curves["psnr"]) // 6, 1)
        result: dict[str, float] = {}
        for name, curve in self.curves.items():
            first, last = measures.mean(curve[:sixth]), measures.mean(curve[-sixth:])
            result |= {f"{name}_first": first, f"{name}_last": last, f"{name}_drift": last - first}
        return result


def roll_out(
    systems: Sequence[System],
    character: Character,
    clip: EvaluationClip,
    minutes: float,
    embed: FaceEmbedder | None,
    progress: Progress,
) -> list[Rollout]:
    """Drive the clip's first frame with the clip to and fro."""
    count = round(minutes * 60) * FPS
    # the way back is no step back in time
    poses = (replace(pose, time=index / FPS) for index, pose in enumerate(islice(_to_and_fro(clip.poses), count)))
    truths = _to_and_fro(clip.frames)
    own = None if embed is None else embed(character.portrait.picture, character.portrait.pose.face)
    curves: list[dict[str, list[float]]] = [{name: [] for name in ROLLOUT_MEASURES} for _ in systems]
    shown = iter(progress(perform(systems, character, poses, Motion("absolute")), count))
    while second := list(islice(shown, FPS)):
        truth = np.stack(list(islice(truths, len(second))))
        for curve, frames in zip(curves, zip(*second, strict=True), strict=True):
            output = np.stack(frames)
            curve["psnr"].append(measures.psnr(output, truth))
            curve["colour"].append(float(output.mean(dtype=np.float64) - truth.mean(dtype=np.float64)))
            curve["identity"].append(np.nan if embed is None else measures.identity(embed(output[-1])[None], own))
    return [
        Rollout(system.name, {name: np.array(values) for name, values in curve.items()})
        for system, curve in zip(systems, curves, strict=True)
    ]


def _to_and_fro(items) -> Iterator:
    return cycle(chain(items, items[-2:0:-1]))
