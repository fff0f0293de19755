"""Contact sheets of actors, for looking at what training will see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from generator.actors.clips import ActorClip

_MOUTH, _EYES = (61, 291, 0, 17, 13, 14), (33, 133, 362, 263, 159, 145, 386, 374)


def contact_sheet(clips: list[ActorClip], path: str | Path, frames: int = 4, landmarks: bool = False) -> None:
    """Write one row per clip: portrait, frames over the background, and the enlarged mouth and eyes of two frames."""
    from PIL import Image

    rows = []
    for clip in clips:
        pick = np.linspace(0, len(clip.frames) - 1, frames).astype(int)
        wide = int(np.argmax(clip.face[:, 14, 1] - clip.face[:, 13, 1]))
        pick[-1] = wide
        cells = [composite(clip.portrait, clip.background)]
        cells += [composite(clip.frames[t], clip.background) for t in pick]
        for t in (pick[1], wide):
            picture = composite(clip.frames[t], clip.background)
            crops = [_crop(picture, clip.face[t], rows_) for rows_ in (_EYES, _MOUTH)]
            cells.append(np.vstack(crops))
        if landmarks:
            faces = [clip.portrait_face, *clip.face[pick]]
            for cell, face in zip(cells, faces):
                x, y = np.clip(face[:, :2].astype(int).T, 0, len(cell) - 1)
                cell[y, x] = (0, 255, 0)
        rows.append(np.hstack(cells))
    Image.fromarray(np.vstack(rows)).save(path)


def composite(rgba: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(S, S, 4) premultiplied over (S, S, 3) -> (S, S, 3) uint8."""
    rest = 255 - rgba[..., 3:].astype(np.uint16)
    return (rgba[..., :3] + (background * rest + 127) // 255).clip(0, 255).astype(np.uint8)


def _crop(picture: np.ndarray, face: np.ndarray, rows: tuple[int, ...]) -> np.ndarray:
    """(S/2, S, 3) enlargement of a part of the face."""
    from PIL import Image

    size = len(picture)
    points = face[list(rows), :2]
    centre, width = points.mean(0), np.ptp(points[:, 0]) * 1.5 + 4
    box = (centre[0] - width / 2, centre[1] - width / 4, centre[0] + width / 2, centre[1] + width / 4)
    return np.asarray(Image.fromarray(picture).crop(tuple(int(v) for v in box)).resize((size, size // 2), 3))
