"""One stream on all processes of a group."""

from __future__ import annotations

import torch.distributed as dist

from ..model import VideoModel
from .split_decode import SplitDecoder
from .ulysses import SequenceParallel


def distribute(model: VideoModel, group: dist.ProcessGroup | None = None) -> VideoModel:
    """Divide the tokens of a step and the columns of decoding among the processes, in place.

    Every process has all weights, is given the same inputs and noise, and gets whole pictures. Call it on a model that
    is on its device already, before `lock`. Raises ValueError where the model cannot be divided.
    """
    if model.network is not model.transformer:
        raise ValueError(f"model {model.config.name!r} has convolutions around its transformer: it runs on one device")
    model.network = SequenceParallel(model.transformer, group)
    decoder = SplitDecoder(model.codec, group)
    model.codec.decode_step, model.codec.initial_state = decoder.decode_step, decoder.initial_state
    return model
