"""Pictures to judge by: contact sheets with enlarged mouths and eyes, and curves over minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from pose.tracking.landmarks import LEFT_EYE_RING, LIPS_OUTER, RIGHT_EYE_RING
from pose.tracking.signals import mouth_opening
from puppet.evaluate.measures import face_signals
from puppet.evaluate.scores import Performance, Rollout

CELL = 200  # px, side of a whole picture
CLOSE = 130  # px, width of the enlarged parts beside it
MARGIN = 24  # px of the labels
LEAST_APART = 4  # frames: nearer ones look the same
PANELS = {
    "psnr": "psnr against the driver, dB",
    "identity": "identity, cosine to the portrait",
    "colour": "brighter than the driver, grey levels",
}


def chosen_frames(faces: np.ndarray, even: int = 3) -> list[int]:
    """Frames worth looking at: the widest mouth, the narrowest lids, the largest turn, and some spread evenly."""
    wanted = np.linspace(len(faces) // 10, len(faces) - 1, even).round().astype(int).tolist()
    seen = np.flatnonzero(np.isfinite(faces).all((1, 2)))
    if seen.size:
        signals = face_signals(faces[seen])
        gaps = np.array([mouth_opening(face) for face in faces[seen]])
        turn = np.abs(signals["yaw"] - signals["yaw"][0]) + np.abs(signals["pitch"] - signals["pitch"][0])
        wanted = [int(seen[i]) for i in (gaps.argmax(), signals["lids"].argmin(), turn.argmax())] + wanted
    frames: list[int] = []
    for frame in wanted:
        if all(abs(frame - other) >= LEAST_APART for other in frames):
            frames.append(frame)
    return sorted(frames)


def contact_sheet(truth: Performance, rows: Sequence[Performance], path: Path) -> None:
    """One row per performance under the driver's, one column per chosen frame; mouths and eyes enlarged beside each."""
    columns = chosen_frames(truth.faces)
    performances = (truth, *rows)
    pictures, faces = [], truth.faces
    for performance in performances:
        # where a row shows no face, its mouth and eyes are looked for where the row above has them
        seen = np.isfinite(performance.faces).all((1, 2), keepdims=True)
        faces = np.where(seen, performance.faces, faces)
        pictures.append(np.concatenate([_cell(performance.frames[i], faces[i]) for i in columns], 1))
    height, width = pictures[0].shape[:2]
    sheet = Image.new("RGB", (width, len(pictures) * (height + MARGIN)), "white")
    draw = ImageDraw.Draw(sheet)
    for index, (picture, performance) in enumerate(zip(pictures, performances, strict=True)):
        top = index * (height + MARGIN)
        draw.text((6, top + 6), performance.system, fill="black")
        sheet.paste(Image.fromarray(picture), (0, top + MARGIN))
    sheet.save(path)


def _cell(picture: np.ndarray, face: np.ndarray) -> np.ndarray:
    """(CELL, CELL + CLOSE + 6, 3): the picture, and beside it both eyes and the mouth."""
    cell = np.full((CELL, CELL + CLOSE + 6, 3), 255, np.uint8)
    cell[:, :CELL] = cv2.resize(picture, (CELL, CELL), interpolation=cv2.INTER_AREA)
    if np.isfinite(face).all():
        half, beside = CELL // 3, cell[:, CELL + 1 : CELL + 1 + CLOSE]
        beside[: half - 1] = _enlarged(picture, face[[*RIGHT_EYE_RING, *LEFT_EYE_RING]], half - 1)
        beside[half:] = _enlarged(picture, face[list(LIPS_OUTER)], CELL - half)
    return cell


def _enlarged(picture: np.ndarray, points: np.ndarray, height: int) -> np.ndarray:
    """(height, CLOSE, 3): the surroundings of some landmarks."""
    low, high = points[:, :2].min(0), points[:, :2].max(0)
    scale = min(CLOSE / max(1.25 * (high - low)[0], 8), height / max(1.4 * (high - low)[1], 8))
    shift = np.array([CLOSE, height]) / 2 - scale * (low + high) / 2
    # the centre of a pixel is at .5 in landmarks and at .0 in OpenCV
    matrix = np.array([[scale, 0, shift[0] + scale / 2 - 0.5], [0, scale, shift[1] + scale / 2 - 0.5]])
    return cv2.warpAffine(picture, matrix, (CLOSE, height), flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))


def drift_curves(rollouts: Sequence[Rollout], path: Path) -> None:
    """The measures of long performances over time, one panel each, one line per system."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    for axis, (name, title) in zip(figure.subplots(len(PANELS), sharex=True), PANELS.items(), strict=True):
        for rollout in rollouts:
            curve = rollout.curves[name]
            axis.plot(np.arange(len(curve)) + 0.5, curve, label=rollout.system, linewidth=1.2)
        axis.set_ylabel(title, fontsize=8)
        axis.grid(alpha=0.3)
    figure.axes[0].legend(loc="lower left", fontsize=8, ncols=len(rollouts))
    figure.axes[-1].set_xlabel("seconds of performance (the driver plays to and fro)")
    figure.savefig(path, dpi=120)
