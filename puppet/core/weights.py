"""Weights of one's own, kept by name: `--weights me` finds what `puppet fit --name me` made."""

from __future__ import annotations

from pathlib import Path

from puppet.core.calibration import data_folder
from puppet.errors import PuppetError, nearest

SUFFIX = ".safetensors"


def weights_folder() -> Path:
    return data_folder() / "weights"


def own_weights(name: str) -> Path:
    """Where weights of that name are kept. Raises PuppetError for what is no name."""
    if not name or name != Path(name).name or name in ("shipped", "random"):
        raise PuppetError(f"{name!r} is no name for weights: letters, digits, '-' and '_', and not shipped or random")
    return weights_folder() / f"{name}{SUFFIX}"


def find_weights(wanted: str) -> Path:
    """The file that `--weights` means: a path, or the name of own weights. Raises PuppetError where there is none."""
    path = Path(wanted)
    if path.suffix == SUFFIX or path.exists():
        return path
    named = own_weights(path.name) if path.name == wanted else path
    if named.exists():
        return named
    known = sorted(file.stem for file in weights_folder().glob(f"*{SUFFIX}"))
    have = (
        f"there are: {', '.join(known)}{nearest(wanted, known)}"
        if known
        else "there are none yet (puppet fit makes them)"
    )
    raise PuppetError(f"weights {wanted!r} are neither a file nor the name of own weights; {have}")
