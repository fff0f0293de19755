"""Training clips at the size at which the model sees a face, so that it learns what it is shown later."""

from __future__ import annotations

import numpy as np

LEAST = 128  # pixels of a clip each way: a crop of the training
STEP = 16  # pixels, of which the sides of a clip are multiples


def as_seen(clip: dict[str, np.ndarray], face: int | None) -> dict[str, np.ndarray]:
    """The tensors of a training clip, shrunk where the portrait's face is larger than `face` pixels (None: as it is).

    The warp is drawn at full size and shrunk after that, as `PortraitStream` does it.
    """
    from generator.portrait.scale import Scale  # brings torch

    size = clip["frames"].shape[1]
    seen = Scale.of(size, clip["reference_guide"][None], face, STEP).seen
    scale = Scale(size, min(max(seen, LEAST), size))
    videos = {name: scale.shrink(clip[name]) for name in ("frames", "warp", "guide")}
    stills = {
        name: scale.shrink(clip[name][None])[0] for name in ("reference", "reference_warp", "reference_guide")
    }  # fmt: skip
    boxes = np.round(clip["boxes"] * (scale.seen / size)).astype(np.int16)
    return {name: np.ascontiguousarray(array) for name, array in (videos | stills).items()} | {"boxes": boxes}
