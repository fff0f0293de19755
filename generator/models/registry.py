"""All models that there are."""

from __future__ import annotations

import difflib

from .apt2 import APT2_8B, APT2_8B_720P
from .forcing import FORCING_MODELS
from .model import Model
from .pocket import POCKET
from .tiny import TINY
from .wan import WAN_MODELS
from .world import WORLD_SMALL

MODELS: dict[str, Model] = {
    model.name: model for model in (TINY, POCKET, *WAN_MODELS, *FORCING_MODELS, WORLD_SMALL, APT2_8B, APT2_8B_720P)
}


def get_model(name: str) -> Model:
    """The model of that name.  Raises ValueError, naming the nearest one, when there is none."""
    if name in MODELS:
        return MODELS[name]
    near = difflib.get_close_matches(name, MODELS, n=1, cutoff=0.0)
    raise ValueError(f"no model named {name!r}; did you mean {near[0]!r}? Known: {', '.join(sorted(MODELS))}")
