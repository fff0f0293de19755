"""torch.compile around the plain model, in place. A step has one shape once its reference is locked: the frame number
is a tensor, the cache lies at fixed addresses, and its number of keys is constant, so that one graph serves for ever.
"""

from __future__ import annotations

import torch

from ..model import VideoModel


def compile_model(model: VideoModel, **kwargs) -> VideoModel:
    """Compile the network's step and what encodes and decodes beside it (the first calls are slow).

    kwargs go to torch.compile. A part that leaves its graph is an error, not a slow path.
    """
    for part, name in ((model.network, "step"), (model.control, "observe"), (model.codec, "decode_step")):
        setattr(part, name, torch.compile(getattr(part, name), fullgraph=True, dynamic=False, **kwargs))
    return model
